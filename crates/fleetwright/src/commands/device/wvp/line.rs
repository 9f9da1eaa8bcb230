//! One camera as the server takes it.

use std::collections::VecDeque;

use fleet::limits::DEVICES_PER_IMPORT_MAX;
use fleet::{DeviceId, Kind, ProjectId, Secret};
use serde::{Serialize, Serializer};

/// Bytes of a piece before its last device: with that below the 12 MB that the server takes in one
/// body.
const PIECE_BYTES_MAX: usize = 7 * 1024 * 1024;

/// One camera.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What it is.
    kind: Kind,
    /// Its project.
    project: ProjectId,
    /// Its id.
    id: DeviceId,
    /// The operator's name for it.
    name: String,
    /// The password that it must register with.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "show_password")]
    password: Option<Secret<String>>,
    /// Its channels that are known already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channels: Vec<NewChannel>,
}

/// A channel of a camera or a recorder.
#[derive(Debug, Clone, Serialize)]
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

impl Line {
    /// A camera.
    pub fn camera(
        project: ProjectId,
        id: DeviceId,
        name: String,
        password: Option<Secret<String>>,
        channels: Vec<NewChannel>,
    ) -> Self {
        Self { kind: Kind::Camera, project, id, name, password, channels }
    }

    /// Its id.
    pub fn id(&self) -> &DeviceId {
        &self.id
    }

    /// Some more bytes than it takes in a body.
    fn bytes(&self) -> usize {
        // Names and words of the object, and those of each channel.
        const OBJECT: usize = 256;
        const CHANNEL: usize = 64;
        let password = self.password.as_ref().map_or(0, |password| password.expose().len());
        let channels: usize =
            self.channels.iter().map(|channel| channel.name.len() + CHANNEL).sum();
        OBJECT + self.name.len() + password + channels
    }
}

/// Takes as many cameras as one call takes from the front of `list`.
pub fn take_piece(list: &mut VecDeque<Line>) -> Vec<Line> {
    let mut devices = Vec::new();
    let mut piece_bytes = 0;
    while devices.len() < DEVICES_PER_IMPORT_MAX && piece_bytes < PIECE_BYTES_MAX {
        let Some(device) = list.pop_front() else { break };
        piece_bytes += device.bytes();
        devices.push(device);
    }
    devices
}

/// The id of a GB device or a channel: 20 digits (GB/T 28181-2016, annex D).
pub fn check_gb_id(id: &str) -> Result<(), String> {
    if id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("{id:?} is not 20 digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(number: usize) -> Line {
        let id = DeviceId::new(format!("3402000000132{number:07}")).unwrap();
        let channel = NewChannel { id: id.clone(), name: "c".to_owned() };
        let password = Some(Secret::new("a b".to_owned()));
        let project = ProjectId::new("p").unwrap();
        Line::camera(project, id, "东门".to_owned(), password, vec![channel])
    }

    #[test]
    fn a_camera_is_sent_whole_and_its_password_is_seen_nowhere_else() {
        let sent = serde_json::to_string(&camera(1)).unwrap();
        let expected = r#"{"kind":"camera","project":"p","id":"34020000001320000001","name":"东门","password":"a b","channels":[{"id":"34020000001320000001","name":"c"}]}"#;
        assert_eq!(sent, expected);
        assert!(!format!("{:?}", camera(1)).contains("a b"));
    }

    #[test]
    fn a_long_list_goes_in_pieces() {
        let mut list: VecDeque<Line> = (0..DEVICES_PER_IMPORT_MAX + 5).map(camera).collect();
        let pieces = [take_piece(&mut list), take_piece(&mut list), take_piece(&mut list)];
        assert_eq!(pieces.map(|piece| piece.len()), [DEVICES_PER_IMPORT_MAX, 5, 0]);
    }
}
