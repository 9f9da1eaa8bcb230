//! What was counted.

use fleet::ProjectKey;
use fleet::limits::COUNTS_FORGOTTEN_PER_WRITE;

use crate::columns::to_json;
use crate::postgres::connection::Connection;
use crate::rows::overview::project_column;
use crate::write::NoteCounts;
use crate::{Error, Written};

/// What is done here, as errors say it.
const OPERATION: &str = "note what was counted";

/// The newest counts of projects that are there, and of the server.
const NEWEST: &str = "INSERT INTO fleet_count (project, at, counts)
     SELECT n.project, $2, n.counts FROM unnest($1::bigint[], $3::text[]) AS n (project, counts)
     WHERE n.project = 0 OR EXISTS (SELECT 1 FROM project WHERE key = n.project)
     ORDER BY n.project
     ON CONFLICT (project) DO UPDATE SET at = excluded.at, counts = excluded.counts";

/// Those that are kept.
const SAMPLE: &str = "INSERT INTO fleet_sample (project, at, counts)
     SELECT n.project, $2, n.counts FROM unnest($1::bigint[], $3::text[]) AS n (project, counts)
     WHERE n.project = 0 OR EXISTS (SELECT 1 FROM project WHERE key = n.project)
     ORDER BY n.project
     ON CONFLICT (project, at) DO UPDATE SET counts = excluded.counts";

/// Forgets the oldest of those before a time.
const FORGET: &str = "DELETE FROM fleet_sample WHERE ctid = ANY (
         ARRAY(SELECT ctid FROM fleet_sample WHERE at < $1 ORDER BY at LIMIT $2))";

/// Notes what was counted: one statement each for all projects.
pub(super) async fn note_counts(c: &Connection, note: &NoteCounts) -> Result<Written, Error> {
    let newest = note.newest.iter().map(|(project, counts)| (*project, to_json(counts)));
    put(c, NEWEST, note, newest).await?;
    if !note.sample.is_empty() {
        let sample = note.sample.iter().map(|(project, counts)| (*project, to_json(counts)));
        put(c, SAMPLE, note, sample).await?;
        let most = note.sample.len().saturating_add(COUNTS_FORGOTTEN_PER_WRITE as usize);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        c.execute(OPERATION, FORGET, &[&note.forget_before.0, &most]).await?;
    }
    Ok(Written::Done)
}

/// Puts counts in by `sql`.
async fn put(
    c: &Connection,
    sql: &str,
    note: &NoteCounts,
    counts: impl Iterator<Item = (Option<ProjectKey>, Result<String, Error>)>,
) -> Result<(), Error> {
    let (mut projects, mut texts) = (Vec::new(), Vec::new());
    for (project, counts) in counts {
        projects.push(project_column(project));
        texts.push(counts?);
    }
    c.execute(OPERATION, sql, &[&projects, &note.at.0, &texts]).await?;
    Ok(())
}
