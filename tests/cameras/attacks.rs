//! Attacks on the registrar over the wire: who does not know the password moves nothing, learns
//! nothing, and is told nothing but a challenge.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::harness::cameras::{record, server};
use crate::harness::sip::{Credentials, ELSEWHERE, Line, Received, Ua, assert_alive};
use crate::harness::site::import;
use crate::harness::{Native, PATIENCE, Server, Start, wait_until};

const ID: &str = "34020000001320000001";
const PASSWORD: &str = "12345678";

/// An id that nobody has, as long as the others.
const UNKNOWN: &str = "34020000001320009999";

/// Forged responses in a run (R11).
const FORGED: usize = 10_000;

/// REGISTERs under way at a time: no more than a socket's buffer takes.
const WINDOW: usize = 64;

/// Forged responses to one challenge.
const PER_NONCE: usize = 1_000;

/// A server with one camera, and that camera, registered over UDP.
fn registered() -> (Server, Native, Ua) {
    let (server, native) = server(&Start::with_cameras());
    import(&native, &[record(ID, PASSWORD)]);
    let mut ua = Ua::new(ID, PASSWORD, Line::udp(server.sip()));
    assert_eq!(ua.register(3600).status, Some(200));
    native.wait_for_status(ID, "OnLine");
    (server, native, ua)
}

/// What an attack on a registration could change.
fn binding(native: &Native) -> Value {
    let camera = &native.device(ID)["camera"];
    let of = |name: &str| camera[name].clone();
    json!([of("status"), of("remote"), of("registered_at"), of("refreshed_at"), of("expires_at")])
}

/// Checks that a REGISTER was challenged anew because of its nonce.
#[track_caller]
fn assert_stale(answer: &Received) {
    assert!(answer.challenge().is_stale, "{}", answer.text());
}

#[test]
fn a_captured_register_is_worth_nothing() {
    let (server, native, mut ua) = registered();
    let challenge = ua.challenge();
    let credentials = ua.credentials(&challenge);
    let captured = ua.register_bytes(3600, Some(&credentials.header()));
    let accepted = ua.exchange(&captured);
    assert_eq!(accepted.status, Some(200));
    let before = binding(&native);

    // From the same place it is a repetition on the way (RFC 3261, 17.2.2): the same answer again.
    assert_eq!(ua.exchange(&captured).bytes, accepted.bytes);
    // From anywhere else, and by any other way, it is refused.
    for line in
        [Line::udp(server.sip()), Line::udp_from(ELSEWHERE, server.sip()), Line::tcp(server.sip())]
    {
        assert_stale(&ua.moved(line).exchange(&captured));
    }
    // Its credentials in a request of another transaction too, whatever that asks for.
    for expires in [3600, 60, 0] {
        assert_stale(&ua.send_register(expires, Some(&credentials.header())));
        let mut thief = ua.moved(Line::udp(server.sip()));
        assert_stale(&thief.send_register(expires, Some(&credentials.header())));
    }
    assert_eq!(binding(&native), before);

    // The device itself may use its nonce once more, counting on; not backwards.
    let counted = |count: u32| {
        let nc = Some(format!("{count:08x}"));
        Credentials { nc, ..credentials.clone() }.header()
    };
    assert_eq!(ua.send_register(3600, Some(&counted(3))).status, Some(200));
    for count in [3, 2, 1, 0] {
        assert_stale(&ua.send_register(3600, Some(&counted(count))));
    }
    assert_stale(&ua.send_register(3600, Some(&credentials.clone().without_qop().header())));
    // Without qop a nonce is good for one answer.
    let challenge = ua.challenge();
    let once = ua.credentials(&challenge).without_qop().header();
    assert_eq!(ua.send_register(3600, Some(&once)).status, Some(200));
    assert_stale(&ua.send_register(3600, Some(&once)));
    assert!(native.refusals(ID)["stale_nonce"] >= 10, "{:?}", native.refusals(ID));
}

#[test]
fn over_tcp_a_captured_register_is_refused_even_where_it_came_from() {
    let (server, native, ua) = registered();
    let mut ua = ua.moved(Line::tcp(server.sip()));
    let challenge = ua.challenge();
    let authorization = ua.credentials(&challenge).header();
    let captured = ua.register_bytes(3600, Some(&authorization));
    assert_eq!(ua.exchange(&captured).status, Some(200));
    assert_stale(&ua.exchange(&captured));
    assert_eq!(native.device(ID)["camera"]["remote"], ua.local().to_string());
}

#[test]
fn knowing_the_call_id_proves_nothing() {
    let (server, native, mut ua) = registered();
    let before = binding(&native);
    for expires in [3600, 7200, 0] {
        let answer = ua.send_register(expires, None);
        assert!(!answer.challenge().is_stale);
        let mut thief = ua.moved(Line::udp_from(ELSEWHERE, server.sip()));
        assert!(!thief.send_register(expires, None).challenge().is_stale);
    }
    assert_eq!(binding(&native), before);
    assert_eq!(ua.register(0).status, Some(200), "who knows the password may take it off");
    native.wait_for_status(ID, "OffLine");
    assert_eq!(native.device(ID)["camera"]["offline"]["why"], "unregistered");
}

#[test]
fn a_nonce_is_good_only_here_only_now_and_only_once() {
    let (mut server, native, mut ua) = registered();
    let challenge = ua.challenge();
    let right = ua.credentials(&challenge);
    let foreign = Ua::new(ID, PASSWORD, Line::udp_from(ELSEWHERE, server.sip())).challenge();
    assert_ne!(foreign.nonce, challenge.nonce);
    let flipped = |at: usize| {
        let mut digits = challenge.nonce.clone().into_bytes();
        digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(digits).expect("digits")
    };
    let longer = format!("{}0", challenge.nonce);
    let shorter = challenge.nonce[1..].to_owned();
    let upper = challenge.nonce.to_uppercase();
    let mut nonces = vec![foreign.nonce, longer, shorter, "x".to_owned(), "0".repeat(48)];
    nonces.extend([0, 15, 16, 47].map(flipped));
    if upper != challenge.nonce {
        nonces.push(upper);
    }
    for nonce in nonces {
        let forged = Credentials { nonce: nonce.clone(), ..right.clone() };
        let answer = ua.send_register(3600, Some(&forged.header()));
        assert!(answer.challenge().is_stale, "{nonce}: {}", answer.text());
    }
    assert_eq!(ua.send_register(3600, Some(&right.header())).status, Some(200));
    // Once accepted it is never accepted again, whatever a restart forgets.
    server.kill9();
    server.restart(&Start::with_cameras());
    let mut ua = ua.moved(Line::udp(server.sip()));
    assert_stale(&ua.send_register(3600, Some(&right.header())));
    let native = {
        drop(native);
        server.native()
    };
    assert_eq!(native.camera_status(ID), "OnLine");
    assert_eq!(ua.register(3600).status, Some(200));
}

#[test]
fn an_answer_for_another_realm_is_refused() {
    let (_server, native, mut ua) = registered();
    for realm in ["3402000001", "", "3402000000 "] {
        let challenge = ua.challenge();
        let right = ua.credentials(&challenge);
        let forged = Credentials { realm: realm.to_owned(), ..right };
        let answer = ua.send_register(3600, Some(&forged.header()));
        assert_eq!(answer.challenge().realm, "3402000000", "{realm:?}");
    }
    assert_eq!(native.refusals(ID)["wrong_realm"], 3);
}

/// The header of a forged answer: one of many ways in which what should be is not.
fn forged(right: &Credentials, random: &mut StdRng) -> String {
    let right = if random.random() { right.clone() } else { right.clone().without_qop() };
    let response = right.response();
    let noise: [u8; 16] = random.random();
    match random.random_range(0..10) {
        0 => right.header_with(&hex::encode(noise)),
        1 => {
            let mut digits = response.into_bytes();
            let at = random.random_range(0..digits.len());
            digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
            right.header_with(&String::from_utf8(digits).expect("digits"))
        }
        2 => Credentials { password: hex::encode(noise), ..right }.header(),
        3 => Credentials { password: String::new(), ..right }.header(),
        4 => Credentials { method: "MESSAGE".to_owned(), ..right }.header(),
        5 => right.header_with(""),
        6 => right.header_with(&response[..random.random_range(1..32)]),
        7 => Credentials { uri: "sip:other@3402000000".to_owned(), ..right }.header_with(&response),
        8 => Credentials {
            cnonce: hex::encode(noise),
            nc: Some("00000001".to_owned()),
            ..right.clone()
        }
        .header_with(&Credentials { nc: None, ..right }.response()),
        _ => Credentials { user: UNKNOWN.to_owned(), ..right }.header(),
    }
}

#[test]
fn ten_thousand_forged_answers_open_nothing() {
    let (server, native, mut ua) = registered();
    let before = binding(&native);
    let mut forger = Ua::new(ID, PASSWORD, Line::udp(server.sip()));
    let mut random = StdRng::seed_from_u64(11);
    let (mut sent, mut answered) = (0, 0);
    let mut right = None;
    while answered < FORGED {
        while sent < FORGED && sent - answered < WINDOW {
            if sent % PER_NONCE == 0 {
                let challenge = Ua::new(ID, PASSWORD, Line::udp(server.sip())).challenge();
                right = Some(forger.credentials(&challenge));
            }
            let header = forged(right.as_ref().expect("a challenge"), &mut random);
            let expires = if random.random() { 3600 } else { 0 };
            let bytes = forger.register_bytes(expires, Some(&header));
            forger.line.send(&bytes);
            sent += 1;
        }
        let answer = forger.line.receive_within(PATIENCE).expect("an answer");
        assert_eq!(answer.status, Some(401), "{}", answer.text());
        answered += 1;
    }
    assert_eq!(binding(&native), before);
    assert!(native.refusals(ID)["wrong_digest"] > 1_000, "{:?}", native.refusals(ID));
    // It was none of the challenges: the true answer opens.
    assert_eq!(ua.register(3600).status, Some(200));
    assert_alive(server.sip());
}

/// An answer without what may differ between two ids: the id, the nonce, and the tag, which follows
/// from the request.
fn masked(answer: &Received, id: &str) -> String {
    let mut text = answer.text().replace(id, "ID");
    if answer.status == Some(401) {
        text = text.replace(&answer.challenge().nonce, "NONCE");
    }
    let to = answer.header("To").expect("a To");
    match to.split_once(";tag=") {
        Some((_, tag)) => text.replace(tag, "TAG"),
        None => text,
    }
}

#[test]
fn known_and_unknown_ids_look_alike() {
    look_alike(|_| {});
}

#[test]
fn to_who_lacks_the_enrolment_password_ids_look_as_ever() {
    look_alike(|native| {
        let terms = json!({"password": "install-me-2026", "prefixes": ["3402"], "ends_in_days": 1});
        native.put("/api/v1/projects/demo/enrolment", &terms);
    });
}

/// Asks the same of a known id, of one without a password and of an unknown one, and compares the
/// answers.
fn look_alike(prepare: impl FnOnce(&Native)) {
    let (server, native) = server(&Start::with_cameras());
    prepare(&native);
    let bare = "34020000001320000002";
    let bare_record = json!({"kind": "camera", "project": "demo", "id": bare, "name": "bare"});
    import(&native, &[record(ID, PASSWORD), bare_record]);
    let mut ua = Ua::new(ID, PASSWORD, Line::udp(server.sip()));
    let challenge = ua.challenge();
    let wrong = Credentials { password: "wrong".to_owned(), ..ua.credentials(&challenge) };
    let nonce = wrong.nonce.clone();
    let stale = Credentials { nonce: "0".repeat(48), ..wrong.clone() };
    let other_realm = Credentials { realm: "other".to_owned(), ..wrong.clone() };
    let (with_qop, without_qop) = (wrong.header(), wrong.without_qop().header());
    let mut requests = Vec::new();
    for authorization in [
        None,
        Some(with_qop),
        Some(without_qop),
        Some(stale.header()),
        Some(other_realm.header()),
        Some("Digest".to_owned()),
        Some("Basic YTpi".to_owned()),
    ] {
        for expires in [3600, 0] {
            requests.push(ua.register_bytes(expires, authorization.as_deref()));
        }
    }
    requests.push(
        ua.message_bytes(b"<?xml version=\"1.0\"?><Notify><CmdType>Keepalive</CmdType></Notify>"),
    );
    requests.push(ua.message_bytes(b""));
    for request in requests {
        let call_id = Received::new(request.clone()).header("Call-ID").expect("ours").to_owned();
        let mut answers = [ID, bare, UNKNOWN].map(|id| {
            // The same request of another id. It is told apart by its place, so that no answer to
            // the one before is repeated to it.
            let text = String::from_utf8(request.clone()).expect("text").replace(ID, id);
            // A nonce is for one id.
            let mut asking = Ua::new(id, PASSWORD, Line::udp(server.sip()));
            let text = text.replace(&nonce, &asking.challenge().nonce);
            let mut line = Line::udp(server.sip());
            line.send(text.as_bytes());
            let answer = line.response(&call_id);
            let port = format!("rport={}", line.local().port());
            masked(&answer, id).replace(&port, "rport=PORT")
        });
        let unknown = answers[2].clone();
        for answer in &mut answers {
            assert_eq!(*answer, unknown, "{}", String::from_utf8_lossy(&request));
        }
    }
}

#[test]
fn a_password_that_was_changed_holds_from_the_next_refresh_on() {
    let (_server, native, mut ua) = registered();
    import(&native, &[record(ID, "87654321")]);
    let answer = ua.register(3600);
    assert_eq!(answer.status, Some(401), "the old password was taken: {}", answer.text());
    assert_eq!(native.refusals(ID)["wrong_digest"], 1);
    "87654321".clone_into(&mut ua.password);
    assert_eq!(ua.register(3600).status, Some(200));
    // And a user name of its own.
    let mut named = record(ID, "87654321");
    named["user"] = json!("admin");
    import(&native, &[named]);
    assert_eq!(ua.register(3600).status, Some(401));
    assert_eq!(native.refusals(ID)["wrong_user"], 1);
    "admin".clone_into(&mut ua.user);
    assert_eq!(ua.register(3600).status, Some(200));
}

#[test]
fn a_stranger_says_nothing_for_a_camera() {
    let (server, native, mut ua) = registered();
    ua.introduce_itself();
    wait_until("the server to know what it is", PATIENCE, || {
        native.device(ID)["camera"]["manufacturer"] == "ExampleCam"
    });
    let job = native.ask(ID, &json!({"Name": "gate"}));
    let asked = ua.asked("ConfigDownload");
    let sn = asked.element("SN");
    let lie = format!(
        "<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Response>\r\n\
         <CmdType>ConfigDownload</CmdType>\r\n<SN>{sn}</SN>\r\n<DeviceID>{ID}</DeviceID>\r\n\
         <Result>OK</Result>\r\n<BasicParam>\r\n<Name>gate</Name>\r\n</BasicParam>\r\n</Response>\r\n"
    );
    // The right SN, from the right address and another port: who registered is somewhere else.
    for line in [Line::udp(server.sip()), Line::udp_from(ELSEWHERE, server.sip())] {
        let mut liar = ua.moved(line);
        let bytes = liar.message_bytes(lie.as_bytes());
        let call_id = Received::new(bytes.clone()).header("Call-ID").expect("ours").to_owned();
        liar.line.send(&bytes);
        assert_eq!(liar.line.response(&call_id).status, Some(403));
    }
    assert_ne!(native.job(&job)["state"], "succeeded", "a stranger's word was taken");
    // From its own place it is believed.
    ua.line.send(&asked.answered("200 OK"));
    let bytes = ua.message_bytes(lie.as_bytes());
    ua.line.send(&bytes);
    wait_until("the job to end", PATIENCE, || native.job(&job)["state"] == "succeeded");
}
