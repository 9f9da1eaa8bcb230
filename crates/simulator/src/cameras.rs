//! A fleet of simulated cameras in one process, which register with a server.

mod hub;
mod link;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use tokio_util::sync::DropGuard;

use crate::camera::{self, Camera, FaultMix, Faults, Secret, device_id, operator_name};
use crate::control::{Control, ControlAddress, ControlError};
pub(crate) use hub::Hub;
pub use hub::Progress;

/// Most cameras in a fleet.
pub const CAMERAS_MAX: usize = 200_000;
/// On how many UDP ports the cameras of a fleet are spread at the most, by default: further ones
/// share a port, as cameras behind one address translation seem to.
pub const PORTS_MAX: usize = 1000;
/// What passwords are made of: no two of these look alike.
const PASSWORD_LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// How long they are.
const PASSWORD_LENGTH: usize = 12;

/// What fleet to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many cameras.
    pub count: usize,
    /// The project that they belong to, for those who import them.
    pub project: String,
    /// The first one's id; the others' serial numbers follow.
    pub first_id: String,
    /// The password of all of them; without one, each has its own.
    pub password: Option<Secret>,
    /// What passwords, and all that is random, are made from.
    pub seed: u64,
    /// What all of them are. Id, password and faults in here are not looked at.
    pub camera: camera::Options,
    /// Where their messages come from; by default the address that the system takes for the server.
    pub bind: Option<IpAddr>,
    /// On how many UDP ports they are spread at the most.
    pub ports_max: usize,
    /// How many cameras begin to register in a second.
    pub register_rate: u32,
    /// The faults of all cameras.
    pub fault: Faults,
    /// Faults for a share of the cameras, in place of those.
    pub faults: Option<FaultMix>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            count: 1,
            project: "demo".to_owned(),
            first_id: "34020000001320000001".to_owned(),
            password: None,
            seed: 1,
            camera: camera::Options::default(),
            bind: None,
            ports_max: PORTS_MAX,
            register_rate: 1000,
            fault: Faults::default(),
            faults: None,
        }
    }
}

/// Why a fleet did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No camera, or more than [`CAMERAS_MAX`].
    #[error("{count} cameras: a fleet has 1 to {CAMERAS_MAX}")]
    Count {
        /// How many were asked for.
        count: usize,
    },
    /// The first id is no code of 20 digits, or its serial numbers do not suffice.
    #[error(
        "{count} cameras can't have ids from '{first_id}' on: it needs 20 digits, and the last \
        six must not pass 999999"
    )]
    Id {
        /// The first id.
        first_id: String,
        /// How many cameras were asked for.
        count: usize,
    },
    /// There is no socket to send from.
    #[error("cannot send to {server}")]
    Socket {
        /// The server.
        server: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What is said of a camera to those who import it, in this order.
#[derive(Serialize)]
struct Line<'c> {
    kind: &'static str,
    project: &'c str,
    id: &'c str,
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'c str>,
    password: &'c str,
}

impl Options {
    /// One JSON object a line for each camera, as `fleetwright device import` takes it. The name is
    /// the operator's, in Chinese; the camera itself starts with its factory's.
    ///
    /// # Errors
    /// [`StartError::Count`] and [`StartError::Id`].
    pub fn emit(&self) -> Result<String, StartError> {
        let mut text = String::new();
        for (index, id) in self.ids()?.iter().enumerate() {
            let password = self.password_of(index);
            let line = Line {
                kind: "camera",
                project: &self.project,
                id,
                name: &operator_name(index),
                user: self.camera.user.as_deref(),
                password: password.expose(),
            };
            // A struct of plain values always becomes JSON.
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        Ok(text)
    }

    /// The ids, in order.
    fn ids(&self) -> Result<Vec<String>, StartError> {
        let count = self.count;
        if count == 0 || count > CAMERAS_MAX {
            return Err(StartError::Count { count });
        }
        let ids: Option<Vec<_>> =
            (0..count).map(|index| device_id(&self.first_id, index)).collect();
        ids.ok_or_else(|| StartError::Id { first_id: self.first_id.clone(), count })
    }

    /// The password of the camera with this index.
    fn password_of(&self, index: usize) -> Secret {
        if let Some(password) = &self.password {
            return password.clone();
        }
        let mut random = SmallRng::seed_from_u64(self.seed_of(index) ^ 0x7061_7373);
        let letter = || {
            let at = random.random_range(0..PASSWORD_LETTERS.len());
            PASSWORD_LETTERS.get(at).copied().map_or('x', char::from)
        };
        Secret::new(std::iter::repeat_with(letter).take(PASSWORD_LENGTH).collect::<String>())
    }

    /// The seed of the camera with this index.
    fn seed_of(&self, index: usize) -> u64 {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        self.seed.rotate_left(32) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// The camera with this index.
    fn camera(&self, index: usize, id: String) -> Camera {
        let dealt = self.faults.and_then(|mix| mix.fault_of(index));
        let options = camera::Options {
            id,
            password: self.password_of(index),
            faults: dealt.unwrap_or_else(|| self.fault.clone()),
            ..self.camera.clone()
        };
        Camera::new(options, self.seed_of(index))
    }
}

/// A running fleet. It stops when it is dropped, as if its cameras' power were cut.
#[derive(Debug)]
pub struct Fleet {
    options: Options,
    hub: Arc<Hub>,
    _stop: DropGuard,
}

impl Fleet {
    /// Starts the cameras; they register one after another from then on. Must be called within a
    /// Tokio runtime. Over UDP they need a file descriptor for each port, over TCP each one.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let ids = options.ids()?;
        let failed = |source| StartError::Socket { server: options.camera.server, source };
        let cameras: Vec<_> =
            ids.into_iter().enumerate().map(|(index, id)| options.camera(index, id)).collect();
        let ports = options.ports_max.clamp(1, options.count);
        let hub = Hub::new(cameras, &options.camera, options.bind, ports).map_err(failed)?;
        let stop = hub.stop.clone().drop_guard();
        hub.start_all(options.register_rate);
        Ok(Fleet { options, hub, _stop: stop })
    }

    /// As [`Options::emit`].
    ///
    /// # Errors
    /// None: a fleet that has started has legal ids.
    pub fn emit(&self) -> Result<String, StartError> {
        self.options.emit()
    }

    /// The cameras' ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.hub.ids()
    }

    /// How far the cameras are with registering.
    pub fn progress(&self) -> Progress {
        self.hub.progress()
    }

    /// Returns when all cameras are registered whose faults let them.
    pub async fn all_registered(&self) {
        self.hub.all_registered().await;
    }

    /// Does something with a camera, as somebody who stands before it; what it wants to send then
    /// goes out. None if there is no camera of this id.
    pub fn with<T>(&self, id: &str, act: impl FnOnce(&mut Camera, Instant) -> T) -> Option<T> {
        self.hub.with(id, act)
    }

    /// What a camera holds. None if there is no camera of this id.
    pub fn held(&self, id: &str) -> Option<camera::Held> {
        self.hub.with(id, |camera, _| camera.held())
    }

    /// Lets an operator's commands control the cameras from outside: see [`crate::control`]. Must
    /// be called within a Tokio runtime.
    ///
    /// # Errors
    /// It can't listen there.
    pub async fn control(&self, address: &ControlAddress) -> Result<Control, ControlError> {
        let stop = self.hub.stop.child_token();
        Control::start(Arc::clone(&self.hub), stop, &self.hub.tasks, address).await
    }

    /// The cameras themselves, for a control that has phones besides.
    pub(crate) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    /// Stops every camera, as if its power were cut; returns when all sockets are closed.
    pub async fn stop(self) {
        self.hub.stop.cancel();
        self.hub.tasks.close();
        self.hub.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_camera_is_said_on_a_line() {
        let options = Options { count: 3, ..Options::default() };
        let text = options.emit().unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2]["id"], "34020000001320000003");
        assert_eq!(lines[2]["kind"], "camera");
        assert_eq!(lines[2]["project"], "demo");
        assert_eq!(lines[2]["name"], "停车场入口-0003");
        assert_eq!(lines[2].get("user"), None);
        let passwords: BTreeSet<_> =
            lines.iter().map(|line| line["password"].as_str().unwrap().to_owned()).collect();
        assert_eq!(passwords.len(), 3);
        assert!(passwords.iter().all(|password| password.len() == PASSWORD_LENGTH));
        assert_eq!(text, options.emit().unwrap());
        assert_ne!(text, Options { seed: 2, ..options.clone() }.emit().unwrap());

        let user = Some("admin".to_owned());
        let named = Options {
            camera: camera::Options { user, ..options.camera.clone() },
            password: Some(Secret::new("87654321")),
            ..options
        };
        let line: serde_json::Value =
            serde_json::from_str(named.emit().unwrap().lines().next().unwrap()).unwrap();
        assert_eq!((&line["user"], &line["password"]), (&"admin".into(), &"87654321".into()));
    }

    #[test]
    fn impossible_fleets_are_refused() {
        let of = |count, first_id: &str| {
            Options { count, first_id: first_id.to_owned(), ..Options::default() }.emit()
        };
        let good = "34020000001320000001";
        assert!(matches!(of(0, good), Err(StartError::Count { .. })));
        assert!(matches!(of(CAMERAS_MAX + 1, good), Err(StartError::Count { .. })));
        assert!(matches!(of(2, "34020000001320999999"), Err(StartError::Id { .. })));
        assert!(matches!(of(1, "3402"), Err(StartError::Id { .. })));
        assert!(of(1, "34020000001320999999").is_ok());
    }
}
