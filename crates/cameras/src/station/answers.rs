//! The answers to a REGISTER, and what it asks for.

use gb28181::digest::{Algorithm, Challenge};
use gb28181::endpoint::OutgoingResponse;
use gb28181::sip::uri::Address;
use gb28181::sip::{Message, Name, field};

use crate::registrar::nonce::NONCE_DIGITS;

/// What a registration lasts if the device names no time (RFC 3261, 10.2.1.1, has 3,600 s stand for
/// an Expires that can't be read; GB/T 28181-2016, J.1, asks for as much).
const EXPIRES_DEFAULT_SECONDS: u32 = 3_600;

/// What an authenticated REGISTER asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// To be registered for so many seconds.
    Bind(u32),
    /// To be registered no more.
    Remove,
    /// What is known: a REGISTER without a Contact (RFC 3261, 10.2.3).
    Query,
}

/// What a REGISTER asks for; `None` if it contradicts itself (RFC 3261, 10.3, step 6).
pub(super) fn asked(message: &Message) -> Option<Asked> {
    let expires = message.header(Name::Expires);
    let seconds = |text: &[u8]| field::number(text).unwrap_or(EXPIRES_DEFAULT_SECONDS);
    let header = expires.as_deref().map(seconds);
    let mut wildcard = false;
    let mut longest = None;
    for line in message.headers(Name::Contact) {
        for value in field::list(&line) {
            if value == b"*" {
                wildcard = true;
                continue;
            }
            let address = Address::parse(value).ok()?;
            let own = address.params.get("expires").map(seconds);
            let asked = own.or(header).unwrap_or(EXPIRES_DEFAULT_SECONDS);
            longest = longest.max(Some(asked));
        }
    }
    match (wildcard, longest) {
        (true, None) => (header == Some(0)).then_some(Asked::Remove),
        (true, Some(_)) => None,
        (false, None) => Some(Asked::Query),
        (false, Some(0)) => Some(Asked::Remove),
        (false, Some(seconds)) => Some(Asked::Bind(seconds)),
    }
}

/// The Contact that is registered: the device's own words for itself, and for how long.
pub(super) fn contact(message: &Message, seconds: u32) -> Option<Vec<u8>> {
    let line = message.header(Name::Contact)?;
    let value = field::list(&line).next()?;
    let address = Address::parse(value).ok()?;
    let mut contact = Vec::with_capacity(address.uri.text.len() + 24);
    contact.push(b'<');
    contact.extend_from_slice(address.uri.text);
    contact.extend_from_slice(b">;expires=");
    contact.extend_from_slice(seconds.to_string().as_bytes());
    Some(contact)
}

/// Prints challenges: all but the nonce is the same every time.
pub(super) struct Challenges {
    fresh: Vec<Template>,
    stale: Vec<Template>,
}

/// A challenge around its nonce.
struct Template {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Challenges {
    /// Challenges of this realm: MD5, after SHA-256 if that is offered (RFC 7616, 3.7: the
    /// preferred one comes first).
    pub(super) fn new(realm: &str, sha256: bool) -> Self {
        let algorithms = [Algorithm::Sha256, Algorithm::Md5];
        let offered = algorithms.get(usize::from(!sha256)..).unwrap_or_default();
        let all = |stale| offered.iter().map(|it| Template::new(realm, *it, stale)).collect();
        Self { fresh: all(false), stale: all(true) }
    }

    /// The 401 with this nonce.
    pub(super) fn response(&self, nonce: &[u8], stale: bool) -> OutgoingResponse {
        let mut response = OutgoingResponse::new(401);
        for template in if stale { &self.stale } else { &self.fresh } {
            let value = [&*template.before, nonce, &*template.after].concat();
            response = response.with(Name::WwwAuthenticate, value);
        }
        response
    }
}

impl Template {
    fn new(realm: &str, algorithm: Algorithm, stale: bool) -> Self {
        let placeholder = [0xff; NONCE_DIGITS];
        let mut challenge = Challenge::new(realm.as_bytes(), &placeholder[..]);
        challenge.algorithm = algorithm;
        challenge.stale = stale;
        let text = challenge.to_header();
        // No realm in UTF-8 holds the byte 0xff.
        let at = text.iter().position(|byte| *byte == 0xff).unwrap_or(text.len());
        let after = text.iter().rposition(|byte| *byte == 0xff).map_or(text.len(), |last| last + 1);
        Self {
            before: text.get(..at).unwrap_or_default().to_vec(),
            after: text.get(after..).unwrap_or_default().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn register(headers: &str) -> Message {
        let text = format!(
            "REGISTER sip:s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).unwrap()
    }

    #[test]
    fn what_a_register_asks_for() {
        let contact = "Contact: <sip:1@192.0.2.1:5060>";
        for (headers, expected) in [
            (format!("{contact}\r\nExpires: 3600\r\n"), Some(Asked::Bind(3600))),
            (format!("{contact}\r\n"), Some(Asked::Bind(3600))),
            (format!("{contact};expires=90\r\nExpires: 3600\r\n"), Some(Asked::Bind(90))),
            (format!("{contact};expires=0\r\nExpires: 3600\r\n"), Some(Asked::Remove)),
            (format!("{contact}\r\nExpires: 0\r\n"), Some(Asked::Remove)),
            (format!("{contact}\r\nExpires: soon\r\n"), Some(Asked::Bind(3600))),
            (format!("{contact}\r\nExpires: 99999999999999\r\n"), Some(Asked::Bind(3600))),
            ("Expires: 3600\r\n".to_owned(), Some(Asked::Query)),
            ("Contact: *\r\nExpires: 0\r\n".to_owned(), Some(Asked::Remove)),
            ("m: *\r\nExpires: 0\r\n".to_owned(), Some(Asked::Remove)),
            ("Contact: *\r\nExpires: 60\r\n".to_owned(), None),
            ("Contact: *\r\n".to_owned(), None),
            (format!("Contact: *\r\n{contact}\r\nExpires: 0\r\n"), None),
            ("Contact: <sip:1@192.0.2.1\r\nExpires: 60\r\n".to_owned(), None),
        ] {
            assert_eq!(asked(&register(&headers)), expected, "{headers}");
        }
    }

    #[test]
    fn the_contact_is_the_devices_own() {
        let message = register("Contact: \"x\" <sip:1@192.0.2.1:5060;transport=tcp>;q=1\r\n");
        let expected = b"<sip:1@192.0.2.1:5060;transport=tcp>;expires=77";
        assert_eq!(contact(&message, 77).unwrap(), expected);
        assert_eq!(contact(&register(""), 77), None);
    }

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        let challenges = Challenges::new("3402000000", false);
        let response = challenges.response(b"8f4c2b1e", false);
        let expected =
            b"Digest realm=\"3402000000\",nonce=\"8f4c2b1e\",qop=\"auth\",algorithm=MD5".to_vec();
        assert_eq!(response.headers, [("WWW-Authenticate", expected)]);
        let both = Challenges::new("3402000000", true).response(b"8f4c2b1e", true);
        let read: Vec<_> =
            both.headers.iter().map(|(_, value)| Challenge::parse(value).unwrap()).collect();
        assert_eq!(read[0].algorithm, Algorithm::Sha256);
        assert_eq!(read[1].algorithm, Algorithm::Md5);
        assert!(read.iter().all(|challenge| challenge.stale && challenge.qop_auth));
    }
}
