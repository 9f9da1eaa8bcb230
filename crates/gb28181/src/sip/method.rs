//! The methods that matter here.

/// A request's method (RFC 3261 7.1; MESSAGE RFC 3428, INFO RFC 6086, NOTIFY and SUBSCRIBE
/// RFC 6665).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// REGISTER.
    Register,
    /// MESSAGE: what carries nearly everything in GB/T 28181.
    Message,
    /// NOTIFY.
    Notify,
    /// SUBSCRIBE.
    Subscribe,
    /// OPTIONS.
    Options,
    /// INVITE.
    Invite,
    /// ACK: never answered.
    Ack,
    /// BYE.
    Bye,
    /// CANCEL.
    Cancel,
    /// INFO.
    Info,
    /// Any other; its text is in the start line.
    Other,
}

impl Method {
    /// The method of this text. Methods are case-sensitive (RFC 3261 7.1).
    pub fn of(text: &[u8]) -> Self {
        match text {
            b"REGISTER" => Self::Register,
            b"MESSAGE" => Self::Message,
            b"NOTIFY" => Self::Notify,
            b"SUBSCRIBE" => Self::Subscribe,
            b"OPTIONS" => Self::Options,
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"INFO" => Self::Info,
            _ => Self::Other,
        }
    }

    /// The text of the method; empty for [`Method::Other`].
    pub fn text(self) -> &'static str {
        match self {
            Self::Register => "REGISTER",
            Self::Message => "MESSAGE",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Options => "OPTIONS",
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Info => "INFO",
            Self::Other => "",
        }
    }
}
