//! Why a device is not as it should be, as a term.

/// The word of [`fleet::Attention`] of `device AS d` with `device_state AS s`, or null: what
/// [`fleet::Attention::of`] says. A device's values are looked at only where
/// nothing is under way, and not where a column has a U+0000 in it, which PostgreSQL can't read as
/// JSON. The inner CASE keeps the planner from reading one before it is known that it can be read.
pub(in crate::postgres) const ATTENTION: &str = "CASE
     WHEN s.trouble IS NOT NULL OR EXISTS (SELECT 1 FROM binding AS b
         WHERE b.device = d.key AND (b.ended_at IS NOT NULL
             OR b.expires_at <= (extract(epoch FROM statement_timestamp()) * 1000)::bigint)
         OFFSET 0)
         THEN 'trouble'
     WHEN CASE WHEN s.has_work OR octet_length(s.desired) <= 2
             OR strpos(s.desired, '\\u0000') > 0 OR strpos(s.reported, '\\u0000') > 0 THEN false
         ELSE EXISTS (SELECT 1 FROM json_each(s.desired::json) AS w
             JOIN json_each(s.reported::json -> 'values') AS r ON r.key = w.key
             WHERE r.value ->> 0 IS DISTINCT FROM w.value ->> 0
                 AND (s.restart_pending::json -> w.key) IS NULL) END
         THEN 'drift'
     WHEN s.restart_pending IS NOT NULL THEN 'restart_pending'
     WHEN s.revision > s.settled THEN 'pending' END";
