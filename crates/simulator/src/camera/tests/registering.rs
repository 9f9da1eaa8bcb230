//! Registration, refresh, keepalives, and what a camera does when they fail.

use gb28181::digest::{Algorithm, Form};

use super::*;

const PASSWORD: &[u8] = b"12345678";

#[test]
fn a_camera_registers_as_the_standard_shows_it() {
    let mut bed = Bed::new(|_| {});
    bed.camera.start(bed.now + Duration::from_secs(5));
    bed.tick();
    bed.nothing();
    bed.pass(Duration::from_secs(5));
    assert_eq!(bed.opened, [Place::Home]);
    let first = bed.sent.front().unwrap().clone();
    let text = String::from_utf8(first.bytes().to_vec()).unwrap();
    let start = "REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:40001;rport;branch=z9hG4bK";
    assert!(text.starts_with(start), "{text}");
    for line in [
        "To: <sip:34020000001320000001@3402000000>",
        "CSeq: 1 REGISTER",
        "Contact: <sip:34020000001320000001@127.0.0.1:40001>",
        "Max-Forwards: 70",
        "X-GB-Ver: 2.0",
        "Expires: 3600",
        "Content-Length: 0",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} in {text}");
    }
    let challenge = Challenge::new(&b"3402000000"[..], &b"8f4c2b1e"[..]);
    let (second, credentials) = bed.challenge(&challenge);
    assert_eq!(second.header(Name::CallId), first.header(Name::CallId));
    assert_eq!(second.header(Name::CSeq).as_deref(), Some(&b"2 REGISTER"[..]));
    assert!(credentials.answers(PASSWORD, b"REGISTER"));
    assert_eq!((credentials.form(), &*credentials.username), (Form::QopAuth, ID.as_bytes()));
    assert!(!bed.camera.is_registered());
    bed.answer(&second, 200, &[]);
    assert!(bed.camera.is_registered());
    let held = bed.camera.held();
    assert_eq!((held.state, held.counts.registers), ("registered", 2));
    assert_eq!(held.counts.last_status, Some(200));
}

#[test]
fn each_digest_form_is_the_one_that_was_asked_for() {
    let answered = |digest, offered: &[Algorithm], qop| {
        let mut bed = Bed::new(|options| options.digest = digest);
        bed.camera.register(bed.now);
        bed.follow();
        let request = bed.next();
        let headers: Vec<_> = offered
            .iter()
            .map(|algorithm| {
                let challenge = Challenge::new(&b"r"[..], &b"n"[..]);
                Challenge { algorithm: *algorithm, qop_auth: qop, ..challenge }.to_header()
            })
            .collect();
        let headers: Vec<_> =
            headers.iter().map(|header| (Name::WwwAuthenticate, &**header)).collect();
        bed.answer(&request, 401, &headers);
        let header = bed.next().header(Name::Authorization).unwrap().into_owned();
        let credentials = Credentials::parse(&header).unwrap();
        assert!(credentials.answers(PASSWORD, b"REGISTER"));
        (credentials.algorithm.unwrap_or(Algorithm::Md5), credentials.form())
    };
    let (md5, sha) = (Algorithm::Md5, Algorithm::Sha256);
    let both = [sha, md5];
    assert_eq!(answered(DigestForm::Md5, &both, true), (md5, Form::QopAuth));
    assert_eq!(answered(DigestForm::Md5, &both, false), (md5, Form::Rfc2069));
    assert_eq!(answered(DigestForm::Md5NoQop, &both, true), (md5, Form::Rfc2069));
    assert_eq!(answered(DigestForm::Sha256, &both, true), (sha, Form::QopAuth));
    assert_eq!(answered(DigestForm::Sha256, &[md5], true), (md5, Form::QopAuth));
}

#[test]
fn a_refusal_is_waited_out_and_a_stale_nonce_is_not_one() {
    let mut bed = Bed::new(|_| {});
    bed.camera.start(bed.now);
    bed.tick();
    let challenge = Challenge::new(&b"r"[..], &b"n1"[..]);
    let (second, _) = bed.challenge(&challenge);
    let stale = Challenge { stale: true, ..Challenge::new(&b"r"[..], &b"n2"[..]) };
    bed.answer(&second, 401, &[(Name::WwwAuthenticate, &stale.to_header())]);
    let third = bed.next();
    let header = third.header(Name::Authorization).unwrap().into_owned();
    assert_eq!(Credentials::parse(&header).unwrap().nonce, b"n2");
    bed.answer(&third, 401, &[(Name::WwwAuthenticate, &challenge.to_header())]);
    bed.nothing();
    assert_eq!(bed.camera.waits_after(), Some(Some(401)));
    assert_eq!(bed.closed, 1);
    let waits = bed.camera.poll_timeout().unwrap() - bed.now;
    assert!((60..=75).contains(&waits.as_secs()), "{waits:?}");
    bed.pass(waits);
    bed.accept_registration();
    assert!(bed.camera.is_registered());
}

#[test]
fn a_server_that_is_busy_is_left_alone_as_long_as_it_says() {
    let mut bed = Bed::new(|options| options.retry = Duration::from_secs(1));
    bed.camera.start(bed.now);
    bed.tick();
    let request = bed.next();
    bed.answer(&request, 503, &[(Name::RetryAfter, b"7 (later)")]);
    let waits = bed.camera.poll_timeout().unwrap() - bed.now;
    assert!((7.0..7.3).contains(&waits.as_secs_f64()), "{waits:?}");
}

#[test]
fn a_time_that_is_too_short_is_asked_for_anew() {
    let mut bed = Bed::new(|options| options.expires_seconds = 30);
    bed.camera.start(bed.now);
    bed.tick();
    let request = bed.next();
    bed.answer(&request, 423, &[(Name::MinExpires, b"90")]);
    assert_eq!(bed.sent[0].header(Name::Expires).as_deref(), Some(&b"90"[..]));
    bed.accept_registration();
    assert!(bed.camera.is_registered());
}

#[test]
fn requests_are_repeated_over_udp_and_given_up_in_the_end() {
    let mut bed = Bed::new(|_| {});
    bed.camera.start(bed.now);
    bed.tick();
    let begin = bed.now;
    let mut times = vec![];
    while bed.camera.waits_after().is_none() {
        bed.sent.clear();
        bed.pass(Duration::from_secs(4));
        if !bed.sent.is_empty() {
            times.push((bed.now - begin).as_millis());
        }
    }
    // RFC 3261 17.1.2.2: 0.5, 1, 2 s apart, then 4; timer F at 32 s.
    assert_eq!(times[..5], [500, 1500, 3500, 7500, 11_500]);
    assert_eq!(bed.now - begin, Duration::from_secs(32));
    assert_eq!(bed.camera.waits_after(), Some(None));
}

#[test]
fn over_tcp_nothing_is_repeated_and_a_lost_connection_is_a_failure() {
    let mut bed = Bed::registered(|options| options.transport = Transport::Tcp);
    bed.pass(Duration::from_secs(60));
    let keepalive = bed.next();
    let via = String::from_utf8(keepalive.header(Name::Via).unwrap().into_owned()).unwrap();
    assert!(via.starts_with("SIP/2.0/TCP "), "{via}");
    bed.camera.unbound(bed.now);
    assert_eq!(bed.camera.held().state, "waiting");
    bed.pass(Duration::from_secs(75));
    bed.accept_registration();
    assert_eq!(bed.opened.len(), 2);
}

#[test]
fn a_registration_is_refreshed_before_it_expires() {
    let mut bed = Bed::new(|options| {
        options.expires_seconds = 600;
        options.keepalive_seconds = 10_000;
    });
    bed.camera.start(bed.now);
    bed.tick();
    let (request, _) = bed.challenge(&Challenge::new(&b"r"[..], &b"n"[..]));
    // The server grants less than was asked for, at the Contact.
    let contact = format!("<sip:{ID}@127.0.0.1:40001>;expires=100");
    bed.answer(&request, 200, &[(Name::Contact, contact.as_bytes()), (Name::Expires, b"600")]);
    let begin = bed.now;
    bed.pass(Duration::from_secs(90));
    assert!(bed.now - begin >= Duration::from_secs(80));
    assert!(bed.camera.is_registered());
    bed.accept_registration();
    let counts = bed.camera.held().counts;
    assert_eq!((counts.registers, counts.registrations), (4, 2));
}

#[test]
fn unanswered_keepalives_make_it_register_anew() {
    let mut bed = Bed::registered(|options| options.keepalive_misses = 2);
    bed.pass(Duration::from_secs(60));
    let keepalive = bed.next();
    assert!(matches!(Incoming::parse(keepalive.body()).unwrap(), Incoming::Keepalive(_)));
    bed.answer(&keepalive, 200, &[]);
    for missed in 1..=2 {
        bed.pass(Duration::from_secs(60));
        let keepalive = bed.next();
        assert_eq!(keepalive.method(), Some(Method::Message));
        bed.nothing();
        bed.answer(&keepalive, 403, &[]);
        assert_eq!(bed.sent.is_empty(), missed < 2);
    }
    bed.accept_registration();
    assert_eq!(bed.camera.held().counts.keepalives, 3);
}

#[test]
fn a_camera_takes_itself_off_and_stays_off() {
    let mut bed = Bed::registered(|_| {});
    bed.camera.unregister(bed.now);
    bed.follow();
    assert_eq!(bed.sent[0].header(Name::Expires).as_deref(), Some(&b"0"[..]));
    bed.accept_registration();
    let held = bed.camera.held();
    assert_eq!((held.state, held.counts.unregistrations), ("off", 1));
    assert_eq!((bed.camera.poll_timeout(), bed.closed), (None, 1));
    bed.camera.start(bed.now);
    bed.tick();
    bed.accept_registration();
}

#[test]
fn a_restart_is_silent_and_takes_its_time() {
    let mut bed = Bed::registered(|_| {});
    assert_eq!(bed.command(&Outgoing::TeleBoot { sn: 1, device_id: ID.to_owned() }), 200);
    bed.nothing();
    let asked = bed.message(&query(QueryKind::DeviceInfo, ID));
    bed.camera.receive(bed.now, asked);
    bed.follow();
    bed.nothing();
    let begin = bed.now;
    bed.pass(Duration::from_secs(2));
    assert_eq!(bed.now - begin, Duration::from_secs(2));
    bed.accept_registration();
    assert_eq!(bed.camera.held().counts.restarts, 1);
}

#[test]
fn another_password_is_used_at_once_unless_it_is_the_fault() {
    let mut bed = Bed::registered(|_| {});
    let challenge = Challenge::new(&b"r"[..], &b"n"[..]);
    bed.camera.set_password(bed.now, Secret::new("new"));
    bed.follow();
    let (_, credentials) = bed.challenge(&challenge);
    assert!(credentials.answers(b"new", b"REGISTER"));
    for (faults, password) in [
        (Faults { old_password: true, ..Faults::default() }, PASSWORD),
        (Faults { wrong_password: true, ..Faults::default() }, &b"wrong-new"[..]),
    ] {
        bed.camera.set_faults(faults);
        bed.camera.register(bed.now);
        bed.follow();
        let (_, credentials) = bed.challenge(&challenge);
        assert!(credentials.answers(password, b"REGISTER"));
    }
    // What it holds is the same in any case: `printf new | sha256sum`.
    let sum = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
    assert_eq!(bed.camera.held().password_sha256, sum);
    assert!(!format!("{:?}", bed.camera).contains("new"));
}

#[test]
fn another_user_is_used_at_once_and_what_comes_of_it_is_told() {
    let mut bed = Bed::registered(|_| {});
    let challenge = Challenge::new(&b"r"[..], &b"n"[..]);
    let expired = [(Name::WwwAuthenticate, &*challenge.to_header())];
    let told = |bed: &Bed| {
        let held = bed.camera.held();
        (held.state, held.counts.registrations, held.counts.refusals, held.counts.last_status)
    };
    assert_eq!(told(&bed), ("registered", 1, 0, Some(200)));
    bed.camera.set_user(bed.now, "admin", None);
    bed.follow();
    let (request, credentials) = bed.challenge(&challenge);
    assert_eq!(credentials.username, b"admin");
    assert!(credentials.answers(PASSWORD, b"REGISTER"));
    bed.answer(&request, 401, &expired);
    assert_eq!(told(&bed), ("waiting", 1, 1, Some(401)));
    assert_eq!(bed.camera.held().user, "admin");

    bed.camera.set_user(bed.now, "gate", Some(Secret::new("new")));
    bed.follow();
    let (request, credentials) = bed.challenge(&challenge);
    assert_eq!(credentials.username, b"gate");
    assert!(credentials.answers(b"new", b"REGISTER"));
    bed.answer(&request, 200, &[(Name::Expires, b"3600")]);
    assert_eq!(told(&bed), ("registered", 2, 1, Some(200)));
    // One that is off uses it when it is on again.
    bed.camera.stop();
    bed.camera.set_user(bed.now, "roof", None);
    bed.follow();
    bed.nothing();
    bed.camera.start(bed.now);
    bed.tick();
    assert_eq!(bed.challenge(&challenge).1.username, b"roof");
}

#[test]
fn a_camera_that_moves_says_so_by_nothing_but_its_keepalive() {
    for (faults, place) in [
        (Faults { changed_port: true, ..Faults::default() }, Place::OtherPort),
        (Faults { changed_address: true, ..Faults::default() }, Place::OtherAddress),
    ] {
        let mut bed = Bed::registered(|_| {});
        bed.camera.set_faults(faults);
        for port in [40_002, 40_002] {
            bed.pass(Duration::from_secs(60));
            let keepalive = bed.next();
            let via = String::from_utf8_lossy(&keepalive.header(Name::Via).unwrap()).into_owned();
            assert!(via.contains(&format!("127.0.0.1:{port};")), "{via}");
            bed.answer(&keepalive, 200, &[]);
        }
        assert_eq!(bed.opened, [Place::Home, place]);
        assert_eq!(bed.camera.held().counts.registers, 2);
    }
}

#[test]
fn a_silent_camera_neither_sends_nor_hears() {
    let mut bed = Bed::registered(|_| {});
    bed.camera.set_faults(Faults { silence: true, ..Faults::default() });
    let asked = bed.message(&query(QueryKind::Catalog, ID));
    bed.camera.receive(bed.now, asked);
    bed.follow();
    bed.pass_all(Duration::from_secs(600));
    bed.nothing();
    bed.camera.set_faults(Faults::default());
    bed.pass_all(Duration::from_secs(110));
    assert_eq!(bed.next().method(), Some(Method::Register));
}
