//! Freezing all devices that a selector means, and ending that.

use fleet::limits::FROZEN_PER_WRITE_MAX;
use fleet::{DeviceId, DeviceKey, Principal, ProjectId, Selector};
use store::write::FreezeDevices;
use store::{Write, Written};

use crate::command::Error;
use crate::handle::Handle;
use crate::operate::to_the_end;

/// What freezing by a selector has come to, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freezing {
    /// Devices that the selector means.
    pub matched: usize,
    /// Those of them that are as asked now and were not, or that would be: the others are so
    /// already.
    pub changed: usize,
}

impl Handle {
    /// Freezes all devices of a project that a selector means, or ends that: some at a time, so
    /// that a failure in the middle leaves the rest as they were. Doing it again is harmless. That
    /// there are none is no error. A `dry_run` changes nothing.
    ///
    /// Errors: no such project; [`Error::TooManyDevices`] for more than
    /// [`fleet::limits::UPDATE_DEVICES_MAX`], and then nothing has changed; the store failed.
    pub async fn freeze_selected(
        &self,
        principal: &Principal,
        project: &ProjectId,
        selector: &Selector,
        frozen: bool,
        dry_run: bool,
    ) -> Result<Freezing, Error> {
        self.project_key(principal, project).await?;
        let matched = self.selected_or_none(principal, project, selector).await?;
        let others = match selector.frozen {
            None => {
                let others = Selector { frozen: Some(!frozen), ..selector.clone() };
                self.selected_or_none(principal, project, &others).await?
            }
            Some(are) if are == frozen => Vec::new(),
            Some(_) => matched.clone(),
        };
        let matched = matched.len();
        if dry_run {
            return Ok(Freezing { matched, changed: others.len() });
        }
        let (store, principal) = (self.shared.store.clone(), principal.clone());
        let project = project.clone();
        to_the_end(async move {
            let mut changed = 0;
            for some in others.chunks(FROZEN_PER_WRITE_MAX) {
                let (project, devices) = (project.clone(), some.to_vec());
                let write = Write::FreezeDevices(FreezeDevices { project, devices, frozen });
                match store.write(&principal, write).await?? {
                    Written::Frozen(devices) => changed += devices.len(),
                    other => {
                        tracing::error!(?other, "the store answered about freezing otherwise");
                        return Err(Error::Closed);
                    }
                }
            }
            Ok(Freezing { matched, changed })
        })
        .await
    }

    /// The devices of [`Self::selected`], of which there may be none.
    async fn selected_or_none(
        &self,
        principal: &Principal,
        project: &ProjectId,
        selector: &Selector,
    ) -> Result<Vec<(DeviceKey, DeviceId)>, Error> {
        match self.selected(principal, project, selector).await {
            Err(Error::NoneFound) => Ok(Vec::new()),
            found => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::Kind;
    use store::AuditFilter;

    use super::*;
    use crate::operate::stage::{Stage, device_id, project};

    /// Those whose ids have this in them.
    fn with(text: &str) -> Selector {
        Selector { text: Some(text.to_owned()), ..Selector::default() }
    }

    #[tokio::test]
    async fn what_a_selector_means_is_frozen_once_and_unfrozen() {
        let stage = Stage::new().await;
        for id in ["a-1", "a-2", "b-1"] {
            stage.import("p", id, &format!("{id}:5555"), "simulated").await;
        }
        stage.import("q", "a-1", "q:1", "simulated").await;
        let ask = async |selector: &Selector, frozen: bool, dry_run: bool| {
            let (handle, p) = (&stage.handle, project("p"));
            let came = handle.freeze_selected(&stage.admin, &p, selector, frozen, dry_run).await;
            let Freezing { matched, changed } = came.unwrap();
            (matched, changed)
        };
        let frozen = async || {
            let mut frozen = Vec::new();
            for id in ["a-1", "a-2", "b-1"] {
                let found = stage.handle.device(&stage.admin, &project("p"), &device_id(id)).await;
                frozen.push(found.unwrap().state.frozen);
            }
            frozen
        };
        assert_eq!(ask(&with("a-"), true, true).await, (2, 2));
        assert_eq!(frozen().await, [false; 3], "a dry run changes nothing");
        assert_eq!(ask(&with("a-1"), true, false).await, (1, 1));
        assert_eq!(ask(&with("a-"), true, true).await, (2, 1));
        assert_eq!(ask(&with("a-"), true, false).await, (2, 1));
        assert_eq!(ask(&with("a-"), true, false).await, (2, 0), "again it does nothing");
        assert_eq!(frozen().await, [true, true, false]);
        let thawed = Selector { frozen: Some(false), ..Selector::default() };
        assert_eq!(ask(&thawed, true, true).await, (1, 1));
        assert_eq!(ask(&thawed, false, false).await, (1, 0));
        assert_eq!(ask(&with("none"), true, false).await, (0, 0));
        let cameras = Selector { kind: Some(Kind::Camera), ..Selector::default() };
        assert_eq!(ask(&cameras, true, false).await, (0, 0));
        assert_eq!(ask(&Selector::default(), false, false).await, (3, 2));
        assert_eq!(frozen().await, [false; 3]);
        let other = stage.handle.device(&stage.admin, &project("q"), &device_id("a-1")).await;
        assert!(!other.unwrap().state.frozen);

        let reads = stage.handle.reads();
        let action = Some("device.freeze".to_owned());
        let filter = AuditFilter { action, ..AuditFilter::default() };
        let acts = reads.audit(&stage.admin, &filter, None, 9).await.unwrap();
        let of: Vec<&str> = acts.iter().map(|act| act.target.as_str()).collect();
        assert_eq!(of, ["a-2", "a-1"]);
        assert_eq!(acts[0].detail, r#"{"devices":1,"first":["a-2"]}"#);

        let nowhere = project("x");
        let all = Selector::default();
        let refused = stage.handle.freeze_selected(&stage.admin, &nowhere, &all, true, true).await;
        assert_eq!(refused.unwrap_err().to_string(), "no such project: x");
    }
}
