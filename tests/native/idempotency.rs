//! Calls that are sent twice: over the server's death, by the command line, by each of the doors.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fleet::fault_point::FaultPoint;
use serde_json::{Value, json};

use crate::harness::cameras::record;
use crate::harness::iss::{Signing, with_xml};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::wire::Connection;
use crate::harness::{AFTER_START, Answer, Cli, PATIENCE, Phones, Request, Site, Start, wait_for};

const NAME: &str = "sys.prop.writephonenum";

/// The passes of the fault point at which the processes are killed, one each. The first passes are
/// the start itself. Of a call with a key one commit reserves it, the next accepts, the one after
/// keeps the answer; others are the phone's.
const PASSES: std::ops::Range<u32> = AFTER_START..AFTER_START + 12;

/// Calls that one process is sent at most.
const CALLS: u32 = 20;

/// An update of one phone with a key.
fn update(token: &str, phone: &str, key: &str, value: &str) -> Request {
    let body = json!({"project": PROJECT, "devices": [{"id": phone, "set": {NAME: value}}]});
    Request::new("POST", "/api/v1/updates")
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", key)
        .body(body.to_string())
}

/// Sends a request; `None` if the server dies before it has answered.
fn try_send(request: &Request, server: SocketAddr) -> Option<Answer> {
    let mut connection = Connection::open(Ipv4Addr::LOCALHOST, server).ok()?;
    connection.exchange(&request.bytes(&server.to_string())).ok()
}

/// The jobs of a phone, newest first.
fn jobs(site: &Site, phone: &str) -> Vec<Value> {
    let history = site.native().get(&format!("/api/v1/devices/{phone}/history?limit=1000"));
    history["changes"].as_array().expect("changes").clone()
}

#[test]
fn what_a_kill_cut_off_is_done_once_when_it_is_sent_again() {
    let mut site = Site::start(&Start::default(), Phones::of(1).boot(Duration::ZERO));
    let phone = site.phones.id(0);
    let mut sent = 0;
    for pass in PASSES {
        assert!(site.server.terminate().success());
        let fault_point = Some((FaultPoint::AfterCommit, pass));
        site.server.restart(&Start { fault_point, ..Start::default() });
        let (address, token) = (site.server.address(), site.server.admin_token());
        let numbers: Vec<u32> = (sent..sent + CALLS).collect();
        let call = |number: u32| {
            update(&token, &phone, &format!("key-{number}"), &(1_000 + number).to_string())
        };
        // One after the other, until one is not answered.
        let answers: BTreeMap<u32, Answer> = std::thread::scope(|scope| {
            let client = scope.spawn(|| {
                let answered = numbers.iter().map(|number| {
                    try_send(&call(*number), address).map(|answer| (*number, answer))
                });
                answered.map_while(|answer| answer).collect()
            });
            site.server.wait_for_fault_point(FaultPoint::AfterCommit);
            site.server.kill9();
            client.join().expect("a client that does not panic")
        });
        site.server.restart(&Start::default());
        let address = site.server.address();
        let tried = numbers.iter().take(answers.len() + 1);
        for number in tried {
            let again = wait_for("the call to be made", PATIENCE, || {
                let answer = call(*number).send(address);
                assert!([200, 409].contains(&answer.status), "{answer:?}");
                (answer.status == 200).then_some(answer)
            });
            assert!(again.body["jobs"][0]["job"].is_string(), "{again:?}");
            if let Some(before) = answers.get(number) {
                assert_eq!(again.text, before.text, "pass {pass}, call {number}");
            }
            sent += 1;
        }
        let made = jobs(&site, &phone);
        assert_eq!(made.len(), usize::try_from(sent).expect("few"), "pass {pass}: {made:?}");
    }
}

#[test]
fn an_update_sent_by_several_at_once_is_made_once() {
    let site = Site::start(&Start::default(), Phones::of(1).boot(Duration::ZERO));
    let (address, token, phone) =
        (site.server.address(), site.server.admin_token(), site.phones.id(0));
    for number in 1..=20_usize {
        let call = update(&token, &phone, &format!("key-{number}"), &number.to_string());
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..3).map(|_| scope.spawn(|| call.send(address))).collect();
            for client in clients {
                let answer = client.join().expect("an answer");
                assert!([200, 409].contains(&answer.status), "{answer:?}");
            }
        });
        let answer = call.send(address);
        assert_eq!(answer.status, 200, "{answer:?}");
        let replayed = answer.headers.get("idempotency-replayed");
        assert_eq!(replayed.map(|value| value.as_bytes()), Some(&b"true"[..]), "{answer:?}");
        assert_eq!(jobs(&site, &phone).len(), number);
    }
}

#[test]
fn the_command_line_sends_a_key_and_a_revision() {
    let site = Site::start(&Start::default(), Phones::of(2).boot(Duration::ZERO));
    let cli = Cli::new(&site.server);
    let phone = site.phones.id(0);
    let one = format!("{NAME}=1");
    let asked = ["update", "--project", PROJECT, "--device", &phone, "--set", &one, "--json"];
    let keyed = [&asked[..], &["--idempotency-key", "order-4711"]].concat();
    let first = cli.run(&keyed).ok();
    assert_eq!(cli.run(&keyed).ok(), first);
    assert_eq!(jobs(&site, &phone).len(), 1);
    let other = format!("{NAME}=2");
    let reused: Vec<&str> =
        keyed.iter().map(|word| if *word == one { other.as_str() } else { *word }).collect();
    cli.run(&reused).ended(5, "Idempotency-Key was used for another request");

    let shown = cli.run(&["device", "show", &phone]).ok();
    let revision = shown.lines().find_map(|line| line.strip_prefix("revision")).expect("one");
    assert_eq!(revision.trim(), "1");
    let at = |revision: &'static str| [&asked[..], &["--if-revision", revision]].concat();
    let refused = cli.run(&at("0"));
    refused.ended(1, "");
    let refused = jobs(&site, &phone);
    assert_eq!(refused.len(), 1);
    cli.run(&at("1")).ok();
    assert_eq!(jobs(&site, &phone).len(), 2);
    let both = ["update", "--project", PROJECT, "--set", &one, "--if-revision", "1", "--device"];
    let other = site.phones.id(1);
    let both = [&both[..], &[&phone, &other]].concat();
    cli.run(&both).ended(2, "--if-revision");
}

/// A camera that never comes.
const CAMERA: &str = "34020000001320000001";

#[test]
fn signed_calls_of_both_vendors_are_made_once() {
    let site = Site::start(&Start::default(), Phones::of(1).boot(Duration::ZERO));
    import(&site.native(), &[record(CAMERA, "12345678")]);
    let (address, phone) = (site.server.address(), site.phones.id(0));
    let host = address.to_string();
    let cph = |number: usize| {
        let property = json!({NAME: number.to_string()}).to_string();
        let body = json!({"phones": [{"phone_id": phone, "property": property}]});
        let target = format!("/v1/{PROJECT}/cloud-phone/phones/batch-update-property");
        let request = Request::new("POST", &target).header("idempotency-key", "cph-1");
        // Signed anew each time, as an SDK does that tries again.
        request.body(body.to_string()).signed(&site.key, &host).send(address)
    };
    let iss = |number: usize| {
        let body = format!(
            "<Request><Devicelist><Gbid>{CAMERA}</Gbid><Pwd>1234567{number}</Pwd></Devicelist>\
             <ProjectId>{PROJECT}</ProjectId></Request>"
        );
        let request = with_xml("PUT", "/device", body).header("idempotency-key", "iss-1");
        Signing::new(&site.key).sign(request, &host).send(address)
    };
    type Call<'c> = &'c dyn Fn(usize) -> Answer;
    let calls: [(Call<'_>, &str, &str, &str); 2] = [
        (&cph, &phone, "x-request-id", "FLEETWRIGHT.0422"),
        (&iss, CAMERA, "x-iss-request-id", "IdempotencyKeyReused"),
    ];
    for (call, device, id, reused) in calls {
        let first = call(1);
        assert_eq!(first.status, 200, "{first:?}");
        let again = call(1);
        assert_eq!((again.status, &again.text), (200, &first.text));
        assert_eq!(again.headers.get(id), first.headers.get(id));
        assert!(again.headers.contains_key("idempotency-replayed"), "{again:?}");
        let other = call(2);
        assert!(other.status == 422 && other.text.contains(reused), "{other:?}");
        assert_eq!(jobs(&site, device).len(), 1);
    }
}
