//! Registering, renewing, moving, leaving.

use std::time::Duration;

use engine::DeviceEvent;
use fleet::{DeviceKey, Offline, SipTransport, Timestamp};
use gb28181::digest::{Challenge, Form};
use gb28181::sip::{Flow, Name};

use super::site::{Caller, Site, header, is_stale, status};
use crate::Settings;

fn site() -> Site {
    Site::new(Settings::default())
}

#[test]
fn a_device_registers_as_in_the_standard() {
    let mut site = site();
    let mut caller = Caller::new(1);
    caller.headers = "X-GB-Ver: 3.0\r\nUser-Agent: Embedded Net DVR\r\n".to_owned();
    let (_, answer) = site.register_whole(&mut caller);
    assert_eq!(status(&answer), 200);
    let contact = header(&answer, Name::Contact).unwrap();
    assert_eq!(contact, "<sip:34020000001300000001@192.0.2.11:5060>;expires=3600");
    assert_eq!(header(&answer, Name::Expires).unwrap(), "3600");
    assert_eq!(header(&answer, Name::Date).unwrap(), "2026-11-21T22:40:00.000");
    assert_eq!(header(&answer, Name::XGbVer).unwrap(), "3.0");
    let stored = &site.stored[&DeviceKey(1)];
    assert_eq!((stored.transport, stored.remote), (SipTransport::Udp, caller.flow.remote));
    assert_eq!(stored.expires_at, site.wall.plus(Duration::from_secs(3600)));
    assert_eq!((stored.version.as_deref(), stored.ended), (Some("3.0"), None));
    assert_eq!(site.events, [DeviceEvent::Returned(DeviceKey(1))]);
    assert!(site.is_live(1));
    assert_eq!(site.binding(1).unwrap().version.as_deref(), Some("3.0"));
    assert_eq!(site.station.tally().registered, 1);
}

#[test]
fn both_forms_and_both_hashes_register_over_both_transports() {
    let mut site = Site::new(Settings { sha256: true, date_header: false, ..Settings::default() });
    for (number, form, hash) in
        [(1, Form::QopAuth, 0), (2, Form::Rfc2069, 0), (3, Form::QopAuth, 1), (4, Form::Rfc2069, 1)]
    {
        let mut caller =
            if number % 2 == 0 { Caller::tcp(number, 40) } else { Caller::new(number) };
        caller.form = form;
        let first = caller.request(None);
        let challenge = site.ask(caller.flow, first);
        let offered: Vec<_> =
            challenge.headers(Name::WwwAuthenticate).map(|it| it.into_owned()).collect();
        assert_eq!(offered.len(), 2);
        let bytes = caller.answer_to(&Challenge::parse(&offered[hash]).unwrap(), 1);
        let answer = site.ask(caller.flow, bytes);
        assert_eq!(status(&answer), 200, "{number}");
        assert_eq!(header(&answer, Name::Date), None);
    }
}

#[test]
fn the_200_comes_after_the_commit_and_repetitions_are_absorbed_meanwhile() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    let bytes = caller.answer(&challenge);
    site.held = Some(Vec::new());
    assert!(site.receive(caller.flow, bytes.clone()).is_empty());
    assert!(site.receive(caller.flow, bytes.clone()).is_empty());
    assert!(!site.is_live(1));
    assert_eq!(site.station.counts().registrations, 1);
    let sent = site.release();
    assert_eq!(sent.len(), 1);
    assert!(site.is_live(1));
    // One more is answered as before, and written once.
    let again = site.receive(caller.flow, bytes);
    assert_eq!(again, sent);
    assert_eq!(site.writes, [1]);
    assert_eq!(site.station.tally().digests, 1);
}

#[test]
fn a_refresh_is_challenged_and_written_later_in_one_batch() {
    let mut site = site();
    let mut callers: Vec<_> = (1..=9).map(Caller::new).collect();
    for caller in &mut callers {
        assert_eq!(site.register(caller), 200);
    }
    let writes = site.writes.len();
    site.advance(Duration::from_secs(100));
    let registered_at = site.stored[&DeviceKey(1)].registered_at;
    for caller in &mut callers {
        // The Call-ID is that of the first REGISTER: it proves nothing.
        let refresh = caller.request(None);
        assert!(!is_stale(&site.ask(caller.flow, refresh)));
        assert_eq!(site.register(caller), 200);
    }
    assert_eq!(site.writes.len(), writes, "nothing was written for the answers");
    assert_eq!(site.binding(1).unwrap().refreshed_at, site.wall);
    let refreshed_at = site.wall;
    site.advance(Duration::from_secs(5));
    assert_eq!(site.writes[writes..], [9]);
    assert_eq!(site.stored[&DeviceKey(1)].refreshed_at, refreshed_at);
    assert_eq!(site.stored[&DeviceKey(1)].registered_at, registered_at);
    assert_eq!(site.events.len(), 9, "a refresh is no return");
    assert_eq!((site.station.tally().new, site.station.tally().refreshed), (9, 9));
}

#[test]
fn a_refresh_from_elsewhere_moves_the_device_once_it_is_on_disk() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    let registered_at = site.wall;
    site.advance(Duration::from_secs(10));
    let old = caller.flow;
    caller.flow = Flow::tcp(([203, 0, 113, 9], 40_000).into(), 7);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    let bytes = caller.answer(&challenge);
    site.held = Some(Vec::new());
    assert!(site.receive(caller.flow, bytes).is_empty());
    assert_eq!(site.binding(1).unwrap().flow, old);
    assert_eq!(site.release().len(), 1);
    assert_eq!(site.binding(1).unwrap().flow, caller.flow);
    let stored = &site.stored[&DeviceKey(1)];
    assert_eq!((stored.transport, stored.remote), (SipTransport::Tcp, caller.flow.remote));
    assert_eq!(stored.registered_at, registered_at);
    assert_eq!(site.station.tally().moved, 1);
}

#[test]
fn leaving_is_challenged_and_durable() {
    for contact in ["", "Contact: *\r\n"] {
        let mut site = site();
        let mut caller = Caller::new(1);
        site.register(&mut caller);
        caller.expires = "0".to_owned();
        caller.headers = contact.to_owned();
        let bare = caller.request(None);
        assert!(!is_stale(&site.ask(caller.flow, bare)));
        assert!(site.is_live(1));
        let (_, answer) = site.register_whole(&mut caller);
        assert_eq!((status(&answer), header(&answer, Name::Contact)), (200, None));
        assert!(!site.is_live(1));
        let ended = site.stored[&DeviceKey(1)].ended;
        assert_eq!(ended, Some((site.wall, Offline::Unregistered)));
        assert_eq!(site.binding(1).unwrap().unregistered_at, Some(site.wall));
        // Once more is as good as once.
        let writes = site.writes.len();
        assert_eq!(site.register(&mut caller), 200);
        assert_eq!(site.writes.len(), writes);
        // It comes back, and its leaving is remembered.
        caller.expires = "3600".to_owned();
        caller.headers.clear();
        assert_eq!(site.register(&mut caller), 200);
        assert!(site.is_live(1));
        assert!(site.binding(1).unwrap().unregistered_at.is_some());
        assert_eq!(site.events.len(), 2);
    }
}

#[test]
fn leaving_while_the_first_registration_is_being_written_holds() {
    let mut site = site();
    let mut caller = Caller::new(1);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    let enter = caller.answer(&challenge);
    site.held = Some(Vec::new());
    assert!(site.receive(caller.flow, enter).is_empty());
    caller.expires = "0".to_owned();
    let second = caller.request(None);
    let challenge = site.ask(caller.flow, second);
    let leave = caller.answer(&challenge);
    assert!(site.receive(caller.flow, leave).is_empty());
    let answered = site.release();
    assert_eq!(answered.len(), 2);
    assert!(!site.is_live(1));
    assert_eq!(site.stored[&DeviceKey(1)].ended, Some((site.wall, Offline::Unregistered)));
}

#[test]
fn what_contradicts_itself_or_is_too_brief_is_refused() {
    let mut site = site();
    let mut caller = Caller::new(1);
    caller.headers = "Contact: *\r\n".to_owned();
    assert_eq!(site.register(&mut caller), 400);
    caller.headers.clear();
    caller.expires = "59".to_owned();
    let (_, answer) = site.register_whole(&mut caller);
    assert_eq!(status(&answer), 423);
    assert_eq!(header(&answer, Name::MinExpires).unwrap(), "60");
    assert!(site.binding(1).is_none());
    caller.expires = "99999999".to_owned();
    let (_, answer) = site.register_whole(&mut caller);
    assert_eq!(header(&answer, Name::Expires).unwrap(), "604800");
}

#[test]
fn a_register_without_a_contact_asks_what_is_known() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    let mut asks = caller.clone();
    asks.headers = "X-Contact: none\r\n".to_owned();
    let first = asks.request(None);
    let challenge = site.ask(asks.flow, first);
    let bytes = asks.answer(&challenge);
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let without: String =
        text.split_inclusive("\r\n").filter(|line| !line.starts_with("Contact:")).collect();
    let answer = site.ask(asks.flow, without);
    assert_eq!(status(&answer), 200);
    let contact = header(&answer, Name::Contact).unwrap();
    assert_eq!(contact, "<sip:34020000001300000001@192.0.2.11:5060>;expires=3600");
    assert_eq!(site.station.tally().refreshed, 0);
}

#[test]
fn without_a_store_503_and_nothing_is_believed() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.store_works = false;
    let (_, answer) = site.register_whole(&mut caller);
    assert_eq!(status(&answer), 503);
    let wait: u32 = header(&answer, Name::RetryAfter).unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait));
    assert!(!site.is_live(1));
    site.store_works = true;
    assert_eq!(site.register(&mut caller), 200);
    // A renewal that could not be written is written when the store works again.
    site.store_works = false;
    site.advance(Duration::from_secs(2));
    assert_eq!(site.register(&mut caller), 200);
    let refreshed_at = site.wall;
    site.advance(Duration::from_secs(7));
    assert_ne!(site.stored[&DeviceKey(1)].refreshed_at, refreshed_at);
    site.store_works = true;
    site.advance(Duration::from_secs(5));
    assert_eq!(site.stored[&DeviceKey(1)].refreshed_at, refreshed_at);
}

#[test]
fn a_herd_is_absorbed_and_more_than_that_is_turned_away() {
    const HERD: i64 = 20_000;
    let mut site = site();
    let mut callers: Vec<_> = (10..HERD + 10).map(Caller::new).collect();
    for caller in &callers {
        let device = DeviceKey(i64::try_from(site.known.len()).unwrap() + 1);
        let entry = (device, caller.user.clone(), caller.password.clone());
        site.known.insert(caller.id.clone(), entry);
    }
    site.held = Some(Vec::new());
    let mut sent = 0;
    for caller in &mut callers {
        let first = caller.request(None);
        let challenge = site.ask(caller.flow, first);
        let bytes = caller.answer(&challenge);
        sent += site.receive(caller.flow, bytes).len();
    }
    assert_eq!(sent, 0, "all wait for the store");
    let mut turned_away = 0;
    for number in 30_000..36_000 {
        let mut caller = Caller::new(number);
        let first = caller.request(None);
        let challenge = site.ask(caller.flow, first);
        let bytes = caller.answer(&challenge);
        site.known.insert(caller.id.clone(), (DeviceKey(number), caller.user, caller.password));
        for answer in site.receive(caller.flow, bytes) {
            let answer = gb28181::sip::Message::parse(answer.bytes).unwrap();
            assert_eq!(status(&answer), 503);
            turned_away += 1;
        }
    }
    assert!((1_000..=2_000).contains(&turned_away), "{turned_away}");
    let answered = site.release();
    assert_eq!(answered.len() + turned_away, 26_000);
    assert_eq!(site.station.tally().registered, 26_000 - turned_away);
    assert!(site.writes.len() < 60, "{} writes", site.writes.len());
    assert!(site.writes.iter().all(|rows| *rows <= 512));
}

#[test]
fn an_id_that_was_put_on_record_anew_is_the_new_device() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    site.known.get_mut(&caller.id).unwrap().0 = DeviceKey(77);
    assert_eq!(site.register(&mut caller), 200);
    assert!(site.binding(1).is_none());
    assert!(site.is_live(77));
    assert_eq!(site.station.tally().registered, 1);
}

#[test]
fn a_quiet_station_is_an_empty_one() {
    let mut site = site();
    for number in 1..=9 {
        let mut caller = Caller::new(number);
        site.register(&mut caller);
        caller.expires = "0".to_owned();
        site.register(&mut caller);
    }
    assert!(!site.station.is_empty());
    site.advance(Duration::from_secs(40));
    assert!(site.station.is_empty(), "{:?}", site.station.counts());
    site.advance(Duration::from_secs(4_000));
    assert_eq!(
        site.station.poll_timeout().map(|_| ()),
        Some(()),
        "rounds go on while rows may come"
    );
    assert!(site.binding(1).is_none(), "what ended long ago is forgotten");
}

#[test]
fn the_clock_of_the_wall_may_jump() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    site.wall = Timestamp(site.wall.0 - 86_400_000);
    assert_eq!(site.register(&mut caller), 200);
    assert!(site.is_live(1));
    site.wall = site.wall.plus(Duration::from_secs(86_401));
    site.advance(Duration::from_secs(3));
    assert!(site.is_live(1), "it neither expired nor missed a keepalive");
    assert_eq!(site.register(&mut caller), 200);
}
