//! DeleteDevice (`DELETE /device`, with a body): deletes one device and all that is on record of
//! it.

use fleet::{DeviceId, Project, Refusal};
use store::Refused;

use super::Door;
use super::auth::Call;
use super::device::{self, Named, Outcome};
use super::error::Failure;
use super::fields::{self, EntryCode, Fault};
use super::request::Asked;

/// Answers DeleteDevice.
pub(super) async fn delete_device(door: &Door, call: &Call) -> Result<String, Failure> {
    let asked = Asked::read(&call.body)?;
    let project = door.project(call, Some(asked.project_id()?)).await?;
    let entry = asked.only_device()?;
    let result = match fields::gbid(entry) {
        Ok(device) => delete(door, call, &project, device).await?,
        Err(fault) => Err(fault),
    };
    let outcomes = [Outcome { gbid: entry.as_sent("Gbid"), result }];
    Ok(device::response(call, |xml| {
        device::write_outcomes(xml, &outcomes, |xml, device: &DeviceId| {
            xml.open("Device").text("Gbid", device.as_str()).empty("Msg").close("Device");
        });
    }))
}

/// Deletes the device, if that is what the id names.
async fn delete(
    door: &Door,
    call: &Call,
    project: &Project,
    device: DeviceId,
) -> Result<Result<DeviceId, Fault>, Failure> {
    match door.find(call, project, vec![device.clone()]).await?.pop().flatten() {
        Some(Named::Device(_)) => {}
        Some(Named::Unread(_)) => return Ok(Err(Fault::not_found())),
        Some(Named::Channel(_)) => {
            let rule = "this is a channel, which goes with the device that has it";
            return Ok(Err(Fault::new(EntryCode::NotOfAChannel, rule)));
        }
        None => return Ok(Err(Fault::not_found())),
    }
    match door.handle.delete_device(&call.principal, &project.id, &device).await {
        Ok(()) => Ok(Ok(device)),
        Err(engine::Error::Refused(Refused::NoSuchDevice)) => Ok(Err(Fault::not_found())),
        Err(engine::Error::Refused(Refused::Frozen)) => Ok(Err(Fault::of(Refusal::Frozen))),
        Err(error) => Err(error.into()),
    }
}
