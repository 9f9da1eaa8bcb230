//! What a camera keeps, and what it tells of that from outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gb28181::manscdp::BasicParam;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::identity::channel_id;
use super::{Camera, Edition, Faults, Options, Secret, Stage};

/// What a restart does not lose.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) name: String,
    /// The channels that are not called as they were at the factory, by number.
    channel_names: BTreeMap<u32, String>,
    password: Secret,
    /// The password before that one, if it had one.
    previous_password: Option<Secret>,
    pub(super) expiration: u32,
    pub(super) heartbeat_interval: u32,
    pub(super) heartbeat_count: u32,
}

impl Memory {
    /// As the camera leaves the factory, with what it needs to register.
    pub(super) fn new(options: &Options) -> Self {
        Memory {
            name: options.make.factory_name(options.recorder.is_some()).to_owned(),
            channel_names: BTreeMap::new(),
            password: options.password.clone(),
            previous_password: None,
            expiration: options.expires_seconds,
            heartbeat_interval: options.keepalive_seconds,
            heartbeat_count: options.keepalive_misses,
        }
    }

    /// The password that it registers with, given its faults.
    pub(super) fn password_used(&self, faults: &Faults) -> Secret {
        let other = |before: &str| Secret::new(format!("{before}-{}", self.password.expose()));
        if faults.wrong_password {
            return other("wrong");
        }
        match &self.previous_password {
            Some(previous) if faults.old_password => previous.clone(),
            None if faults.old_password => other("old"),
            _ => self.password.clone(),
        }
    }

    /// Takes another password.
    pub(super) fn change_password(&mut self, password: Secret) {
        if password != self.password {
            self.previous_password = Some(std::mem::replace(&mut self.password, password));
        }
    }

    /// The name of the device, or of a channel.
    pub(super) fn name_of(&self, options: &Options, channel: Option<u32>) -> String {
        match channel {
            None => self.name.clone(),
            Some(number) => self
                .channel_names
                .get(&number)
                .cloned()
                .unwrap_or_else(|| format!("{}{number:02}", options.make.factory_channel())),
        }
    }

    /// Renames the device, or a channel.
    pub(super) fn rename(&mut self, channel: Option<u32>, name: &str) {
        match channel {
            None => name.clone_into(&mut self.name),
            Some(number) => {
                self.channel_names.insert(number, name.to_owned());
            }
        }
    }

    /// Takes what a DeviceConfig to the device, or to a channel, sets. The server that the 2014
    /// shape names is not taken: the camera stays with its own.
    pub(super) fn configure(
        &mut self,
        edition: Edition,
        channel: Option<u32>,
        basic: &BasicParam,
        keep_name: bool,
    ) {
        if let Some(name) = basic.name.as_ref().filter(|_| !keep_name) {
            self.rename(channel, name);
        }
        if let Some(seconds) = basic.expiration {
            self.expiration = seconds;
        }
        if let Some(seconds) = basic.heartbeat_interval {
            self.heartbeat_interval = seconds;
        }
        if let Some(count) = basic.heartbeat_count {
            self.heartbeat_count = count;
        }
        // Other editions' BasicParam has no password: they know no such element.
        if let Some(password) = basic.password.as_ref().filter(|_| edition == Edition::Y2014) {
            self.change_password(password.clone());
        }
    }

    /// What a ConfigDownload of the device, or of a channel, shows.
    pub(super) fn basic(&self, options: &Options, channel: Option<u32>) -> BasicParam {
        let basic = BasicParam {
            name: Some(self.name_of(options, channel)),
            expiration: Some(self.expiration),
            heartbeat_interval: Some(self.heartbeat_interval),
            heartbeat_count: Some(self.heartbeat_count),
            ..BasicParam::default()
        };
        if options.edition == Edition::Y2014 {
            return BasicParam {
                device_id: Some(options.id.clone()),
                sip_server_id: Some(options.server_id.clone()),
                sip_server_ip: Some(options.server.ip().to_string()),
                sip_server_port: Some(u32::from(options.server.port())),
                domain_name: Some(options.domain.clone()),
                password: Some(self.password.clone()),
                ..basic
            };
        }
        BasicParam {
            position_capability: Some(0),
            longitude: Some("0".to_owned()),
            latitude: Some("0".to_owned()),
            ..basic
        }
    }
}

/// What happened to a camera since it was made; a repetition of a request counts nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// REGISTER requests sent, those that answer a challenge too.
    pub registers: u64,
    /// Registrations and refreshes that were accepted.
    pub registrations: u64,
    /// Registrations and refreshes that were refused: the status is [`Self::last_status`].
    pub refusals: u64,
    /// How often it took itself off and was told that it is.
    pub unregistrations: u64,
    /// Keepalives sent.
    pub keepalives: u64,
    /// Answers to commands sent.
    pub answers: u64,
    /// Queries received.
    pub queries: u64,
    /// DeviceConfig commands received.
    pub device_configs: u64,
    /// Restarts that it was told to make, or made instead of answering.
    pub restarts: u64,
    /// The status of the last final response to a REGISTER; none if none came to the last.
    pub last_status: Option<u16>,
}

/// A channel of a camera's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// Its 20-digit code.
    pub id: String,
    /// What the camera calls it.
    pub name: String,
}

/// What a camera holds, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its 20-digit code.
    pub id: String,
    /// What it is called by itself.
    pub name: String,
    /// Its channels, in order.
    pub channels: Vec<Channel>,
    /// The user name in its digest.
    pub user: String,
    /// The SHA-256 of the password that it holds, in hex: whatever its faults make it use.
    pub password_sha256: String,
    /// Its `Expiration`, in seconds.
    pub expiration: u32,
    /// Its `HeartBeatInterval`, in seconds.
    pub heartbeat_interval: u32,
    /// Its `HeartBeatCount`.
    pub heartbeat_count: u32,
    /// `off`, `booting`, `waiting` (after a failure), `opening`, `registering`, `registered` or
    /// `leaving`.
    pub state: &'static str,
    /// Where its messages come from.
    pub address: Option<SocketAddr>,
    /// What happened to it.
    #[serde(flatten)]
    pub counts: Counts,
    /// What is wrong with it.
    pub faults: Faults,
}

/// What a camera holds.
pub(super) fn held(camera: &Camera) -> Held {
    let Camera { options, memory, .. } = camera;
    let channels = options.channels();
    let digest = Sha256::digest(memory.password.expose().as_bytes());
    Held {
        id: options.id.clone(),
        name: memory.name.clone(),
        channels: (1..=channels)
            .map(|number| Channel {
                id: channel_id(&options.id, channels, number),
                name: memory.name_of(options, Some(number)),
            })
            .collect(),
        user: options.user.as_ref().unwrap_or(&options.id).clone(),
        password_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        expiration: memory.expiration,
        heartbeat_interval: memory.heartbeat_interval,
        heartbeat_count: memory.heartbeat_count,
        state: match camera.stage {
            Stage::Off => "off",
            Stage::Booting => "booting",
            Stage::Waiting => "waiting",
            Stage::Opening => "opening",
            Stage::Registering => "registering",
            Stage::Registered => "registered",
            Stage::Leaving(_) => "leaving",
        },
        address: camera.local,
        counts: camera.counts,
        faults: camera.faults.clone(),
    }
}
