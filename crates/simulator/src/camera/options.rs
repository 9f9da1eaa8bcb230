//! What camera is to be simulated.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use gb28181::manscdp::Encoding;
pub use gb28181::manscdp::Secret;
pub use gb28181::sip::Transport;

use super::Faults;

/// Most channels of a recorder: more than any maker's largest one has.
pub const CHANNELS_MAX: u32 = 1024;

/// What one camera is. The default is a healthy one of no known make, for the server at
/// 127.0.0.1:5060.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device's 20-digit code.
    pub id: String,
    /// The user name in the digest, if it is not the id: some makes let people set another.
    pub user: Option<String>,
    /// The password that it registers with.
    pub password: Secret,
    /// Where its server listens. Everything goes there, answers too.
    pub server: SocketAddr,
    /// The server's 20-digit code.
    pub server_id: String,
    /// The domain in From, To and the Request-URI.
    pub domain: String,
    /// What carries the signalling.
    pub transport: Transport,
    /// How it answers a challenge.
    pub digest: DigestForm,
    /// Which edition of GB/T 28181 it is built to.
    pub edition: Edition,
    /// Whose quirks it has.
    pub make: Make,
    /// None for a camera, which has one channel; the number of channels for a recorder.
    pub recorder: Option<u32>,
    /// For how long it registers, in seconds: its `Expiration` at first.
    pub expires_seconds: u32,
    /// The time between keepalives, in seconds: its `HeartBeatInterval` at first.
    pub keepalive_seconds: u32,
    /// After how many unanswered keepalives it registers anew: its `HeartBeatCount` at first.
    pub keepalive_misses: u32,
    /// How long it waits after a registration that failed; up to a quarter more is added at random
    /// (GB/T 28181-2016 9.1.1: 60 seconds or more, by default).
    pub retry: Duration,
    /// How long a restart takes.
    pub boot: Duration,
    /// The retransmission timer T1 (RFC 3261 17.1.1.1: 500 ms). A request that has no answer is
    /// given up after 64 times that.
    pub t1: Duration,
    /// What is wrong with it.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            id: "34020000001320000001".to_owned(),
            user: None,
            password: Secret::new("12345678"),
            server: SocketAddr::from(([127, 0, 0, 1], 5060)),
            server_id: "34020000002000000001".to_owned(),
            domain: "3402000000".to_owned(),
            transport: Transport::Udp,
            digest: DigestForm::Md5,
            edition: Edition::Y2016,
            make: Make::Generic,
            recorder: None,
            expires_seconds: 3600,
            keepalive_seconds: 60,
            keepalive_misses: 3,
            retry: Duration::from_secs(60),
            boot: Duration::from_secs(2),
            t1: Duration::from_millis(500),
            faults: Faults::default(),
        }
    }
}

impl Options {
    /// How many channels it has.
    pub fn channels(&self) -> u32 {
        self.recorder.unwrap_or(1).clamp(1, CHANNELS_MAX)
    }
}

/// A word that an option does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is none of {known}")]
pub struct UnknownWord {
    /// What was there.
    pub found: String,
    /// What could be.
    pub known: &'static str,
}

/// How a camera answers a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestForm {
    /// MD5, with `qop=auth` if the server offers it (RFC 2617).
    Md5,
    /// MD5 without `qop`, even if the server offers it (RFC 2069).
    Md5NoQop,
    /// SHA-256 if the server offers it (RFC 7616), else as [`DigestForm::Md5`].
    Sha256,
}

impl FromStr for DigestForm {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "md5" => Ok(DigestForm::Md5),
            "md5-no-qop" => Ok(DigestForm::Md5NoQop),
            "sha256" => Ok(DigestForm::Sha256),
            _ => Err(UnknownWord { found: text.to_owned(), known: "md5, md5-no-qop, sha256" }),
        }
    }
}

impl fmt::Display for DigestForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DigestForm::Md5 => "md5",
            DigestForm::Md5NoQop => "md5-no-qop",
            DigestForm::Sha256 => "sha256",
        })
    }
}

/// An edition of GB/T 28181.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    /// GB/T 28181-2011, which has no DeviceConfig: such a command gets a 200 and nothing more.
    Y2011,
    /// Its amendment of 2014, whose BasicParam carries the server and the password too.
    Y2014,
    /// GB/T 28181-2016.
    Y2016,
    /// GB/T 28181-2022: bodies are declared GB18030.
    Y2022,
}

impl Edition {
    /// Whether it has DeviceConfig and ConfigDownload.
    pub(super) fn has_config(self) -> bool {
        self >= Edition::Y2014
    }

    /// How bodies are written: the bytes are GB18030 in any case.
    pub(super) fn encoding(self) -> Encoding {
        match self {
            Edition::Y2022 => Encoding::Gb18030,
            _ => Encoding::Gb2312Label,
        }
    }

    /// The `X-GB-Ver` of its REGISTER. The header came with the 2022 edition; devices of the one
    /// before send it after an update of their software.
    pub(super) fn header(self) -> Option<&'static str> {
        match self {
            Edition::Y2011 | Edition::Y2014 => None,
            Edition::Y2016 => Some("2.0"),
            Edition::Y2022 => Some("3.0"),
        }
    }
}

impl FromStr for Edition {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "2011" => Ok(Edition::Y2011),
            "2014" => Ok(Edition::Y2014),
            "2016" => Ok(Edition::Y2016),
            "2022" => Ok(Edition::Y2022),
            _ => Err(UnknownWord { found: text.to_owned(), known: "2011, 2014, 2016, 2022" }),
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Edition::Y2011 => "2011",
            Edition::Y2014 => "2014",
            Edition::Y2016 => "2016",
            Edition::Y2022 => "2022",
        })
    }
}

/// Whose quirks a camera has. How each takes a DeviceConfig is as WVP's authors found it (the
/// comment at `SIPCommander.deviceBasicConfigCmd` of github.com/648540858/wvp-GB28181-pro).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// Takes DeviceConfig at the device's and at a channel's id; one catalog item a message.
    Generic,
    /// The same; several catalog items a message.
    Hikvision,
    /// Takes DeviceConfig at the device's id only: at a channel's it answers `ERROR`.
    Dahua,
    /// Takes it at both, and un-registers and restarts instead of answering.
    Uniview,
}

impl Make {
    /// The `Manufacturer` in DeviceInfo and the catalog.
    pub fn manufacturer(self) -> &'static str {
        match self {
            Make::Generic => "ExampleCam",
            Make::Hikvision => "Hikvision",
            Make::Dahua => "Dahua",
            Make::Uniview => "Uniview",
        }
    }

    /// The `Model`: made up in the maker's manner.
    pub(super) fn model(self, recorder: bool) -> &'static str {
        match (self, recorder) {
            (Make::Generic, false) => "EC-200",
            (Make::Generic, true) => "EN-32",
            (Make::Hikvision, false) => "DS-2CD2T45",
            (Make::Hikvision, true) => "DS-8632N-K8",
            (Make::Dahua, false) => "DH-IPC-HFW2433",
            (Make::Dahua, true) => "DH-NVR5832",
            (Make::Uniview, false) => "IPC-B312",
            (Make::Uniview, true) => "NVR-B200-R8",
        }
    }

    /// What the device is called as it leaves the factory.
    pub(super) fn factory_name(self, recorder: bool) -> &'static str {
        match (self, recorder) {
            (Make::Generic, false) => "cam",
            (Make::Generic, true) => "recorder",
            (Make::Hikvision, false) => "IP CAMERA",
            (Make::Hikvision, true) => "Network Video Recorder",
            (Make::Dahua, false) => "IPC",
            (Make::Dahua, true) => "NVR",
            (Make::Uniview, false) => "网络摄像机",
            (Make::Uniview, true) => "网络硬盘录像机",
        }
    }

    /// What its channels are called as they leave the factory, before their number.
    pub(super) fn factory_channel(self) -> &'static str {
        match self {
            Make::Generic => "ch",
            Make::Hikvision => "Camera ",
            Make::Dahua => "通道",
            Make::Uniview => "视频通道",
        }
    }

    /// How many catalog items it puts into a message: over UDP two fit into one that is not cut
    /// into fragments.
    pub(super) fn items_per_message(self, transport: Transport) -> u32 {
        match (self, transport) {
            (Make::Hikvision, Transport::Udp) => 2,
            (Make::Hikvision, Transport::Tcp) => 8,
            _ => 1,
        }
    }
}

impl FromStr for Make {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "generic" => Ok(Make::Generic),
            "hikvision" => Ok(Make::Hikvision),
            "dahua" => Ok(Make::Dahua),
            "uniview" => Ok(Make::Uniview),
            _ => Err(UnknownWord {
                found: text.to_owned(),
                known: "generic, hikvision, dahua, uniview",
            }),
        }
    }
}

impl fmt::Display for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Make::Generic => "generic",
            Make::Hikvision => "hikvision",
            Make::Dahua => "dahua",
            Make::Uniview => "uniview",
        })
    }
}
