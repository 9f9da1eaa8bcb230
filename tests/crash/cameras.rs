//! `kill -9` with 200,000 cameras known and 20,000 registered: after the restart they are where
//! they were, and a herd of registrations is taken.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::cameras::{Plan, record, server};
use crate::harness::site::import;
use crate::harness::{Cameras, Native, PATIENCE, Start, Stopwatch, wait_until};

/// Cameras on record.
const KNOWN: usize = 200_000;

/// Cameras that are registered.
const REGISTERED: usize = 20_000;

/// How many begin to register in a second.
const RATE: u32 = 2_000;

/// How long a herd may take.
const HERD: Duration = Duration::from_secs(60);

/// How long after the restart nobody may have to register.
const CALM: Duration = Duration::from_secs(30);

/// Cameras that are asked something after the restart.
const ASKED: usize = 100;

/// Those that are on record and nowhere else.
fn others() -> Vec<Value> {
    let id = |index: usize| format!("34020000001320{:06}", index + 1);
    (REGISTERED..KNOWN).map(|index| record(&id(index), "12345678")).collect()
}

/// How many are registered, as the server counts them.
fn registered(native: &Native) -> usize {
    native.metric("fleetwright_sip_registered") as usize
}

/// How often the cameras have sent a REGISTER, and were accepted, in all.
fn registers(cameras: &Cameras) -> (u64, u64) {
    cameras.all_held().iter().fold((0, 0), |(sent, accepted), held| {
        (sent + held.counts.registers, accepted + held.counts.registrations)
    })
}

/// The cameras of a server, so that their keepalives fall into the test.
fn plan(server: std::net::SocketAddr) -> Plan {
    Cameras::of(REGISTERED, server).rate(RATE)
}

#[test]
fn registrations_outlive_a_kill_and_a_herd_is_taken() {
    let watch = Stopwatch::start();
    let tell = |what: &str| println!("{:6.1} s: {what}", watch.elapsed().as_secs_f64());
    let start = Start::with_cameras();
    let (mut server, native) = server(&start);
    import(&native, &others());
    import(&native, &Cameras::records(&plan(server.sip())));
    tell("200,000 are on record");
    let cameras = Cameras::start(plan(server.sip()));
    cameras.wait_until_registered(HERD);
    wait_until("the server to count them", PATIENCE, || registered(&native) == REGISTERED);
    tell("20,000 are registered");

    let before = registers(&cameras);
    server.kill9();
    let restarted = Stopwatch::start();
    server.restart(&start);
    let native = server.native();
    tell("killed and ready again");
    wait_until("the bindings to be there", PATIENCE, || registered(&native) == REGISTERED);
    // Each is told at once, where it is and without a REGISTER.
    let ids = cameras.ids();
    let asked: Vec<&String> = ids.iter().step_by(REGISTERED / ASKED).collect();
    let devices: Vec<Value> = asked
        .iter()
        .map(|id| json!({"id": id, "set": {"Name": format!("门-{}", &id[14..])}}))
        .collect();
    let update = native.post("/api/v1/updates", &json!({"project": "demo", "devices": devices}));
    let target = format!("/api/v1/updates/{}", update["id"].as_str().expect("an id"));
    wait_until("the commands to have reached them", PATIENCE, || {
        native.get(&target)["jobs"]["succeeded"] == ASKED
    });
    for id in &asked {
        assert_eq!(cameras.held(id).name, format!("门-{}", &id[14..]));
    }
    tell("100 were renamed");
    let statuses = native.camera_statuses();
    assert_eq!(statuses.get("OnLine"), Some(&REGISTERED), "{statuses:?}");
    assert_eq!(statuses.values().sum::<usize>(), KNOWN, "{statuses:?}");
    tell("all were listed");
    // The time itself is what is tested: nobody has a reason to register within it.
    wait_until("half a minute to pass", 2 * CALM, || restarted.elapsed() >= CALM);
    assert_eq!(registers(&cameras), before, "somebody had to register anew");
    assert_eq!(registered(&native), REGISTERED);

    let herd = Stopwatch::start();
    cameras.register_all();
    // One that was told to come again later counts as registered only when it has.
    wait_until("the herd to be taken", HERD, || {
        registers(&cameras).1 >= before.1 + REGISTERED as u64 && cameras.registered() == REGISTERED
    });
    tell(&format!("the herd was taken in {:.1} s", herd.elapsed().as_secs_f64()));
    let refused = native.get("/api/v1/registrations/refused");
    assert_eq!(refused["registrations"], json!([]), "refused otherwise than by 503");
    let statuses = native.camera_statuses();
    assert_eq!(statuses.get("OnLine"), Some(&REGISTERED), "{statuses:?}");

    // The same when nobody is bound: the power comes back after the server's.
    ids.iter().for_each(|id| cameras.unregister(id));
    wait_until("all to be offline", HERD, || registered(&native) == 0);
    tell("all took themselves off");
    let herd = Stopwatch::start();
    cameras.register_all();
    cameras.wait_until_registered(HERD);
    tell(&format!("a herd of new ones was taken in {:.1} s", herd.elapsed().as_secs_f64()));
    wait_until("the server to count them", PATIENCE, || registered(&native) == REGISTERED);
    let refused = native.get("/api/v1/registrations/refused");
    assert_eq!(refused["registrations"], json!([]), "refused otherwise than by 503");
}
