//! The devices that a selector means. A page walks along one index, so many devices at a time, and
//! looks at each of them; how many it walks past is bounded, so that no page reads a whole table.

use fleet::limits::SELECT_WALK_MAX;
use fleet::{DeviceId, DeviceKey, Kind, Principal, ProjectId, Selector, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Params, Row, params, params_from_iter};

use super::attention::ATTENTION;
use super::{all, projects};
use crate::columns::{column, parsed, to_json};
use crate::rows;
use crate::rows::cameras::CREDENTIALS_IN_USE;
use crate::rules::select::{
    NO_ATTENTION, attention, conditions, credentials, needle, statuses, tags, values_of,
};
use crate::rules::updates::{WALK_CHUNK, page};
use crate::sqlite::clock::Now;
use crate::sqlite::rows::select_device_with_state;
use crate::{Error, Selected, SelectedKeys};

/// See [`crate::Reads::select`].
pub(in crate::sqlite) fn select(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    selector: &Selector,
    now: Now,
    (after, limit): (DeviceKey, u32),
) -> Result<Selected, Error> {
    let columns = select_device_with_state();
    let read = |row: &Row<'_>| rows::device_with_state(row);
    let (devices, next) = walk(
        connection,
        (principal, project, selector, now),
        (after, limit),
        (&columns, read),
        |found| found.device.key,
    )?;
    Ok(Selected { devices, next })
}

/// What [`select_keys`] reads, up to the terms.
pub(in crate::sqlite) const KEYS: &str =
    "SELECT d.key, d.id FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key";

/// See [`crate::Reads::select_keys`].
pub(in crate::sqlite) fn select_keys(
    connection: &Connection,
    principal: &Principal,
    project: Option<&ProjectId>,
    selector: &Selector,
    now: Now,
    (after, limit): (DeviceKey, u32),
) -> Result<SelectedKeys, Error> {
    let read = |row: &Row<'_>| Ok((DeviceKey(column(row, 0)?), parsed::<DeviceId>(row, 1)?));
    let (devices, next) = walk(
        connection,
        (principal, project, selector, now),
        (after, limit),
        (KEYS, read),
        |(key, _)| *key,
    )?;
    Ok(SelectedKeys { devices, next })
}

/// What is asked of a selection: whose, of which project, what is meant, and when.
type Asked<'a> = (&'a Principal, Option<&'a ProjectId>, &'a Selector, Now);

/// One page: what `statement` reads of each device that is meant.
fn walk<T>(
    connection: &Connection,
    (principal, project, selector, now): Asked<'_>,
    (after, limit): (DeviceKey, u32),
    (statement, read): (&str, impl Fn(&Row<'_>) -> Result<T, Error>),
    key: impl Fn(&T) -> DeviceKey,
) -> Result<(Vec<T>, Option<DeviceKey>), Error> {
    let projects = match project {
        Some(id) => match projects::project(connection, principal, id)? {
            Some(project) => Some(vec![project.key.0]),
            None => return Ok((Vec::new(), None)),
        },
        None => principal.projects().map(|all| all.iter().map(|key| key.0).collect()),
    };
    let path = Path::choose(connection, projects.as_deref(), selector, after)?;
    let (terms, values) = terms(projects.as_deref(), selector, now.read(connection)?)?;
    let sql = format!("{statement} WHERE {terms} ORDER BY d.key LIMIT ?2");
    let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
    let (mut at, mut walked, mut found) = (after.0, 0, Vec::new());
    let end = loop {
        if found.len() > limit || walked >= SELECT_WALK_MAX {
            break Some(DeviceKey(at));
        }
        let keys = path.next(connection, at)?;
        let Some(last) = keys.last() else {
            break None;
        };
        at = *last;
        walked += keys.len();
        let rest = limit.saturating_add(1) - found.len();
        let mut params = vec![
            Value::Text(to_json(&keys)?),
            Value::Integer(i64::try_from(rest).unwrap_or(i64::MAX)),
        ];
        params.extend(values.iter().cloned());
        let params = params_from_iter(params);
        found.extend(all(connection, "select devices", &sql, params, &read)?);
        if keys.len() < WALK_CHUNK {
            break None;
        }
    };
    Ok(page(found, limit, end, key))
}

/// Terms, and the values that they compare with, which are numbered from the third on.
#[derive(Default)]
struct Terms {
    /// The terms.
    terms: Vec<String>,
    /// The values.
    values: Vec<Value>,
}

impl Terms {
    /// A term in which `?` stands for the value.
    fn require(&mut self, term: &str, value: String) {
        let place = self.value(Value::Text(value));
        self.terms.push(term.replace('?', &place));
    }

    /// A term in which `NOW` stands for the time, too.
    fn require_at(&mut self, term: &str, value: String, at: Timestamp) {
        let (place, now) = (self.value(Value::Text(value)), self.value(Value::Integer(at.0)));
        self.terms.push(term.replace('?', &place).replace("NOW", &now));
    }

    /// How the statement speaks of this value.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len() + 2)
    }
}

/// The terms about `device AS d` and `device_state AS s` at a time, and their values from the third
/// on. The first value is the keys of the devices that are looked at, the second how many are
/// wanted. Lists are one value each, so that there are few statements.
pub(in crate::sqlite) fn terms(
    projects: Option<&[i64]>,
    selector: &Selector,
    at: Timestamp,
) -> Result<(String, Vec<Value>), Error> {
    let mut found = Terms::default();
    found.terms.push("d.key IN (SELECT value FROM json_each(?1))".to_owned());
    if let Some(projects) = projects {
        found.require("d.project IN (SELECT value FROM json_each(?))", to_json(&projects)?);
    }
    if let Some(kind) = selector.kind {
        found.require("d.kind = ?", kind.name().to_owned());
    }
    if !selector.servers.is_empty() {
        found.require("d.server IN (SELECT value FROM json_each(?))", to_json(&selector.servers)?);
    }
    if !selector.conditions.is_empty() {
        let term = "s.condition IN (SELECT value FROM json_each(?))";
        found.require(term, conditions(selector)?);
    }
    if !selector.attention.is_empty() {
        let word = format!("coalesce({ATTENTION}, '{NO_ATTENTION}')");
        let term = format!("{word} IN (SELECT value FROM json_each(?))");
        found.require_at(&term, attention(selector)?, at);
    }
    if !selector.tags.is_empty() {
        found.require(TAGS, tags(selector)?);
    }
    if !selector.values.is_empty() {
        found.require(VALUES, values_of(selector)?);
    }
    if let Some(frozen) = selector.frozen {
        found.terms.push(format!("s.frozen = {}", u8::from(frozen)));
    }
    if !selector.statuses.is_empty() {
        found.require_at(STATUS, statuses(selector)?, at);
    }
    if !selector.credentials.is_empty() {
        found.require_at(&credentials_term(), credentials(selector)?, at);
    }
    if let Some(path) = &selector.organization {
        found.require(ORGANIZATION, path.to_string());
    }
    if let Some(manufacturer) = &selector.manufacturer {
        found.require(MANUFACTURER, needle(manufacturer));
    }
    if let Some(text) = &selector.text {
        found.require(TEXT, needle(text));
    }
    Ok((found.terms.join(" AND "), found.values))
}

/// That a device has all of these tags.
const TAGS: &str = "NOT EXISTS (SELECT 1 FROM json_each(?) AS t WHERE NOT EXISTS (
         SELECT 1 FROM tag AS g
         WHERE g.project = d.project AND g.kind = 0 AND g.thing = d.id
             AND g.key = t.value ->> 0 AND (t.value ->> 1 IS NULL OR g.value = t.value ->> 1)))";

/// That all of a device's values are these: each is whether it is the reported one, the name, and
/// the value.
const VALUES: &str = "NOT EXISTS (SELECT 1 FROM json_each(?) AS v WHERE v.value ->> 2 IS NOT
         CASE WHEN v.value ->> 0
             THEN json_extract(s.reported, '$.values.\"' || (v.value ->> 1) || '\"[0]')
             ELSE json_extract(s.desired, '$.\"' || (v.value ->> 1) || '\"[0]') END)";

/// That a GB device stands so. `NOW` is the time.
const STATUS: &str = "(SELECT CASE WHEN b.device IS NULL THEN 'Register'
             WHEN b.ended_at IS NULL AND b.expires_at > NOW THEN 'OnLine' ELSE 'OffLine' END
         FROM camera AS k LEFT JOIN binding AS b ON b.device = k.device
         WHERE k.device = d.key) IN (SELECT value FROM json_each(?))";

/// That a GB device is registered, and with which credentials. `NOW` is the time.
fn credentials_term() -> String {
    format!(
        "(SELECT {CREDENTIALS_IN_USE}
         FROM camera AS k CROSS JOIN binding AS b ON b.device = k.device
         WHERE k.device = d.key AND b.ended_at IS NULL AND b.expires_at > NOW)
             IN (SELECT value FROM json_each(?))"
    )
}

/// That a device is filed in an organization or below it.
const ORGANIZATION: &str = "EXISTS (SELECT 1
         FROM camera AS k CROSS JOIN organization AS o ON o.key = k.organization
         WHERE k.device = d.key
             AND (o.path = ? OR substr(o.path, 1, length(?) + 1) = ? || '/'))";

/// That a device said who made it.
const MANUFACTURER: &str = "EXISTS (SELECT 1 FROM device_facts AS f
         WHERE f.device = d.key AND lower(json_extract(f.facts, '$.manufacturer')) = ?)";

/// That a text is part of what a device is called or where it is.
const TEXT: &str = "(instr(lower(d.id), ?) > 0 OR instr(lower(d.name), ?) > 0
         OR instr(lower(d.server), ?) > 0 OR instr(lower(d.address), ?) > 0)";

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

/// The devices of an id.
pub(in crate::sqlite) const BY_IDS: &str = "SELECT d.key
     FROM json_each(?1) AS i CROSS JOIN device AS d ON d.id = i.value";
/// The devices of a project with a tag. `kind` 0: devices.
pub(in crate::sqlite) const BY_TAG: &str = "SELECT d.key
     FROM (SELECT thing FROM tag WHERE project = ?1 AND kind = 0 AND key = ?2 LIMIT ?3) AS t
         CROSS JOIN device AS d ON d.id = t.thing AND d.project = ?1";
/// ... with that value.
pub(in crate::sqlite) const BY_TAG_VALUE: &str = "SELECT d.key
     FROM (SELECT thing FROM tag WHERE project = ?1 AND kind = 0 AND key = ?2 AND value = ?4
               LIMIT ?3) AS t
         CROSS JOIN device AS d ON d.id = t.thing AND d.project = ?1";
/// The devices that are filed in the organizations whose paths begin so: some that are not below it
/// are among them.
pub(in crate::sqlite) const BY_ORGANIZATION: &str = "SELECT k.device
     FROM organization AS o CROSS JOIN camera AS k ON k.organization = o.key
     WHERE o.project = ?1 AND o.path >= ?2 AND o.path < ?2 || '0' LIMIT ?3";
/// The next devices of a server.
pub(in crate::sqlite) const NEXT_OF_SERVER: &str =
    "SELECT key FROM device WHERE server = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
/// The next ones of a project.
pub(in crate::sqlite) const NEXT_OF_PROJECT: &str =
    "SELECT key FROM device WHERE project = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
/// The next phones of one.
pub(in crate::sqlite) const NEXT_PHONES: &str = "SELECT key FROM device
     WHERE project = ?1 AND kind = 'phone' AND key > ?2 ORDER BY key LIMIT ?3";
/// The next GB devices of one.
pub(in crate::sqlite) const NEXT_CAMERAS: &str = "SELECT key FROM device
     WHERE project = ?1 AND kind = 'camera' AND key > ?2 ORDER BY key LIMIT ?3";
/// The next devices of all.
pub(in crate::sqlite) const NEXT: &str =
    "SELECT key FROM device WHERE key > ?1 ORDER BY key LIMIT ?2";

/// The first column of a statement's rows.
fn keys(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<i64>, Error> {
    all(connection, "walk along devices", sql, params, |row| column(row, 0))
}

/// A walk's chunk, as a statement takes it.
fn chunk() -> i64 {
    i64::try_from(WALK_CHUNK).unwrap_or(i64::MAX)
}

impl Path {
    /// The shortest one there is.
    fn choose(
        connection: &Connection,
        projects: Option<&[i64]>,
        selector: &Selector,
        after: DeviceKey,
    ) -> Result<Self, Error> {
        if let Some(found) = Self::few(connection, projects, selector)? {
            let mut found: Vec<i64> = found.into_iter().filter(|key| *key > after.0).collect();
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
    fn few(
        connection: &Connection,
        projects: Option<&[i64]>,
        selector: &Selector,
    ) -> Result<Option<Vec<i64>>, Error> {
        if !selector.ids.is_empty() {
            return keys(connection, BY_IDS, [to_json(&selector.ids)?]).map(Some);
        }
        let Some([project]) = projects else {
            return Ok(None);
        };
        let most = i64::try_from(SELECT_WALK_MAX).unwrap_or(i64::MAX);
        let is_few = |found: &Vec<i64>| found.len() <= SELECT_WALK_MAX;
        if let Some((tag, value)) = selector.tags.first() {
            let found = match value {
                None => keys(connection, BY_TAG, params![project, tag, most + 1])?,
                Some(value) => {
                    let params = params![project, tag, most + 1, value];
                    keys(connection, BY_TAG_VALUE, params)?
                }
            };
            if is_few(&found) {
                return Ok(Some(found));
            }
        }
        if let Some(path) = &selector.organization {
            let params = params![project, path.to_string(), most + 1];
            let found = keys(connection, BY_ORGANIZATION, params)?;
            if is_few(&found) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The next devices after a key, by key: a chunk of them, fewer if there are no more.
    fn next(&self, connection: &Connection, after: i64) -> Result<Vec<i64>, Error> {
        let mut found = Vec::new();
        match self {
            Self::Keys(all) => {
                let rest = all.get(all.partition_point(|key| *key <= after)..);
                return Ok(rest.unwrap_or_default().iter().take(WALK_CHUNK).copied().collect());
            }
            Self::Devices => return keys(connection, NEXT, params![after, chunk()]),
            Self::Servers(servers) => {
                for server in servers {
                    let params = params![server, after, chunk()];
                    found.extend(keys(connection, NEXT_OF_SERVER, params)?);
                }
            }
            Self::Projects(projects, kind) => {
                let sql = match kind {
                    None => NEXT_OF_PROJECT,
                    Some(Kind::Phone) => NEXT_PHONES,
                    Some(Kind::Camera) => NEXT_CAMERAS,
                };
                for project in projects {
                    found.extend(keys(connection, sql, params![project, after, chunk()])?);
                }
            }
        }
        found.sort_unstable();
        found.truncate(WALK_CHUNK);
        Ok(found)
    }
}
