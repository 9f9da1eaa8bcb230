use std::net::SocketAddr;

use fleet::{DeviceId, SipTransport};

use super::*;

fn flow(number: i64) -> Flow {
    let port = u16::try_from(number % 60_000).unwrap() + 1_024;
    Flow::udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

fn id(number: i64) -> Vec<u8> {
    format!("340200000013{number:08}").into_bytes()
}

#[test]
fn rows_are_found_by_id_and_by_device_until_they_are_removed() {
    let mut bindings = Bindings::new();
    for number in 1..=5_000 {
        let slot = bindings.enter(&id(number), DeviceKey(number), flow(number)).unwrap();
        assert_eq!(bindings.enter(&id(number), DeviceKey(number), flow(1)), Some(slot));
    }
    assert_eq!(bindings.len(), 5_000);
    for number in (1..=5_000).step_by(3) {
        let slot = bindings.find(&id(number)).unwrap();
        bindings.remove(slot);
    }
    for number in 1..=5_000 {
        let gone = number % 3 == 1;
        assert_eq!(bindings.find(&id(number)).is_none(), gone);
        assert_eq!(bindings.find_device(DeviceKey(number)).is_none(), gone);
    }
    let slots = bindings.slots();
    for number in (1..=5_000).step_by(3) {
        bindings.enter(&id(number), DeviceKey(number), flow(number)).unwrap();
    }
    assert_eq!(bindings.slots(), slots, "places are used again");
    assert!(bindings.enter(&[b'1'; 33], DeviceKey(9_999), flow(1)).is_none());
}

#[test]
fn one_id_is_one_device() {
    let mut bindings = Bindings::new();
    let slot = bindings.enter(&id(1), DeviceKey(1), flow(1)).unwrap();
    bindings.set_phase(slot, Phase::Live);
    bindings.get_mut(slot).unwrap().mark(77, 3);
    let slot = bindings.enter(&id(1), DeviceKey(2), flow(1)).unwrap();
    assert!(bindings.find_device(DeviceKey(1)).is_none());
    let row = bindings.get(slot).unwrap();
    assert!(!row.is_newer(77, 3) && row.is_newer(77, 4), "no nonce of the id is good again");
    bindings.enter(&id(3), DeviceKey(2), flow(1)).unwrap();
    assert!(bindings.find(&id(1)).is_none());
    assert_eq!((bindings.len(), bindings.live_count()), (1, 0));
}

#[test]
fn a_device_without_a_record_is_told_of_once() {
    let mut bindings = Bindings::new();
    let remote = SocketAddr::from(([192, 0, 2, 1], 5060));
    let slot = bindings.enter(&id(1), DeviceKey(1), flow(1)).unwrap();
    bindings.set_flow(slot, Flow::tcp(remote, 7));
    bindings.set_phase(slot, Phase::Live);
    bindings.enter(&id(2), DeviceKey(2), flow(2)).unwrap();
    assert_eq!(bindings.take_changed(), Some((7, true)));

    assert!(!bindings.remove_device(DeviceKey(3), Timestamp(5)));
    for number in [1, 2] {
        assert!(bindings.remove_device(DeviceKey(number), Timestamp(5)));
        assert!(!bindings.remove_device(DeviceKey(number), Timestamp(6)));
    }
    let ended = Some((Timestamp(5), Offline::CredentialsChanged));
    assert_eq!(bindings.live(DeviceKey(1)).unwrap().ended, ended);
    assert!(bindings.live(DeviceKey(2)).is_none(), "it never was registered");
    assert_eq!((bindings.live_count(), bindings.len()), (0, 2));
    assert_eq!(bindings.take_changed(), Some((7, false)), "its connection may close");
    assert_eq!(bindings.take_removed(), Some((DeviceKey(2), false)));
    assert_eq!(bindings.take_removed(), Some((DeviceKey(1), true)));
    assert_eq!(bindings.take_removed(), None);
}

#[test]
fn a_connection_knows_its_rows() {
    let mut bindings = Bindings::new();
    let remote = SocketAddr::from(([192, 0, 2, 1], 5060));
    let slots: Vec<_> = (1..=3)
        .map(|number| {
            let slot = bindings.enter(&id(number), DeviceKey(number), flow(number)).unwrap();
            bindings.set_flow(slot, Flow::tcp(remote, 7));
            slot
        })
        .collect();
    bindings.set_flow(slots[1], Flow::tcp(remote, 8));
    assert_eq!(bindings.of_connection(7), [slots[0], slots[2]]);
    bindings.remove(slots[0]);
    bindings.set_flow(slots[2], flow(3));
    assert!(bindings.of_connection(7).is_empty());
    assert_eq!(bindings.of_connection(8), [slots[1]]);
}

#[test]
fn the_rounds_see_every_row_once() {
    let mut bindings = Bindings::new();
    for number in 1..=100 {
        bindings.enter(&id(number), DeviceKey(number), flow(number)).unwrap();
    }
    let mut seen: Vec<_> = (0..8).flat_map(|_| bindings.next_slots(13)).collect();
    seen.truncate(100);
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert_eq!(bindings.next_slots(1_000).len(), 100);
}

#[test]
fn a_binding_goes_to_the_store_and_comes_back() {
    let stored = |transport| StoredBinding {
        bound_to: None,
        id: DeviceId::new("34020000001320000001").unwrap(),
        binding: Binding {
            device: DeviceKey(5),
            transport,
            remote: "[2001:db8::1]:5060".parse().unwrap(),
            registered_at: Timestamp(1),
            refreshed_at: Timestamp(2),
            expires_at: Timestamp(3_000),
            version: Some("3.0".to_owned()),
            nonce_at: 77,
            nonce_count: 3,
            ended: None,
            old_credentials: transport == SipTransport::Tcp,
        },
        surveyed_at: Some(Timestamp(5)),
    };
    for transport in [SipTransport::Udp, SipTransport::Tcp] {
        let mut bindings = Bindings::new();
        let stored = stored(transport);
        bindings.load(&stored, Timestamp(100));
        let row = bindings.get(bindings.find_device(DeviceKey(5)).unwrap()).unwrap();
        assert_eq!(row.to_binding(), stored.binding);
        assert_eq!((row.heard_at, row.returned), (Timestamp(100), false));
        let live = bindings.live(DeviceKey(5)).unwrap();
        assert_eq!(live.has_flow, transport == SipTransport::Udp);
        assert!(live.is_live(Timestamp(2_999)) && !live.is_live(Timestamp(3_000)));
        assert!(!row.is_newer(77, 3) && row.is_newer(77, 4) && row.is_newer(78, 1));
    }
}

#[test]
fn a_device_without_a_record_is_not_brought_back() {
    let binding = |bindings: &Bindings, number| {
        let row = bindings.get(bindings.find_device(DeviceKey(number)).unwrap()).unwrap();
        StoredBinding {
            bound_to: None,
            id: DeviceId::new(std::str::from_utf8(row.id()).unwrap()).unwrap(),
            binding: row.to_binding(),
            surveyed_at: None,
        }
    };
    let mut before = Bindings::new();
    for number in [1, 2] {
        let slot = before.enter(&id(number), DeviceKey(number), flow(number)).unwrap();
        before.set_phase(slot, Phase::Live);
    }
    // A page of the store that was read before one of both was deleted.
    let mut bindings = Bindings::new();
    assert!(!bindings.remove_device(DeviceKey(1), Timestamp(5)), "there is nothing to see to");
    for number in [1, 2] {
        bindings.load(&binding(&before, number), Timestamp(6));
    }
    assert!(bindings.find_device(DeviceKey(1)).is_none());
    assert!(bindings.find_device(DeviceKey(2)).is_some());
    assert_eq!((bindings.len(), bindings.live_count()), (1, 1));
    assert_eq!(bindings.enter(&id(1), DeviceKey(1), flow(1)), None);
    assert!(bindings.enter(&id(1), DeviceKey(3), flow(1)).is_some(), "its id may come again");
}

#[test]
fn a_row_is_small() {
    const ROWS: i64 = 100_000;
    let mut bindings = Bindings::new();
    for number in 1..=ROWS {
        bindings.enter(&id(number), DeviceKey(number), flow(number)).unwrap();
    }
    assert!(size_of::<Option<Row>>() <= 216, "{} bytes", size_of::<Option<Row>>());
    let each = bindings.bytes() / usize::try_from(ROWS).unwrap();
    // The vector's room for more counts here; pages that nothing was written to are not resident.
    assert!(each <= 330, "{each} bytes a binding");
}
