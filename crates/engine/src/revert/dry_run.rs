//! What a revert would do, before anything is written: told as a dry run of an update tells it.

use fleet::limits::DEVICES_PER_PAGE_MAX;
use fleet::{DeviceId, Operation, Plan, Principal, ProjectId, RequestId, Revision};

use super::{BroughtBack, DeviceBack, LeftOut};
use crate::accept::entries::Call;
use crate::command::Error;
use crate::dry_run::{Predicted, Told, of_list};
use crate::handle::Handle;
use crate::rollout::make::{check_plan, check_waves};

/// What a revert would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictedRevert {
    /// A page of its devices.
    pub page: Predicted,
    /// How many devices it would ask for something.
    pub total: u32,
    /// What it would leave as it is: the first thousand.
    pub left_out: Vec<LeftOut>,
    /// How much that is in all.
    pub left_out_total: u64,
}

impl Handle {
    /// What [`Self::revert_update`] would do if it were called now: all of what it leaves out, and
    /// of its devices a page, as [`Self::dry_run`] gives one. Writes nothing, and leaves an update
    /// that has stopped as it is. Each page reads all that the update has done.
    ///
    /// Errors: those of [`Self::revert_update`].
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
        let back = self.brought_back(principal, id, phase.is_some()).await?;
        let total = back.total();
        check_waves(plan, total)?;
        let BroughtBack { project: (key, project), kind, devices, leaving } = back;
        let limit = limit.clamp(1, DEVICES_PER_PAGE_MAX);
        let (page, next) = of_list(&devices, after, limit);
        let told = page.into_iter().filter_map(|(_, id, values)| {
            Some(Told { id: id.clone(), values: values.clone()?, if_revision: None })
        });
        let at = self.shared.clock.now();
        let operation = Operation::Update;
        let call = Call { project: (key, &project), kind: Some(kind), operation, at };
        let devices = self.predict(principal, call, told.collect(), Vec::new()).await?;
        Ok(PredictedRevert {
            page: Predicted { devices, next },
            total,
            left_out: leaving.told,
            left_out_total: leaving.total,
        })
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
        let at = self.shared.clock.now();
        let call = Call { project: (key, project), kind: None, operation: Operation::Update, at };
        let devices = self.predict(principal, call, vec![told], Vec::new()).await?;
        Ok(PredictedRevert {
            page: Predicted { devices, next: None },
            total: 1,
            left_out: leaving.told,
            left_out_total: leaving.total,
        })
    }
}
