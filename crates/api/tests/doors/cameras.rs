//! GB devices that the engine drives without a wire between: each does as it is told once it is
//! registered, and they register when the test says so.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use engine::driver::DeviceEvent;
use engine::{Action, Away, Driver, Examination, Fault, PowerReport, Reached, Report, Target};
use fleet::{
    Binding, Device, DeviceKey, Kind, NewCamera, NewChannel, NewDevice, Offline, Operation,
    Principal, ProjectId, Secret, SipTransport,
};

use crate::site::{PROJECT, Site};

/// The cameras of the tests, in [`PROJECT`].
pub const CAMERAS: [&str; 2] = ["34020000001320000001", "34020000001180000002"];
/// A channel that the second, a recorder, is recorded with.
pub const CHANNEL: &str = "34020000001310000021";
/// The password that the first must register with.
pub const PASSWORD: &str = "rtsp-hunter2";

/// The cameras by id. One that was never mentioned is not registered.
#[derive(Default)]
pub struct Cameras {
    all: Mutex<HashMap<String, Camera>>,
}

/// One camera.
#[derive(Default)]
struct Camera {
    registered: bool,
    /// What it says to every value, if it takes none.
    declines: Option<String>,
    /// Whether it takes every value and tells none.
    hides: bool,
    values: BTreeMap<String, String>,
}

impl Cameras {
    /// Makes a camera decline every value, in these words.
    pub fn decline(&self, id: &str, words: &str) {
        self.with(id, |camera| camera.declines = Some(words.to_owned()));
    }

    /// Makes a camera say yes to every value and tell none.
    pub fn hide(&self, id: &str) {
        self.with(id, |camera| camera.hides = true);
    }

    /// The value that a camera has.
    pub fn get(&self, id: &str, name: &str) -> Option<String> {
        self.with(id, |camera| camera.values.get(name).cloned())
    }

    fn with<T>(&self, id: &str, look: impl FnOnce(&mut Camera) -> T) -> T {
        look(self.all.lock().unwrap().entry(id.to_owned()).or_default())
    }
}

#[async_trait]
impl Driver for Cameras {
    fn kind(&self) -> Kind {
        Kind::Camera
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        self.with(device.id.as_str(), |camera| {
            if !camera.registered {
                return Report::Away(Away::NotRegistered("never was".to_owned()));
            }
            let mut faults = BTreeMap::new();
            for (name, value) in &action.set {
                match &camera.declines {
                    Some(words) => {
                        faults.insert(name.clone(), Fault::Declined(words.clone()));
                    }
                    None => {
                        camera.values.insert(name.clone(), value.clone());
                    }
                }
            }
            if camera.hides {
                let acknowledged = action.set.into_keys().collect();
                return Report::Reached(Reached { acknowledged, ..Reached::default() });
            }
            let names = action.set.keys().chain(&action.read);
            let shown = names.map(|name| (name.clone(), camera.values.get(name).cloned()));
            Report::Reached(Reached { shown: shown.collect(), faults, ..Reached::default() })
        })
    }

    async fn power(&self, _: &Device, _: Operation, _: Target<'_>) -> PowerReport {
        panic!("nobody may ask a camera for this");
    }

    async fn examine(&self, _: &Device) -> Examination {
        Examination::default()
    }

    fn watch(&self, _: &Device) {}
}

impl Site {
    /// Records [`CAMERAS`]: the first with a password, the second with a channel.
    pub async fn with_cameras(self) -> Self {
        let record = |id: &str, camera: NewCamera| NewDevice {
            project: ProjectId::new(PROJECT).unwrap(),
            kind: Kind::Camera,
            id: fleet::DeviceId::new(id).unwrap(),
            name: format!("门口 {}", &id[18..]),
            server: String::new(),
            address: String::new(),
            container: String::new(),
            profile: "generic".to_owned(),
            camera: Some(camera),
        };
        let password = Some(Secret::new(PASSWORD.to_owned()));
        let id = fleet::DeviceId::new(CHANNEL).unwrap();
        let channels = vec![NewChannel { id, name: "gate".to_owned() }];
        let records = vec![
            record(CAMERAS[0], NewCamera { password, ..NewCamera::default() }),
            record(CAMERAS[1], NewCamera { channels, ..NewCamera::default() }),
        ];
        self.handle.import(&Principal::admin(), records).await.unwrap();
        self
    }

    /// A camera's key.
    pub async fn camera_key(&self, id: &str) -> DeviceKey {
        let id = fleet::DeviceId::new(id).unwrap();
        let found = self.handle.reads().device(&Principal::admin(), None, &id).await.unwrap();
        found.into_iter().next().unwrap().device.key
    }

    /// Registers a camera for an hour, over UDP.
    pub async fn register(&self, id: &str) {
        let binding = self.binding(id).await;
        self.handle.bind(vec![binding.clone()]).await.unwrap();
        self.cameras.with(id, |camera| camera.registered = true);
        self.events.send(DeviceEvent::Returned(binding.device));
    }

    /// Ends a camera's registration.
    pub async fn unregister(&self, id: &str, why: Offline) {
        let ended = Some((self.handle.now(), why));
        let binding = Binding { ended, ..self.binding(id).await };
        self.handle.bind(vec![binding]).await.unwrap();
        self.cameras.with(id, |camera| camera.registered = false);
    }

    /// A registration that begins now.
    async fn binding(&self, id: &str) -> Binding {
        let now = self.handle.now();
        Binding {
            device: self.camera_key(id).await,
            transport: SipTransport::Udp,
            remote: SocketAddr::from(([192, 0, 2, 10], 5062)),
            registered_at: now,
            refreshed_at: now,
            expires_at: now.plus(Duration::from_secs(3_600)),
            version: Some("3.0".to_owned()),
            nonce_at: now.0 * 1_000,
            nonce_count: 1,
            ended: None,
            old_credentials: false,
        }
    }
}
