//! The body that all device calls share: `Request` with a `ProjectId` and devices.
//!
//! The vendor's pages write a list of devices by repeating `Devicelist` with the fields right in
//! it. Their tables speak of `Device` elements below it, their answers of `DeviceList`, and their
//! page of DeleteDevice of `Deviceist`. All of these are read, in any order and number; elements
//! that no page names are passed over. An element that is empty is as good as none.

use fleet::limits::CAMERAS_PER_CALL_MAX;

use super::error::{Code, Failure};
use super::fields::{EntryCode, Fault};
use super::xml::{self, Element};

/// What the body is called.
const ROOT: &str = "Request";
/// What a list of devices is called.
const LISTS: [&str; 2] = ["DeviceList", "Deviceist"];
/// What a device in one is called.
const DEVICE: &str = "Device";
/// What makes a list a device itself, whether there are devices in it or not.
const FIELDS: [&str; 12] = [
    "Gbid",
    "Name",
    "Desc",
    "Ip",
    "Port",
    "User",
    "Pwd",
    "Type",
    "Manufacturer",
    "Transport",
    "Protocol",
    "Organization",
];
/// What the project is called.
const PROJECT: &str = "ProjectId";

/// The body of a call.
#[derive(Debug)]
pub(super) struct Asked {
    root: Element,
}

/// The fields of one device, or of a container in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    element: &'a Element,
}

impl Asked {
    /// Reads a body.
    ///
    /// Errors: 400 MissingRequestBodyError, and MalformedXML with line and column.
    pub(super) fn read(body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            return Err(Failure::of(Code::MissingRequestBodyError));
        }
        let root = xml::read(body)?;
        if !root.is(ROOT) {
            let what = format!("the outermost element must be {ROOT}");
            return Err(Failure::because(Code::MalformedXml, placed(&root, &what)));
        }
        Ok(Self { root })
    }

    /// The project that is named.
    ///
    /// Errors: 400 InvalidArgument naming `ProjectId` if there is none, an empty one or several.
    pub(super) fn project_id(&self) -> Result<&str, Failure> {
        let refuse = |element: &Element, what: &str| {
            let what = placed(element, &format!("{PROJECT} {what}"));
            Err(Failure::because(Code::InvalidArgument, what))
        };
        let mut named = self.root.named(PROJECT);
        let Some(project) = named.next() else {
            return refuse(&self.root, "is required and missing");
        };
        if let Some(other) = named.next() {
            return refuse(other, "is given twice");
        }
        if !project.children().is_empty() {
            return refuse(project, "is a text and has elements in it");
        }
        if project.text().is_empty() {
            return refuse(project, "is required and empty");
        }
        Ok(project.text())
    }

    /// The fields of the body itself.
    pub(super) fn fields(&self) -> Entry<'_> {
        Entry { element: &self.root }
    }

    /// The devices, in their order: 1 to [`CAMERAS_PER_CALL_MAX`].
    ///
    /// Errors: 400 InvalidArgument if there are fewer or more.
    pub(super) fn devices(&self) -> Result<Vec<Entry<'_>>, Failure> {
        let lists = self.root.children().iter();
        let lists = lists.filter(|element| LISTS.iter().any(|name| element.is(name)));
        let mut devices = Vec::new();
        for list in lists {
            let within = list.named(DEVICE).map(|element| Entry { element });
            let is_field = |child: &Element| FIELDS.iter().any(|field| child.is(field));
            let has_devices = list.child(DEVICE).is_some();
            let is_device = list.children().iter().any(|child| is_field(child) || !has_devices);
            devices.extend(is_device.then_some(Entry { element: list }));
            devices.extend(within);
            if let Some(beyond) = devices.get(CAMERAS_PER_CALL_MAX) {
                let what = format!("a call has at most {CAMERAS_PER_CALL_MAX} devices");
                return Err(Failure::because(Code::InvalidArgument, placed(beyond.element, &what)));
            }
        }
        if devices.is_empty() {
            let what = placed(&self.root, "Devicelist is required and there is none with a device");
            return Err(Failure::because(Code::InvalidArgument, what));
        }
        Ok(devices)
    }

    /// The one device of a call that takes one.
    ///
    /// Errors: 400 InvalidArgument if there is none, or another.
    pub(super) fn only_device(&self) -> Result<Entry<'_>, Failure> {
        let devices = self.devices()?;
        match devices.as_slice() {
            [device] => Ok(*device),
            [_, second, ..] => {
                let what = placed(second.element, "this call takes one device");
                Err(Failure::because(Code::InvalidArgument, what))
            }
            [] => Err(Failure::of(Code::InvalidArgument)),
        }
    }
}

impl<'a> Entry<'a> {
    /// The text of a field as it stands; `None` if it is absent or empty.
    ///
    /// Errors: it is there twice, or has elements in it.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, Fault> {
        let Some(field) = self.only(name)? else { return Ok(None) };
        if !field.children().is_empty() {
            let what = placed(field, &format!("{name} is a text and has elements in it"));
            return Err(Fault::new(EntryCode::InvalidElement, what));
        }
        Ok(Some(field.text()).filter(|text| !text.is_empty()))
    }

    /// A container of fields; `None` if it is absent or has no elements in it.
    ///
    /// Errors: it is there twice, or has a text in it.
    pub(super) fn container(self, name: &str) -> Result<Option<Entry<'a>>, Fault> {
        let Some(element) = self.only(name)? else { return Ok(None) };
        if !element.text().trim_ascii().is_empty() {
            let what = placed(element, &format!("{name} has elements in it, not a text"));
            return Err(Fault::new(EntryCode::InvalidElement, what));
        }
        Ok((!element.children().is_empty()).then_some(Entry { element }))
    }

    /// Whether any element of this name says anything, itself or in an element within.
    pub(super) fn says(self, name: &str) -> bool {
        fn has_text(element: &Element) -> bool {
            !element.text().trim_ascii().is_empty() || element.children().iter().any(has_text)
        }
        self.element.named(name).any(has_text)
    }

    /// The text of a field, whatever it is worth: to show it to whoever sent it.
    pub(super) fn as_sent(self, name: &str) -> &'a str {
        self.element.child(name).map_or("", Element::text)
    }

    /// The one element of this name.
    fn only(self, name: &str) -> Result<Option<&'a Element>, Fault> {
        let mut named = self.element.named(name);
        let first = named.next();
        match named.next() {
            None => Ok(first),
            Some(second) => {
                let what = placed(second, &format!("{name} is given twice"));
                Err(Fault::new(EntryCode::DuplicateElement, what))
            }
        }
    }
}

/// What is wrong with an element, and where it is.
fn placed(element: &Element, what: &str) -> String {
    format!("{what} (line {}, column {})", element.line, element.column)
}

#[cfg(test)]
mod tests;
