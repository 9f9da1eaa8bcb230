//! Several nodes on one store: a device registers with any of them, and what one accepted no other
//! accepts again.

use std::time::Duration;

use bytes::Bytes;
use fleet::DeviceKey;
use gb28181::manscdp::Outcome;
use gb28181::sip::Flow;
use store::SessionKey;

use super::site::{Caller, Site, is_stale, status};

/// Two nodes that begin at one time.
fn nodes() -> (Site, Site) {
    let (a, mut b) = (Site::node(1), Site::node(2));
    b.go_on_from(&a);
    (a, b)
}

/// A copy of a request with another branch, so that it is no repetition.
fn anew(bytes: &[u8]) -> Bytes {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Bytes::from(text.replace("branch=z9hG4bK", "branch=z9hG4bKreplayed"))
}

#[test]
fn a_challenge_of_one_node_is_answered_at_another() {
    let (mut a, mut b) = nodes();
    let mut caller = Caller::new(1);
    let first = caller.request(None);
    let challenge = a.ask(caller.flow, first);
    let answer = caller.answer(&challenge);
    assert_eq!(status(&b.ask(caller.flow, answer)), 200);
    assert!(b.is_live(1) && !a.is_live(1));
    assert_eq!(b.bound_to.get(&DeviceKey(1)), Some(&SessionKey(2)));
    // One that began later takes it too.
    let challenge = {
        let first = caller.request(None);
        a.ask(caller.flow, first)
    };
    let mut late = Site::node(3);
    late.go_on_from(&b);
    late.advance(Duration::from_secs(5));
    late.restart();
    let answer = caller.answer(&challenge);
    assert_eq!(status(&late.ask(caller.flow, answer)), 200);
}

#[test]
fn what_one_node_has_accepted_no_other_accepts() {
    let (mut a, mut b) = nodes();
    let mut caller = Caller::new(1);
    let (captured, answer) = a.register_whole(&mut caller);
    assert_eq!(status(&answer), 200);
    b.go_on_from(&a);
    let other_port = Flow::udp((caller.flow.remote.ip(), 6060).into());
    assert!(is_stale(&b.ask(other_port, anew(&captured))));
    assert_eq!(b.remembered, 1);
    assert!(!b.is_live(1));
    // Nor one that only renewed: it was on disk before it was answered.
    a.advance(Duration::from_secs(10));
    let (renewal, answer) = a.register_whole(&mut caller);
    assert_eq!((status(&answer), a.station.tally().refreshed), (200, 1));
    b.go_on_from(&a);
    assert!(is_stale(&b.ask(other_port, anew(&renewal))));
    // Nor one that took itself off, and not after a restart either.
    caller.expires = "0".to_owned();
    let (leaving, answer) = a.register_whole(&mut caller);
    assert_eq!(status(&answer), 200);
    b.go_on_from(&a);
    assert!(is_stale(&b.ask(other_port, anew(&leaving))));
    b.restart();
    assert!(is_stale(&b.ask(other_port, anew(&leaving))));
    assert_eq!(b.station.tally().new, 0);
}

#[test]
fn while_the_store_does_not_answer_nobody_registers_who_is_not_here() {
    let (mut a, _) = nodes();
    a.store_works = false;
    let mut caller = Caller::new(1);
    assert_eq!(a.register(&mut caller), 503);
    assert_eq!(a.station.counts().registrations, 0);
    a.store_works = true;
    assert_eq!(a.register(&mut caller), 200);
    // Who is here need not be read; what it changes is written before it is answered.
    let read = a.remembered;
    assert_eq!(a.register(&mut caller), 200);
    assert_eq!(a.remembered, read);
    a.store_works = false;
    assert_eq!(a.register(&mut caller), 503);
    assert!(a.is_live(1));
}

#[test]
fn a_register_moves_the_device_and_the_node_before_lets_go_of_it() {
    let (mut a, mut b) = nodes();
    let mut caller = Caller::new(1);
    assert_eq!(a.register(&mut caller), 200);
    let registered_at = a.binding(1).unwrap().registered_at;
    a.advance(Duration::from_secs(20));
    b.go_on_from(&a);
    assert_eq!(b.register(&mut caller), 200);
    assert!(b.is_live(1));
    assert_eq!(b.binding(1).unwrap().registered_at, registered_at, "it was registered all along");
    assert_eq!(b.events.len(), 1, "the engine there is to look at it");
    // Until it is told, the first one goes on; then it knows nothing and writes nothing.
    a.go_on_from(&b);
    let writes = a.writes.len();
    assert!(a.is_live(1));
    a.hear_of(1);
    assert!(a.binding(1).is_none());
    a.advance(Duration::from_secs(1_000));
    assert_eq!(a.writes.len(), writes);
    let keepalive = caller.keepalive(Outcome::Ok);
    assert_eq!(status(&a.ask(caller.flow, keepalive)), 403);
    let keepalive = caller.keepalive(Outcome::Ok);
    assert_eq!(status(&b.ask(caller.flow, keepalive)), 200);
}

#[test]
fn what_is_told_late_of_a_device_that_came_back_changes_nothing() {
    let (mut a, mut b) = nodes();
    let mut caller = Caller::new(1);
    assert_eq!(a.register(&mut caller), 200);
    b.go_on_from(&a);
    assert_eq!(b.register(&mut caller), 200);
    a.go_on_from(&b);
    a.hear_of(1);
    assert_eq!(a.register(&mut caller), 200);
    // The feed tells of the other one only now.
    a.hear_of(1);
    assert!(a.is_live(1));
    assert_eq!(a.bound_to.get(&DeviceKey(1)), Some(&SessionKey(1)));
}

#[test]
fn what_a_node_writes_of_a_device_that_has_left_it_is_written_over() {
    let (mut a, mut b) = nodes();
    let mut caller = Caller::new(1);
    assert_eq!(a.register(&mut caller), 200);
    b.go_on_from(&a);
    assert_eq!(b.register(&mut caller), 200);
    // The first one hears nothing of it and misses keepalives.
    let left = a.stored.clone();
    b.advance(Duration::from_secs(170));
    let keepalive = caller.keepalive(Outcome::Ok);
    assert_eq!(status(&b.ask(caller.flow, keepalive)), 200);
    a.advance(Duration::from_secs(190));
    assert_ne!(a.stored, left);
    assert!(a.stored[&DeviceKey(1)].ended.is_some());
    let now = (b.now, b.wall);
    b.go_on_from(&a);
    (b.now, b.wall) = now;
    b.hear_of(1);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.stored[&DeviceKey(1)].ended, None);
    assert_eq!(b.bound_to.get(&DeviceKey(1)), Some(&SessionKey(2)));
    // And the first one, once it is told, has nothing more to say.
    a.go_on_from(&b);
    a.hear_of(1);
    assert!(a.binding(1).is_none());
}

#[test]
fn a_start_takes_over_only_what_is_bound_to_it() {
    let (mut a, mut b) = nodes();
    assert_eq!(a.register(&mut Caller::new(1)), 200);
    b.go_on_from(&a);
    assert_eq!(b.register(&mut Caller::new(2)), 200);
    a.go_on_from(&b);
    a.restart();
    assert!(a.is_live(1) && !a.is_live(2));
    let mut other = Site::node(3);
    other.go_on_from(&a);
    other.restart();
    assert!(!other.is_live(1) && !other.is_live(2));
}

#[test]
fn one_whose_clock_is_behind_challenges_by_later_nonces_than_were_accepted() {
    let (mut a, mut b) = nodes();
    a.advance(Duration::from_secs(20));
    let mut caller = Caller::new(1);
    assert_eq!(a.register(&mut caller), 200);
    (b.stored, b.bound_to) = (a.stored.clone(), a.bound_to.clone());
    // The first answer is by a nonce of b's own time, 20 s behind; the next one is not.
    let (_, answer) = b.register_whole(&mut caller);
    assert!(is_stale(&answer));
    let again = caller.answer(&answer);
    assert_eq!(status(&b.ask(caller.flow, again)), 200);
}

#[test]
fn one_that_leaves_at_another_node_is_registered_no_more() {
    let (mut a, mut b) = nodes();
    let mut caller = Caller::new(1);
    assert_eq!(a.register(&mut caller), 200);
    b.go_on_from(&a);
    caller.expires = "0".to_owned();
    assert_eq!(b.register(&mut caller), 200);
    assert!(b.stored[&DeviceKey(1)].ended.is_some());
    a.go_on_from(&b);
    a.hear_of(1);
    assert!(a.binding(1).is_none());
}

#[test]
fn once_the_registrar_is_closed_all_is_written_and_nobody_else_registers() {
    let mut site = Site::new(crate::Settings::default());
    let mut caller = Caller::new(1);
    assert_eq!(site.register(&mut caller), 200);
    assert_eq!(site.register(&mut caller), 200);
    assert!(!site.station.is_written(), "what only renews waits to be written");
    site.station.close_registrar();
    site.station.write_now();
    site.work();
    assert!(site.station.is_written());
    let first = caller.request(None);
    assert_eq!(status(&site.ask(caller.flow, first)), 503);
    let keepalive = caller.keepalive(Outcome::Ok);
    assert_eq!(status(&site.ask(caller.flow, keepalive)), 200);
}
