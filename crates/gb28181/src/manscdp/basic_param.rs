//! `BasicParam`, the part of a device's configuration that every device has, in its two shapes.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Which revision's `BasicParam` a device understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// GB/T 28181-2016 A.2.3.2 and the 2022 revision: `Name`, `Expiration`, `HeartBeatInterval`,
    /// `HeartBeatCount`, each of them optional.
    Y2016,
    /// The amendment of March 2014 to GB/T 28181-2011: those four, and with them the server that
    /// the device registers with and the password that it uses there. It calls all ten mandatory.
    Y2014,
}

/// The basic parameters of a device. [`Default`] has none; only those that are there are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasicParam {
    /// `Name`: what the device is called.
    pub name: Option<String>,
    /// `DeviceID`: the device's own id (2014).
    pub device_id: Option<String>,
    /// `SIPServerID`: the id of the server that it registers with (2014).
    pub sip_server_id: Option<String>,
    /// `SIPServerIP`: that server's address (2014).
    pub sip_server_ip: Option<String>,
    /// `SIPServerPort`: that server's port (2014).
    pub sip_server_port: Option<u32>,
    /// `DomainName`: that server's domain (2014).
    pub domain_name: Option<String>,
    /// `Expiration`: for how long it registers, in seconds.
    pub expiration: Option<u32>,
    /// `Password`: what it registers with (2014).
    pub password: Option<Secret>,
    /// `HeartBeatInterval`: the time between keepalives, in seconds.
    pub heartbeat_interval: Option<u32>,
    /// `HeartBeatCount`: after how many missed keepalives a side counts as gone.
    pub heartbeat_count: Option<u32>,
    /// `PositionCapability`: whether the device knows where it is: 0 no, 1 GPS, 2 Beidou (A.2.6.9).
    /// Only a device's answer has it.
    pub position_capability: Option<u32>,
    /// `Longitude` as the device prints it. Only a device's answer has it.
    pub longitude: Option<String>,
    /// `Latitude` as the device prints it. Only a device's answer has it.
    pub latitude: Option<String>,
}

/// A text that is wiped when it is dropped, compared in constant time, and not shown by [`Debug`].
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}
