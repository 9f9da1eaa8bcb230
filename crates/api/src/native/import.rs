//! Importing devices: many at a time, all or none.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::limits::DEVICES_PER_IMPORT_MAX;
use fleet::{DeviceId, Kind, Principal, ProjectId};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange;
use super::{Native, Problem, openapi};

/// A device to import.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    /// What it is.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// Its project.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    project: ProjectId,
    /// Its id, unique in its project: 1 to 32 bytes.
    #[schema(value_type = String, min_length = 1, max_length = 32)]
    id: DeviceId,
    /// The operator's name for it.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// The host it lives on: so many devices of one host are worked on at a time.
    #[serde(default)]
    #[schema(max_length = 256)]
    server: String,
    /// Where it answers: host:port.
    #[schema(min_length = 1, max_length = 260, example = "10.0.0.7:5555")]
    address: String,
    /// What its server calls it, for the commands of its profile: a container's name.
    #[serde(default)]
    #[schema(max_length = 256)]
    container: String,
    /// How it is spoken to: the name of a profile.
    #[schema(example = "android")]
    profile: String,
}

impl From<NewDevice> for fleet::NewDevice {
    fn from(new: NewDevice) -> Self {
        let NewDevice { kind, project, id, name, server, address, container, profile } = new;
        Self { project, kind, id, name, server, address, container, profile }
    }
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Devices that are new.
    new: usize,
    /// Devices that existed and took the new record. They keep their values.
    updated: usize,
}

/// The devices of a call, whose errors name the entry, counted from 1.
pub(super) struct NewDevices(Vec<NewDevice>);

impl<'de> Deserialize<'de> for NewDevices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = NewDevices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of devices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut devices = Vec::new();
                loop {
                    let number = devices.len() + 1;
                    let next = list
                        .next_element()
                        .map_err(|error| A::Error::custom(format!("device {number}: {error}")))?;
                    let Some(device) = next else { return Ok(NewDevices(devices)) };
                    if number > DEVICES_PER_IMPORT_MAX {
                        let bound = format!("more than {DEVICES_PER_IMPORT_MAX} devices");
                        return Err(A::Error::custom(bound));
                    }
                    devices.push(device);
                }
            }
        }

        deserializer.deserialize_seq(Reader)
    }
}

/// Imports devices, all or none: at most 10,000. One that exists already takes the new record and
/// keeps its values.
#[utoipa::path(
    post,
    path = "/devices/import",
    tag = "devices",
    request_body = Vec<NewDevice>,
    responses(
        (status = 200, description = "What was done", body = Imported),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn import_devices(
    State(native): State<Arc<Native>>,
    exchange::JsonList(NewDevices(devices)): exchange::JsonList<NewDevices>,
) -> Result<Json<Imported>, Problem> {
    let records = devices.into_iter().map(fleet::NewDevice::from).collect();
    let imported = native.handle.import(&Principal::admin(), records).await?;
    Ok(Json(Imported { new: imported.new, updated: imported.updated }))
}
