//! 17.1.2 non-INVITE client transaction: timers E, F and K.

use bytes::Bytes;
use gb28181::endpoint::{Config, Endpoint, Event, Failure, OutgoingRequest, RequestError};
use gb28181::sip::{Method, Name};

use crate::peer::{answer, endpoint, ms, send, sent, start, tcp, udp};

/// Runs an endpoint from timer to timer: when it sent something, and what happened at the end.
fn run(endpoint: &mut Endpoint, from: std::time::Instant) -> (Vec<u128>, Vec<(u128, Event)>) {
    let (mut times, mut events) = (Vec::new(), Vec::new());
    while let Some(at) = endpoint.poll_timeout() {
        endpoint.handle_timeout(at);
        let passed = (at - from).as_millis();
        times.extend(sent(endpoint).iter().map(|_| passed));
        while let Some(event) = endpoint.poll_event() {
            events.push((passed, event));
        }
    }
    (times, events)
}

#[test]
fn without_an_answer_it_is_repeated_ever_slower_and_fails_after_64_t1() {
    let (mut endpoint, now) = (endpoint(), start());
    let (id, first) = send(&mut endpoint, now, udp());
    assert_eq!(endpoint.counts().bytes, first.len());
    let (times, events) = run(&mut endpoint, now);
    let expected = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(times, expected);
    let [(32_000, Event::Failed { id: failed, why: Failure::TimedOut })] = events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(failed, id);
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.counts().bytes, 0);
}

#[test]
fn a_repetition_is_the_same_to_the_byte() {
    let (mut endpoint, now) = (endpoint(), start());
    let (_, first) = send(&mut endpoint, now, udp());
    endpoint.handle_timeout(now + ms(499));
    assert!(sent(&mut endpoint).is_empty());
    endpoint.handle_timeout(now + ms(500));
    assert_eq!(sent(&mut endpoint), [first]);
}

#[test]
fn a_late_wake_up_makes_one_repetition_and_no_burst() {
    let (mut endpoint, now) = (endpoint(), start());
    send(&mut endpoint, now, udp());
    endpoint.handle_timeout(now + ms(9_000));
    assert_eq!(sent(&mut endpoint).len(), 1);
    assert_eq!(endpoint.poll_timeout(), Some(now + ms(10_000)));
}

#[test]
fn after_a_provisional_answer_it_is_repeated_every_t2() {
    let (mut endpoint, now) = (endpoint(), start());
    let (_, first) = send(&mut endpoint, now, udp());
    endpoint.receive(now + ms(100), udp(), Bytes::from(answer(&first, 100)));
    assert!(endpoint.poll_event().is_none(), "the request is still under way");
    let (times, events) = run(&mut endpoint, now);
    assert_eq!(times, [500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500]);
    assert!(matches!(events[..], [(32_000, Event::Failed { why: Failure::TimedOut, .. })]));
}

#[test]
fn the_final_answer_comes_up_once_and_late_copies_are_absorbed_for_t4() {
    let (mut endpoint, now) = (endpoint(), start());
    let (id, first) = send(&mut endpoint, now, udp());
    for copy in 0..3 {
        let then = now + ms(700 + copy);
        endpoint.receive(then, udp(), Bytes::from(answer(&first, 200)));
    }
    let Some(Event::Response { id: answered, status: 200, message }) = endpoint.poll_event() else {
        panic!("no answer");
    };
    assert_eq!(answered, id);
    assert_eq!(message.header(Name::CSeq).as_deref(), Some(&b"1 MESSAGE"[..]));
    assert!(endpoint.poll_event().is_none());
    assert_eq!(endpoint.counts().client, 1);
    assert_eq!(endpoint.counts().bytes, 0, "it will not be sent again");
    assert_eq!(endpoint.poll_timeout(), Some(now + ms(5_700)));
    let (times, events) = run(&mut endpoint, now);
    assert!(times.is_empty() && events.is_empty());
    assert!(endpoint.is_empty());
}

#[test]
fn over_tcp_nothing_is_repeated_and_nothing_is_kept() {
    let (mut endpoint, now) = (endpoint(), start());
    let (_, first) = send(&mut endpoint, now, tcp(1));
    assert!(first.windows(12).any(|part| part == b"SIP/2.0/TCP "));
    assert_eq!(endpoint.poll_timeout(), Some(now + ms(32_000)), "timer F alone");
    endpoint.receive(now + ms(1), tcp(1), Bytes::from(answer(&first, 200)));
    assert!(matches!(endpoint.poll_event(), Some(Event::Response { .. })));
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.poll_timeout(), None);

    send(&mut endpoint, now, tcp(1));
    let (times, events) = run(&mut endpoint, now);
    assert!(times.is_empty());
    assert!(matches!(events[..], [(32_000, Event::Failed { why: Failure::TimedOut, .. })]));
}

#[test]
fn one_that_nobody_waits_for_is_not_repeated() {
    let (mut endpoint, now) = (endpoint(), start());
    let (id, first) = send(&mut endpoint, now, udp());
    endpoint.cancel(id);
    assert!(endpoint.is_empty());
    assert_eq!((endpoint.poll_timeout(), endpoint.counts().bytes), (None, 0));
    endpoint.receive(now + ms(1), udp(), Bytes::from(answer(&first, 200)));
    assert!(endpoint.poll_event().is_none());
    endpoint.cancel(id);
    assert!(endpoint.is_empty());
}

#[test]
fn a_closed_connection_fails_what_went_over_it() {
    let (mut endpoint, now) = (endpoint(), start());
    let (first, _) = send(&mut endpoint, now, tcp(1));
    let (_, other) = send(&mut endpoint, now, tcp(2));
    let (second, _) = send(&mut endpoint, now, tcp(1));
    endpoint.connection_closed(now, 1);
    for expected in [first, second] {
        let Some(Event::Failed { id, why: Failure::ConnectionClosed }) = endpoint.poll_event()
        else {
            panic!("not failed");
        };
        assert_eq!(id, expected);
    }
    assert_eq!(endpoint.counts().client, 1);
    endpoint.receive(now, tcp(2), Bytes::from(answer(&other, 200)));
    assert!(matches!(endpoint.poll_event(), Some(Event::Response { .. })));
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.poll_timeout(), None);
}

#[test]
fn timers_can_be_set() {
    let config = Config { t1: ms(10), t2: ms(20), t4: ms(30), ..Config::new([1; 32]) };
    let (mut endpoint, now) = (Endpoint::new(config), start());
    send(&mut endpoint, now, udp());
    let (times, events) = run(&mut endpoint, now);
    assert_eq!(times[..4], [10, 30, 50, 70]);
    assert!(matches!(events[..], [(640, Event::Failed { .. })]));
}

#[test]
fn what_needs_another_transaction_is_not_sent() {
    let mut endpoint = endpoint();
    for method in [Method::Invite, Method::Ack, Method::Cancel, Method::Other] {
        let request = OutgoingRequest::new(method, "sip:a@b", "sip:a@b", "sip:a@b", "192.0.2.1");
        let refused = endpoint.request(start(), udp(), request);
        assert_eq!(refused, Err(RequestError::Method(method)));
    }
    assert!(endpoint.is_empty());
}
