//! Writing what a group has changed: one statement for each kind of row, all of them sent at once.

use std::future::Future;
use std::pin::Pin;

use fleet::{Binding, DeviceKey, Timestamp};
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::ledger::{Ledger, State};
use crate::Error;
use crate::cluster::SessionKey;
use crate::columns::to_json;
use crate::postgres::connection::{Connection, During};
use crate::words::remote_bytes;

/// Rows that one statement writes: each takes up to some 64 KiB, and a message has to be below 1
/// GiB.
const ROWS_MAX: usize = 4_096;

/// Changes the states of devices for which updates were accepted, and nothing else came.
const ACCEPTED: &str = "UPDATE device_state AS s SET revision = n.revision, settled = n.settled,
         newest_job = n.newest_job, open_jobs = n.open_jobs,
         desired = coalesce(n.desired, s.desired), has_work = n.has_work
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[],
             $7::boolean[])
         AS n (device, revision, settled, newest_job, open_jobs, desired, has_work)
     WHERE s.device = n.device";
/// Changes the states of devices of which results were recorded.
const SETTLED: &str = "UPDATE device_state AS s SET revision = n.revision, settled = n.settled,
         newest_job = n.newest_job, open_jobs = n.open_jobs,
         desired = coalesce(n.desired, s.desired), has_work = n.has_work,
         condition = n.condition, since = n.since, trouble = n.trouble,
         boot = coalesce(n.boot, s.boot), adopted = n.adopted,
         reported = coalesce(n.reported, s.reported), adoption = n.adoption, copy = n.copy,
         power = n.power,
         restart_pending = CASE WHEN n.restart_pending IS NULL THEN s.restart_pending
             ELSE nullif(n.restart_pending, '{}') END
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[],
             $7::boolean[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::boolean[],
             $13::text[], $14::text[], $15::bigint[], $16::text[], $17::text[])
         AS n (device, revision, settled, newest_job, open_jobs, desired, has_work, condition,
             since, trouble, boot, adopted, reported, adoption, copy, power, restart_pending)
     WHERE s.device = n.device";
/// Records jobs.
const JOBS: &str = "INSERT INTO job (id, device, project, revision, previous, state, stored, door,
         actor, accepted_at, ended_at, patch, operation, record, before)
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[],
         $6::bigint[], $7::boolean[], $8::text[], $9::text[], $10::bigint[], $11::bigint[],
         $12::text[], $13::bigint[], $14::text[], $15::text[])";
/// Ends open jobs.
const ENDS: &str = "UPDATE job AS j SET state = n.state, ended_at = n.ended_at,
         finisher_epoch = n.finisher_epoch, superseded_by = n.superseded_by, failure = n.failure
     FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::text[])
         AS n (id, state, ended_at, finisher_epoch, superseded_by, failure)
     WHERE j.id = n.id AND j.state = 0";
/// Puts bindings in the place of those before them, by the rule of [`crate::rules::takes_over`].
const BIND: &str = "INSERT INTO binding AS b (device, transport, remote, registered_at,
         refreshed_at, expires_at, nonce_at, nonce_count, version, ended_at, ended_why,
         old_credentials, session)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[],
         $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::bigint[], $11::text[],
         $12::boolean[], $13::bigint[])
     ON CONFLICT (device) DO UPDATE SET transport = excluded.transport, remote = excluded.remote,
         registered_at = excluded.registered_at, refreshed_at = excluded.refreshed_at,
         expires_at = excluded.expires_at, nonce_at = excluded.nonce_at,
         nonce_count = excluded.nonce_count, version = excluded.version,
         ended_at = excluded.ended_at, ended_why = excluded.ended_why,
         old_credentials = excluded.old_credentials, session = excluded.session
     WHERE b.session IS NULL OR b.session = excluded.session
         OR (b.nonce_at, b.nonce_count) < (excluded.nonce_at, excluded.nonce_count)";
/// Keeps what devices said of themselves.
const FACTS: &str = "INSERT INTO device_facts AS f (device, facts)
     SELECT * FROM unnest($1::bigint[], $2::text[])
     ON CONFLICT (device) DO UPDATE SET facts = excluded.facts WHERE f.facts <> excluded.facts";
/// Notes what was sent to GB devices.
const PUSHES: &str = "UPDATE camera AS k SET push = n.push
     FROM unnest($1::bigint[], $2::text[]) AS n (device, push) WHERE k.device = n.device";
/// Notes when GB devices were asked what they are.
const SURVEYS: &str = "UPDATE camera AS k SET surveyed_at = n.at
     FROM unnest($1::bigint[], $2::bigint[]) AS n (device, at) WHERE k.device = n.device";

/// A row of `job` that is new.
#[derive(Debug)]
pub(crate) struct NewJob<'w> {
    pub(crate) id: [u8; 16],
    pub(crate) device: i64,
    pub(crate) project: i64,
    pub(crate) revision: i64,
    pub(crate) previous: Option<[u8; 16]>,
    pub(crate) state: i64,
    pub(crate) stored: bool,
    pub(crate) door: &'static str,
    pub(crate) actor: &'w str,
    pub(crate) accepted_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) patch: String,
    pub(crate) operation: Option<i64>,
    pub(crate) record: Option<String>,
    pub(crate) before: Option<String>,
}

/// What a row of `job` is changed to when the job ends.
#[derive(Debug)]
pub(crate) struct JobEnd {
    pub(crate) id: [u8; 16],
    pub(crate) state: i64,
    pub(crate) ended_at: i64,
    pub(crate) finisher_epoch: i64,
    pub(crate) superseded_by: Option<[u8; 16]>,
    pub(crate) failure: Option<String>,
}

/// A statement that is on its way.
type Sent<'c> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'c>>;

/// A column of the rows that a statement writes.
type Array<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// All of them, in the order of the statement's parameters.
type Arrays<'a> = Vec<Array<'a>>;

impl Ledger<'_> {
    /// Writes all that the group has changed, in one exchange.
    pub(in crate::postgres) async fn write(&self, c: &Connection) -> Result<(), Error> {
        let changed = self.states().filter(|(_, state)| state.is_changed);
        let (settled, accepted): (Vec<_>, Vec<_>) =
            changed.partition(|(_, state)| state.found.is_some());
        let bound: Vec<_> = self.bound().collect();
        let facts: Vec<_> = self.facts.iter().map(|(device, facts)| (*device, *facts)).collect();
        let pushes: Vec<_> = self.pushes.iter().map(|(device, push)| (*device, *push)).collect();
        let surveys: Vec<_> = self.surveys.iter().map(|(device, at)| (*device, *at)).collect();

        let mut batch = Batch { c, sent: Vec::new() };
        batch.add("change desired state", ACCEPTED, &accepted, state_arrays).await?;
        batch.add("record results", SETTLED, &settled, result_arrays).await?;
        // First those that begin: one that ends may be among them.
        batch.add("record jobs", JOBS, &self.jobs, job_arrays).await?;
        batch.add("end jobs", ENDS, &self.ends, end_arrays).await?;
        batch.add("record bindings", BIND, &bound, binding_arrays).await?;
        batch.add("record what devices are", FACTS, &facts, noted_arrays).await?;
        batch.add("note what is sent to devices", PUSHES, &pushes, noted_arrays).await?;
        batch.add("note that devices were asked", SURVEYS, &surveys, survey_arrays).await?;
        try_join_all(batch.sent).await?;
        Ok(())
    }
}

/// Statements that go out together.
struct Batch<'a> {
    c: &'a Connection,
    sent: Vec<Sent<'a>>,
}

impl<'a> Batch<'a> {
    /// Adds the statement that writes these rows, if there are any.
    async fn add<R>(
        &mut self,
        operation: &'static str,
        sql: &'static str,
        rows: &'a [R],
        arrays: impl Fn(&'a [R]) -> Result<Arrays<'a>, Error>,
    ) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let statement = self.c.prepare(sql).await.during(operation)?;
        for rows in rows.chunks(ROWS_MAX) {
            let sent = send(self.c, operation, statement.clone(), arrays(rows)?);
            self.sent.push(Box::pin(sent));
        }
        Ok(())
    }
}

/// Runs a statement that is given arrays.
async fn send(
    c: &Connection,
    operation: &'static str,
    statement: Statement,
    arrays: Arrays<'_>,
) -> Result<(), Error> {
    let params: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| &**array as _).collect();
    c.client().execute(&statement, &params).await.during(operation)?;
    Ok(())
}

/// One column of the rows.
fn array<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Array<'a>
where
    T: ToSql + Sync + Send + 'a,
{
    Box::new(rows.iter().map(of).collect::<Vec<T>>())
}

/// One column of the rows, as JSON.
fn json_array<'a, R, T>(
    rows: &'a [R],
    of: impl Fn(&'a R) -> Option<&'a T>,
) -> Result<Array<'a>, Error>
where
    T: Serialize + 'a,
{
    let texts = rows.iter().map(|row| of(row).map(to_json).transpose());
    Ok(Box::new(texts.collect::<Result<Vec<Option<String>>, Error>>()?))
}

/// A row of [`ACCEPTED`] or [`SETTLED`].
type Changed<'a> = (DeviceKey, &'a State<'a>);

/// The columns of [`ACCEPTED`], which are the first ones of [`SETTLED`].
fn state_arrays<'a>(rows: &'a [Changed<'a>]) -> Result<Arrays<'a>, Error> {
    Ok(vec![
        array(rows, |(device, _)| device.0),
        array(rows, |(_, state)| state.revision.0),
        array(rows, |(_, state)| state.settled.0),
        array(rows, |(_, state)| state.newest_job.as_ref().map(<[u8; 16]>::as_slice)),
        array(rows, |(_, state)| state.open_jobs.as_slice()),
        json_array(rows, |(_, state)| state.is_desired_anew.then_some(&state.desired))?,
        array(rows, |(_, state)| state.has_work),
    ])
}

/// The columns of [`SETTLED`].
fn result_arrays<'a>(rows: &'a [Changed<'a>]) -> Result<Arrays<'a>, Error> {
    let found = |(_, state): &'a Changed<'a>| state.found.unwrap_or_default();
    let mut arrays = state_arrays(rows)?;
    arrays.extend([
        array(rows, |(_, state)| state.condition.name()),
        array(rows, |(_, state)| state.since.0),
        array(rows, |row| found(row).trouble),
        array(rows, |row| found(row).boot.map(ToString::to_string)),
        array(rows, |(_, state)| state.adopted),
        json_array(rows, |row| found(row).reported)?,
        json_array(rows, |(_, state)| state.adoption.as_ref())?,
        array(rows, |row| found(row).copy.map(|device| device.0)),
        json_array(rows, |row| found(row).power)?,
        json_array(rows, |row| found(row).restart_pending)?,
    ]);
    Ok(arrays)
}

/// The columns of [`JOBS`].
fn job_arrays<'a>(jobs: &'a [NewJob<'a>]) -> Result<Arrays<'a>, Error> {
    Ok(vec![
        array(jobs, |job| job.id.as_slice()),
        array(jobs, |job| job.device),
        array(jobs, |job| job.project),
        array(jobs, |job| job.revision),
        array(jobs, |job| job.previous.as_ref().map(<[u8; 16]>::as_slice)),
        array(jobs, |job| job.state),
        array(jobs, |job| job.stored),
        array(jobs, |job| job.door),
        array(jobs, |job| job.actor),
        array(jobs, |job| job.accepted_at),
        array(jobs, |job| job.ended_at),
        array(jobs, |job| job.patch.as_str()),
        array(jobs, |job| job.operation),
        array(jobs, |job| job.record.as_deref()),
        array(jobs, |job| job.before.as_deref()),
    ])
}

/// The columns of [`ENDS`].
fn end_arrays(ends: &[JobEnd]) -> Result<Arrays<'_>, Error> {
    Ok(vec![
        array(ends, |end| end.id.as_slice()),
        array(ends, |end| end.state),
        array(ends, |end| end.ended_at),
        array(ends, |end| end.finisher_epoch),
        array(ends, |end| end.superseded_by.as_ref().map(<[u8; 16]>::as_slice)),
        array(ends, |end| end.failure.as_deref()),
    ])
}

/// The columns of [`BIND`].
fn binding_arrays<'a>(rows: &'a [(SessionKey, &'a Binding)]) -> Result<Arrays<'a>, Error> {
    Ok(vec![
        array(rows, |(_, binding)| binding.device.0),
        array(rows, |(_, binding)| binding.transport.name()),
        array(rows, |(_, binding)| remote_bytes(binding.remote)),
        array(rows, |(_, binding)| binding.registered_at.0),
        array(rows, |(_, binding)| binding.refreshed_at.0),
        array(rows, |(_, binding)| binding.expires_at.0),
        array(rows, |(_, binding)| binding.nonce_at),
        array(rows, |(_, binding)| i64::from(binding.nonce_count)),
        array(rows, |(_, binding)| binding.version.as_deref()),
        array(rows, |(_, binding)| binding.ended.map(|(at, _)| at.0)),
        array(rows, |(_, binding)| binding.ended.map(|(_, why)| why.name())),
        array(rows, |(_, binding)| binding.old_credentials),
        array(rows, |(session, _)| session.0),
    ])
}

/// The columns of [`FACTS`] and [`PUSHES`].
fn noted_arrays<'a, T: Serialize>(rows: &'a [(DeviceKey, &'a T)]) -> Result<Arrays<'a>, Error> {
    Ok(vec![array(rows, |(device, _)| device.0), json_array(rows, |(_, noted)| Some(*noted))?])
}

/// The columns of [`SURVEYS`].
fn survey_arrays(rows: &[(DeviceKey, Timestamp)]) -> Result<Arrays<'_>, Error> {
    Ok(vec![array(rows, |(device, _)| device.0), array(rows, |(_, at)| at.0)])
}
