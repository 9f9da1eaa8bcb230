//! 17.2.2 non-INVITE server transaction: what is held, what is repeated, timer J.

use gb28181::endpoint::Keep;

use crate::peer::{endpoint, ms, ok, only_request, request, sent, start, statuses, tcp, udp};

#[test]
fn a_kept_response_is_repeated_until_timer_j() {
    let (mut endpoint, now) = (endpoint(), start());
    endpoint.receive(now, udp(), request("REGISTER", "z9hG4bK1"));
    let first = only_request(&mut endpoint);
    endpoint.respond(now, &first, ok(), Keep::Response);
    let response = sent(&mut endpoint);
    for at in [1, 500, 31_999] {
        endpoint.handle_timeout(now + ms(at));
        endpoint.receive(now + ms(at), udp(), request("REGISTER", "z9hG4bK1"));
        assert!(endpoint.poll_event().is_none());
        assert_eq!(sent(&mut endpoint), response);
    }
    assert_eq!(endpoint.poll_timeout(), Some(now + ms(32_000)));
    endpoint.handle_timeout(now + ms(32_000));
    assert!(endpoint.is_empty());
    assert_eq!((endpoint.counts().bytes, endpoint.poll_timeout()), (0, None));
    endpoint.receive(now + ms(32_001), udp(), request("REGISTER", "z9hG4bK1"));
    only_request(&mut endpoint);
}

#[test]
fn what_is_held_absorbs_its_retransmissions() {
    let (mut endpoint, now) = (endpoint(), start());
    endpoint.receive(now, udp(), request("MESSAGE", "z9hG4bK1"));
    let first = only_request(&mut endpoint);
    endpoint.hold(now, &first).unwrap();
    endpoint.hold(now, &first).unwrap();
    assert_eq!(endpoint.counts().held, 1, "held once");
    for at in [500, 1500, 3500] {
        endpoint.receive(now + ms(at), udp(), request("MESSAGE", "z9hG4bK1"));
        assert!(endpoint.poll_event().is_none() && sent(&mut endpoint).is_empty());
    }
    endpoint.respond(now + ms(4000), &first, ok(), Keep::Response);
    let response = sent(&mut endpoint);
    assert_eq!((endpoint.counts().held, endpoint.counts().server), (0, 1));
    endpoint.receive(now + ms(7500), udp(), request("MESSAGE", "z9hG4bK1"));
    assert_eq!(sent(&mut endpoint), response);
    assert_eq!(endpoint.poll_timeout(), Some(now + ms(36_000)), "J runs from the answer");
}

#[test]
fn what_is_held_and_never_answered_is_forgotten_when_its_sender_has_given_up() {
    let (mut endpoint, now) = (endpoint(), start());
    for flow in [udp(), tcp(1)] {
        endpoint.receive(now, flow, request("MESSAGE", "z9hG4bK1"));
        let first = only_request(&mut endpoint);
        endpoint.hold(now, &first).unwrap();
    }
    assert_eq!(endpoint.poll_timeout(), Some(now + ms(32_000)));
    endpoint.handle_timeout(now + ms(32_000));
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.counts().bytes, 0);
}

#[test]
fn nothing_kept_is_nothing_at_all() {
    let (mut endpoint, now) = (endpoint(), start());
    for _ in 0..3 {
        endpoint.receive(now, udp(), request("REGISTER", "z9hG4bK1"));
        let request = only_request(&mut endpoint);
        endpoint.respond(
            now,
            &request,
            gb28181::endpoint::OutgoingResponse::new(401),
            Keep::Nothing,
        );
        assert_eq!(statuses(&mut endpoint), [401]);
        assert!(endpoint.is_empty());
        assert_eq!((endpoint.counts().bytes, endpoint.poll_timeout()), (0, None));
    }
}

#[test]
fn an_answer_that_is_not_kept_ends_the_holding() {
    let (mut endpoint, now) = (endpoint(), start());
    endpoint.receive(now, udp(), request("REGISTER", "z9hG4bK1"));
    let first = only_request(&mut endpoint);
    endpoint.hold(now, &first).unwrap();
    endpoint.respond(now, &first, ok(), Keep::Nothing);
    sent(&mut endpoint);
    assert!(endpoint.is_empty());
}

#[test]
fn a_provisional_answer_ends_nothing() {
    let (mut endpoint, now) = (endpoint(), start());
    endpoint.receive(now, udp(), request("MESSAGE", "z9hG4bK1"));
    let first = only_request(&mut endpoint);
    endpoint.hold(now, &first).unwrap();
    endpoint.respond(now, &first, gb28181::endpoint::OutgoingResponse::new(100), Keep::Response);
    assert_eq!(statuses(&mut endpoint), [100]);
    assert_eq!(endpoint.counts().held, 1);
}

#[test]
fn over_tcp_timer_j_is_zero() {
    let (mut endpoint, now) = (endpoint(), start());
    endpoint.receive(now, tcp(1), request("REGISTER", "z9hG4bK1"));
    let first = only_request(&mut endpoint);
    endpoint.hold(now, &first).unwrap();
    endpoint.respond(now, &first, ok(), Keep::Response);
    sent(&mut endpoint);
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.poll_timeout(), None);
}

#[test]
fn a_closed_connection_takes_what_was_held_with_it() {
    let (mut endpoint, now) = (endpoint(), start());
    for connection in [1, 2] {
        endpoint.receive(now, tcp(connection), request("MESSAGE", "z9hG4bK1"));
        let first = only_request(&mut endpoint);
        endpoint.hold(now, &first).unwrap();
    }
    endpoint.connection_closed(now, 1);
    assert_eq!(endpoint.counts().held, 1);
    endpoint.connection_closed(now, 2);
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.poll_timeout(), None);
}
