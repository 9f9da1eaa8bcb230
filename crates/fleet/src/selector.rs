//! Which devices are meant, said by what is known of them.

use serde::{Deserialize, Serialize};

use crate::attention::Attention;
use crate::camera::{CameraStatus, CredentialsInUse};
use crate::device::{Condition, Kind};
use crate::id::DeviceId;
use crate::organization::OrganizationPath;

/// Which devices are meant: those that meet all of it. What is empty asks for nothing, so that the
/// empty selector means all devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selector {
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// On one of these servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// With all of these tags: a key, and its value or any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, Option<String>)>,
    /// In one of these conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Not as they should be, for one of these reasons; `None`: as they should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<Option<Attention>>,
    /// With all of these values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueIs>,
    /// That an operator has frozen, or has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// A GB device that stands so: one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<CameraStatus>,
    /// A GB device that is registered, with one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CredentialsInUse>,
    /// Filed in this organization or in one below it.
    #[serde(skip_serializing_if = "Option::is_none", with = "path")]
    pub organization: Option<OrganizationPath>,
    /// Whose [`crate::Facts::MANUFACTURER`] is this, whatever the case of ASCII letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// With this in its id, name, server or address, whatever the case of ASCII letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// One of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<DeviceId>,
}

impl Selector {
    /// What all devices that are meant are, if it says so: phones register nowhere.
    pub fn only_kind(&self) -> Option<Kind> {
        let of_cameras = !self.statuses.is_empty() || !self.credentials.is_empty();
        self.kind.or_else(|| of_cameras.then_some(Kind::Camera))
    }
}

/// What one of a device's values is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueIs {
    /// The property, by its canonical name.
    pub name: String,
    /// The value, whole; `None`: there is none.
    pub value: Option<String>,
    /// Which of the two it is about.
    pub of: ValueOf,
}

/// Which of a device's two values of a property is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueOf {
    /// What was asked for.
    Desired,
    /// What the device last showed.
    Reported,
}

/// An organization's path as text, or nothing.
mod path {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::organization::OrganizationPath;

    /// Writes the path as text.
    pub(super) fn serialize<S: Serializer>(
        path: &Option<OrganizationPath>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => serializer.collect_str(path),
            None => serializer.serialize_none(),
        }
    }

    /// Reads what [`serialize`] writes.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OrganizationPath>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_written() {
        assert_eq!(serde_json::to_string(&Selector::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Selector>("{}").unwrap(), Selector::default());
    }

    #[test]
    fn what_only_cameras_have_means_cameras() {
        let with = |kind| Selector {
            kind,
            credentials: vec![CredentialsInUse::Old],
            ..Selector::default()
        };
        assert_eq!(Selector::default().only_kind(), None);
        assert_eq!(with(None).only_kind(), Some(Kind::Camera));
        assert_eq!(with(Some(Kind::Phone)).only_kind(), Some(Kind::Phone), "which means none");
    }

    #[test]
    fn a_selector_is_read_as_it_is_written() {
        let value = |of| ValueIs { name: "a".to_owned(), value: None, of };
        let selector = Selector {
            kind: Some(Kind::Camera),
            servers: vec!["s".to_owned()],
            tags: vec![("k".to_owned(), None), ("l".to_owned(), Some("v".to_owned()))],
            conditions: vec![Condition::Running],
            attention: vec![Some(Attention::RestartPending), None],
            values: vec![value(ValueOf::Desired), value(ValueOf::Reported)],
            frozen: Some(true),
            statuses: vec![CameraStatus::OffLine],
            credentials: vec![CredentialsInUse::NotRenewed],
            organization: Some("北京/海淀".parse().unwrap()),
            manufacturer: Some("Dahua".to_owned()),
            text: Some("x".to_owned()),
            ids: vec![DeviceId::new("d").unwrap()],
        };
        let text = serde_json::to_string(&selector).unwrap();
        assert!(text.contains(r#""organization":"北京/海淀""#), "{text}");
        assert_eq!(serde_json::from_str::<Selector>(&text).unwrap(), selector);
    }
}
