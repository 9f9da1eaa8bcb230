//! One line of an export.

use fleet::catalogue::DESCRIPTION;
use fleet::{CameraStatus, DeviceId, ProjectId, Timestamp};
use serde_json::{Map, Value};
use store::DeviceWithState;

use super::FileFormat;
use crate::native::import::CHANNEL;
use crate::native::import::columns::{AGE, Column, DESIRED, REPORTED, STATUS, covered};

/// What stands in which column of a line; what does not is empty.
pub(in crate::native) type Cells = Vec<(Column, String)>;

/// The columns of an export.
#[derive(Debug, Default)]
pub(in crate::native) struct Columns {
    /// How it is written.
    pub(in crate::native) format: FileFormat,
    /// Whether it says how devices are doing.
    pub(in crate::native) state: bool,
    /// The properties that have columns.
    pub(in crate::native) properties: Vec<String>,
}

impl Columns {
    /// The header; JSON lines have none.
    pub(in crate::native) fn header(&self) -> String {
        let mut text = String::new();
        if self.format == FileFormat::Csv {
            let mut names: Vec<String> =
                Column::ALL.iter().map(|column| column.name().to_owned()).collect();
            if self.state {
                names.extend([STATUS.to_owned(), AGE.to_owned()]);
                for begin in [DESIRED, REPORTED] {
                    let of = |property: &String| covered(&format!("{begin}:{property}"));
                    names.extend(self.properties.iter().map(of));
                }
            }
            write_row(&mut text, names);
        }
        text
    }

    /// The cells of a line in the order of the header.
    pub(in crate::native) fn row(&self, cells: &[(Column, String)]) -> Vec<String> {
        let cell = |column: Column| {
            let found = cells.iter().find(|(known, _)| *known == column);
            found.map(|(_, text)| covered(text)).unwrap_or_default()
        };
        let mut row: Vec<String> = Column::ALL.into_iter().map(cell).collect();
        if self.state {
            row.resize(row.len() + 2 + 2 * self.properties.len(), String::new());
        }
        row
    }

    /// The same of a device, as it is at `now`.
    pub(in crate::native) fn device_row(
        &self,
        found: &DeviceWithState,
        now: Timestamp,
    ) -> Vec<String> {
        let cells = device_cells(found);
        if !self.state {
            return self.row(&cells);
        }
        let of_record = Self { state: false, ..Self::default() };
        let mut row = of_record.row(&cells);
        row.push(covered(status(found, now)));
        row.push(age_seconds(found, now).map(|age| age.to_string()).unwrap_or_default());
        let state = &found.state;
        for property in &self.properties {
            let asked = state.desired.get(property);
            row.push(asked.map(|asked| covered(&asked.value)).unwrap_or_default());
        }
        for property in &self.properties {
            let shown = state.reported.values.get(property);
            let shown = shown.and_then(|shown| shown.value.as_deref());
            row.push(shown.map(covered).unwrap_or_default());
        }
        row
    }
}

/// What is on record of a device. Its password is not.
pub(in crate::native) fn device_cells(found: &DeviceWithState) -> Cells {
    let DeviceWithState { device, camera, .. } = found;
    let mut cells = vec![
        (Column::Kind, device.kind.name().to_owned()),
        (Column::Project, device.project_id.to_string()),
        (Column::Id, device.id.to_string()),
        (Column::Name, device.name.clone()),
    ];
    let is_of = |column: &Column| column.is_of(device.kind);
    let of_phones = [
        (Column::Server, &device.server),
        (Column::Address, &device.address),
        (Column::Container, &device.container),
        (Column::Profile, &device.profile),
    ];
    let of_phones = of_phones.into_iter().filter(|(column, _)| is_of(column));
    cells.extend(of_phones.map(|(column, text)| (column, text.clone())));
    if let Some(camera) = camera {
        let organization = camera.organization.as_ref().map(|filed| filed.path.to_string());
        let of_cameras = [
            (Column::User, camera.user.clone()),
            (Column::Organization, organization),
            (Column::Description, camera.record.get(DESCRIPTION).cloned()),
        ];
        let of_cameras = of_cameras.into_iter();
        cells.extend(of_cameras.filter_map(|(column, text)| Some((column, text?))));
    }
    cells
}

/// What is on record of a channel.
pub(in crate::native) fn channel_cells(
    project: &ProjectId,
    device: &DeviceId,
    id: &DeviceId,
    name: String,
) -> Cells {
    vec![
        (Column::Kind, CHANNEL.to_owned()),
        (Column::Project, project.to_string()),
        (Column::Parent, device.to_string()),
        (Column::Id, id.to_string()),
        (Column::Name, name),
    ]
}

/// The same as an object. What is empty is left out.
pub(in crate::native) fn object(cells: Cells) -> Map<String, Value> {
    let cells = cells.into_iter().filter(|(_, text)| !text.is_empty());
    cells.map(|(column, text)| (column.name().to_owned(), Value::String(text))).collect()
}

/// Adds how a device is doing at `now` to its object.
pub(in crate::native) fn add_state(
    fields: &mut Map<String, Value>,
    found: &DeviceWithState,
    now: Timestamp,
) {
    let state = &found.state;
    fields.insert(STATUS.to_owned(), status(found, now).into());
    fields.insert(AGE.to_owned(), age_seconds(found, now).into());
    let desired = state.desired.values().into_iter();
    let desired: Map<String, Value> = desired.map(|(name, value)| (name, value.into())).collect();
    fields.insert(DESIRED.to_owned(), desired.into());
    let reported = state.reported.values.iter();
    let reported: Map<String, Value> =
        reported.map(|(name, shown)| (name.clone(), shown.value.clone().into())).collect();
    fields.insert(REPORTED.to_owned(), reported.into());
}

/// How a device is doing: a phone's condition; of a camera whether it is registered.
fn status(found: &DeviceWithState, now: Timestamp) -> &'static str {
    match &found.camera {
        Some(camera) => CameraStatus::of(camera.binding.as_ref(), now).name(),
        None => found.state.condition.name(),
    }
}

/// How long ago a device last showed a value, in seconds; `None` if it never did.
fn age_seconds(found: &DeviceWithState, now: Timestamp) -> Option<u64> {
    let last = found.state.reported.values.values().map(|shown| shown.at).max()?;
    Some(now.since(last).as_secs())
}

/// Writes a row of CSV (RFC 4180, section 2) that ends with a line feed alone, as files do here.
pub(in crate::native) fn write_row<T: AsRef<str>>(
    text: &mut String,
    cells: impl IntoIterator<Item = T>,
) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let cell = cell.as_ref();
        if cell.contains(['"', ',', ';', '\t', '\r', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}
