//! The header fields that matter here, by name.

/// A header field's name. The compact form of a name (RFC 3261 7.3.3) is the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Name {
    /// Accept.
    Accept,
    /// Allow.
    Allow,
    /// Allow-Events, compact `u`.
    AllowEvents,
    /// Authorization.
    Authorization,
    /// Call-ID, compact `i`.
    CallId,
    /// Contact, compact `m`.
    Contact,
    /// Content-Encoding, compact `e`.
    ContentEncoding,
    /// Content-Length, compact `l`.
    ContentLength,
    /// Content-Type, compact `c`.
    ContentType,
    /// CSeq.
    CSeq,
    /// Date.
    Date,
    /// Event, compact `o`.
    Event,
    /// Expires.
    Expires,
    /// From, compact `f`.
    From,
    /// Max-Forwards.
    MaxForwards,
    /// Min-Expires.
    MinExpires,
    /// Proxy-Require.
    ProxyRequire,
    /// Record-Route.
    RecordRoute,
    /// Require.
    Require,
    /// Retry-After.
    RetryAfter,
    /// Route.
    Route,
    /// Server.
    Server,
    /// Subject, compact `s`.
    Subject,
    /// Subscription-State.
    SubscriptionState,
    /// Supported, compact `k`.
    Supported,
    /// To, compact `t`.
    To,
    /// Unsupported.
    Unsupported,
    /// User-Agent.
    UserAgent,
    /// Via, compact `v`.
    Via,
    /// WWW-Authenticate.
    WwwAuthenticate,
    /// X-GB-Ver: the version of GB/T 28181 that the sender speaks, `3.0` for the 2022 edition.
    XGbVer,
    /// Any other name. A field is asked for by text then.
    Other,
}

impl Name {
    /// The name that this text means, in whatever case.
    pub fn of(text: &[u8]) -> Self {
        let is = |name: Self| text.eq_ignore_ascii_case(name.text().as_bytes());
        // By length first: a message has a dozen lines, and this runs for each.
        let candidates: &[Self] = match text.len() {
            1 => return Self::of_compact(text),
            2 => &[Self::To],
            3 => &[Self::Via],
            4 => &[Self::From, Self::CSeq, Self::Date],
            5 => &[Self::Allow, Self::Event, Self::Route],
            6 => &[Self::Accept, Self::Server],
            7 => &[Self::CallId, Self::Contact, Self::Expires, Self::Require, Self::Subject],
            8 => &[Self::XGbVer],
            9 => &[Self::Supported],
            10 => &[Self::UserAgent],
            11 => &[Self::RetryAfter, Self::Unsupported, Self::MinExpires],
            12 => &[Self::MaxForwards, Self::ContentType, Self::RecordRoute, Self::AllowEvents],
            13 => &[Self::Authorization, Self::ProxyRequire],
            14 => &[Self::ContentLength],
            16 => &[Self::WwwAuthenticate, Self::ContentEncoding],
            18 => &[Self::SubscriptionState],
            _ => &[],
        };
        candidates.iter().copied().find(|name| is(*name)).unwrap_or(Self::Other)
    }

    /// The name of a compact form: one letter.
    fn of_compact(text: &[u8]) -> Self {
        match text.first().map(u8::to_ascii_lowercase) {
            Some(b'c') => Self::ContentType,
            Some(b'e') => Self::ContentEncoding,
            Some(b'f') => Self::From,
            Some(b'i') => Self::CallId,
            Some(b'k') => Self::Supported,
            Some(b'l') => Self::ContentLength,
            Some(b'm') => Self::Contact,
            Some(b'o') => Self::Event,
            Some(b's') => Self::Subject,
            Some(b't') => Self::To,
            Some(b'u') => Self::AllowEvents,
            Some(b'v') => Self::Via,
            _ => Self::Other,
        }
    }

    /// The name as it is printed; empty for [`Name::Other`].
    pub fn text(self) -> &'static str {
        match self {
            Self::Accept => "Accept",
            Self::Allow => "Allow",
            Self::AllowEvents => "Allow-Events",
            Self::Authorization => "Authorization",
            Self::CallId => "Call-ID",
            Self::Contact => "Contact",
            Self::ContentEncoding => "Content-Encoding",
            Self::ContentLength => "Content-Length",
            Self::ContentType => "Content-Type",
            Self::CSeq => "CSeq",
            Self::Date => "Date",
            Self::Event => "Event",
            Self::Expires => "Expires",
            Self::From => "From",
            Self::MaxForwards => "Max-Forwards",
            Self::MinExpires => "Min-Expires",
            Self::ProxyRequire => "Proxy-Require",
            Self::RecordRoute => "Record-Route",
            Self::Require => "Require",
            Self::RetryAfter => "Retry-After",
            Self::Route => "Route",
            Self::Server => "Server",
            Self::Subject => "Subject",
            Self::SubscriptionState => "Subscription-State",
            Self::Supported => "Supported",
            Self::To => "To",
            Self::Unsupported => "Unsupported",
            Self::UserAgent => "User-Agent",
            Self::Via => "Via",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::XGbVer => "X-GB-Ver",
            Self::Other => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn every_name_is_found_by_its_own_text_in_any_case() {
        for length_first in ["Accept", "allow", "ALLOW-EVENTS", "authorization", "call-id"] {
            assert_ne!(Name::of(length_first.as_bytes()), Name::Other, "{length_first}");
        }
        let all = [
            Name::Accept,
            Name::Allow,
            Name::AllowEvents,
            Name::Authorization,
            Name::CallId,
            Name::Contact,
            Name::ContentEncoding,
            Name::ContentLength,
            Name::ContentType,
            Name::CSeq,
            Name::Date,
            Name::Event,
            Name::Expires,
            Name::From,
            Name::MaxForwards,
            Name::MinExpires,
            Name::ProxyRequire,
            Name::RecordRoute,
            Name::Require,
            Name::RetryAfter,
            Name::Route,
            Name::Server,
            Name::Subject,
            Name::SubscriptionState,
            Name::Supported,
            Name::To,
            Name::Unsupported,
            Name::UserAgent,
            Name::Via,
            Name::WwwAuthenticate,
            Name::XGbVer,
        ];
        for name in all {
            assert_eq!(Name::of(name.text().to_lowercase().as_bytes()), name);
            assert_eq!(Name::of(name.text().to_uppercase().as_bytes()), name);
        }
    }

    #[test]
    fn a_compact_form_is_the_name_and_others_are_other() {
        assert_eq!(Name::of(b"v"), Name::Via);
        assert_eq!(Name::of(b"L"), Name::ContentLength);
        assert_eq!(Name::of(b"z"), Name::Other);
        assert_eq!(Name::of(b""), Name::Other);
        assert_eq!(Name::of(b"C%6Fntact"), Name::Other);
    }
}
