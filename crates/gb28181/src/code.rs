//! The 20-digit code that names devices, channels, platforms and users (GB/T 28181-2016 Annex D).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Digits of a code.
const DIGITS: usize = 20;

/// A code of 20 digits, `CCCCCCCC II TTT N SSSSSS`: where it is administered, in which industry it
/// is used, what sort of thing it names, in which network that is, and a serial number (Annex D,
/// rule A).
///
/// Only the length and the digits are checked: devices with codes whose fields make no sense are
/// many. Rule B's 18 digits, which the 2022 revision has no more, and the 2 to 8 digits of an
/// administrative division that a catalog may have in a code's place are no codes.
///
/// ```
/// use gb28181::code::{Code, CodeKind};
///
/// let code: Code = "34020000001320000001".parse()?;
/// assert_eq!((code.centre(), code.kind(), code.serial()), ("34020000", CodeKind::Ipc, "000001"));
/// assert_eq!(code.domain(), "3402000000");
/// # Ok::<(), gb28181::code::CodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; DIGITS]);

/// Why a text is no [`Code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeError {
    /// It is not 20 bytes long.
    #[error("code has {found} characters, not {DIGITS}")]
    Length {
        /// How long it is, in bytes.
        found: usize,
    },
    /// It has something other than ASCII digits.
    #[error("code has a character that is no digit")]
    NotADigit,
}

impl Code {
    /// Reads a code. Nothing may stand around it.
    ///
    /// # Errors
    /// It does not consist of 20 digits.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let digits = text.as_bytes();
        let found = digits.len();
        let digits: [u8; DIGITS] = digits.try_into().map_err(|_| CodeError::Length { found })?;
        if digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(digits))
        } else {
            Err(CodeError::NotADigit)
        }
    }

    /// All 20 digits.
    pub fn as_str(&self) -> &str {
        // Only digits came in, so this is never empty.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The centre that administers it, 8 digits: province, city and district by GB/T 2260, and the
    /// unit on the spot, each 2, with 00 for what does not apply.
    pub fn centre(&self) -> &str {
        self.digits(0, 8)
    }

    /// The industry, 2 digits (table D.3).
    pub fn industry(&self) -> &str {
        self.digits(8, 10)
    }

    /// What sort of thing it names, 3 digits.
    pub fn kind_digits(&self) -> &str {
        self.digits(10, 13)
    }

    /// What sort of thing it names.
    pub fn kind(&self) -> CodeKind {
        CodeKind::of(self.kind_digits().parse().unwrap_or_default())
    }

    /// The network that it is in, 0 to 9. In 2016, 0 to 4 are networks for surveillance, 5 is that
    /// of the police, 6 of the government, 7 the Internet, 8 another; 2022 gives them new meanings.
    pub fn network(&self) -> u8 {
        self.digits(13, 14).parse().unwrap_or_default()
    }

    /// The serial number, 6 digits.
    pub fn serial(&self) -> &str {
        self.digits(14, DIGITS)
    }

    /// The SIP domain that it belongs to: its first 10 digits (GB/T 28181-2016 6.1.2).
    pub fn domain(&self) -> &str {
        self.digits(0, 10)
    }

    /// Some of the digits.
    fn digits(&self, from: usize, to: usize) -> &str {
        self.as_str().get(from..to).unwrap_or_default()
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}

/// What sort of thing a code names, by its digits 11 to 13 (GB/T 28181-2016 table D.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeKind {
    /// 111: digital video recorder.
    Dvr,
    /// 112: video server.
    VideoServer,
    /// 113: encoder.
    Encoder,
    /// 114: decoder.
    Decoder,
    /// 115: video switching matrix.
    VideoMatrix,
    /// 116: audio switching matrix.
    AudioMatrix,
    /// 117: alarm controller.
    AlarmController,
    /// 118: network video recorder.
    Nvr,
    /// 130: hybrid video recorder.
    Hvr,
    /// 119 to 129: another main device.
    OtherMainDevice,
    /// 131: camera.
    Camera,
    /// 132: network camera.
    Ipc,
    /// 133: display.
    Display,
    /// 134: alarm input, such as a smoke detector.
    AlarmInput,
    /// 135: alarm output, such as a siren.
    AlarmOutput,
    /// 136: audio input.
    AudioInput,
    /// 137: audio output.
    AudioOutput,
    /// 138: mobile transmission device.
    MobileTransmission,
    /// 139 to 199: another peripheral.
    OtherPeripheral,
    /// 200: signalling server, the centre of a platform.
    SignallingServer,
    /// 215: business group, a platform's own grouping of channels.
    BusinessGroup,
    /// 216: virtual organization, a node in a business group.
    VirtualOrganization,
    /// The rest of 201 to 299: another part of a platform.
    OtherPlatformPart,
    /// 300 to 399: a user of the centre.
    CentreUser,
    /// 400 to 499: a user at a terminal.
    TerminalUser,
    /// 500 to 599: a server of another platform.
    ExternalServer,
    /// Anything else: free for extensions, or not assigned.
    Other(u16),
}

impl CodeKind {
    /// The kind that a number of 3 digits stands for.
    pub fn of(number: u16) -> Self {
        match number {
            111 => Self::Dvr,
            112 => Self::VideoServer,
            113 => Self::Encoder,
            114 => Self::Decoder,
            115 => Self::VideoMatrix,
            116 => Self::AudioMatrix,
            117 => Self::AlarmController,
            118 => Self::Nvr,
            119..=129 => Self::OtherMainDevice,
            130 => Self::Hvr,
            131 => Self::Camera,
            132 => Self::Ipc,
            133 => Self::Display,
            134 => Self::AlarmInput,
            135 => Self::AlarmOutput,
            136 => Self::AudioInput,
            137 => Self::AudioOutput,
            138 => Self::MobileTransmission,
            139..=199 => Self::OtherPeripheral,
            200 => Self::SignallingServer,
            215 => Self::BusinessGroup,
            216 => Self::VirtualOrganization,
            201..=299 => Self::OtherPlatformPart,
            300..=399 => Self::CentreUser,
            400..=499 => Self::TerminalUser,
            500..=599 => Self::ExternalServer,
            other => Self::Other(other),
        }
    }

    /// Whether it names something that a picture can come from: a camera, whether it is a device or
    /// a channel of one.
    pub fn is_camera(self) -> bool {
        matches!(self, Self::Camera | Self::Ipc)
    }
}
