//! Exporting devices: files that an import takes.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use fleet::limits::{EXPORT_PAGE, EXPORT_PROPERTIES_MAX};
use fleet::{DeviceId, DeviceKey, Kind, Principal, ProjectId, Selector};
use futures_util::stream;
use http::{HeaderValue, header};
use serde::Deserialize;
use store::DeviceWithState;

use super::devices::query::{DevicesQuery, FilterParameters};
use super::exchange::FromQuery;
use super::token::Caller;
use super::{Native, Problem, openapi};

pub(super) mod row;

pub(super) use row::write_row;
use row::{Columns, channel_cells, device_cells, object};

/// Bytes that are sent at a time, and a device or a page of channels more.
const PIECE_BYTES: usize = 64 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FileFormat {
    /// CSV with a header.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// How devices are exported, and what of them.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct ExportParameters {
    /// `csv`, unless given, or `jsonl`: one JSON object a line.
    #[param(example = "csv")]
    format: Option<String>,
    /// Whether it is said how each device is doing: `status`, how long ago it last showed a value,
    /// what is asked of it and what it showed.
    state: Option<bool>,
    /// Of CSV with `state`: a property of which there are the columns `desired:PROPERTY` and
    /// `reported:PROPERTY`; given several times, at most 100: all of them. JSON lines have all.
    property: Option<Vec<String>>,
}

/// What is asked of an export besides which devices.
#[derive(Debug, Default)]
struct Asked {
    format: Option<FileFormat>,
    state: Option<bool>,
    properties: Vec<String>,
}

impl Asked {
    /// Takes its own out of the keys and values of a query; gives those that say which devices.
    fn of(pairs: Vec<(String, String)>) -> Result<(Self, Vec<(String, String)>), Problem> {
        let mut asked = Self::default();
        let mut others = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let is_first = match key.as_str() {
                "format" => {
                    let format = match value.as_str() {
                        "csv" => FileFormat::Csv,
                        "jsonl" => FileFormat::Jsonl,
                        _ => return Err(Problem::invalid("format: must be csv or jsonl")),
                    };
                    asked.format.replace(format).is_none()
                }
                "state" => {
                    let state = value.parse();
                    let state = state.map_err(|_| Problem::invalid("state: true or false"))?;
                    asked.state.replace(state).is_none()
                }
                "property" => {
                    asked.properties.push(value);
                    true
                }
                _ => {
                    others.push((key, value));
                    continue;
                }
            };
            if !is_first {
                return Err(Problem::invalid(format!("{key}: is given twice")));
            }
        }
        Ok((asked, others))
    }

    /// The columns, the properties by their canonical names.
    fn columns(self, native: &Native) -> Result<Columns, Problem> {
        let (format, state) = (self.format.unwrap_or_default(), self.state == Some(true));
        let takes_properties = state && format == FileFormat::Csv;
        if !self.properties.is_empty() && !takes_properties {
            let detail = "property: is for csv with state=true; JSON lines have all";
            return Err(Problem::invalid(detail));
        }
        if self.properties.len() > EXPORT_PROPERTIES_MAX {
            let detail = format!("property: at most {EXPORT_PROPERTIES_MAX} may be given");
            return Err(Problem::invalid(detail));
        }
        let catalogue = native.handle.catalogue();
        let mut properties: Vec<String> = Vec::with_capacity(self.properties.len());
        for name in self.properties {
            let known = [Kind::Phone, Kind::Camera]
                .into_iter()
                .find_map(|kind| catalogue.property_of(kind, &name));
            let Some(known) = known else {
                return Err(Problem::invalid(format!("property: there is no property {name:?}")));
            };
            // One that an entry stands for by its beginning has no other name than its own.
            let name = if known.aliases.contains(&name) { known.name.clone() } else { name };
            if !properties.contains(&name) {
                properties.push(name);
            }
        }
        Ok(Columns { format, state, properties })
    }
}

/// Exports devices, in the order in which they were first imported, as a file that an import takes:
/// CSV, or JSON lines. The channels of a camera that have a name on record follow it in lines of
/// their own. No password is ever in it. Before a text that a spreadsheet would take for a formula
/// there is an apostrophe in CSV, which an import takes off again.
///
/// It is read while it is sent: a device that changes meanwhile is there as it was before or as it
/// is after.
#[utoipa::path(
    get,
    path = "/devices/export",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(ExportParameters, FilterParameters),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        )),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn export_devices(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromQuery(pairs): FromQuery<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let (asked, others) = Asked::of(pairs)?;
    let columns = asked.columns(&native)?;
    let DevicesQuery { project, selector, .. } =
        DevicesQuery::read_whole(&native, &principal, others).await?;
    let format = columns.format;
    let mut export = Export {
        head: columns.header(),
        native,
        principal,
        project,
        selector,
        columns,
        next: Some(DeviceKey(0)),
        page: VecDeque::new(),
        channels: None,
    };
    // What fails at once can still be told as a problem.
    export.read_page().await?;
    let pieces = stream::unfold(Some(export), async |export| {
        let mut export = export?;
        match export.piece().await {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some((Ok(piece), Some(export))),
            Err(error) => {
                // The connection is cut off, so that nobody takes a part for the whole.
                let cause: &dyn std::error::Error = &error;
                tracing::error!(error = cause, "an export broke off");
                Some((Err(error), None))
            }
        }
    });
    Ok(file(format, "devices", Body::from_stream(pieces)))
}

/// The answer that is a file of this format and name.
pub(super) fn file(format: FileFormat, name: &str, body: Body) -> Response {
    let (media, extension) = match format {
        FileFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        FileFormat::Jsonl => ("application/x-ndjson", "jsonl"),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    if let Ok(value) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A GB device whose channels are being written.
struct OpenChannels {
    /// Its project.
    project: ProjectId,
    /// Its id.
    id: DeviceId,
    /// Its key.
    key: DeviceKey,
    /// Up to which of its channels they were.
    after: String,
}

/// An export that is being sent: at most a page of devices and one of channels are in memory.
struct Export {
    native: Arc<Native>,
    principal: Principal,
    project: Option<ProjectId>,
    selector: Selector,
    columns: Columns,
    /// What comes before the first device and was not sent yet.
    head: String,
    /// Behind which device the next page begins; `None` behind the last.
    next: Option<DeviceKey>,
    /// Devices that were read and not sent.
    page: VecDeque<DeviceWithState>,
    /// The device that comes before those, if channels of it are to be sent.
    channels: Option<OpenChannels>,
}

impl Export {
    /// What is sent next; nothing at the end.
    async fn piece(&mut self) -> Result<Bytes, store::Error> {
        let mut text = std::mem::take(&mut self.head);
        while text.len() < PIECE_BYTES {
            if let Some(channels) = self.channels.take() {
                self.write_channels(channels, &mut text).await?;
            } else if let Some(found) = self.page.pop_front() {
                self.write_device(&found, &mut text);
            } else if self.next.is_some() {
                self.read_page().await?;
            } else {
                break;
            }
        }
        Ok(text.into())
    }

    /// Reads the next page of devices, if there is one.
    async fn read_page(&mut self) -> Result<(), store::Error> {
        let Some(after) = self.next else { return Ok(()) };
        let reads = self.native.handle.reads();
        let project = self.project.as_ref();
        let page =
            reads.select(&self.principal, project, &self.selector, after, EXPORT_PAGE).await?;
        self.page = page.devices.into();
        self.next = page.next;
        Ok(())
    }

    /// Writes a device.
    fn write_device(&mut self, found: &DeviceWithState, text: &mut String) {
        let DeviceWithState { device, camera, .. } = found;
        let now = self.native.handle.now();
        match self.columns.format {
            FileFormat::Csv => write_row(text, self.columns.device_row(found, now)),
            FileFormat::Jsonl => {
                let mut fields = object(device_cells(found));
                if self.columns.state {
                    row::add_state(&mut fields, found, now);
                }
                write_line(text, fields);
            }
        }
        if camera.as_ref().is_some_and(|camera| camera.channels > 0) {
            let (project, id) = (device.project_id.clone(), device.id.clone());
            let after = String::new();
            self.channels = Some(OpenChannels { project, id, key: device.key, after });
        }
    }

    /// Writes a page of the channels of a device: those that have a name on record.
    async fn write_channels(
        &mut self,
        of: OpenChannels,
        text: &mut String,
    ) -> Result<(), store::Error> {
        let reads = self.native.handle.reads();
        let page = reads.channels(&self.principal, of.key, &of.after, EXPORT_PAGE).await?;
        let Some(last) = page.last().map(|channel| channel.id.to_string()) else { return Ok(()) };
        for channel in page {
            let Some(name) = channel.name else { continue };
            let cells = channel_cells(&of.project, &of.id, &channel.id, name);
            match self.columns.format {
                FileFormat::Csv => write_row(text, self.columns.row(&cells)),
                FileFormat::Jsonl => write_line(text, object(cells)),
            }
        }
        self.channels = Some(OpenChannels { after: last, ..of });
        Ok(())
    }
}

/// Writes an object as a line.
fn write_line(text: &mut String, fields: serde_json::Map<String, serde_json::Value>) {
    text.push_str(&serde_json::Value::Object(fields).to_string());
    text.push('\n');
}
