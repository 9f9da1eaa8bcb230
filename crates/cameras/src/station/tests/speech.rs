//! What is said besides registering.

use std::time::Duration;

use bytes::Bytes;
use fleet::DeviceKey;
use gb28181::manscdp::{BasicParam, ConfigResult, Encoding, Incoming, Outcome, Outgoing, Shape};
use gb28181::sip::{Flow, Message, Name, Start};

use super::site::{Caller, Site, header, status};
use crate::line::{Command, Exchange, LineError};
use crate::{Expect, Settings, Undelivered};

const DEVICE: DeviceKey = DeviceKey(1);

/// Runs a future that has all it needs.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

fn registered() -> (Site, Caller) {
    let mut site = Site::new(Settings::default());
    let mut caller = Caller::new(1);
    site.register(&mut caller);
    (site, caller)
}

/// Sends a message of the driver's; gives the exchange and the bytes on the wire.
fn send(
    site: &mut Site,
    outgoing: Outgoing,
    expect: Expect,
) -> Result<(Exchange, Bytes), LineError> {
    let line = site.line.clone();
    run(async {
        let sending = line.send(DEVICE, outgoing, expect);
        let taking = async {
            let Some(Command::Send(command)) = site.commands.recv().await else { panic!() };
            site.station.send(site.now, site.wall, command);
            site.work()
        };
        let (exchange, sent) = tokio::join!(sending, taking);
        let exchange = exchange?;
        assert_eq!(sent.len(), 1);
        Ok((exchange, sent[0].bytes.clone()))
    })
}

fn config(sn: u32) -> Outgoing {
    let basic = BasicParam { name: Some("东门-1".to_owned()), ..BasicParam::default() };
    let device_id = Caller::new(1).id;
    Outgoing::Config { sn, device_id, basic: Box::new(basic), shape: Shape::Y2016 }
}

fn config_result(sn: u32) -> Vec<u8> {
    let device_id = Caller::new(1).id;
    let answer = ConfigResult { sn, device_id, result: Outcome::Ok };
    Outgoing::ConfigResult(answer).to_body(Encoding::Gb2312Label).unwrap()
}

/// The device's 200 to a request of ours.
fn ok(request: &Bytes) -> String {
    let message = Message::parse(request.clone()).unwrap();
    let copied = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];
    let lines: String = copied
        .into_iter()
        .map(|name| format!("{}: {}\r\n", name.text(), header(&message, name).unwrap()))
        .collect();
    format!("SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n")
}

#[test]
fn a_configuration_goes_out_and_its_answer_comes_back() {
    let (mut site, mut caller) = registered();
    let (mut exchange, bytes) = send(&mut site, config(901), Expect::Answer).unwrap();
    let message = Message::parse(bytes.clone()).unwrap();
    let Start::Request { uri, .. } = message.start() else { panic!("a response") };
    assert_eq!(uri, b"sip:34020000001300000001@192.0.2.11:5060");
    let via = header(&message, Name::Via).unwrap();
    assert!(via.starts_with("SIP/2.0/UDP 198.51.100.5:5060;rport;branch=z9hG4bK"), "{via}");
    let from = header(&message, Name::From).unwrap();
    assert!(from.starts_with("<sip:34020000002000000001@3402000000>;tag="), "{from}");
    assert_eq!(header(&message, Name::To).unwrap(), "<sip:34020000001300000001@3402000000>");
    assert_eq!(site.station.counts().exchanges, 2);

    assert!(site.receive(caller.flow, ok(&bytes)).is_empty());
    assert_eq!(run(exchange.delivered()), Ok(200));
    // Of another number: taken, and of no use to anybody.
    let other = caller.message(&config_result(902));
    assert_eq!(status(&site.ask(caller.flow, other)), 200);
    assert_eq!(site.station.tally().unawaited, 1);
    // The right one from elsewhere is not taken.
    let answer = caller.message(&config_result(901));
    let elsewhere = Flow::udp(([203, 0, 113, 5], 5060).into());
    assert_eq!(status(&site.ask(elsewhere, answer.clone())), 403);
    assert_eq!(status(&site.ask(caller.flow, answer.clone())), 200);
    // A repetition of it gets the same 200 and is not taken twice.
    assert_eq!(status(&site.ask(caller.flow, answer)), 200);
    let Incoming::DeviceConfig(answer) = run(exchange.answer()).unwrap() else { panic!() };
    assert_eq!((answer.sn, answer.result), (901, Outcome::Ok));
    assert_eq!(site.station.tally().unawaited, 1);
    drop(exchange);
    site.advance(Duration::from_secs(40));
    assert!(site.station.is_empty(), "{:?}", site.station.counts());
}

#[test]
fn nobody_answers_and_the_exchange_ends_after_timer_f() {
    let (mut site, _) = registered();
    let (mut exchange, bytes) = send(&mut site, config(901), Expect::Answer).unwrap();
    site.advance(Duration::from_millis(500));
    site.advance(Duration::from_secs(32));
    assert_eq!(run(exchange.delivered()), Err(Undelivered::TimedOut));
    drop((exchange, bytes));
    site.advance(Duration::from_secs(40));
    assert!(site.station.is_empty());
}

#[test]
fn a_device_that_leaves_ends_what_waits_for_it() {
    let (mut site, mut caller) = registered();
    let (mut exchange, _) = send(&mut site, config(901), Expect::Answer).unwrap();
    caller.expires = "0".to_owned();
    site.register(&mut caller);
    assert_eq!(run(exchange.delivered()), Err(Undelivered::Unregistered));
    assert_eq!(run(exchange.answer()), Err(Undelivered::Unregistered));
    let refused = send(&mut site, config(902), Expect::Answer).map(drop).unwrap_err();
    assert!(matches!(refused, LineError::NotRegistered(why) if why.contains("took itself off")));
}

#[test]
fn what_was_not_answered_is_not_repeated_to_a_device_that_restarted_or_when_nobody_waits() {
    let (mut site, mut caller) = registered();
    let repeated = |site: &mut Site| site.advance(Duration::from_secs(40)).len();
    let (mut exchange, _) = send(&mut site, config(901), Expect::Answer).unwrap();
    // A refresh is no restart.
    site.register(&mut caller);
    assert!(!site.advance(Duration::from_secs(1)).is_empty());
    caller.call = "another".to_owned();
    site.register(&mut caller);
    assert_eq!(run(exchange.delivered()), Err(Undelivered::Unregistered));
    assert_eq!(run(exchange.answer()), Err(Undelivered::Unregistered));
    assert_eq!(repeated(&mut site), 0);

    let (exchange, _) = send(&mut site, config(902), Expect::Answer).unwrap();
    drop(exchange);
    let (mut exchange, _) = send(&mut site, config(903), Expect::Answer).unwrap();
    let after = site.advance(Duration::from_secs(3));
    let mut bodies = after.iter().map(|transmit| String::from_utf8_lossy(&transmit.bytes));
    assert!(bodies.all(|body| body.contains("<SN>903</SN>")));
    assert!(!after.is_empty());
    site.advance(Duration::from_secs(40));
    assert_eq!(run(exchange.delivered()), Err(Undelivered::TimedOut));
}

#[test]
fn a_connection_that_closes_ends_what_waits_for_it() {
    let mut site = Site::new(Settings::default());
    let mut caller = Caller::tcp(1, 7);
    site.register(&mut caller);
    let (mut exchange, _) = send(&mut site, config(901), Expect::Answer).unwrap();
    site.station.connection_closed(site.now, site.wall, 7);
    assert_eq!(run(exchange.delivered()), Err(Undelivered::ConnectionClosed));
    assert_eq!(run(exchange.answer()), Err(Undelivered::ConnectionClosed));
    let refused = send(&mut site, config(902), Expect::Answer).map(drop).unwrap_err();
    assert!(matches!(refused, LineError::NotRegistered(_)));
}

#[test]
fn a_device_that_is_removed_ends_what_waits_for_it_and_is_a_stranger() {
    for tcp in [false, true] {
        let mut site = Site::new(Settings::default());
        let mut caller = if tcp { Caller::tcp(1, 7) } else { Caller::new(1) };
        let mut other = Caller::new(2);
        site.register(&mut caller);
        site.register(&mut other);
        site.known.remove(&caller.id);
        assert_eq!(site.carrying.contains(&7), tcp);
        let (mut exchange, _) = send(&mut site, config(901), Expect::Answer).unwrap();

        site.line.end(DEVICE, site.wall);
        assert!(!site.is_live(1), "at once");
        assert!(matches!(site.commands.try_recv(), Ok(Command::Look)));
        assert!(site.work().is_empty());
        let ended = site.binding(1).unwrap().ended;
        assert_eq!(ended, Some((site.wall, fleet::Offline::CredentialsChanged)));
        assert_eq!(run(exchange.delivered()), Err(Undelivered::Removed));
        assert_eq!(run(exchange.answer()), Err(Undelivered::Removed));
        assert_eq!((site.station.counts().exchanges, site.carrying.len()), (0, 0));
        assert!(site.advance(Duration::from_secs(40)).is_empty(), "nothing is repeated to it");
        let refused = send(&mut site, config(902), Expect::Answer).map(drop).unwrap_err();
        assert!(matches!(refused, LineError::NotRegistered(_)));

        let keepalive = caller.keepalive(Outcome::Ok);
        assert_eq!(status(&site.ask(caller.flow, keepalive)), 403);
        assert_eq!(site.register(&mut caller), 401);
        assert_eq!((site.is_live(1), site.is_live(2)), (false, true));
        assert_eq!((site.station.tally().registered, site.station.tally().gone), (1, 1));
        // Once more, or of one that is not known, is nothing.
        site.line.end(DEVICE, site.wall);
        site.line.end(DeviceKey(99), site.wall);
        assert!(site.commands.try_recv().is_err());
        site.advance(Duration::from_secs(2));
        let last = site.work();
        assert!(last.is_empty());
    }
}

#[test]
fn a_registration_that_is_under_way_when_its_device_is_removed_comes_to_nothing() {
    // It waits for the store.
    let mut site = Site::new(Settings::default());
    let mut caller = Caller::new(1);
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    let bytes = caller.answer(&challenge);
    site.held = Some(Vec::new());
    assert!(site.receive(caller.flow, bytes).is_empty());
    site.line.end(DEVICE, site.wall);
    let answer = Message::parse(site.release().remove(0).bytes).unwrap();
    assert_eq!((status(&answer), site.is_live(1)), (503, false));
    // It was looked up before.
    assert_eq!(site.register(&mut caller), 401);
    assert!(!site.is_live(1));
    let why = site.refused.last().unwrap().why;
    assert_eq!(why, engine::RegistrationFault::UnknownId);
    // Another device of that id is another device; what it overheard is good for nothing.
    site.known.get_mut(&caller.id).unwrap().0 = DeviceKey(77);
    assert_eq!(site.register(&mut caller), 200);
    assert!(site.is_live(77));
}

#[test]
fn what_can_not_be_sent_says_why() {
    let mut site = Site::new(Settings::default());
    let refused = send(&mut site, config(1), Expect::Answer).map(drop).unwrap_err();
    assert_eq!(refused, LineError::NotRegistered("it has not registered".to_owned()));
    let mut caller = Caller::tcp(1, 7);
    site.register(&mut caller);
    site.restart();
    let refused = send(&mut site, config(1), Expect::Answer).map(drop).unwrap_err();
    assert!(matches!(refused, LineError::NoFlow(why) if why.contains("TCP")));
    caller.flow = Flow::tcp(caller.flow.remote, 1);
    site.register(&mut caller);
    let kept = send(&mut site, config(1), Expect::Answer).unwrap();
    let refused = send(&mut site, config(1), Expect::Answer).map(drop).unwrap_err();
    assert_eq!(refused, LineError::Busy, "one with this number is awaited already");
    drop(kept);
    assert!(send(&mut site, config(1), Expect::Answer).is_ok());
}

#[test]
fn numbers_go_round() {
    let site = Site::new(Settings::default());
    let first = site.line.next_sn();
    assert_eq!(first, 901);
    for _ in first..999_999 {
        site.line.next_sn();
    }
    assert_eq!(site.line.next_sn(), 1);
}

#[test]
fn a_device_that_ails_is_noted() {
    let (mut site, mut caller) = registered();
    let bytes = caller.keepalive(Outcome::Error("ERROR".to_owned()));
    assert_eq!(status(&site.ask(caller.flow, bytes)), 200);
    assert!(site.binding(1).unwrap().ailing);
    let bytes = caller.keepalive(Outcome::Ok);
    site.ask(caller.flow, bytes);
    assert!(!site.binding(1).unwrap().ailing);
}

#[test]
fn the_other_methods_are_answered_as_they_should_be() {
    let (mut site, mut caller) = registered();
    let mut stranger = Caller::new(50);
    let mut ask = |caller: &mut Caller, method: &str, headers: &str| {
        let bytes = caller.speak(method, headers, b"");
        site.ask(caller.flow, bytes)
    };
    let options = ask(&mut stranger, "OPTIONS", "");
    assert_eq!(status(&options), 200);
    assert_eq!(header(&options, Name::Allow).unwrap(), super::super::ALLOW);
    assert_eq!(status(&ask(&mut caller, "NOTIFY", "Event: Catalog\r\n")), 200);
    assert_eq!(status(&ask(&mut stranger, "NOTIFY", "Event: Catalog\r\n")), 403);
    assert_eq!(status(&ask(&mut caller, "SUBSCRIBE", "Event: Catalog\r\n")), 489);
    assert_eq!(status(&ask(&mut caller, "BYE", "")), 481);
    assert_eq!(status(&ask(&mut caller, "INFO", "")), 481);
    assert_eq!(status(&ask(&mut caller, "FROB", "")), 501);
    assert_eq!(status(&ask(&mut caller, "INVITE", "")), 405);
    // A body that makes no sense, of somebody who is registered.
    let bytes = caller.message(b"<!DOCTYPE x><Notify/>");
    assert_eq!(status(&site.ask(caller.flow, bytes)), 400);
    assert!(site.receive(caller.flow, &b"\r\n\r\n"[..]).is_empty(), "a ping of UDP");
}

#[test]
fn only_a_registration_of_another_call_ends_what_waits() {
    let (mut site, mut caller) = registered();
    let (exchange, _) = send(&mut site, config(902), Expect::Answer).unwrap();
    // One that is refused, for it is too brief, tells nothing of the device.
    caller.call = "another".to_owned();
    caller.expires = "59".to_owned();
    assert_eq!(site.register(&mut caller), 423);
    assert_eq!(site.station.counts().exchanges, 2);
    caller.expires = "3600".to_owned();
    assert_eq!(site.register(&mut caller), 200);
    assert_eq!(site.station.counts().exchanges, 0);
    drop(exchange);
}
