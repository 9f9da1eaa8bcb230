//! What was counted.

use fleet::limits::COUNTS_FORGOTTEN_PER_WRITE;
use rusqlite::{Connection, params};

use crate::columns::to_json;
use crate::rows::overview::project_column;
use crate::sqlite::rows::During;
use crate::write::NoteCounts;
use crate::{Error, Written};

/// About how many rows are written with what was counted.
pub(super) fn rows(note: &NoteCounts) -> usize {
    let sampled = note.sample.len();
    let forgotten = if sampled == 0 { 0 } else { sampled + COUNTS_FORGOTTEN_PER_WRITE as usize };
    note.newest.len() + sampled + forgotten
}

/// The newest counts of a project that is there, or of the server.
const NEWEST: &str = "INSERT INTO fleet_count (project, at, counts)
     SELECT ?1, ?2, ?3 WHERE ?1 = 0 OR EXISTS (SELECT 1 FROM project WHERE key = ?1)
     ON CONFLICT (project) DO UPDATE SET at = excluded.at, counts = excluded.counts";

/// Those that are kept.
const SAMPLE: &str = "INSERT INTO fleet_sample (project, at, counts)
     SELECT ?1, ?2, ?3 WHERE ?1 = 0 OR EXISTS (SELECT 1 FROM project WHERE key = ?1)
     ON CONFLICT (project, at) DO UPDATE SET counts = excluded.counts";

/// Forgets the oldest of those before a time.
pub(in crate::sqlite) const FORGET: &str = "DELETE FROM fleet_sample WHERE (project, at) IN (
         SELECT project, at FROM fleet_sample WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Notes what was counted.
pub(super) fn note_counts(connection: &Connection, note: &NoteCounts) -> Result<Written, Error> {
    let operation = "note what was counted";
    let mut insert = connection.prepare_cached(NEWEST).during(operation)?;
    for (project, counts) in &note.newest {
        let params = params![project_column(*project), note.at.0, to_json(counts)?];
        insert.execute(params).during(operation)?;
    }
    if note.sample.is_empty() {
        return Ok(Written::Done);
    }
    let mut insert = connection.prepare_cached(SAMPLE).during(operation)?;
    for (project, counts) in &note.sample {
        let params = params![project_column(*project), note.at.0, to_json(counts)?];
        insert.execute(params).during(operation)?;
    }
    let most = note.sample.len().saturating_add(COUNTS_FORGOTTEN_PER_WRITE as usize);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection
        .prepare_cached(FORGET)
        .and_then(|mut delete| delete.execute(params![note.forget_before.0, most]))
        .during(operation)?;
    Ok(Written::Done)
}
