//! What time brings, and what a restart leaves.

use std::time::Duration;

use engine::DeviceEvent;
use fleet::{DeviceKey, Offline};
use gb28181::manscdp::Outcome;
use gb28181::sip::Flow;

use super::site::{Caller, Site, is_stale, status};
use crate::{Follow, Settings};

const MINUTE: Duration = Duration::from_secs(60);

fn site() -> Site {
    Site::new(Settings::default())
}

#[test]
fn a_registration_runs_out_at_its_time() {
    let mut site = Site::new(Settings { keepalive_seconds: 0, ..Settings::default() });
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    let expires_at = site.binding(1).unwrap().expires_at;
    site.advance(Duration::from_secs(3_599));
    assert!(site.is_live(1));
    site.advance(Duration::from_secs(1));
    assert!(!site.is_live(1));
    site.advance(Duration::from_secs(5));
    assert_eq!(site.stored[&DeviceKey(1)].ended, Some((expires_at, Offline::Expired)));
    assert_eq!(site.binding(1).unwrap().ended, Some((expires_at, Offline::Expired)));
    assert_eq!(site.station.tally().registered, 0);
}

#[test]
fn three_missed_keepalives_are_the_end_and_keepalives_never_write() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    let writes = site.writes.len();
    for _ in 0..10 {
        site.advance(MINUTE);
        let bytes = caller.keepalive(Outcome::Ok);
        assert_eq!(status(&site.ask(caller.flow, bytes)), 200);
    }
    assert_eq!(site.writes.len(), writes);
    site.advance(3 * MINUTE);
    assert!(site.is_live(1));
    site.advance(Duration::from_secs(5));
    assert!(!site.is_live(1));
    let (_, why) = site.stored[&DeviceKey(1)].ended.unwrap();
    assert_eq!(why, Offline::KeepalivesMissed);
    // It does not come back by a keepalive, but by registering.
    let bytes = caller.keepalive(Outcome::Ok);
    assert_eq!(status(&site.ask(caller.flow, bytes)), 403);
    assert_eq!(site.register(&mut caller), 200);
    assert_eq!(site.events.len(), 2);
}

#[test]
fn a_device_that_is_set_to_send_them_more_rarely_is_given_its_time() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    site.line.expect_keepalives(DeviceKey(1), 600, 2);
    site.advance(20 * MINUTE);
    assert!(site.is_live(1));
    site.advance(Duration::from_secs(5));
    assert!(!site.is_live(1));
}

#[test]
fn a_closed_connection_is_the_end_of_all_its_devices_and_of_no_other() {
    let mut site = site();
    let mut callers = [Caller::tcp(1, 7), Caller::tcp(2, 7), Caller::tcp(3, 8), Caller::new(4)];
    for caller in &mut callers {
        assert_eq!(site.register(caller), 200);
    }
    site.station.connection_closed(site.now, site.wall, 7);
    site.work();
    let live: Vec<_> = (1..=4).filter(|number| site.is_live(*number)).collect();
    assert_eq!(live, [3, 4]);
    site.advance(Duration::from_secs(5));
    let ended = site.stored[&DeviceKey(1)].ended.unwrap();
    assert_eq!(ended.1, Offline::ConnectionClosed);
}

#[test]
fn a_connection_that_closes_before_the_commit_leaves_no_device_online() {
    let mut site = site();
    let mut caller = Caller::tcp(1, 7);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    let bytes = caller.answer(&challenge);
    site.held = Some(Vec::new());
    site.receive(caller.flow, bytes);
    site.station.connection_closed(site.now, site.wall, 7);
    site.release();
    assert!(!site.is_live(1));
    site.advance(Duration::from_secs(5));
    assert!(site.stored[&DeviceKey(1)].ended.is_some());
}

#[test]
fn after_a_restart_everybody_is_there_and_has_time() {
    let mut site = Site::new(Settings { survey_per_second: 100, ..Settings::default() });
    let (mut udp, mut tcp) = (Caller::new(1), Caller::tcp(2, 7));
    site.register(&mut udp);
    site.register(&mut tcp);
    site.advance(2 * MINUTE);
    site.events.clear();
    site.restart();
    assert!(site.is_live(1) && site.is_live(2));
    assert_eq!(site.station.tally().registered, 2);
    site.advance(3 * MINUTE);
    assert!(site.is_live(1), "the keepalives that nobody took don't count as missed");
    assert!(site.events.is_empty(), "nothing has changed that the engine would look at");
    let bytes = udp.keepalive(Outcome::Ok);
    assert_eq!(status(&site.ask(udp.flow, bytes)), 200);
    // The TCP device comes by a new connection: its keepalive is followed, as a port is.
    assert!(!site.binding(2).unwrap().has_flow);
    tcp.flow = Flow::tcp((tcp.flow.remote.ip(), 40_000).into(), 1);
    let bytes = tcp.keepalive(Outcome::Ok);
    assert_eq!(status(&site.ask(tcp.flow, bytes)), 200);
    assert!(site.binding(2).unwrap().has_flow);
    site.advance(4 * MINUTE);
    assert!(!site.is_live(1) && !site.is_live(2));
}

#[test]
fn an_unchanged_refresh_after_a_restart_is_a_refresh() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    site.restart();
    let writes = site.writes.len();
    assert_eq!(site.register(&mut caller), 200);
    assert_eq!(site.writes.len(), writes);
    assert_eq!(site.station.tally().refreshed, 1);
}

#[test]
fn a_keepalive_moves_what_the_setting_says_and_never_the_expiry() {
    let elsewhere = [
        Flow::udp(([192, 0, 2, 11], 6060).into()),
        Flow::udp(([203, 0, 113, 5], 5060).into()),
        Flow::tcp(([192, 0, 2, 11], 5060).into(), 9),
    ];
    for (follow, moves) in [
        (Follow::Registered, [false, false, false]),
        (Follow::SameIp, [true, false, false]),
        (Follow::Any, [true, true, true]),
    ] {
        for (flow, moves) in elsewhere.into_iter().zip(moves) {
            let mut site = Site::new(Settings { follow, ..Settings::default() });
            let mut caller = Caller::new(1);
            site.register(&mut caller);
            let before = site.binding(1).unwrap();
            site.advance(MINUTE);
            let strange = site.ask(flow, caller.message(b"<Response/>"));
            assert_eq!(status(&strange), 403, "only a keepalive moves anything");
            let bytes = caller.keepalive(Outcome::Ok);
            let answer = site.ask(flow, bytes);
            assert_eq!(status(&answer), if moves { 200 } else { 403 }, "{follow:?} {flow:?}");
            let after = site.binding(1).unwrap();
            assert_eq!(after.flow, if moves { flow } else { before.flow });
            assert_eq!(after.expires_at, before.expires_at);
            assert_eq!(after.strayed, !moves);
            site.advance(Duration::from_secs(5));
            assert_eq!(site.stored[&DeviceKey(1)].remote, after.flow.remote);
            // A REGISTER is challenged as ever, and moves it.
            caller.flow = flow;
            let bare = caller.request(None);
            assert!(!is_stale(&site.ask(flow, bare)));
            assert_eq!(site.register(&mut caller), 200);
            assert_eq!(site.binding(1).unwrap().flow, flow);
            assert!(!site.binding(1).unwrap().strayed);
        }
    }
}

#[test]
fn the_engine_hears_of_the_newest_first_and_of_no_more_than_it_may() {
    let mut site = Site::new(Settings { survey_per_second: 2, ..Settings::default() });
    for number in 1..=9 {
        let mut caller = Caller::new(number);
        site.register(&mut caller);
    }
    let returned = |number| DeviceEvent::Returned(DeviceKey(number));
    assert_eq!(site.events, [returned(1), returned(2)], "what it may be told of at once");
    site.advance(Duration::from_secs(1));
    assert_eq!(site.events[2..], [returned(9), returned(8)]);
    site.advance(Duration::from_secs(10));
    assert_eq!(site.events.len(), 9);
    // Once a day it hears of each again, as long as it is registered.
    let mut callers: Vec<_> = (1..=9).map(Caller::new).collect();
    for _ in 0..25 * 60 {
        site.advance(MINUTE);
        for caller in &mut callers {
            let bytes = caller.keepalive(Outcome::Ok);
            site.ask(caller.flow, bytes);
        }
        if site.wall.0 % 1_800_000 < 60_000 {
            for caller in &mut callers {
                let mut fresh = Caller::new(caller.id[12..].parse().unwrap());
                fresh.headers = format!("X-Round: {}\r\n", site.wall.0);
                std::mem::swap(caller, &mut fresh);
                assert_eq!(site.register(caller), 200);
            }
        }
    }
    assert_eq!(site.events.len(), 18, "{:?}", site.events);
}

#[test]
fn a_clock_that_jumps_while_the_store_writes_changes_no_expiry() {
    for jump in [-86_400_000, 86_400_000] {
        let mut site = site();
        let mut caller = Caller::new(1);
        let first = caller.request(None);
        let challenge = site.ask(caller.flow, first);
        let bytes = caller.answer(&challenge);
        site.held = Some(Vec::new());
        assert!(site.receive(caller.flow, bytes).is_empty());
        site.wall = fleet::Timestamp(site.wall.0 + jump);
        site.release();
        let expires_at = site.wall.plus(Duration::from_secs(3_600));
        assert_eq!(site.binding(1).unwrap().expires_at, expires_at);
        assert!(site.is_live(1));
        site.advance(Duration::from_secs(5));
        assert!(site.is_live(1));
        assert_eq!(site.stored[&DeviceKey(1)].expires_at, expires_at, "the disk follows");
    }
}

#[test]
fn a_device_that_a_keepalive_moved_is_known_as_such_until_it_registers() {
    let mut site = site();
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    assert!(!site.binding(1).unwrap().moved);
    caller.flow = Flow::udp((caller.flow.remote.ip(), 6060).into());
    let bytes = caller.keepalive(Outcome::Ok);
    assert_eq!(status(&site.ask(caller.flow, bytes)), 200);
    assert!(site.binding(1).unwrap().moved);
    assert_eq!(site.register(&mut caller), 200);
    assert!(!site.binding(1).unwrap().moved);
}

#[test]
fn the_wire_is_told_which_connections_carry_a_device() {
    let mut site = site();
    let (mut one, mut two) = (Caller::tcp(1, 7), Caller::tcp(2, 7));
    let first = one.request(None);
    site.ask(one.flow, first);
    assert!(site.carrying.is_empty(), "a challenge is nothing yet");
    site.register(&mut one);
    site.register(&mut two);
    assert!(site.carrying.contains(&7));
    one.flow = Flow::tcp(one.flow.remote, 8);
    site.register(&mut one);
    assert_eq!(site.carrying.iter().copied().collect::<Vec<_>>(), [7, 8]);
    two.expires = "0".to_owned();
    site.register(&mut two);
    assert_eq!(site.carrying.iter().copied().collect::<Vec<_>>(), [8]);
    site.advance(4 * MINUTE);
    assert!(site.carrying.is_empty(), "it sent no keepalives");
}
