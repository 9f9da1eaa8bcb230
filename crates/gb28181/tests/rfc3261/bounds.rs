//! What an endpoint holds has a bound, and is nothing once all is done.

use bytes::Bytes;
use gb28181::endpoint::{Busy, Config, Endpoint, Keep, OutgoingRequest, RequestError};
use gb28181::sip::{Message, Method, Name};
use proptest::prelude::*;

use crate::peer::{answer, ms, ok, only_request, request, send, sent, start, statuses, tcp, udp};

/// An endpoint with little room.
fn small() -> Endpoint {
    Endpoint::new(Config { transactions_max: 2, cached_responses_max: 3, ..Config::new([1; 32]) })
}

#[test]
fn over_the_bound_a_request_is_answered_503_with_retry_after() {
    let (mut endpoint, now) = (small(), start());
    for branch in ["z9hG4bK1", "z9hG4bK2"] {
        endpoint.receive(now, udp(), request("MESSAGE", branch));
        let request = only_request(&mut endpoint);
        endpoint.hold(now, &request).unwrap();
    }
    endpoint.receive(now, udp(), request("MESSAGE", "z9hG4bK3"));
    let third = only_request(&mut endpoint);
    assert_eq!(endpoint.hold(now, &third), Err(Busy));
    let refusal = Message::parse(sent(&mut endpoint).remove(0)).unwrap();
    assert_eq!(refusal.status(), Some(503));
    assert_eq!(refusal.header(Name::RetryAfter).as_deref(), Some(&b"60"[..]));
    let ours = OutgoingRequest::new(Method::Message, "sip:a@b", "sip:a@b", "sip:a@b", "192.0.2.1");
    assert_eq!(endpoint.request(now, udp(), ours), Err(RequestError::Busy(Busy)));
    assert!(sent(&mut endpoint).is_empty());
    assert_eq!(endpoint.counts().server, 2);
}

#[test]
fn over_the_bound_the_oldest_kept_response_is_forgotten() {
    let (mut endpoint, now) = (small(), start());
    for branch in 1..=5 {
        endpoint.receive(now, udp(), request("MESSAGE", &format!("z9hG4bK{branch}")));
        let request = only_request(&mut endpoint);
        endpoint.respond(now, &request, ok(), Keep::Response);
    }
    assert_eq!(statuses(&mut endpoint).len(), 5);
    assert_eq!(endpoint.counts().server, 3);
    for (branch, kept) in [(1, false), (2, false), (3, true), (4, true), (5, true)] {
        endpoint.receive(now, udp(), request("MESSAGE", &format!("z9hG4bK{branch}")));
        assert_eq!(endpoint.poll_event().is_none(), kept, "{branch}");
        assert_eq!(statuses(&mut endpoint).len(), usize::from(kept), "{branch}");
    }
}

#[test]
fn no_room_for_kept_responses_is_a_choice() {
    let config = Config { cached_responses_max: 0, ..Config::new([1; 32]) };
    let (mut endpoint, now) = (Endpoint::new(config), start());
    endpoint.receive(now, udp(), request("MESSAGE", "z9hG4bK1"));
    let request = only_request(&mut endpoint);
    endpoint.respond(now, &request, ok(), Keep::Response);
    sent(&mut endpoint);
    assert!(endpoint.is_empty());
}

#[test]
fn over_the_bound_of_bytes_the_oldest_kept_responses_are_forgotten() {
    let config = Config { cached_bytes_max: 4096, ..Config::new([1; 32]) };
    let (mut endpoint, now) = (Endpoint::new(config), start());
    let mut most = 0;
    for branch in 1..=40 {
        endpoint.receive(now, udp(), request("MESSAGE", &format!("z9hG4bK{branch}")));
        let request = only_request(&mut endpoint);
        endpoint.respond(now, &request, ok(), Keep::Response);
        sent(&mut endpoint);
        assert!(endpoint.counts().bytes <= 4096);
        most = most.max(endpoint.counts().server);
    }
    assert!((4..40).contains(&most), "{most}");
    for (branch, kept) in [(1, false), (40, true)] {
        endpoint.receive(now, udp(), request("MESSAGE", &format!("z9hG4bK{branch}")));
        assert_eq!(endpoint.poll_event().is_none(), kept, "{branch}");
    }
    let none = Config { cached_bytes_max: 0, ..Config::new([1; 32]) };
    assert_eq!(kept_of(none, "z9hG4bK1"), 0);
}

#[test]
fn a_long_response_or_one_with_a_long_key_is_not_kept() {
    assert_eq!(kept_of(Config::new([1; 32]), &format!("z9hG4bK{}", "1".repeat(1000))), 1);
    assert_eq!(kept_of(Config::new([1; 32]), &format!("z9hG4bK{}", "1".repeat(2000))), 0);
}

/// How many responses are kept after one request of this branch was held and answered.
fn kept_of(config: Config, branch: &str) -> usize {
    let (mut endpoint, now) = (Endpoint::new(config), start());
    endpoint.receive(now, udp(), request("MESSAGE", branch));
    let request = only_request(&mut endpoint);
    endpoint.hold(now, &request).unwrap();
    endpoint.respond(now, &request, ok(), Keep::Response);
    assert_eq!(statuses(&mut endpoint), [200], "it is answered in any case");
    assert_eq!(endpoint.counts().held, 0);
    assert_eq!(endpoint.counts().server == 0, endpoint.counts().bytes == 0);
    endpoint.counts().server
}

/// A herd: 20,000 cameras are challenged, let in, and asked something; then all is quiet.
#[test]
fn after_a_herd_nothing_is_left() {
    let (mut endpoint, now) = (Endpoint::new(Config::new([1; 32])), start());
    for camera in 0..20_000_u32 {
        let then = now + ms(u64::from(camera) / 4);
        for step in ["a", "b"] {
            let branch = format!("z9hG4bK{camera}{step}");
            endpoint.receive(then, udp(), request("REGISTER", &branch));
            let request = only_request(&mut endpoint);
            let keep = if step == "a" { Keep::Nothing } else { Keep::Response };
            endpoint.respond(then, &request, ok(), keep);
        }
        sent(&mut endpoint);
        let (_, asked) = send(&mut endpoint, then, udp());
        if camera % 3 > 0 {
            endpoint.receive(then + ms(20), udp(), Bytes::from(answer(&asked, 200)));
            assert!(endpoint.poll_event().is_some());
        }
    }
    assert_eq!(endpoint.counts().client, 20_000);
    let mut failed = 0;
    while let Some(at) = endpoint.poll_timeout() {
        endpoint.handle_timeout(at);
        sent(&mut endpoint);
        failed += std::iter::from_fn(|| endpoint.poll_event()).count();
    }
    assert_eq!(failed, 6667, "those that had no answer");
    assert!(endpoint.is_empty());
    assert_eq!((endpoint.counts().bytes, endpoint.counts().server), (0, 0));
}

proptest! {
    /// Whatever is done in whatever order, each timer has something to do, and in the end nothing
    /// is left.
    #[test]
    fn in_the_end_nothing_is_left(
        steps in prop::collection::vec((0..8_u8, 0..6_u64, 0..2_000_u64), 0..120),
    ) {
        let mut endpoint = small();
        let mut now = start();
        let mut asked: Vec<Bytes> = Vec::new();
        let mut up = Vec::new();
        for (step, which, wait) in steps {
            let flow = if which % 2 == 0 { udp() } else { tcp(which) };
            match step {
                0 | 1 => endpoint.receive(now, flow, request("MESSAGE", &format!("z9hG4bK{which}"))),
                2 => {
                    let request = OutgoingRequest::new(Method::Message, "sip:a@b", "sip:a@b", "sip:a@b", "192.0.2.1");
                    if endpoint.request(now, flow, request).is_ok() {
                        asked.extend(endpoint.poll_transmit().map(|transmit| transmit.bytes));
                    }
                }
                3 => if let Some(asked) = asked.pop() {
                    let status = if which == 0 { 100 } else { 200 };
                    endpoint.receive(now, flow, Bytes::from(answer(&asked, status)));
                },
                4 => if let Some(request) = up.last() { let _ = endpoint.hold(now, request); },
                5 => if let Some(request) = up.pop() {
                    endpoint.respond(now, &request, ok(), Keep::Response);
                },
                6 => endpoint.connection_closed(now, which),
                _ => {
                    now += ms(wait);
                    endpoint.handle_timeout(now);
                    prop_assert!(endpoint.poll_timeout().is_none_or(|at| at > now));
                }
            }
            while let Some(event) = endpoint.poll_event() {
                if let gb28181::endpoint::Event::Request(request) = event { up.push(request); }
            }
            sent(&mut endpoint);
            let counts = endpoint.counts();
            prop_assert!(counts.client + counts.held <= 2);
            prop_assert!(counts.server - counts.held <= 3);
        }
        let mut wakings = 0;
        while let Some(at) = endpoint.poll_timeout() {
            now = now.max(at);
            endpoint.handle_timeout(now);
            sent(&mut endpoint);
            while endpoint.poll_event().is_some() {}
            wakings += 1;
            prop_assert!(wakings < 200);
        }
        prop_assert!(endpoint.is_empty());
        prop_assert_eq!(endpoint.counts().bytes, 0);
    }
}
