//! Updates are taken back before they are done.

use std::sync::Arc;

use fleet::limits::{CANCELLED_PER_WRITE_MAX, SCAN_PAGE};
use fleet::{JobId, Principal, ProjectKey, RequestId};
use store::write::Cancel;
use store::{Write, Written};

use crate::command::Error;
use crate::handle::Handle;
use crate::lane::Wake;
use crate::operate::to_the_end;
use crate::shared::Shared;
use crate::sweep::wake_all;

/// What came of cancelling an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cancelled {
    /// Jobs that were open and have ended with it.
    pub jobs: u64,
    /// Jobs that stay open: a restart, reset or stop that has begun is not taken back.
    pub left: u64,
}

impl Handle {
    /// Cancels an update, of whichever door: its open jobs end, and what their devices still are to
    /// hold because of them goes back to what was asked for before. One that goes out in waves is
    /// aborted with it. What has ended stays as it is: see [`Self::revert_update`].
    ///
    /// Errors: [`Error::NoSuchUpdate`], or the store failed; then a part of it may be cancelled,
    /// and it can be called again.
    pub async fn cancel_update(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Cancelled, Error> {
        let why = format!("by {}", principal.name());
        match self.give_up(principal, id, &why).await {
            Ok(_) | Err(Error::WrongPhase { .. } | Error::NotARollout(_)) => {
                self.cancel_open_jobs(principal, id).await
            }
            Err(error) => Err(error),
        }
    }

    /// Cancels those jobs of an update that are open.
    ///
    /// Errors: the store failed.
    pub(crate) async fn cancel_open_jobs(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Cancelled, Error> {
        let mut cancelled = Cancelled::default();
        let by = principal.name().to_owned();
        for request in self.requests(principal, id).await? {
            let Some((project, open)) = self.open_jobs(principal, request).await? else { continue };
            for jobs in open.chunks(CANCELLED_PER_WRITE_MAX) {
                let count = jobs.len() as u64;
                let at = self.now();
                let cancel = Cancel { project, jobs: jobs.to_vec(), by: by.clone(), at };
                let (shared, principal) = (self.shared.clone(), principal.clone());
                let ended = to_the_end(take_back(shared, principal, cancel)).await?;
                cancelled.jobs += ended;
                cancelled.left += count.saturating_sub(ended);
            }
        }
        Ok(cancelled)
    }

    /// The requests that the jobs of an update belong to: its own, or those of its waves.
    ///
    /// Errors: the store failed.
    pub(crate) async fn requests(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Vec<RequestId>, Error> {
        let store = &self.shared.store;
        if store.rollout(principal, id).await?.is_none() {
            return Ok(vec![id]);
        }
        let waves = store.waves(principal, id).await?;
        Ok(waves.into_iter().map(|wave| wave.request).collect())
    }

    /// The open jobs of a request, and their project; `None` if there are none.
    async fn open_jobs(
        &self,
        principal: &Principal,
        request: RequestId,
    ) -> Result<Option<(ProjectKey, Vec<JobId>)>, Error> {
        let (mut project, mut open, mut offset) = (None, Vec::new(), 0);
        loop {
            let page = self.shared.store.jobs(principal, &[request], offset, SCAN_PAGE).await?;
            offset += page.len() as u64;
            let is_last = page.len() < SCAN_PAGE as usize;
            for found in page.into_iter().filter(|found| found.job.end.is_none()) {
                project = Some(found.job.project);
                open.push(found.job.id);
            }
            if is_last {
                return Ok(project.map(|project| (project, open)));
            }
        }
    }
}

/// Takes jobs back, then has their devices looked at: what they hold of it is to be put back. Gives
/// how many ended.
async fn take_back(
    shared: Arc<Shared>,
    principal: Principal,
    cancel: Cancel,
) -> Result<u64, Error> {
    let written = shared.store.write(&principal, Write::Cancel(cancel)).await;
    crate::accept::look_for_what_may_be_there(&shared, &written);
    match written?? {
        Written::Cancelled { ended, devices } => {
            metrics::counter!("fleetwright_jobs_ended_total", "end" => "cancelled")
                .increment(ended.len() as u64);
            match shared.store.lane_seeds(&devices).await {
                Ok(seeds) => drop(wake_all(&shared, seeds, Wake::Work).await),
                Err(error) => {
                    tracing::warn!(%error, "the devices of cancelled jobs could not be read");
                    shared.rescan.notify_one();
                }
            }
            Ok(ended.len() as u64)
        }
        other => {
            tracing::error!(?other, "the store answered a cancel with something else");
            Err(Error::Closed)
        }
    }
}
