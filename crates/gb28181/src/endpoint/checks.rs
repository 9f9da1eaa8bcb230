//! What a user agent server looks at before anything else (RFC 3261 8.2).

use crate::sip::field;
use crate::sip::uri::{Address, Uri};
use crate::sip::via::Via;
use crate::sip::{Fault, Message, Method, Name, Start};

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes up.
    Sound,
    /// It is answered here, with one more header where the status wants one.
    Refuse(u16, Option<(Name, Vec<u8>)>),
    /// It can't be answered: without a Via or a CSeq, nobody could tell to what an answer belongs.
    Drop,
}

/// Checks a request, in the order of RFC 3261 8.2: first whether it can be read (7.1, 8.1.1), then
/// the method (8.2.1), the Request-URI (8.2.2.1) and the extensions (8.2.2.3).
pub(super) fn check(request: &Message, fault: Option<Fault>, allow: &[Method]) -> Verdict {
    let Start::Request { method, method_text, uri } = request.start() else {
        return Verdict::Drop;
    };
    if request.header(Name::Via).is_none() || request.header(Name::CSeq).is_none() {
        return Verdict::Drop;
    }
    match fault {
        Some(Fault::Version) => return Verdict::Refuse(505, None),
        Some(_) => return Verdict::Refuse(400, None),
        None => {}
    }
    let uri = Uri::parse(uri).ok().filter(|uri| uri.headers.is_empty());
    let Some(uri) = uri.filter(|_| headers_are_sound(request, method_text)) else {
        return Verdict::Refuse(400, None);
    };
    match method {
        Method::Other => return Verdict::Refuse(501, None),
        // An INVITE is refused on the spot, so there is never anything to cancel (9.2).
        Method::Cancel => return Verdict::Refuse(481, None),
        _ if method == Method::Invite || !allow.contains(&method) => {
            return Verdict::Refuse(405, Some((Name::Allow, allowed(allow))));
        }
        _ => {}
    }
    if !uri.is_sip() {
        return Verdict::Refuse(416, None);
    }
    match required(request) {
        Some(extensions) => Verdict::Refuse(420, Some((Name::Unsupported, extensions))),
        None => Verdict::Sound,
    }
}

/// Whether the headers that every request has are there once and can be read (RFC 3261 8.1.1),
/// Contact too, which most requests here have. Max-Forwards may be missing: RFC 2543 had none.
fn headers_are_sound(request: &Message, method_text: &[u8]) -> bool {
    let vias = request.headers(Name::Via).all(|line| Via::is_sound_line(&line));
    let cseq = once(request, Name::CSeq, |value| {
        field::cseq(value).is_some_and(|(_, method)| method == method_text)
    });
    let call_id = once(request, Name::CallId, |value| {
        !value.is_empty() && !value.iter().any(|byte| field::is_blank(*byte))
    });
    let address = |value: &[u8]| Address::parse(value).is_ok();
    let ends = once(request, Name::From, address) && once(request, Name::To, address);
    let hops = |value: &[u8]| field::number(value).is_some_and(|hops| hops <= 255);
    let max_forwards =
        request.header(Name::MaxForwards).is_none() || once(request, Name::MaxForwards, hops);
    let contacts = request.headers(Name::Contact).all(|line| {
        *line == *b"*" || field::list(&line).all(|contact| Address::parse(contact).is_ok())
    });
    vias && cseq && call_id && ends && max_forwards && contacts
}

/// Whether there is exactly one header of this name, and it is sound.
fn once(request: &Message, name: Name, is_sound: impl Fn(&[u8]) -> bool) -> bool {
    let mut lines = request.headers(name);
    lines.next().is_some_and(|value| is_sound(&value)) && lines.next().is_none()
}

/// The value of Allow.
fn allowed(allow: &[Method]) -> Vec<u8> {
    allow.iter().map(|method| method.text()).collect::<Vec<_>>().join(", ").into_bytes()
}

/// All extensions that Require asks for, of which there are none here; none if it asks for none.
fn required(request: &Message) -> Option<Vec<u8>> {
    let mut asked: Vec<u8> = Vec::new();
    for line in request.headers(Name::Require) {
        for extension in field::list(&line).filter(|extension| !extension.is_empty()) {
            if !asked.is_empty() {
                asked.extend_from_slice(b", ");
            }
            asked.extend_from_slice(extension);
        }
    }
    (!asked.is_empty()).then_some(asked)
}
