//! Importing devices: many at a time, all or none.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::limits::DEVICES_PER_IMPORT_MAX;
use fleet::{DeviceId, Kind, NewCamera, ProjectId, Secret};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::entries::Entries;
use super::exchange;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// A device to import.
#[derive(Deserialize, ToSchema)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    deny_unknown_fields,
    expecting = "a device, as an object"
)]
pub(super) enum NewDevice {
    /// An Android phone, which is reached over ADB.
    Phone {
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
    },
    /// A GB device: a camera or a recorder that registers here by GB/T 28181.
    Camera {
        /// Its project.
        #[schema(value_type = String, min_length = 1, max_length = 64)]
        project: ProjectId,
        /// Its id, by which it registers: 20 digits, unique on this server.
        #[schema(value_type = String, pattern = "^[0-9]{20}$", example = "34020000001320000001")]
        id: DeviceId,
        /// The operator's name for it. It is recorded and not sent to the device.
        #[schema(min_length = 1, max_length = 256)]
        name: String,
        /// The digest user name that it must register with. Unless given, what is on record stays;
        /// where nothing is, it is the id.
        #[schema(min_length = 1, max_length = 256)]
        user: Option<String>,
        /// The password that it must register with. Unless given, what is on record stays; where
        /// nothing is, it can't register. It is never shown.
        #[serde(default, deserialize_with = "password")]
        #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
        password: Option<Secret<String>>,
        /// How it is spoken to: the name of a profile. `generic` gives way to the profile of the
        /// maker that the device names. One that is left out stays as it is on record; a new device
        /// gets `generic`.
        #[serde(default)]
        #[schema(example = "generic")]
        profile: String,
        /// Channels that are known before the device has told of them.
        #[serde(default)]
        #[schema(max_items = 10_000)]
        channels: Vec<NewChannel>,
    },
}

/// A channel of a GB device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewChannel {
    /// Its id, as the device's catalog names it: 20 digits.
    #[schema(value_type = String, pattern = "^[0-9]{20}$", example = "34020000001310000001")]
    id: DeviceId,
    /// The operator's name for it. It is recorded and not sent to the device.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
}

/// Reads a password. Its error does not say what was there, as serde's own would.
pub(super) fn password<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret<String>>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(serde::de::Error::custom("password is not a text")),
    }
}

impl From<NewDevice> for fleet::NewDevice {
    fn from(new: NewDevice) -> Self {
        match new {
            NewDevice::Phone { project, id, name, server, address, container, profile } => {
                let (kind, camera) = (Kind::Phone, None);
                Self { project, kind, id, name, server, address, container, profile, camera }
            }
            NewDevice::Camera { project, id, name, user, password, profile, channels } => {
                let channels = channels.into_iter().map(fleet::NewChannel::from).collect();
                let camera = NewCamera { user, password, channels, ..NewCamera::default() };
                Self {
                    project,
                    kind: Kind::Camera,
                    id,
                    name,
                    server: String::new(),
                    address: String::new(),
                    container: String::new(),
                    profile,
                    camera: Some(camera),
                }
            }
        }
    }
}

impl From<NewChannel> for fleet::NewChannel {
    fn from(NewChannel { id, name }: NewChannel) -> Self {
        Self { id, name }
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

/// Imports devices, all or none: at most 10,000. One that exists already takes the new record and
/// keeps its values.
#[utoipa::path(
    post,
    path = "/devices/import",
    tag = "devices",
    security(("token" = ["operator"])),
    request_body = Vec<NewDevice>,
    responses(
        (status = 200, description = "What was done", body = Imported),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn import_devices(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    exchange::JsonList(Entries(devices)): exchange::JsonList<
        Entries<NewDevice, DEVICES_PER_IMPORT_MAX>,
    >,
) -> Result<Json<Imported>, Problem> {
    let records = devices.into_iter().map(fleet::NewDevice::from).collect();
    let imported = native.handle.import(&principal, records).await?;
    Ok(Json(Imported { new: imported.new, updated: imported.updated }))
}
