//! A user name and password that were replaced, and work for a while yet.

use std::time::Duration;

use engine::RegistrationFault;
use fleet::DeviceKey;

use super::site::{Caller, PASSWORD, Site, id};
use crate::Settings;

const HOUR: Duration = Duration::from_secs(3_600);
const NEW: &str = "87654321";

/// A device that is registered with the password that it has had.
fn registered() -> (Site, Caller) {
    let mut site = Site::new(Settings { keepalive_seconds: 0, ..Settings::default() });
    let mut caller = Caller::new(1);
    caller.expires = "7200".to_owned();
    assert_eq!(site.register(&mut caller), 200);
    (site, caller)
}

/// Whether the store says that it registered with what was replaced.
fn is_old(site: &Site) -> bool {
    site.stored[&DeviceKey(1)].old_credentials
}

#[test]
fn both_passwords_work_until_the_overlap_ends() {
    let (mut site, mut old) = registered();
    let mut new = Caller { password: NEW.to_owned(), cseq: 1_000, ..old.clone() };
    site.change(1, &id(1), NEW, Some(HOUR));
    assert!(!is_old(&site));
    // A refresh is written within five seconds, as any.
    for expected in [true, false, true] {
        let writes = site.writes.len();
        let caller = if expected { &mut old } else { &mut new };
        assert_eq!(site.register(caller), 200);
        assert_eq!(site.writes.len(), writes);
        site.advance(Duration::from_secs(5));
        assert_eq!(is_old(&site), expected);
    }
    assert_eq!(site.refused.len(), 0);

    site.advance(HOUR - Duration::from_secs(15));
    assert_eq!(site.register(&mut old), 401, "not at the end of it");
    let refused = site.refused.last().unwrap();
    assert_eq!(refused.why, RegistrationFault::WrongDigest);
    assert!(refused.detail.ends_with("; it fits those that were replaced"), "{}", refused.detail);
    assert!(!refused.detail.contains(PASSWORD));
    assert!(site.is_live(1), "what was granted holds until it ends");
    assert_eq!(site.register(&mut new), 200);
    site.advance(Duration::from_secs(5));
    assert!(!is_old(&site));
}

#[test]
fn without_an_overlap_the_very_next_refresh_is_refused() {
    let (mut site, mut caller) = registered();
    site.change(1, &id(1), NEW, None);
    assert_eq!(site.register(&mut caller), 401);
    let refused = site.refused.last().unwrap();
    assert_eq!(refused.why, RegistrationFault::WrongDigest);
    assert!(refused.detail.ends_with(&format!("user \"{}\"", id(1))), "{}", refused.detail);
    assert!(site.is_live(1));
    site.advance(2 * HOUR + Duration::from_secs(3));
    assert!(!site.is_live(1), "it was not renewed");
    caller.password = NEW.to_owned();
    assert_eq!(site.register(&mut caller), 200);
}

#[test]
fn a_new_registration_and_a_move_tell_at_once_which_it_was() {
    let (mut site, mut caller) = registered();
    site.change(1, &id(1), NEW, Some(HOUR));
    // It moves, and the 200 comes when that is on disk.
    caller.flow = Caller::new(2).flow;
    assert_eq!(site.register(&mut caller), 200);
    assert!(is_old(&site));
    // What is loaded is what was stored: a write for another reason keeps it.
    site.restart();
    site.wall = site.wall.plus(Duration::from_secs(60));
    site.advance(Duration::from_secs(5));
    assert!(is_old(&site));
    assert_eq!(site.stored[&DeviceKey(1)].remote, caller.flow.remote);
    caller.expires = "0".to_owned();
    assert_eq!(site.register(&mut caller), 200);
    assert!(is_old(&site) && !site.is_live(1));
    caller.expires = "3600".to_owned();
    caller.password = NEW.to_owned();
    assert_eq!(site.register(&mut caller), 200);
    assert!(!is_old(&site) && site.is_live(1));
    caller.flow = Caller::new(1).flow;
    caller.password = PASSWORD.to_owned();
    assert_eq!(site.register(&mut caller), 200);
    assert!(is_old(&site));
}

#[test]
fn the_user_may_change_alone() {
    let (mut site, mut caller) = registered();
    site.change(1, "gate", PASSWORD, Some(HOUR));
    assert_eq!(site.register(&mut caller), 200);
    site.advance(Duration::from_secs(5));
    assert!(is_old(&site));
    let mut new = Caller { user: "gate".to_owned(), cseq: 100, ..caller.clone() };
    assert_eq!(site.register(&mut new), 200);
    site.advance(HOUR);
    assert!(!is_old(&site));
    assert_eq!(site.register(&mut caller), 401);
    assert_eq!(site.refused.last().unwrap().why, RegistrationFault::WrongUser);
}

#[test]
fn a_wrong_answer_costs_the_same_whatever_there_is_to_check_it_against() {
    let work = |prepare: fn(&mut Site), number| {
        let mut site = Site::new(Settings::default());
        prepare(&mut site);
        let mut caller = Caller { password: "guess".to_owned(), ..Caller::new(number) };
        assert_eq!(site.register(&mut caller), 401);
        (site.station.tally(), site.lookups, site.refused.len())
    };
    let overlap = |site: &mut Site| site.change(1, "gate", NEW, Some(HOUR));
    let over = |site: &mut Site| {
        site.change(1, "gate", NEW, Some(HOUR));
        site.advance(HOUR);
    };
    let unknown = work(|_| {}, 50);
    assert_eq!(unknown.0.digests, 2);
    assert_eq!(work(|_| {}, 1), unknown);
    assert_eq!(work(overlap, 1), unknown);
    assert_eq!(work(over, 1), unknown);
}
