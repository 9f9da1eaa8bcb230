//! Importing devices, many at a time: a list, all or none, or the lines of a file, each of which is
//! judged by itself.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use engine::ImportTerms;
use fleet::limits::DEVICES_PER_IMPORT_MAX;
use fleet::{DeviceId, Kind, NewCamera, ProjectId, Secret};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::entries::Entries;
use super::exchange::{self, FromQuery, Typed};
use super::token::Caller;
use super::{Native, Problem, openapi};

mod charset;
pub(super) mod columns;
mod json_lines;
mod line;
mod lines;
mod read;
mod report;
mod rows;
mod sheet;
pub(super) mod template;
#[cfg(test)]
mod tests;

pub use charset::{CharsetError, charset_of};
pub(super) use line::CHANNEL;
use read::Read;
use report::{Answer, Nothing, Success};
pub use rows::{Row, Rows};

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

/// What the import of a list did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Devices that are new.
    new: usize,
    /// Devices that existed and took the new record. They keep their values.
    updated: usize,
}

/// How the lines of a file are imported.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// The project of lines that name none.
    #[param(value_type = Option<String>)]
    project: Option<ProjectId>,
    /// Whether it is only said what would be done.
    dry_run: Option<bool>,
    /// What becomes of the others if a line can't be taken: `all_or_none`, unless given, or
    /// `good_lines`, which go in.
    #[param(value_type = Option<String>, example = "good_lines")]
    mode: Option<Mode>,
    /// Where the body is a part of a larger file: the number of the line at which it begins there;
    /// of CSV, at which the first row behind the header does.
    #[param(minimum = 1)]
    first_line: Option<usize>,
}

/// What becomes of the others if a line can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// They are not taken.
    AllOrNone,
    /// They are.
    GoodLines,
}

impl ImportQuery {
    /// Whether it asks for nothing.
    fn is_empty(&self) -> bool {
        let Self { project, dry_run, mode, first_line } = self;
        project.is_none() && dry_run.is_none() && mode.is_none() && first_line.is_none()
    }

    /// The same for the engine.
    fn terms(&self) -> ImportTerms {
        ImportTerms {
            good_alone: self.mode == Some(Mode::GoodLines),
            dry_run: self.dry_run == Some(true),
        }
    }
}

/// How a body names its devices.
#[derive(Debug, PartialEq, Eq)]
enum Format<'a> {
    /// A list in JSON.
    List,
    /// One JSON object a line.
    JsonLines,
    /// CSV, of the charset that it says it is of.
    Csv(Option<&'a str>),
}

impl<'a> Format<'a> {
    /// That of a body with this `Content-Type`; a list unless it says another.
    fn of(content_type: &'a str) -> Self {
        let mut parts = content_type.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        if media.eq_ignore_ascii_case("text/csv") {
            Self::Csv(charset)
        } else if media.eq_ignore_ascii_case("application/x-ndjson") {
            Self::JsonLines
        } else {
            Self::List
        }
    }
}

/// Imports devices. One that exists already takes the new record and keeps its values.
///
/// A list, in JSON, goes in as a whole or not at all, and takes none of the parameters. CSV and
/// JSON lines are judged line by line: each fault is told with its line.
///
/// The fields of a line, and the columns of a file, which may stand in any order: `kind`, `project`
/// (unless it is a parameter), `id` and `name`; of a phone `address` and `profile`, and if need be
/// `server` and `container`; of a camera, if need be, `user`, `password`, `profile`, `organization`
/// and `description`. A line of the kind `channel` names a channel of the camera `parent`, which is
/// another line's or on record. What is empty stays as it is on record. What an export adds
/// (`status`, `age_seconds`, `desired:...`, `reported:...`) is passed over, and of an apostrophe
/// before `=`, `+`, `-`, `@` or a tab one is taken off. A cell `="..."` is the text in it; any
/// other formula is refused. CSV is UTF-8 or GB18030, its cells parted by commas, semicolons or
/// tabs, or by what a first line `sep=` names; one that may be of either charset, and does not say
/// so as `charset` of its `Content-Type`, is refused.
#[utoipa::path(
    post,
    path = "/devices/import",
    tag = "devices",
    security(("token" = ["operator"])),
    params(ImportQuery),
    request_body(
        description = "The devices: at most 10,000, or 10,000 lines",
        content(
            (Vec<NewDevice> = "application/json"),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ),
    ),
    responses(
        (status = 200, description = "What was done: of lines, a report", body = Success),
        (status = 422, description = "No line went in, and the report says why; or the \
            Idempotency-Key was used for another request",
            body = Nothing, content_type = "application/problem+json"),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn import_devices(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(query): FromQuery<ImportQuery>,
    Typed { content_type, body }: Typed,
) -> Result<Answer, Problem> {
    let read = match Format::of(&content_type) {
        Format::List => {
            if !query.is_empty() {
                let detail = "a list takes no parameters: they are for text/csv and \
                              application/x-ndjson";
                return Err(Problem::invalid(detail));
            }
            let Entries(devices): Entries<NewDevice, DEVICES_PER_IMPORT_MAX> =
                exchange::parse(&body)?;
            let records = devices.into_iter().map(fleet::NewDevice::from).collect();
            let imported = native.handle.import(&principal, records).await?;
            let imported = Imported { new: imported.new, updated: imported.updated };
            return Ok(Answer::List(imported));
        }
        Format::JsonLines | Format::Csv(_) => lines_of(content_type, body, &query).await?,
    };
    let project = query.project.as_ref();
    if let Some(project) = project {
        let found = native.handle.reads().project(&principal, project).await?;
        found.ok_or_else(|| Problem::no_such_project(project))?;
    }
    let report = lines::import(&native, &principal, read, project, query.terms()).await?;
    Ok(report.answer())
}

/// Reads the lines of a body. Not on a thread that answers calls: 12 MB that were made to be slow
/// hold one for seconds.
async fn lines_of(content_type: String, body: Bytes, query: &ImportQuery) -> Result<Read, Problem> {
    let (first, has_project) = (query.first_line, query.project.is_some());
    let reading = tokio::task::spawn_blocking(move || match Format::of(&content_type) {
        Format::Csv(charset) => sheet::read(&body, charset, first, has_project),
        Format::JsonLines | Format::List => json_lines::read(&body, first.unwrap_or(1)),
    });
    let read = reading.await.map_err(|_| engine::Error::Closed)?;
    read.map_err(|read::TooMany| {
        Problem::invalid(format!("more than {DEVICES_PER_IMPORT_MAX} lines"))
    })
}
