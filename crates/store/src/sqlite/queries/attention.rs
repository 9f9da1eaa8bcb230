//! Why a device is not as it should be, as a term.

/// The word of [`fleet::Attention`] of `device AS d` with `device_state AS s`, or null: what
/// [`fleet::Attention::of`] says. `NOW` is the time. A device's values are looked at only where
/// nothing is under way. No property has a name that could not stand between quotation marks.
pub(in crate::sqlite) const ATTENTION: &str = "CASE
     WHEN s.trouble IS NOT NULL OR EXISTS (SELECT 1 FROM binding AS b
         WHERE b.device = d.key AND (b.ended_at IS NOT NULL OR b.expires_at <= NOW))
         THEN 'trouble'
     WHEN s.has_work = 0 AND octet_length(s.desired) > 2 AND EXISTS (
         SELECT 1 FROM json_each(s.desired) AS w
         WHERE json_type(s.reported, '$.values.\"' || w.key || '\"') IS NOT NULL
             AND json_extract(s.reported, '$.values.\"' || w.key || '\"[0]')
                 IS NOT w.value ->> 0
             AND (s.restart_pending IS NULL
                 OR json_type(s.restart_pending, '$.\"' || w.key || '\"') IS NULL))
         THEN 'drift'
     WHEN s.restart_pending IS NOT NULL THEN 'restart_pending'
     WHEN s.revision > s.settled THEN 'pending' END";
