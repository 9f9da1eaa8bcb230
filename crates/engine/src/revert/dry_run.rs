//! What a revert would do, before anything is written: told as a dry run of an update tells it.

use fleet::limits::DEVICES_PER_PAGE_MAX;
use fleet::{DeviceId, Operation, Plan, Principal, ProjectId, ProjectKey, RequestId, Revision};

use super::{BroughtBack, DeviceBack, Done, Leaving, LeftOut};
use crate::accept::entries::Call;
use crate::command::Error;
use crate::dry_run::{Predicted, Prediction, Told};
use crate::handle::Handle;
use crate::rollout::make::{check_plan, check_waves};

/// What a revert would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictedRevert {
    /// A page of its devices.
    pub page: Predicted,
    /// What is counted of all its devices; `None` with each page but the first.
    pub counted: Option<CountedRevert>,
}

/// How much a revert would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedRevert {
    /// How many devices it would ask for something.
    pub total: u32,
    /// What it would leave as it is: the first thousand.
    pub left_out: Vec<LeftOut>,
    /// How much that is in all.
    pub left_out_total: u64,
}

/// Where a page of the devices that an update has changed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Which of its requests: its only one, or that of a wave.
    request: usize,
    /// Which of the devices that the jobs of that have changed.
    device: usize,
}

/// A page of the devices of an update.
struct PageBack {
    /// Their project, if there are any.
    project: Option<(ProjectKey, ProjectId)>,
    /// Those that something comes back of.
    told: Vec<Told>,
    /// Where the next page begins; `None`: this was the last.
    next: Option<Place>,
}

impl Place {
    /// Bits of the device in the number that stands for a place: a request has no more jobs.
    const DEVICE_BITS: u32 = u16::BITS;

    /// The place that a number stands for.
    fn of(number: u64) -> Self {
        let part = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let device = number & u64::from(u16::MAX);
        Self { request: part(number >> Self::DEVICE_BITS), device: part(device) }
    }

    /// The number that stands for it.
    fn number(self) -> u64 {
        ((self.request as u64) << Self::DEVICE_BITS) | self.device as u64
    }
}

impl Handle {
    /// What [`Self::revert_update`] would do if it were called now: a page of its devices, from
    /// `after` on, which is 0 for the first and then what the last page said. Of those that the
    /// update has changed, a page looks at the next `limit`, and tells of those that something
    /// comes back of: there may be few of them, or none, and more to come. With the first page it
    /// is counted what would come of all; the others read the jobs of the waves that they are of,
    /// and no more. Writes nothing, and leaves an update that has stopped as it is.
    ///
    /// Errors: those of [`Self::revert_update`]; but of a page that is not the first, none for what
    /// all the devices come to.
    pub async fn dry_run_revert_update(
        &self,
        principal: &Principal,
        id: RequestId,
        plan: &Plan,
        after: u64,
        limit: u32,
    ) -> Result<PredictedRevert, Error> {
        check_plan(plan)?;
        let phase = self.phase_to_revert(principal, id).await?;
        let counted = if after == 0 {
            let back = self.brought_back(principal, id, phase.is_some()).await?;
            let total = back.total();
            check_waves(plan, total)?;
            let BroughtBack { leaving: Leaving { told, total: left_out_total }, .. } = back;
            Some(CountedRevert { total, left_out: told, left_out_total })
        } else {
            None
        };
        let limit = limit.clamp(1, DEVICES_PER_PAGE_MAX) as usize;
        let PageBack { project, told, next } =
            self.page_back(principal, id, Place::of(after), limit).await?;
        let devices = match &project {
            Some((key, project)) => self.predict_back(principal, (*key, project), told).await?,
            None => Vec::new(),
        };
        Ok(PredictedRevert { page: Predicted { devices, next: next.map(Place::number) }, counted })
    }

    /// What would be asked of the `limit` devices from this place on, of those that an update has
    /// changed.
    ///
    /// Errors: the store failed.
    async fn page_back(
        &self,
        principal: &Principal,
        id: RequestId,
        from: Place,
        limit: usize,
    ) -> Result<PageBack, Error> {
        let requests = self.requests(principal, id).await?;
        let (mut page, mut rest) =
            (PageBack { project: None, told: Vec::new(), next: None }, limit);
        let mut skip = from.device;
        for (index, request) in requests.iter().enumerate().skip(from.request) {
            if rest == 0 {
                page.next = Some(Place { request: index, device: 0 });
                break;
            }
            let mut done = Done::default();
            self.add_done_by(principal, *request, &mut done).await?;
            let Done { project, order, mut changes, .. } = done;
            let skipped = std::mem::take(&mut skip);
            let piece: Vec<_> = order.iter().skip(skipped).take(rest).cloned().collect();
            let (Some(project), false) = (project, piece.is_empty()) else { continue };
            let mut leaving = Leaving::default();
            let found =
                self.piece_back(principal, &project.1, &piece, &mut changes, &mut leaving).await?;
            page.told.extend(found.into_iter().map(|(_, id, _, values)| Told {
                id,
                values: Ok(values),
                if_revision: None,
            }));
            page.project = Some(project);
            rest -= piece.len();
            let device = skipped + piece.len();
            if device < order.len() {
                page.next = Some(Place { request: index, device });
                break;
            }
        }
        Ok(page)
    }

    /// What would become of devices of which something comes back.
    ///
    /// Errors: the store failed.
    async fn predict_back(
        &self,
        principal: &Principal,
        project: (ProjectKey, &ProjectId),
        told: Vec<Told>,
    ) -> Result<Vec<Prediction>, Error> {
        let at = self.shared.clock.now();
        let call = Call { project, kind: None, operation: Operation::Update, at };
        self.predict(principal, call, told, Vec::new()).await
    }

    /// What [`Self::revert_device`] would do if it were called now. Writes nothing.
    ///
    /// Errors: those of [`Self::revert_device`].
    pub async fn dry_run_revert_device(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
        to: Revision,
    ) -> Result<PredictedRevert, Error> {
        let key = self.project_key(principal, project).await?;
        let DeviceBack { values, leaving, .. } =
            self.device_back(principal, project, id, to).await?;
        let told = Told { id: id.clone(), values: Ok(values), if_revision: None };
        let devices = self.predict_back(principal, (key, project), vec![told]).await?;
        let Leaving { told, total } = leaving;
        let counted = CountedRevert { total: 1, left_out: told, left_out_total: total };
        Ok(PredictedRevert { page: Predicted { devices, next: None }, counted: Some(counted) })
    }
}
