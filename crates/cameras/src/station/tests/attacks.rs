//! Whoever has no password gets nowhere, and learns nothing.

use std::time::Duration;

use bytes::Bytes;
use engine::RegistrationFault;
use gb28181::digest::{Challenge, Form};
use gb28181::sip::{Flow, Message, Name};

use super::site::{Caller, PASSWORD, Site, id, is_stale, status};
use crate::Settings;

fn site() -> Site {
    Site::new(Settings::default())
}

/// A copy of a request with another branch, so that it is no repetition.
fn anew(bytes: &[u8]) -> Bytes {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Bytes::from(text.replace("branch=z9hG4bK", "branch=z9hG4bKreplayed"))
}

fn challenge_of(site: &mut Site, caller: &mut Caller) -> Message {
    let first = caller.request(None);
    site.ask(caller.flow, first)
}

#[test]
fn a_captured_register_is_refused_whenever_and_from_wherever_it_comes() {
    for form in [Form::QopAuth, Form::Rfc2069] {
        let mut site = site();
        let mut caller = Caller::new(1);
        caller.form = form;
        let (captured, answer) = site.register_whole(&mut caller);
        assert_eq!(status(&answer), 200);
        let before = site.binding(1).unwrap();
        // From the same address, which the nonce is good for.
        assert!(is_stale(&site.ask(caller.flow, anew(&captured))));
        // From another port of it, from another address, over TCP.
        let other_port = Flow::udp((caller.flow.remote.ip(), 6060).into());
        assert!(is_stale(&site.ask(other_port, captured.clone())));
        let other_address = Flow::udp(([203, 0, 113, 5], 5060).into());
        assert!(is_stale(&site.ask(other_address, captured.clone())));
        let tcp = Flow::tcp(caller.flow.remote, 3);
        assert!(is_stale(&site.ask(tcp, captured.clone())));
        // After timer J, and when the nonce is too old as well.
        site.advance(Duration::from_secs(33));
        assert!(is_stale(&site.ask(caller.flow, captured.clone())));
        site.advance(Duration::from_secs(60));
        assert!(is_stale(&site.ask(caller.flow, captured.clone())));
        // After the device left.
        caller.expires = "0".to_owned();
        let (leaving, _) = site.register_whole(&mut caller);
        assert!(is_stale(&site.ask(caller.flow, anew(&captured))));
        assert!(is_stale(&site.ask(caller.flow, anew(&leaving))));
        assert!(!site.is_live(1));
        assert_eq!(before.flow, caller.flow);
        // After a restart, which forgets whoever left.
        site.restart();
        assert!(is_stale(&site.ask(caller.flow, anew(&leaving))));
        assert!(is_stale(&site.ask(caller.flow, anew(&captured))));
        assert_eq!(site.station.tally().new, 0);
        assert!(site.refused.iter().all(|it| it.why == RegistrationFault::StaleNonce));
    }
}

#[test]
fn an_older_nonce_or_count_than_the_last_is_refused_and_a_newer_one_taken() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let older = challenge_of(&mut site, &mut caller);
    let newer = challenge_of(&mut site, &mut caller);
    let header = newer.header(Name::WwwAuthenticate).unwrap();
    let newer = Challenge::parse(&header).unwrap();
    for (nc, accepted) in [(1, true), (1, false), (3, true), (2, false), (0, false), (4, true)] {
        let bytes = caller.answer_to(&newer, nc);
        let answer = site.ask(caller.flow, bytes);
        assert_eq!(status(&answer) == 200, accepted, "nc {nc}");
        if !accepted {
            assert!(is_stale(&answer));
        }
    }
    let bytes = caller.answer(&older);
    assert!(is_stale(&site.ask(caller.flow, bytes)));
    // Without qop the answer counts as the first of its nonce.
    caller.form = Form::Rfc2069;
    let bytes = caller.answer_to(&newer, 1);
    assert!(is_stale(&site.ask(caller.flow, bytes)));
}

#[test]
fn a_stale_nonce_gets_a_new_one_that_works() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let challenge = challenge_of(&mut site, &mut caller);
    site.advance(Duration::from_secs(61));
    let bytes = caller.answer(&challenge);
    let again = site.ask(caller.flow, bytes);
    assert!(is_stale(&again));
    let bytes = caller.answer(&again);
    assert_eq!(status(&site.ask(caller.flow, bytes)), 200);
}

#[test]
fn a_nonce_is_good_for_the_address_that_it_was_given_to() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let challenge = challenge_of(&mut site, &mut caller);
    caller.flow = Flow::udp(([203, 0, 113, 5], 5060).into());
    let bytes = caller.answer(&challenge);
    assert!(is_stale(&site.ask(caller.flow, bytes)));
    assert!(!site.is_live(1));
}

#[test]
fn every_fault_is_a_401_and_told_apart_for_operators_alone() {
    let right = Caller::new(1);
    let cases = [
        (
            Caller { password: "12345679".to_owned(), ..right.clone() },
            RegistrationFault::WrongDigest,
        ),
        (Caller { user: "admin".to_owned(), ..right.clone() }, RegistrationFault::WrongUser),
        (Caller::new(50), RegistrationFault::UnknownId),
    ];
    for (mut caller, why) in cases {
        let mut site = site();
        let (_, answer) = site.register_whole(&mut caller);
        assert!(!is_stale(&answer));
        assert_eq!(site.refused.len(), 1);
        assert_eq!((site.refused[0].why, site.refused[0].id.as_str()), (why, caller.id.as_str()));
        assert!(site.refused[0].detail.starts_with("MD5, qop=auth, user"));
        assert!(!site.refused[0].detail.contains(PASSWORD));
        site.advance(Duration::from_secs(1));
        assert!(site.station.is_empty(), "nothing is kept of who proved nothing");
    }
    let mut site = site();
    let mut caller = right;
    let challenge = challenge_of(&mut site, &mut caller);
    let header = challenge.header(Name::WwwAuthenticate).unwrap().into_owned();
    let mut other = Challenge::parse(&header).unwrap();
    other.realm = b"4403000000"[..].into();
    let bytes = caller.answer_to(&other, 1);
    assert!(!is_stale(&site.ask(caller.flow, bytes)));
    assert_eq!(site.refused[0].why, RegistrationFault::WrongRealm);
    let broken = caller.request(Some(b"Digest username=\"1"));
    assert!(!is_stale(&site.ask(caller.flow, broken)));
    assert_eq!(site.refused[1].why, RegistrationFault::Malformed);
    let basic = caller.request(Some(b"Basic MTox"));
    assert!(!is_stale(&site.ask(caller.flow, basic)));
    assert_eq!(site.lookups, 0, "what has no good nonce costs no look-up");
}

/// The bytes of an answer without its nonce.
fn without_nonce(answer: &[u8]) -> String {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (before, rest) = text.split_once("nonce=\"").unwrap_or((&text, ""));
    let after = rest.split_once('"').map_or("", |(_, after)| after);
    // The tag of To is made from what the request brings, which the id is part of.
    let tag = before.split_once("To: ").and_then(|(_, to)| to.split_once(";tag="));
    let tag = tag.and_then(|(_, tag)| tag.split_once("\r\n")).unwrap().0;
    assert_eq!(tag.len(), 16);
    format!("{before}nonce={after}").replace(tag, "").replace(&id(50), &id(1))
}

#[test]
fn known_and_unknown_ids_look_alike_and_cost_alike() {
    let mut told = Vec::new();
    for number in [1, 50] {
        let mut site = site();
        let mut caller = Caller::new(number);
        caller.flow = Caller::new(1).flow;
        caller.password = "wrong".to_owned();
        let mut answers = Vec::new();
        let first = caller.request(None);
        let sent = site.receive(caller.flow, first);
        answers.push(without_nonce(&sent[0].bytes));
        let bytes = caller.answer(&Message::parse(sent[0].bytes.clone()).unwrap());
        let sent = site.receive(caller.flow, bytes.clone());
        answers.push(without_nonce(&sent[0].bytes));
        // And once the nonce is stale.
        site.advance(Duration::from_secs(61));
        let sent = site.receive(caller.flow, anew(&bytes));
        answers.push(without_nonce(&sent[0].bytes));
        // A keepalive, a notification, an answer of whoever is not registered.
        let keepalive = caller.keepalive(gb28181::manscdp::Outcome::Ok);
        let notify = caller.speak("NOTIFY", "Event: Catalog\r\n", b"");
        for bytes in [keepalive, notify] {
            let sent = site.receive(caller.flow, bytes);
            answers.push(without_nonce(&sent[0].bytes));
            assert!(answers.last().unwrap().starts_with("SIP/2.0 403 "));
        }
        let tally = site.station.tally();
        let rows = site.line.binding(fleet::DeviceKey(number)).is_some();
        told.push((answers, tally, site.lookups, site.refused.len(), rows));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!((told[0].1.digests, told[0].2), (2, 1));
}

#[test]
fn ten_thousand_forgeries_and_none_is_accepted() {
    const TRIES: u32 = 10_000;
    let mut site = site();
    // One device registers now and then, and everything that it sends is overheard.
    let mut victim = Caller::new(1);
    let mut captured = Vec::new();
    for _ in 0..5 {
        captured.push(site.register_whole(&mut victim).0);
        site.advance(Duration::from_secs(5));
    }
    let accepted = site.station.tally();
    let bound = site.binding(1).unwrap();
    let mut chance: u32 = 0x2545_f491;
    let mut next = move |below: u32| {
        chance ^= chance << 13;
        chance ^= chance >> 17;
        chance ^= chance << 5;
        chance % below
    };
    for number in 0..TRIES {
        let mut forger = Caller { password: format!("guess{number}"), ..Caller::new(1) };
        // With a branch of its own: a repetition of the victim's would get the victim's answer.
        forger.cseq = 1_000 + number * 2;
        forger.flow = match next(3) {
            0 => victim.flow,
            1 => Flow::udp(([203, 0, 113, 5], 5060).into()),
            _ => Flow::tcp(victim.flow.remote, u64::from(number) + 1),
        };
        let overheard = &captured[next(5) as usize];
        let bytes = match next(6) {
            // As it was.
            0 => anew(overheard),
            // With a byte of its credentials changed.
            1 => {
                let mut bytes = anew(overheard).to_vec();
                let text = String::from_utf8(bytes.clone()).unwrap();
                let begin = text.find("username=").unwrap();
                let place = begin + next(u32::try_from(bytes.len() - begin).unwrap()) as usize;
                bytes[place] ^= 1 << next(7);
                bytes.into()
            }
            // A fresh nonce with the old response.
            2 => {
                let challenge = challenge_of(&mut site, &mut forger);
                let header = challenge.header(Name::WwwAuthenticate).unwrap();
                let nonce = Challenge::parse(&header).unwrap().nonce.into_owned();
                let nonce = String::from_utf8(nonce).unwrap();
                let text = String::from_utf8(anew(overheard).to_vec()).unwrap();
                let (before, rest) = text.split_once("nonce=\"").unwrap();
                let (_, after) = rest.split_once('"').unwrap();
                format!("{before}nonce=\"{nonce}\"{after}").into()
            }
            // A guess.
            3 => {
                let challenge = challenge_of(&mut site, &mut forger);
                forger.answer(&challenge)
            }
            // The Call-ID of the registration and no credentials, to move or to remove it.
            4 => {
                forger.expires = ["0", "3600"][next(2) as usize].to_owned();
                forger.request(None).into()
            }
            // A nonce of the forger's own.
            _ => {
                let nonce = format!("{:048x}", next(u32::MAX));
                let challenge = Challenge::new(&b"3402000000"[..], nonce.as_bytes());
                forger.password = PASSWORD.to_owned();
                forger.answer_to(&challenge, 1)
            }
        };
        for sent in site.receive(forger.flow, bytes) {
            let answer = Message::parse(sent.bytes).unwrap();
            assert_ne!(status(&answer), 200, "try {number}");
        }
    }
    let now = site.station.tally();
    let changes = |tally: &crate::station::Tally| {
        (tally.new, tally.refreshed, tally.moved, tally.gone, tally.registered)
    };
    assert_eq!(changes(&now), changes(&accepted));
    let left = site.binding(1).unwrap();
    assert_eq!((left.flow, left.expires_at), (bound.flow, bound.expires_at));
    site.advance(Duration::from_secs(40));
    assert_eq!(site.station.counts().transactions, 0);
    // And the device itself still registers.
    assert_eq!(site.register(&mut victim), 200);
}

#[test]
fn a_captured_register_is_of_no_use_for_another_id() {
    for form in [Form::QopAuth, Form::Rfc2069] {
        let mut site = site();
        let user = id(1);
        // Two devices of one user and one password.
        site.known.get_mut(&id(2)).unwrap().1 = user.clone();
        let mut caller = Caller::new(1);
        caller.form = form;
        let (captured, answer) = site.register_whole(&mut caller);
        assert_eq!(status(&answer), 200);
        let text = String::from_utf8(anew(&captured).to_vec()).unwrap();
        let other = text.replace(&format!("To: <sip:{user}@"), &format!("To: <sip:{}@", id(2)));
        assert_ne!(other, text);
        assert!(is_stale(&site.ask(caller.flow, other)));
        assert!(!site.is_live(2));
        let mut own = Caller { user, form, ..Caller::new(2) };
        assert_eq!(site.register(&mut own), 200);
    }
}

#[test]
fn what_a_stranger_says_is_not_even_read() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    let elsewhere = Flow::udp(([203, 0, 113, 5], 5060).into());
    let nonsense = caller.message(&[b'<'; 1_000]);
    assert_eq!(status(&site.ask(elsewhere, nonsense)), 403);
    assert!(site.binding(1).unwrap().strayed, "it is told before anything is read");
    let keepalive = caller.keepalive(gb28181::manscdp::Outcome::Ok);
    assert_eq!(status(&site.ask(caller.flow, keepalive)), 200);
    assert!(!site.binding(1).unwrap().strayed, "the device is where it was");
}

#[test]
fn a_register_that_is_too_long_is_refused_before_anything_is_kept() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    caller.headers = format!("X-Much: {}\r\n", "a".repeat(8 * 1024));
    let bytes = caller.answer(&challenge);
    assert_eq!(status(&site.ask(caller.flow, bytes)), 413);
    assert_eq!((site.lookups, site.station.counts().registrations), (0, 0));
    caller.headers = format!("X-Much: {}\r\n", "a".repeat(6 * 1024));
    assert_eq!(site.register(&mut caller), 200);
}

#[test]
fn what_memory_refuses_is_looked_up() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    let bytes = caller.answer(&challenge);
    site.station.receive(site.now, site.wall, caller.flow, bytes);
    let Some(crate::station::Work::Lookup(claim)) = site.station.poll_work() else { panic!() };
    let registrant = |password: &str| engine::Registrant {
        standing: engine::Standing::Known(fleet::DeviceKey(1)),
        user: id(1),
        password: fleet::Secret::new(password.to_owned()),
        old: engine::OldRegistrant {
            standing: false,
            user: id(1),
            password: fleet::Secret::new("a decoy".to_owned()),
            until: fleet::Timestamp(0),
        },
    };
    let claim = site.station.recalled(site.now, site.wall, claim, &registrant("the old one"));
    assert!(site.work().is_empty(), "nothing is answered by what may be out of date");
    assert_eq!(site.station.counts().registrations, 1);
    let found = registrant(PASSWORD);
    site.station.looked_up(site.now, site.wall, claim.unwrap(), Some((&found, &[])));
    assert_eq!(site.work().len(), 1);
    assert!(site.is_live(1) && site.refused.is_empty());
    // Two that memory refused it by, and the one that was right.
    assert_eq!((site.station.tally().digests, site.station.counts().registrations), (3, 0));
}
