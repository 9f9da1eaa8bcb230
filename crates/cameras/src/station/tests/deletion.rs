//! Devices that are deleted while something of them is under way.

use std::time::Duration;

use engine::RegistrationFault;
use fleet::DeviceKey;
use gb28181::sip::Message;

use super::site::{Caller, Site, status};
use crate::Settings;
use crate::station::{Work, lock};

const DEVICE: DeviceKey = DeviceKey(1);

/// The device's record goes, and the store's binding of it with it.
fn delete(site: &mut Site) {
    site.known.remove(&Caller::new(1).id);
    site.stored.remove(&DEVICE);
    site.line.end(DEVICE, site.wall);
}

/// How many rows there are.
fn rows(site: &Site) -> usize {
    lock(&site.station.bindings).len()
}

#[test]
fn what_was_looked_up_before_registers_nobody() {
    for has_registered in [false, true] {
        let mut site = Site::new(Settings::default());
        let mut caller = Caller::new(1);
        if has_registered {
            assert_eq!(site.register(&mut caller), 200);
        }
        let first = caller.request(None);
        let challenge = site.ask(caller.flow, first);
        let bytes = caller.answer(&challenge);
        site.station.receive(site.now, site.wall, caller.flow, bytes);
        let Some(Work::Lookup(claim)) = site.station.poll_work() else { panic!() };
        let registrant = site.registrant(&caller.id);
        delete(&mut site);
        site.station.looked_up(site.now, site.wall, claim, Some((&registrant, &[])));
        let answer = Message::parse(site.work().remove(0).bytes).unwrap();
        assert_eq!(status(&answer), 401);
        assert_eq!(site.refused.last().unwrap().why, RegistrationFault::UnknownId);
        assert!(!site.is_live(1) && site.stored.is_empty());
        assert_eq!(rows(&site), usize::from(has_registered));
    }
}

#[test]
fn nothing_of_it_is_written_any_more() {
    // A refresh, which nobody waits for.
    let mut site = Site::new(Settings::default());
    let mut caller = Caller::new(1);
    assert_eq!(site.register(&mut caller), 200);
    site.advance(Duration::from_secs(5));
    assert_eq!(site.register(&mut caller), 200);
    assert_eq!(site.station.counts().unwritten, 1);
    delete(&mut site);
    site.advance(Duration::from_secs(5));
    assert!(site.stored.is_empty());
    assert_eq!(site.station.counts().unwritten, 0);

    // A registration that waits for the store, which is at work for another device.
    let mut site = Site::new(Settings::default());
    site.held = Some(Vec::new());
    for mut caller in [Caller::new(2), Caller::new(1)] {
        let first = caller.request(None);
        let challenge = site.ask(caller.flow, first);
        let bytes = caller.answer(&challenge);
        assert!(site.receive(caller.flow, bytes).is_empty());
    }
    delete(&mut site);
    let answers = site.release();
    let status_of = |at: usize| status(&Message::parse(answers[at].bytes.clone()).unwrap());
    assert_eq!((answers.len(), status_of(0), status_of(1)), (2, 200, 503));
    assert_eq!(site.stored.keys().collect::<Vec<_>>(), [&DeviceKey(2)]);
}

#[test]
fn its_row_goes_once_no_nonce_of_it_is_good_any_more() {
    let mut site = Site::new(Settings { keepalive_seconds: 0, ..Settings::default() });
    let (mut caller, mut other) = (Caller::new(1), Caller::new(2));
    assert_eq!((site.register(&mut caller), site.register(&mut other)), (200, 200));
    // With a refresh that is not written.
    assert_eq!(site.register(&mut caller), 200);
    delete(&mut site);
    site.advance(Duration::from_secs(110));
    assert_eq!(rows(&site), 2, "what was overheard is refused still");
    site.advance(Duration::from_secs(15));
    assert_eq!(rows(&site), 1);
    assert!(site.binding(1).is_none() && site.is_live(2));
}
