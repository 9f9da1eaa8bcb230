//! One device as it stands in a file, and as the server takes it.

use fleet::{DeviceId, Kind, ProjectId, Secret};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One device. Which of its fields it must have depends on its kind: see [`Line::check`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is.
    kind: Kind,
    /// Its project.
    project: ProjectId,
    /// Its id.
    id: DeviceId,
    /// The operator's name for it.
    name: String,
    /// The host that a phone lives on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// Where a phone answers: `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// What a phone's server calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    /// The profile. A camera's is `generic` unless it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The user name that a camera must register with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The password that a camera must register with.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "show_password",
        deserialize_with = "read_password"
    )]
    password: Option<Secret<String>>,
    /// Channels of a camera that are known already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    channels: Vec<NewChannel>,
}

/// A channel of a camera or a recorder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Its id.
    pub id: DeviceId,
    /// The operator's name for it.
    pub name: String,
}

/// To the server, and to nobody else.
fn show_password<S: Serializer>(
    password: &Option<Secret<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    password.as_ref().map(|password| password.expose()).serialize(serializer)
}

/// Reads a password. Its error does not say what was there, as serde's own would.
fn read_password<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret<String>>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(serde::de::Error::custom("password is not a text")),
    }
}

impl Line {
    /// A camera.
    pub fn camera(
        project: ProjectId,
        id: DeviceId,
        name: String,
        password: Option<Secret<String>>,
        channels: Vec<NewChannel>,
    ) -> Self {
        Self {
            kind: Kind::Camera,
            project,
            id,
            name,
            server: None,
            address: None,
            container: None,
            profile: None,
            user: None,
            password,
            channels,
        }
    }

    /// The device's id.
    pub fn id(&self) -> &DeviceId {
        &self.id
    }

    /// Some more bytes than it takes in a body.
    pub fn bytes(&self) -> usize {
        // Names and words of the object, and those of each channel.
        const OBJECT: usize = 256;
        const CHANNEL: usize = 64;
        let texts = [&self.server, &self.address, &self.container, &self.profile, &self.user];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let password = self.password.as_ref().map_or(0, |password| password.expose().len());
        let channels: usize =
            self.channels.iter().map(|channel| channel.name.len() + CHANNEL).sum();
        OBJECT + self.name.len() + texts + password + channels
    }

    /// Says what the device lacks, or has and can't have, being of its kind.
    pub fn check(&self) -> Result<(), String> {
        let given = [
            ("server", self.server.is_some()),
            ("address", self.address.is_some()),
            ("container", self.container.is_some()),
            ("profile", self.profile.is_some()),
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("channels", !self.channels.is_empty()),
        ];
        match self.kind {
            Kind::Phone => {
                for (field, is_given) in given {
                    match field {
                        "address" | "profile" if !is_given => {
                            return Err(format!("a phone needs `{field}`"));
                        }
                        "user" | "password" | "channels" if is_given => {
                            return Err(format!("a phone has no `{field}`"));
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            Kind::Camera => {
                let placed = ["server", "address", "container"];
                let wrong = given.iter().find(|(field, is)| *is && placed.contains(field));
                if let Some((field, _)) = wrong {
                    return Err(format!("a camera has no `{field}`: it comes to us"));
                }
                check_gb_id(self.id.as_str()).map_err(|why| format!("id: {why}"))?;
                let mut ids = self.channels.iter().map(|channel| channel.id.as_str());
                ids.try_for_each(check_gb_id).map_err(|why| format!("channel id: {why}"))
            }
        }
    }
}

/// The id of a GB device or a channel: 20 digits (GB/T 28181-2016, annex D).
pub fn check_gb_id(id: &str) -> Result<(), String> {
    if id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("{id:?} is not 20 digits"))
}
