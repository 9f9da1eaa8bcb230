//! UpdateDeviceTransport (`PUT /device?transport`): how our commands are to be carried to a device,
//! from its next connection on.

use engine::CameraAsked;
use fleet::catalogue::TRANSPORT;
use fleet::{DeviceId, Values};

use super::Door;
use super::auth::Call;
use super::device::{self, Shown};
use super::error::Failure;
use super::fields::{self, Fault};
use super::request::{Asked, Entry};
use super::update_device::{Wanted, read_each};

/// What the vendor says of a device that took it.
const SUCCESS: &str = "Success";

/// Answers UpdateDeviceTransport.
pub(super) async fn update_transport(door: &Door, call: &Call) -> Result<String, Failure> {
    let asked = Asked::read(&call.body)?;
    let project = door.project(call, Some(asked.project_id()?)).await?;
    let wanted = read_each(&asked.devices()?, wanted);
    let outcomes = door.apply(call, &project, wanted).await?;
    Ok(device::response(call, |xml| {
        device::write_outcomes(xml, &outcomes, |xml, named| {
            Shown::of(named, &door.handle, &project.settings.iss).write_done(xml, SUCCESS);
        });
    }))
}

/// Reads one device: the fields of UpdateDevice that it may have besides are passed over.
fn wanted(entry: Entry<'_>, id: DeviceId) -> Result<Wanted, Fault> {
    let transport = fields::transport(entry)?;
    let values = Values::from([(TRANSPORT.to_owned(), transport.to_owned())]);
    Ok(Wanted { id, values, camera: CameraAsked::default(), lacks_password: false })
}
