//! Jobs are forgotten while the nodes work, long before they are old, and kept here: whatever the
//! engine does must not hang on a job that has ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::Clock;
use fleet::{Job, JobId, Principal, RequestId, Timestamp};
use store::{History, Old, Reads};

use crate::world::World;

/// Jobs as they were when they were forgotten, at the latest. One that has ended stays as it is.
pub type Archive = Arc<Mutex<BTreeMap<JobId, Job>>>;

/// How long ago a job has ended that is forgotten.
const ENDED_AGO: Duration = Duration::from_secs(5);

/// Rows that are looked at at a time: fewer than some calls have entries.
const STEP: u32 = 3;

/// Keeps and forgets what has ended, every so often.
pub async fn forget(world: Arc<World>) {
    loop {
        world.chance.pause(20_000).await;
        // The store in memory never waits: nobody else has a turn between this and what follows.
        keep(&world).await;
        let now = world.clock.now();
        let ended_by = Timestamp(now.0 - i64::try_from(ENDED_AGO.as_millis()).unwrap());
        let up_to = RequestId::from_parts(i64::MAX, u64::MAX);
        let old = Old { up_to, ended_by, kept: Vec::new() };
        let fence = world.store.epochs().await.unwrap()[0];
        let mut after = RequestId::from_bytes([0; 16]);
        while let Some(next) = world.store.forget_jobs(fence, &old, after, STEP).await.unwrap().next
        {
            after = next;
        }
    }
}

/// Keeps all jobs that have ended.
async fn keep(world: &World) {
    let calls = world.ledger.calls.lock().unwrap().clone();
    for call in calls {
        let found = world.store.jobs(&Principal::admin(), &[call], 0, 100).await.unwrap();
        let ended = found.into_iter().map(|found| found.job).filter(|job| job.end.is_some());
        world.archive.lock().unwrap().extend(ended.map(|job| (job.id, job)));
    }
}
