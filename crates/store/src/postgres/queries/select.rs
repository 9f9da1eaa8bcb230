//! The devices that a selector means. A page walks along one index, so many devices at a time, and
//! looks at each of them; how many it walks past is bounded, so that no page reads a whole table.

use fleet::limits::SELECT_WALK_MAX;
use fleet::{DeviceId, DeviceKey, Kind, Principal, ProjectId, Selector};
use tokio_postgres::Row;

use super::attention::ATTENTION;
use super::devices::of_state;
use super::{NOW, Terms, is_storable, projects};
use crate::columns::{column, parsed};
use crate::postgres::connection::{Connection, Params};
use crate::postgres::rows::{asked, select_devices_with_state};
use crate::rows;
use crate::rows::cameras::CREDENTIALS_IN_USE;
use crate::rules::select::{
    NO_ATTENTION, attention, conditions, credentials, needle, statuses, tags, values_of,
};
use crate::rules::updates::{WALK_CHUNK, page};
use crate::{Error, Selected, SelectedKeys};

/// What is asked of a selection: whose, of which project, and what is meant.
type Asked<'a> = (&'a Principal, Option<&'a ProjectId>, &'a Selector);

/// See [`crate::Reads::select`].
pub(in crate::postgres) async fn select(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    selector: &Selector,
    page: (DeviceKey, u32),
) -> Result<Selected, Error> {
    let (devices, next) = walk(
        c,
        (principal, project, selector),
        page,
        |keys| select_devices_with_state(&format!("SELECT d.key {keys}")),
        rows::device_with_state,
        |found| found.device.key,
    )
    .await?;
    Ok(Selected { devices, next })
}

/// See [`crate::Reads::select_keys`].
pub(in crate::postgres) async fn select_keys(
    c: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    selector: &Selector,
    page: (DeviceKey, u32),
) -> Result<SelectedKeys, Error> {
    let read = |row: &Row| Ok((DeviceKey(column(row, 0)?), parsed::<DeviceId>(row, 1)?));
    let (devices, next) = walk(
        c,
        (principal, project, selector),
        page,
        |keys| format!("SELECT d.key, d.id {keys}"),
        read,
        |(key, _)| *key,
    )
    .await?;
    Ok(SelectedKeys { devices, next })
}

/// Whether all of its texts may be in the database: see [`is_storable`].
fn is_askable(selector: &Selector) -> bool {
    let tags = selector.tags.iter().flat_map(|(key, value)| [Some(key), value.as_ref()]);
    let values = selector.values.iter().map(|is| is.value.as_ref());
    let texts = [selector.manufacturer.as_ref(), selector.text.as_ref()];
    let servers = selector.servers.iter().map(Some);
    tags.chain(values).chain(texts).chain(servers).flatten().all(|text| is_storable(text))
}

/// One page: what `statement` reads of each device that is meant. It is given what follows the
/// columns.
async fn walk<T>(
    c: &Connection,
    (principal, project, selector): Asked<'_>,
    (after, limit): (DeviceKey, u32),
    statement: impl Fn(&str) -> String,
    read: impl Fn(&Row) -> Result<T, Error>,
    key: impl Fn(&T) -> DeviceKey,
) -> Result<(Vec<T>, Option<DeviceKey>), Error> {
    if !is_askable(selector) {
        return Ok((Vec::new(), None));
    }
    let projects = match project {
        Some(id) => match projects::project(c, principal, id).await? {
            Some(project) => Some(vec![project.key.0]),
            None => return Ok((Vec::new(), None)),
        },
        None => principal.projects().map(|all| all.iter().map(|key| key.0).collect::<Vec<_>>()),
    };
    let path = Path::choose(c, projects.as_deref(), selector, after).await?;
    let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
    let (mut at, mut walked, mut found) = (after.0, 0, Vec::new());
    let end = loop {
        if found.len() > limit || walked >= SELECT_WALK_MAX {
            break Some(DeviceKey(at));
        }
        let keys = path.next(c, at).await?;
        let Some(last) = keys.last() else {
            break None;
        };
        at = *last;
        walked += keys.len();
        let is_last = keys.len() < WALK_CHUNK;
        let rest = limit.saturating_add(1) - found.len();
        let (from, terms) = of_keys(keys, rest, projects.as_deref(), selector)?;
        found.extend(c.all("select devices", &statement(&from), &terms.params(), &read).await?);
        if is_last {
            break None;
        }
    };
    Ok(page(found, limit, end, key))
}

/// Those of these devices that are meant, at most `limit`, by key: what follows the columns, and
/// its values. Lists are one value each, so that there are few statements.
fn of_keys(
    keys: Vec<i64>,
    limit: usize,
    projects: Option<&[i64]>,
    selector: &Selector,
) -> Result<(String, Terms), Error> {
    let mut terms = Terms::default();
    let keys = terms.value(keys);
    let limit = terms.value(i64::try_from(limit).unwrap_or(i64::MAX));
    terms.require_that("true");
    if let Some(projects) = projects {
        terms.require("d.project = ANY(?::bigint[])", projects.to_vec());
    }
    if let Some(kind) = selector.kind {
        terms.require("d.kind = ?", kind.name());
    }
    if !selector.servers.is_empty() {
        terms.require("d.server = ANY(?::text[])", selector.servers.clone());
    }
    if !selector.conditions.is_empty() {
        let term = "s.condition IN (SELECT json_array_elements_text(?::text::json))";
        terms.require(&of_state(term), conditions(selector)?);
    }
    if !selector.attention.is_empty() {
        let word = format!("coalesce({ATTENTION}, '{NO_ATTENTION}')");
        let term = format!("{word} IN (SELECT json_array_elements_text(?::text::json))");
        terms.require(&of_state(&term), attention(selector)?);
    }
    if !selector.tags.is_empty() {
        terms.require(TAGS, tags(selector)?);
    }
    if !selector.values.is_empty() {
        terms.require(&of_state(VALUES), values_of(selector)?);
    }
    if let Some(frozen) = selector.frozen {
        terms.require(&of_state("s.frozen = ?"), frozen);
    }
    if !selector.statuses.is_empty() {
        terms.require(&status_term(), statuses(selector)?);
    }
    if !selector.credentials.is_empty() {
        terms.require(&credentials_term(), credentials(selector)?);
    }
    if let Some(path) = &selector.organization {
        terms.require(ORGANIZATION, path.to_string());
    }
    if let Some(manufacturer) = &selector.manufacturer {
        terms.require(MANUFACTURER, needle(manufacturer));
    }
    if let Some(text) = &selector.text {
        terms.require(TEXT, needle(text));
    }
    let asked = asked(&format!("{keys}::bigint[]"));
    let from = format!(
        "FROM {asked} JOIN device AS d ON d.key = asked.key
         WHERE {} ORDER BY asked.place LIMIT {limit}",
        terms.sql()
    );
    Ok((from, terms))
}

/// That a device has all of these tags.
const TAGS: &str = "NOT EXISTS (SELECT 1 FROM json_array_elements(?::text::json) AS t
         WHERE NOT EXISTS (SELECT 1 FROM tag AS g
             WHERE g.project = d.project AND g.kind = 0 AND g.thing = d.id AND g.key = t ->> 0
                 AND (t ->> 1 IS NULL OR g.value = t ->> 1) OFFSET 0) OFFSET 0)";

/// That all of a device's values are these: each is whether it is the reported one, the name, and
/// the value. A column with a U+0000 in it, which PostgreSQL can't read as JSON, holds none.
const VALUES: &str = "NOT EXISTS (SELECT 1 FROM json_array_elements(?::text::json) AS v
         WHERE v ->> 2 IS DISTINCT FROM CASE
             WHEN (v ->> 0)::boolean AND strpos(s.reported, '\\u0000') = 0
                 THEN s.reported::json #>> ARRAY['values', v ->> 1, '0']
             WHEN NOT (v ->> 0)::boolean AND strpos(s.desired, '\\u0000') = 0
                 THEN s.desired::json #>> ARRAY[v ->> 1, '0'] END)";

/// That a GB device stands so. `OFFSET 0`: see [`of_state`].
fn status_term() -> String {
    format!(
        "EXISTS (SELECT 1 FROM camera AS k LEFT JOIN binding AS b ON b.device = k.device
         WHERE k.device = d.key AND CASE WHEN b.device IS NULL THEN 'Register'
                 WHEN b.ended_at IS NULL AND b.expires_at > {NOW} THEN 'OnLine'
                 ELSE 'OffLine' END
             IN (SELECT json_array_elements_text(?::text::json)) OFFSET 0)"
    )
}

/// That a GB device is registered, and with which credentials.
fn credentials_term() -> String {
    format!(
        "EXISTS (SELECT 1 FROM camera AS k JOIN binding AS b ON b.device = k.device
         WHERE k.device = d.key AND b.ended_at IS NULL AND b.expires_at > {NOW}
             AND {CREDENTIALS_IN_USE} IN (SELECT json_array_elements_text(?::text::json)) OFFSET 0)"
    )
}

/// That a device is filed in an organization or below it.
const ORGANIZATION: &str = "EXISTS (SELECT 1
         FROM camera AS k JOIN organization AS o ON o.key = k.organization
         WHERE k.device = d.key
             AND (o.path = ?::text OR starts_with(o.path, ?::text || '/')) OFFSET 0)";

/// That a device said who made it.
const MANUFACTURER: &str = "EXISTS (SELECT 1 FROM device_facts AS f
         WHERE f.device = d.key AND strpos(f.facts, '\\u0000') = 0
             AND lower((f.facts::json ->> 'manufacturer') COLLATE \"C\") = ?::text OFFSET 0)";

/// That a text is part of what a device is called or where it is.
const TEXT: &str = "(strpos(lower(d.id), ?::text) > 0 OR strpos(lower(d.name), ?::text) > 0
         OR strpos(lower(d.server), ?::text) > 0 OR strpos(lower(d.address), ?::text) > 0)";

/// Along what a selection goes.
#[derive(Debug, PartialEq, Eq)]
enum Path {
    /// These devices, by key: they are all that can be meant.
    Keys(Vec<i64>),
    /// Those of these servers.
    Servers(Vec<String>),
    /// Those of these projects, of one kind if it is given.
    Projects(Vec<i64>, Option<Kind>),
    /// All.
    Devices,
}

/// The devices of these ids.
fn by_ids() -> String {
    format!("SELECT d.key FROM {} JOIN device AS d ON d.id = asked.key", asked("$1::text[]"))
}

/// The devices of a project with a tag, and with that value if there is one. `kind` 0: devices.
fn by_tag() -> String {
    let things = "SELECT thing FROM tag
         WHERE project = $1 AND kind = 0 AND key = $2 AND ($4::text IS NULL OR value = $4)
         LIMIT $3";
    format!(
        "SELECT d.key FROM unnest(ARRAY({things})) AS t (thing)
             JOIN device AS d ON d.id = t.thing AND d.project = $1"
    )
}

/// The devices that are filed in the organizations whose paths begin so: some that are not below it
/// are among them.
const BY_ORGANIZATION: &str = "SELECT k.device
     FROM (SELECT key FROM organization
               WHERE project = $1 AND path >= $2::text AND path < $2::text || '0' OFFSET 0) AS o
         CROSS JOIN LATERAL (
             SELECT device FROM camera WHERE organization = o.key OFFSET 0) AS k LIMIT $3";
/// The next devices of some servers.
const NEXT_OF_SERVERS: &str = "SELECT page.key FROM unnest($1::text[]) AS server (id)
     CROSS JOIN LATERAL (SELECT key FROM device WHERE server = server.id AND key > $2
         ORDER BY key LIMIT $3) AS page
     ORDER BY page.key LIMIT $3";
/// The next devices of all.
const NEXT: &str = "SELECT key FROM device WHERE key > $1 ORDER BY key LIMIT $2";

/// The next devices of some projects, of one kind if it is given: the indexes over one kind's
/// devices serve only their own words.
fn next_of_projects(kind: Option<Kind>) -> String {
    let of_kind = kind.map_or(String::new(), |kind| format!("AND kind = '{}'", kind.name()));
    format!(
        "SELECT page.key FROM unnest($1::bigint[]) AS project (key)
             CROSS JOIN LATERAL (
                 SELECT key FROM device WHERE project = project.key AND key > $2 {of_kind}
                 ORDER BY key LIMIT $3) AS page
         ORDER BY page.key LIMIT $3"
    )
}

/// The first column of a statement's rows.
async fn keys(c: &Connection, sql: &str, params: Params<'_>) -> Result<Vec<i64>, Error> {
    c.all("walk along devices", sql, params, |row| column(row, 0)).await
}

impl Path {
    /// The shortest one there is.
    async fn choose(
        c: &Connection,
        projects: Option<&[i64]>,
        selector: &Selector,
        after: DeviceKey,
    ) -> Result<Self, Error> {
        if let Some(mut found) = Self::few(c, projects, selector).await? {
            found.retain(|key| *key > after.0);
            found.sort_unstable();
            found.dedup();
            return Ok(Self::Keys(found));
        }
        Ok(if !selector.servers.is_empty() {
            let mut servers = selector.servers.clone();
            servers.sort_unstable();
            servers.dedup();
            Self::Servers(servers)
        } else if let Some(projects) = projects {
            Self::Projects(projects.to_vec(), selector.only_kind())
        } else {
            Self::Devices
        })
    }

    /// All devices that can be meant, if an index has them and they are few.
    async fn few(
        c: &Connection,
        projects: Option<&[i64]>,
        selector: &Selector,
    ) -> Result<Option<Vec<i64>>, Error> {
        if !selector.ids.is_empty() {
            let ids: Vec<&str> = selector.ids.iter().map(DeviceId::as_str).collect();
            return keys(c, &by_ids(), &[&ids]).await.map(Some);
        }
        let Some([project]) = projects else {
            return Ok(None);
        };
        let most = i64::try_from(SELECT_WALK_MAX).unwrap_or(i64::MAX).saturating_add(1);
        if let Some((tag, value)) = selector.tags.first() {
            let found = keys(c, &by_tag(), &[project, tag, &most, value]).await?;
            if found.len() <= SELECT_WALK_MAX {
                return Ok(Some(found));
            }
        }
        if let Some(path) = &selector.organization {
            let found = keys(c, BY_ORGANIZATION, &[project, &path.to_string(), &most]).await?;
            if found.len() <= SELECT_WALK_MAX {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The next devices after a key, by key: a chunk of them, fewer if there are no more.
    async fn next(&self, c: &Connection, after: i64) -> Result<Vec<i64>, Error> {
        let chunk = i64::try_from(WALK_CHUNK).unwrap_or(i64::MAX);
        match self {
            Self::Keys(all) => {
                let rest = all.get(all.partition_point(|key| *key <= after)..);
                Ok(rest.unwrap_or_default().iter().take(WALK_CHUNK).copied().collect())
            }
            Self::Devices => keys(c, NEXT, &[&after, &chunk]).await,
            Self::Servers(servers) => keys(c, NEXT_OF_SERVERS, &[servers, &after, &chunk]).await,
            Self::Projects(projects, kind) => {
                keys(c, &next_of_projects(*kind), &[projects, &after, &chunk]).await
            }
        }
    }
}
