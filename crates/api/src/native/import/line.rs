//! One line of a file, and the device or the channel that it means.

use std::collections::BTreeMap;

use engine::ImportEntry;
use fleet::catalogue::{DESCRIPTION, ORGANIZATION};
use fleet::{DeviceId, Kind, NewCamera, NewChannel, NewDevice, ProjectId, Secret, Values};

use super::columns::{Column, shown};
use super::report::LineError;

/// What stands for the project in the example of a template: no project can be called so.
pub(super) const EXAMPLE_PROJECT: &str = "<project>";

/// The word for a channel where a device has its kind.
pub(in crate::native) const CHANNEL: &str = "channel";

/// What paths of the API have where others have a device's id: one of such an id could not be asked
/// for.
pub(super) const WORDS_OF_PATHS: [&str; 4] = ["count", "discover", "export", "import"];

/// What a line says, by column. Nothing of it is checked but that it is text.
pub(super) struct Line {
    /// Its number.
    number: usize,
    /// The texts, none of them empty.
    cells: BTreeMap<Column, String>,
    /// The channels that are named in the line itself.
    channels: Vec<NewChannel>,
}

/// What a line means.
pub(super) enum Meant {
    /// A device.
    Device(Box<ImportEntry>),
    /// A channel of a device that stands elsewhere.
    Channel {
        /// The project.
        project: ProjectId,
        /// The id of its device.
        parent: DeviceId,
        /// The channel.
        channel: NewChannel,
    },
}

impl Line {
    /// A line that says nothing yet.
    pub(super) fn new(number: usize) -> Self {
        Self { number, cells: BTreeMap::new(), channels: Vec::new() }
    }

    /// Its number.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Puts a text into a column. An empty one says nothing.
    pub(super) fn put(&mut self, column: Column, text: String) {
        if !text.is_empty() {
            self.cells.insert(column, text);
        }
    }

    /// Names channels in the line itself.
    pub(super) fn put_channels(&mut self, channels: Vec<NewChannel>) {
        self.channels = channels;
    }

    /// What it means, where `project` is that of lines that name none.
    pub(super) fn meant(mut self, project: Option<&ProjectId>) -> Result<Meant, LineError> {
        if self.cells.get(&Column::Project).is_some_and(|text| text == EXAMPLE_PROJECT) {
            let detail = "this is the example of a template: put a device of yours in its place";
            return Err(LineError::new(self.number, "example", detail));
        }
        let word = self.needed(Column::Kind, "a line")?;
        let (kind, called) = match word.as_str() {
            CHANNEL => return self.channel(project),
            "phone" => (Kind::Phone, "a phone"),
            "camera" => (Kind::Camera, "a camera"),
            other => {
                let detail = format!("{} is none of phone, camera, channel", shown(other));
                return Err(self.invalid(Column::Kind, detail));
            }
        };
        self.check_columns(|column| column.is_of(kind), called)?;
        let project = self.project(project, called)?;
        let id = self.id(Column::Id, called, kind == Kind::Camera)?;
        let name = self.needed(Column::Name, called)?;
        let mut record = Values::new();
        let camera = match kind {
            Kind::Phone => {
                if !self.channels.is_empty() {
                    return Err(self.not_of(called, "channels"));
                }
                None
            }
            Kind::Camera => {
                let description = self.given(Column::Description);
                record.extend(description.map(|text| (DESCRIPTION.to_owned(), text)));
                let path = self.given(Column::Organization);
                record.extend(path.map(|path| (ORGANIZATION.to_owned(), path)));
                Some(NewCamera {
                    user: self.credential(Column::User)?,
                    password: self.credential(Column::Password)?.map(Secret::new),
                    channels: std::mem::take(&mut self.channels),
                    ..NewCamera::default()
                })
            }
        };
        let is_phone = kind == Kind::Phone;
        let device = NewDevice {
            project,
            kind,
            id,
            name,
            server: self.given(Column::Server).unwrap_or_default(),
            address: if is_phone { self.needed(Column::Address, called)? } else { String::new() },
            container: self.given(Column::Container).unwrap_or_default(),
            profile: if is_phone {
                self.needed(Column::Profile, called)?
            } else {
                self.given(Column::Profile).unwrap_or_default()
            },
            camera,
        };
        Ok(Meant::Device(Box::new(ImportEntry { device, record })))
    }

    /// The channel that a line of that kind means.
    fn channel(mut self, project: Option<&ProjectId>) -> Result<Meant, LineError> {
        let called = "a channel";
        self.check_columns(Column::is_of_channels, called)?;
        if !self.channels.is_empty() {
            return Err(self.not_of(called, "channels"));
        }
        let project = self.project(project, called)?;
        let parent = self.id(Column::Parent, called, true)?;
        let id = self.id(Column::Id, called, true)?;
        let channel = NewChannel { id, name: self.needed(Column::Name, called)? };
        if let Err(engine::Error::Invalid { what, detail }) = engine::check_channel(&channel) {
            return Err(LineError::new(self.number, "invalid", detail).of(what));
        }
        Ok(Meant::Channel { project, parent, channel })
    }

    /// Refuses a line that says something which there is not of what it means.
    fn check_columns(&self, is_of: impl Fn(Column) -> bool, called: &str) -> Result<(), LineError> {
        match self.cells.keys().find(|column| !is_of(**column)) {
            Some(column) => Err(self.not_of(called, column.name())),
            None => Ok(()),
        }
    }

    /// What the line says in a column.
    fn given(&mut self, column: Column) -> Option<String> {
        self.cells.remove(&column)
    }

    /// The same where it must say something.
    fn needed(&mut self, column: Column, called: &str) -> Result<String, LineError> {
        self.given(column).ok_or_else(|| {
            let detail = format!("{called} needs `{}`", column.name());
            LineError::new(self.number, "missing", detail).of(column.name())
        })
    }

    /// The project: its own, or that of all lines which name none.
    fn project(
        &mut self,
        of_all: Option<&ProjectId>,
        called: &str,
    ) -> Result<ProjectId, LineError> {
        if let (false, Some(project)) = (self.cells.contains_key(&Column::Project), of_all) {
            return Ok(project.clone());
        }
        let text = self.needed(Column::Project, called)?;
        ProjectId::new(text).map_err(|error| self.invalid(Column::Project, error.to_string()))
    }

    /// What a camera registers with, which may be nothing but digits. The text is in no error: it
    /// may be a password.
    fn credential(&mut self, column: Column) -> Result<Option<String>, LineError> {
        let text = self.given(column);
        if text.as_deref().is_some_and(|text| is_rounded(text, false)) {
            let detail = "this is what a spreadsheet has made of a long number, and its last \
                          digits are lost: make the column one of text, and fill it anew";
            return Err(self.invalid(column, detail.to_owned()));
        }
        Ok(text)
    }

    /// An id. Of 20 digits (`is_long`) a spreadsheet makes a number that it rounds, and of others
    /// that are a number.
    fn id(&mut self, column: Column, called: &str, is_long: bool) -> Result<DeviceId, LineError> {
        let text = self.needed(column, called)?;
        if is_rounded(&text, is_long) {
            let detail = format!(
                "{} is what a spreadsheet has made of a long number, and its last digits are \
                 lost: make the column one of text, and fill it anew",
                shown(&text)
            );
            return Err(self.invalid(column, detail));
        }
        if WORDS_OF_PATHS.contains(&text.as_str()) {
            let detail =
                format!("{} stands for something else in the paths of the API", shown(&text));
            return Err(self.invalid(column, detail));
        }
        let id = DeviceId::new(text).and_then(|id| id.check_new().map(|()| id));
        id.map_err(|error| self.invalid(column, error.to_string()))
    }

    /// A value that is not acceptable.
    fn invalid(&self, column: Column, detail: String) -> LineError {
        LineError::new(self.number, "invalid", detail).of(column.name())
    }

    /// Something that there is not of what the line means.
    fn not_of(&self, called: &str, field: &str) -> LineError {
        let why = if called == "a camera" && ["server", "address", "container"].contains(&field) {
            ": it comes to us"
        } else {
            ""
        };
        let detail = format!("{called} has no `{field}`{why}");
        LineError::new(self.number, "not_of_kind", detail).of(field)
    }
}

/// Whether a text is a number as spreadsheets show long ones: `3.402E+19`, in some countries
/// `3,402E+19`. `is_long`: however it is written; of others it has to be as long as they show it,
/// since it may be a text of its own.
fn is_rounded(text: &str, is_long: bool) -> bool {
    let Some((mantissa, exponent)) = text.trim().split_once(['E', 'e']) else { return false };
    let exponent = match exponent.strip_prefix('+') {
        Some(exponent) if is_long || exponent.len() > 1 => exponent,
        None if is_long => exponent,
        _ => return false,
    };
    let is_number = |part: &str, point: &[char]| {
        let digits = part.replacen(point, "", 1);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    is_number(mantissa, &['.', ',']) && is_number(exponent, &[])
}
