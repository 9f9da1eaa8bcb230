//! What an update would do, before anything is written.

use engine::{Ask, PredictedRevert, Prediction};
use fleet::{DeviceId, Operation, Principal, ProjectId};
use serde::Serialize;
use utoipa::ToSchema;

use super::create::DeviceRefusal;
use super::revert::LeftOut;
use crate::native::{Native, Problem, pages};

/// Devices in a page unless told otherwise.
const LIMIT_DEFAULT: u32 = 1_000;

/// One page of what would come of an update's devices.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::native) struct PredictedUpdate {
    /// The devices. A page may have fewer than asked for, or none, and a next page.
    devices: Vec<PredictedDevice>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// What would come of a revert.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PredictedRevert)]
pub(in crate::native) struct PredictedReversion {
    /// One page of the devices that it would ask for something. It may have fewer than asked for,
    /// or none, and a next page.
    devices: Vec<PredictedDevice>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
    /// How many devices it would ask; null but on the first page.
    devices_total: Option<u32>,
    /// What would stay as it is: at most the first 1,000, and all of them on the first page.
    left_out: Vec<LeftOut>,
    /// How many values would stay as they are; null but on the first page.
    left_out_total: Option<u64>,
}

impl From<PredictedRevert> for PredictedReversion {
    fn from(predicted: PredictedRevert) -> Self {
        let PredictedRevert { page, counted } = predicted;
        let device = |device| PredictedDevice::of(device, false);
        let (devices_total, left_out_total) =
            counted.as_ref().map(|counted| (counted.total, counted.left_out_total)).unzip();
        let left_out = counted.into_iter().flat_map(|counted| counted.left_out);
        Self {
            devices: page.devices.into_iter().map(device).collect(),
            next: page.next.map(|next| next.to_string()),
            devices_total,
            left_out: left_out.map(LeftOut::from).collect(),
            left_out_total,
        }
    }
}

/// What would come of a device.
#[derive(Debug, Serialize, ToSchema)]
struct PredictedDevice {
    /// The device.
    #[schema(value_type = String)]
    id: DeviceId,
    /// The values that would change.
    changes: Vec<PredictedChange>,
    /// The properties of which the device is asked for, and shows, that value already.
    unchanged: Vec<String>,
    /// Why it would be refused; null if it would not.
    refused: Option<DeviceRefusal>,
    /// Whether it is away, so that the values would be stored for it.
    away: bool,
    /// Whether it would be restarted, whatever changes.
    restart: bool,
}

/// A value that would change.
#[derive(Debug, Serialize, ToSchema)]
struct PredictedChange {
    /// The property.
    name: String,
    /// What is asked of the device now, or is on record; null for nothing.
    desired: Option<String>,
    /// What it last showed; null for nothing.
    shown: Option<String>,
    /// What it would be asked for.
    to: String,
    /// When that would act: `at_once`, `after_restart`, `recreate` (once its container is made
    /// anew), or `record` (it is a record of ours).
    #[schema(example = "at_once")]
    acts: &'static str,
}

/// Says what would come of one page of the devices: `page` is where it begins and how long it is.
pub(super) async fn predict(
    native: &Native,
    principal: &Principal,
    project: &ProjectId,
    ask: &Ask,
    page: (Option<&str>, Option<u32>),
) -> Result<PredictedUpdate, Problem> {
    let (after, limit) = place(page)?;
    let predicted = native.handle.dry_run(principal, project, ask, after, limit).await?;
    let restarts = ask.operation == Operation::Restart;
    let device = |device| PredictedDevice::of(device, restarts);
    Ok(PredictedUpdate {
        devices: predicted.devices.into_iter().map(device).collect(),
        next: predicted.next.map(|next| next.to_string()),
    })
}

/// Where a page begins, and how long it is.
///
/// # Errors
/// 400: what is asked for is no page.
pub(super) fn place((after, limit): (Option<&str>, Option<u32>)) -> Result<(u64, u32), Problem> {
    let after = pages::place(after)?.unwrap_or(0);
    let limit = pages::limit(Some(limit.unwrap_or(LIMIT_DEFAULT)))?;
    Ok((after, limit))
}

/// Refuses a page where nothing is a dry run.
///
/// # Errors
/// 400.
pub(super) fn no_page(page: (Option<&str>, Option<u32>)) -> Result<(), Problem> {
    match page {
        (None, None) => Ok(()),
        _ => Err(Problem::invalid("after, limit: are of a dry run alone; see dry_run")),
    }
}

impl PredictedDevice {
    /// What would come of a device, of an update that `restarts` or does not.
    fn of(device: Prediction, restarts: bool) -> Self {
        let change = |change: engine::PredictedChange| PredictedChange {
            name: change.name,
            desired: change.desired,
            shown: change.shown,
            to: change.to,
            acts: change.acts.name(),
        };
        Self {
            id: device.id,
            changes: device.changes.into_iter().map(change).collect(),
            unchanged: device.unchanged,
            restart: restarts && device.refused.is_none(),
            refused: device.refused.map(|refusal| DeviceRefusal::of(refusal, restarts)),
            away: device.away,
        }
    }
}
