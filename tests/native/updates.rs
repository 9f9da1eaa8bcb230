//! Updates by the command line: selected, foretold, watched, paused, cancelled, taken back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::cameras::server;
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Cameras, Cli, PATIENCE, Phones, Site, Start, wait_until};

const NAME: &str = "sys.prop.writephonenum";

/// A site of six phones, three on each of two servers.
fn site() -> Site {
    Site::start(&Start::default(), Phones::of(6).boot(Duration::ZERO).per_server(3))
}

/// Runs `fleetwright ARGS --json`, which must succeed, and gives its answer.
fn json_of(cli: &Cli, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&cli.run(&args).ok()).expect("JSON")
}

/// Asks a value of all phones, with these options.
fn update<'a>(value: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["update", "--project", PROJECT, "--kind", "phone", "--set", value];
    args.extend(options);
    args
}

/// The values that the phones hold.
fn held(site: &Site) -> Vec<Option<String>> {
    (0..site.phones.count()).map(|index| site.phones.get(index, NAME)).collect()
}

#[test]
fn devices_are_selected_and_what_would_change_is_told_first() {
    let site = site();
    let cli = Cli::new(&site.server);
    let server = site.native().device(&site.phones.id(0))["server"].clone();
    let server = format!("server={}", server.as_str().expect("a server"));
    let value = format!("{NAME}=1");

    let told = cli.run(&update(&value, &["--where", &server, "--dry-run"])).ok();
    assert!(told.contains("would change      3") && told.contains("at once"), "{told}");
    assert!(held(&site).iter().all(Option::is_none), "a dry run changed something");

    let done = json_of(&cli, &update(&value, &["--where", &server, "--wait", "30s"]));
    assert_eq!((&done["jobs"]["succeeded"], &done["jobs"]["failed"]), (&json!(3), &json!(0)));
    let one = || Some("1".to_owned());
    assert_eq!(held(&site), [one(), one(), one(), None, None, None]);
    let again = cli.run(&update(&value, &["--where", &server, "--dry-run"])).ok();
    assert!(again.contains("unchanged         3"), "{again}");

    let listed = json_of(&cli, &["device", "list", "--reported", &format!("{NAME}:1")]);
    assert_eq!(listed["devices"].as_array().map(Vec::len), Some(3), "{listed}");
    let none = json_of(&cli, &["device", "list", "--kind", "phone", "--tag", "floor:2"]);
    assert_eq!(none["devices"], json!([]));
    let reported = format!("reported=!{NAME}");
    let done = json_of(&cli, &update(&value, &["--where", &reported, "--wait"]));
    assert_eq!(done["rollout"]["devices"], 3, "those that had none: {done}");

    cli.run(&update(&value, &["--where", "server=nowhere"])).ended(5, "no device fits");
    let of_whom = ["update", "--project", PROJECT, "--set", &value];
    cli.run(&of_whom).ended(2, "no devices are named: give --device ID, --file FILE or --csv FILE");
    cli.run(&update(&value, &["--where", "floor=2"])).ended(2, "floor=2");
    cli.run(&update(&value, &["--wave", "0"])).ended(2, "--wave");
    cli.run(&update(&value, &["--window", "25:00-06:00"])).ended(5, "rollout.window.from");
}

#[test]
fn an_update_in_waves_is_paused_resumed_ended_and_taken_back() {
    let site = site();
    let cli = Cli::new(&site.server);
    json_of(&cli, &update(&format!("{NAME}=1"), &["--wait", "30s"]));

    let value = format!("{NAME}=2");
    let begun = json_of(&cli, &update(&value, &["--canary", "1", "--wave", "2", "--pause", "1h"]));
    let id = begun["id"].as_str().expect("an id");
    let wave = || json_of(&cli, &["update", "show", id])["rollout"]["waves"][0].clone();
    wait_until("the first wave", PATIENCE, || wave()["ended_at"].is_string());
    assert_eq!(json_of(&cli, &["update", "pause", id])["rollout"]["phase"], "paused");
    let request = wave()["request"].as_str().expect("a request").to_owned();
    let of_it = cli.run(&["update", "show", &request]).ok();
    assert!(of_it.contains(&format!("wave 1 of update {id}")), "{of_it}");
    let open = format!("it is a wave of update {id}, which is not over");
    cli.run(&["update", "revert", &request]).ended(5, &open);
    let words = cli.run(&["update", "show", id]).ok();
    assert!(words.contains("1 of 6 devices, 1 waves"), "{words}");
    cli.run(&["update", "wait", id]).ended(1, "paused with 5 devices not begun");
    assert_eq!(json_of(&cli, &["update", "resume", id])["rollout"]["phase"], "running");
    cli.run(&["update", "wait", id, "--timeout", "0s"]).ended(3, "5 of 6 devices not begun");
    cli.run(&["update", "revert", id]).ended(5, "running");
    assert_eq!(json_of(&cli, &["update", "abort", id])["rollout"]["phase"], "aborted");
    cli.run(&["update", "resume", id]).ended(5, "aborted");
    let twos = held(&site).iter().filter(|value| value.as_deref() == Some("2")).count();
    assert_eq!(twos, 1);

    let foretold = json_of(&cli, &["update", "revert", id, "--dry-run"]);
    assert_eq!(foretold["devices"].as_array().map(Vec::len), Some(1), "{foretold}");
    assert_eq!(foretold["left_out"], json!([]), "{foretold}");
    let words = cli.run(&["update", "revert", id, "--dry-run"]).ok();
    assert!(words.contains("WOULD BE") && words.contains(NAME), "{words}");
    cli.run(&["update", "revert", id, "--dry-run", "--wait"]).ended(2, "--dry-run");
    assert_eq!(held(&site).iter().filter(|value| value.as_deref() == Some("2")).count(), 1);

    cli.run(&["update", "revert", id, "--wait", "30s"]).ok();
    assert!(held(&site).iter().all(|value| value.as_deref() == Some("1")));
    let listed = cli.run(&["update", "list", "--project", PROJECT]).ok();
    assert_eq!(listed.lines().filter(|line| line.ends_with("rollout")).count(), 3, "{listed}");
    cli.run(&["update", "revert", "019a7c6e4b3d7a1c8e5f000000000000"]).ended(5, "no such update");
}

#[test]
fn what_waits_is_cancelled_and_a_device_goes_back_in_its_history() {
    let site = site();
    let cli = Cli::new(&site.server);
    for value in ["1", "2"] {
        json_of(&cli, &update(&format!("{NAME}={value}"), &["--wait", "30s"]));
    }
    let phone = site.phones.id(0);
    site.phones.power_off(0);
    let set = format!("{NAME}=3");
    let asked = ["update", "--project", PROJECT, "--device", &phone, "--set", &set];
    let id = json_of(&cli, &asked)["id"].as_str().expect("an id").to_owned();
    wait_until("the job to wait for its phone", PATIENCE, || {
        json_of(&cli, &["update", "show", &id])["jobs"]["waiting"] == 1
    });
    let cancelled = json_of(&cli, &["update", "cancel", &id]);
    assert_eq!(cancelled["jobs"]["failed"], 1, "{cancelled}");
    cli.run(&["update", "wait", &id]).ended(1, "1 of 1 jobs failed");
    let words = cli.run(&["update", "show", &id]).ok();
    let line = words.lines().find(|line| line.contains("cancelled by admin"));
    assert!(line.is_some_and(|line| line.starts_with("1 ") && line.contains(&phone)), "{words}");
    let count = |options: &[&str]| {
        let listed = json_of(&cli, &[&["update", "jobs", &id][..], options].concat());
        listed["jobs"].as_array().map(Vec::len)
    };
    assert_eq!(count(&["--state", "failed", "--code", "cancelled"]), Some(1));
    assert_eq!(count(&["--state", "open", "--state", "succeeded"]), Some(0));
    assert_eq!(count(&["--code", "refused"]), Some(0));
    let failures = site.native().get(&format!("/api/v1/updates/{id}/failures"));
    let job = failures["groups"][0]["job"].as_str().expect("a job").to_owned();
    assert_eq!(count(&["--same-reason-as", &job]), Some(1));
    assert_eq!(count(&["--same-reason-as", "019a7c6e4b3d7a1c8e5f000000000001"]), Some(0));
    cli.run(&["update", "jobs", &id, "--same-reason-as", "x"]).ended(2, "--same-reason-as");
    cli.run(&["update", "jobs", &id, "--state", "ill"]).ended(2, "succeeded");
    assert_eq!(site.native().device(&phone)["desired"][NAME], "2");
    site.phones.power_on(0);

    let history = json_of(&cli, &["device", "history", &phone]);
    let tos: Vec<&Value> = history["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|c| &c["values"][0]["to"])
        .collect();
    assert_eq!(tos, ["3", "2", "1"]);
    let words = cli.run(&["device", "history", &phone]).ok();
    assert!(words.lines().count() == 4 && words.contains("REVISION"), "{words}");
    let revision = history["changes"][2]["revision"].to_string();
    let words = cli.run(&["device", "revert", &phone, "--to", &revision, "--dry-run"]).ok();
    assert!(words.contains("WOULD BE") && words.contains(&phone), "{words}");
    cli.run(&["device", "revert", &phone, "--to", &revision, "--wait", "30s"]).ok();
    assert_eq!(site.phones.get(0, NAME).as_deref(), Some("1"));
    cli.run(&["device", "revert", &phone, "--to", "99"]).ended(5, "to: ");
}

#[test]
fn our_name_for_a_camera_comes_back_with_a_revert_and_with_a_cancel() {
    const OURS: &str = "东门-0001";

    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    let cli = Cli::new(&server);
    let plan = Cameras::of(1, server.sip());
    let mut records = Cameras::records(&plan);
    records[0]["name"] = json!(OURS);
    import(&native, &records);
    let cameras = Cameras::start(plan);
    cameras.wait_until_registered(PATIENCE);
    let camera = cameras.ids()[0].clone();
    let shown = cameras.held(&camera).name;
    assert_ne!(shown, OURS);
    let reported = || native.device(&camera)["reported"]["Name"]["value"].clone();
    wait_until("the camera to have shown its name", PATIENCE, || reported() == shown.as_str());
    let update = |options: &[&str]| {
        let asked = ["update", "--project", PROJECT, "--device", &camera];
        let made = json_of(&cli, &[&asked[..], options].concat());
        made["id"].as_str().expect("an id").to_owned()
    };
    let name = || native.device(&camera)["name"].clone();

    let id = update(&["--set", "Name=x", "--wait", "30s"]);
    assert_eq!((name(), cameras.held(&camera).name), (json!("x"), "x".to_owned()));
    cli.run(&["update", "revert", &id, "--wait", "30s"]).ok();
    assert_eq!((name(), cameras.held(&camera).name), (json!(OURS), shown.clone()));
    let words = cli.run(&["device", "history", &camera]).ok();
    assert!(words.contains(&format!("{OURS} (showed {shown})")), "{words}");
    // And so on one device.
    update(&["--set", "Name=y", "--wait", "30s"]);
    let history = json_of(&cli, &["device", "history", &camera]);
    let revision = history["changes"][1]["revision"].to_string();
    cli.run(&["device", "revert", &camera, "--to", &revision, "--wait", "30s"]).ok();
    assert_eq!((name(), cameras.held(&camera).name), (json!(OURS), shown.clone()));

    // Also where it was given the name that it showed.
    let id = update(&["--set", &format!("Name={shown}"), "--wait", "30s"]);
    assert_eq!(name(), shown.as_str());
    cli.run(&["update", "revert", &id, "--wait", "30s"]).ok();
    assert_eq!(name(), OURS);

    // Cancelled while it is away: the name goes back at once, what is on record with a revert.
    cameras.unregister(&camera);
    native.wait_for_status(&camera, "OffLine");
    let listed = |options: &[&str]| {
        let found = json_of(&cli, &[&["device", "list"][..], options].concat());
        found["devices"].as_array().map(Vec::len)
    };
    assert_eq!(listed(&["--status", "offline"]), Some(1));
    assert_eq!(listed(&["--status", "OnLine", "--status", "Register"]), Some(0));
    assert_eq!(listed(&["--credentials", "current"]), Some(0), "it is not registered");
    let id = update(&["--set", "Name=z", "--set", "Desc=later"]);
    assert_eq!(name(), "z");
    json_of(&cli, &["update", "cancel", &id]);
    assert_eq!(name(), OURS);
    let description = || native.device(&camera)["camera"]["record"]["description"].clone();
    assert_eq!(description(), "later");
    cli.run(&["update", "revert", &id, "--wait", "30s"]).ok();
    assert_eq!((name(), description()), (json!(OURS), Value::Null));
    cli.run(&["update", "revert", &id]).ended(5, "all is as it was");
}
