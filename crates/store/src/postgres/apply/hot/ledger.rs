//! What a group has read, as it stands after those of its changes that are decided, and what is to
//! be written of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use fleet::{
    AdoptionRequest, Binding, BootIdentity, Condition, Desired, DeviceKey, Epoch, Facts, JobId,
    PowerStep, ProjectKey, Push, Reported, RestartPending, Revision, Shard, Timestamp, Values,
};
use futures_util::future::{try_join, try_join4};
use tokio_postgres::{Row, Statement};

use super::needs::Needs;
use super::writes::{JobEnd, NewJob};
use crate::cluster::SessionKey;
use crate::columns::{column, optional, optional_json, parsed};
use crate::postgres::connection::{Connection, During, Params};
use crate::rows::idempotency::accepted_before;
use crate::rules::{self, Bound, Standing};
use crate::write::AcceptedEntry;
use crate::{Error, Fence};

/// The shards of the group's fences.
const LOCK_SHARDS: &str = "SELECT shard, epoch, owner FROM shard WHERE shard = ANY($1::bigint[])
     ORDER BY shard FOR SHARE";
/// The states of the group's devices. What is desired is most of a row: it is read where it is
/// looked at, and so is what the device has shown.
const LOCK_STATES: &str = "SELECT s.device, s.project, s.has_work, s.frozen, s.revision, s.settled,
         s.condition, s.since, s.adopted, s.adoption, s.newest_job, s.open_jobs,
         CASE WHEN a.desired THEN s.desired END, CASE WHEN a.desired THEN s.reported END
     FROM unnest($1::bigint[], $2::boolean[]) AS a (device, desired)
         JOIN device_state AS s ON s.device = a.device
     ORDER BY s.device FOR UPDATE OF s";
/// The bindings that the group looks at.
const LOCK_BINDINGS: &str = "SELECT device, session, expires_at, ended_at IS NOT NULL, nonce_at,
         nonce_count
     FROM binding WHERE device = ANY($1::bigint[]) ORDER BY device FOR SHARE";
/// The same of a group that writes bindings too: a lock that is taken twice, the second time for
/// more, is one that two groups can wait for each other at.
const LOCK_BINDINGS_TO_WRITE: &str = "SELECT device, session, expires_at, ended_at IS NOT NULL,
         nonce_at, nonce_count
     FROM binding WHERE device = ANY($1::bigint[]) ORDER BY device FOR NO KEY UPDATE";
/// The sessions that last. There are as many as nodes.
const SESSIONS: &str = "SELECT key FROM session
     WHERE expires_at IS NULL
         OR expires_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
/// Whose the GB devices are of which something is noted.
const CAMERAS: &str = "SELECT device, project FROM camera WHERE device = ANY($1::bigint[])";
/// What was accepted with jobs that are there.
const ACCEPTED_BEFORE: &str = "SELECT device, revision, stored, state, id FROM job
     WHERE id = ANY($1::bytea[])";
/// When the records last changed of devices whose adoption is at stake.
const RECORDS: &str = "SELECT key, updated_at FROM device WHERE key = ANY($1::bigint[])";

/// A device's state, as far as a group looks at it.
#[derive(Debug)]
pub(crate) struct State<'w> {
    pub(crate) project: ProjectKey,
    pub(crate) has_work: bool,
    pub(crate) frozen: bool,
    pub(crate) revision: Revision,
    pub(crate) settled: Revision,
    pub(crate) condition: Condition,
    pub(crate) since: Timestamp,
    pub(crate) adopted: bool,
    pub(crate) adoption: Option<AdoptionRequest>,
    /// The last job that was accepted for the device, if there is one: the one before the next.
    pub(crate) newest_job: Option<[u8; 16]>,
    pub(crate) open_jobs: Vec<u8>,
    /// What is desired; empty where nothing looks at it.
    pub(crate) desired: Desired,
    /// The column `reported`; `None` where nothing looks at it.
    reported: Option<String>,
    /// Whether what is desired has changed.
    pub(crate) is_desired_anew: bool,
    /// Whether anything has changed.
    pub(crate) is_changed: bool,
    /// What the results said that were recorded, if any was.
    pub(crate) found: Option<Found<'w>>,
}

/// What results say of a device that no later change of the group looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found<'w> {
    pub(crate) trouble: Option<&'w str>,
    pub(crate) copy: Option<DeviceKey>,
    pub(crate) power: Option<&'w PowerStep>,
    /// `None` leaves what is there, as in the next two.
    pub(crate) boot: Option<&'w BootIdentity>,
    pub(crate) reported: Option<&'w Reported>,
    pub(crate) restart_pending: Option<&'w BTreeMap<String, RestartPending>>,
}

impl State<'_> {
    /// A row of [`LOCK_STATES`].
    fn from_row(row: &Row) -> Result<(DeviceKey, Self), Error> {
        let state = Self {
            project: ProjectKey(column(row, 1)?),
            has_work: column(row, 2)?,
            frozen: column(row, 3)?,
            revision: Revision(column(row, 4)?),
            settled: Revision(column(row, 5)?),
            condition: parsed(row, 6)?,
            since: Timestamp(column(row, 7)?),
            adopted: column(row, 8)?,
            adoption: optional_json(row, 9)?,
            newest_job: optional(row, 10)?,
            open_jobs: column(row, 11)?,
            desired: optional_json(row, 12)?.unwrap_or_default(),
            reported: optional(row, 13)?,
            is_desired_anew: false,
            is_changed: false,
            found: None,
        };
        Ok((DeviceKey(column(row, 0)?), state))
    }

    /// What the device has shown at the names of `patch`.
    pub(crate) fn shown(&self, patch: &Values) -> Result<Values, Error> {
        let found = self.found.as_ref().and_then(|found| found.reported);
        match (found, &self.reported) {
            (Some(reported), _) => Ok(rules::before::of_reported(reported, patch)),
            (None, Some(reported)) => rules::before::shown(reported, patch),
            (None, None) => Ok(Values::new()),
        }
    }
}

/// A binding, as far as a group looks at it.
#[derive(Debug, Clone, Copy)]
struct Stored {
    session: Option<SessionKey>,
    expires_at: Timestamp,
    has_ended: bool,
    nonce_at: i64,
    nonce_count: u32,
}

impl Stored {
    /// What is looked at of a binding that a group has written.
    fn of(session: SessionKey, binding: &Binding) -> Self {
        Self {
            session: Some(session),
            expires_at: binding.expires_at,
            has_ended: binding.ended.is_some(),
            nonce_at: binding.nonce_at,
            nonce_count: binding.nonce_count,
        }
    }

    /// A row of [`LOCK_BINDINGS`].
    fn from_row(row: &Row) -> Result<(DeviceKey, Self), Error> {
        let stored = Self {
            session: optional::<i64>(row, 1)?.map(SessionKey),
            expires_at: Timestamp(column(row, 2)?),
            has_ended: column(row, 3)?,
            nonce_at: column(row, 4)?,
            nonce_count: column(row, 5)?,
        };
        Ok((DeviceKey(column(row, 0)?), stored))
    }
}

/// What a group works on: what it has read, each change of the group upon what those before it have
/// left, and what is to be written.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Ledger<'w> {
    states: BTreeMap<DeviceKey, State<'w>>,
    shards: HashMap<i64, (Epoch, Option<SessionKey>)>,
    bindings: HashMap<DeviceKey, Stored>,
    lasting: HashSet<SessionKey>,
    cameras: HashMap<DeviceKey, ProjectKey>,
    records: HashMap<DeviceKey, Timestamp>,
    /// What was accepted before, or here, by calls that may be made again.
    accepted: HashMap<JobId, AcceptedEntry>,
    /// Jobs that are new.
    pub(crate) jobs: Vec<NewJob<'w>>,
    /// Jobs that end.
    pub(crate) ends: Vec<JobEnd>,
    /// Of each device that is bound the binding that stands, and to which session.
    bound: BTreeMap<DeviceKey, (SessionKey, &'w Binding)>,
    /// What devices said of themselves.
    pub(crate) facts: BTreeMap<DeviceKey, &'w Facts>,
    /// What was sent to GB devices.
    pub(crate) pushes: BTreeMap<DeviceKey, &'w Push>,
    /// When GB devices were asked what they are.
    pub(crate) surveys: BTreeMap<DeviceKey, Timestamp>,
}

impl<'w> Ledger<'w> {
    /// Locks and reads what a group needs, in one exchange; in two where a device's adoption is at
    /// stake.
    pub(super) async fn read(c: &Connection, needs: &Needs) -> Result<Self, Error> {
        let mut ledger = Self::default();
        // Prepared before the first is sent: they go out in the order of the locks.
        let operation = "prepare to lock what a group changes";
        let to_write = !needs.bound.is_empty();
        let bindings = if to_write { LOCK_BINDINGS_TO_WRITE } else { LOCK_BINDINGS };
        let lock_shards = c.prepare(LOCK_SHARDS).await.during(operation)?;
        let lock_states = c.prepare(LOCK_STATES).await.during(operation)?;
        let lock_bindings = c.prepare(bindings).await.during(operation)?;
        let read_cameras = c.prepare(CAMERAS).await.during(operation)?;
        let read_sessions = c.prepare(SESSIONS).await.during(operation)?;

        let shards: Vec<i64> = needs.shards.iter().copied().collect();
        let (devices, desired): (Vec<i64>, Vec<bool>) = needs.states.iter().unzip();
        let bindings: Vec<i64> = needs.bindings.iter().copied().collect();
        let cameras: Vec<i64> = needs.cameras.iter().copied().collect();
        let (shards, states, bindings, (cameras, sessions)) = try_join4(
            ask(c, &lock_shards, &[&shards], !shards.is_empty()),
            ask(c, &lock_states, &[&devices, &desired], !devices.is_empty()),
            ask(c, &lock_bindings, &[&bindings], !bindings.is_empty()),
            try_join(
                ask(c, &read_cameras, &[&cameras], !cameras.is_empty()),
                ask(c, &read_sessions, &[], needs.sessions),
            ),
        )
        .await?;
        for row in &shards {
            let owner: Option<i64> = optional(row, 2)?;
            ledger.shards.insert(column(row, 0)?, (Epoch(column(row, 1)?), owner.map(SessionKey)));
        }
        ledger.states = states.iter().map(State::from_row).collect::<Result<_, _>>()?;
        ledger.bindings = bindings.iter().map(Stored::from_row).collect::<Result<_, _>>()?;
        for row in &cameras {
            ledger.cameras.insert(DeviceKey(column(row, 0)?), ProjectKey(column(row, 1)?));
        }
        for row in &sessions {
            ledger.lasting.insert(SessionKey(column(row, 0)?));
        }
        ledger.read_records(c, needs).await?;
        ledger.read_accepted(c, needs).await?;
        Ok(ledger)
    }

    /// Reads which of the jobs of calls that may be made again are there. Under the locks of the
    /// devices: whoever makes the same call at the same time has committed, or waits.
    async fn read_accepted(&mut self, c: &Connection, needs: &Needs) -> Result<(), Error> {
        if needs.jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<Vec<u8>> = needs.jobs.iter().map(|job| job.to_bytes().to_vec()).collect();
        let read = |row: &Row| accepted_before(row, JobId::from_bytes(column(row, 4)?));
        let found = c.all("look for jobs", ACCEPTED_BEFORE, &[&ids], read).await?;
        self.accepted = found.into_iter().map(|entry| (entry.job, entry)).collect();
        Ok(())
    }

    /// What was accepted before with this job.
    pub(crate) fn accepted_before(&self, job: JobId) -> Option<AcceptedEntry> {
        self.accepted.get(&job).copied()
    }

    /// Notes what is accepted for a call that may be made again, in this group too.
    pub(crate) fn note_accepted(&mut self, entry: AcceptedEntry) {
        self.accepted.insert(entry.job, entry);
    }

    /// Reads when the records last changed of the devices whose adoption is at stake.
    async fn read_records(&mut self, c: &Connection, needs: &Needs) -> Result<(), Error> {
        let is_adopted =
            |device: &&i64| self.states.get(&DeviceKey(**device)).is_none_or(|state| state.adopted);
        let first = needs.adopted.iter().filter(|device| !is_adopted(device));
        let devices: Vec<i64> = needs.adoptions.iter().chain(first).copied().collect();
        if devices.is_empty() {
            return Ok(());
        }
        let read = |row: &Row| Ok((DeviceKey(column(row, 0)?), Timestamp(column(row, 1)?)));
        let records = c.all("read when records changed", RECORDS, &[&devices], read).await?;
        self.records = records.into_iter().collect();
        Ok(())
    }

    /// The state of a device; `None` if it is gone.
    pub(crate) fn state(&mut self, device: DeviceKey) -> Option<&mut State<'w>> {
        self.states.get_mut(&device)
    }

    /// All states.
    pub(super) fn states(&self) -> impl Iterator<Item = (DeviceKey, &State<'w>)> {
        self.states.iter().map(|(device, state)| (*device, state))
    }

    /// Whether a fence holds for a device at `now`.
    pub(crate) fn holds(&self, fence: Fence, device: DeviceKey, now: Timestamp) -> bool {
        let shard = match fence {
            Fence::Shard { shard: Shard(shard), .. } => self.shards.get(&shard.into()).copied(),
            Fence::Binding(_) => None,
        };
        let bound = self.bindings.get(&device).and_then(|stored| {
            let session = stored.session?;
            let is_live = Bound::is_live(stored.has_ended, stored.expires_at, now);
            Some(Bound { session, lasts: self.lasting.contains(&session), is_live })
        });
        rules::holds(fence, &Standing { shard, bound })
    }

    /// Whether a GB device is registered at `now`.
    pub(crate) fn is_registered(&self, device: DeviceKey, now: Timestamp) -> bool {
        self.bindings
            .get(&device)
            .is_some_and(|stored| Bound::is_live(stored.has_ended, stored.expires_at, now))
    }

    /// The project of a GB device of which something is noted; `None` if it is none.
    pub(crate) fn camera(&self, device: DeviceKey) -> Option<ProjectKey> {
        self.cameras.get(&device).copied()
    }

    /// Whether the record of a device, whose adoption is at stake, last changed at `at`. If it did
    /// not, another phone may have been adopted than the one that the record speaks of now.
    pub(crate) fn is_of_the_record(&self, device: DeviceKey, at: Timestamp) -> bool {
        self.records.get(&device) == Some(&at)
    }

    /// Notes that the record of a device has changed.
    pub(crate) fn record_changed(&mut self, device: DeviceKey, at: Timestamp) {
        if let Some(changed) = self.records.get_mut(&device) {
            *changed = at;
        }
    }

    /// Binds a device: the later of two bindings to one session stands; see [`rules::takes_over`]
    /// for two sessions.
    pub(crate) fn bind(&mut self, session: SessionKey, binding: &'w Binding) {
        let given = (session, binding.nonce_at, binding.nonce_count);
        if let Some(stored) = self.bindings.get(&binding.device)
            && !rules::takes_over((stored.session, stored.nonce_at, stored.nonce_count), given)
        {
            return;
        }
        self.bindings.insert(binding.device, Stored::of(session, binding));
        self.bound.insert(binding.device, (session, binding));
    }

    /// The bindings that are to be written, by device.
    pub(super) fn bound(&self) -> impl Iterator<Item = (SessionKey, &'w Binding)> {
        self.bound.values().copied()
    }
}

/// The rows of a statement; nothing is sent if it is not needed.
async fn ask(
    c: &Connection,
    statement: &Statement,
    params: Params<'_>,
    is_needed: bool,
) -> Result<Vec<Row>, Error> {
    if !is_needed {
        return Ok(Vec::new());
    }
    c.client().query(statement, params).await.during("lock what a group changes")
}
