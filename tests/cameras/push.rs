//! Configurations that are pushed: when, how often, and what is said of what came of them.

use serde_json::json;

use crate::harness::cameras::{Edition, Faults, Make, record, server};
use crate::harness::site::import;
use crate::harness::{Cameras, Native, PATIENCE, Server, Start, wait_until};

/// A server that looks at new cameras at once, and one camera with these faults, registered.
fn met(make: Make, faults: Faults) -> (Server, Native, Cameras, String) {
    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    let plan = Cameras::of(1, server.sip()).make(make).faults(faults);
    let cameras = Cameras::meet(plan, &native);
    let id = cameras.ids()[0].clone();
    (server, native, cameras, id)
}

#[test]
fn what_is_asked_of_a_camera_that_is_away_waits_for_its_next_register() {
    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    let plan = Cameras::of(2, server.sip());
    import(&native, &Cameras::records(&plan));
    let first = Cameras::records(&plan)[0]["id"].as_str().expect("an id").to_owned();
    // It has never registered.
    let never = native.ask(&first, &json!({"Name": "东门-1", "HeartBeatInterval": "30"}));
    let shown = native.job(&never);
    assert_eq!(shown["stored"], true, "{shown}");
    // For the instant in which its lane finds it away it is running.
    assert!(!["succeeded", "failed"].contains(&shown["state"].as_str().expect("text")), "{shown}");
    assert_eq!(native.device(&first)["name"], "东门-1", "the name is on record at once");
    let cameras = Cameras::start(plan);
    let job = native.succeeded(&never);
    assert_eq!(job["proof"], "verified", "{job}");
    let held = cameras.held(&first);
    assert_eq!((held.name.as_str(), held.heartbeat_interval), ("东门-1", 30));
    assert_eq!(held.counts.device_configs, 1);

    // It was registered, and took itself off.
    let second = cameras.ids()[1].clone();
    native.wait_for_status(&second, "OnLine");
    cameras.unregister(&second);
    native.wait_for_status(&second, "OffLine");
    let later = native.ask(&second, &json!({"Name": "西门-2"}));
    assert_eq!(native.job(&later)["stored"], true);
    cameras.register(&second);
    native.succeeded(&later);
    assert_eq!(cameras.held(&second).name, "西门-2");
    // One that is there is not stored for.
    let now = native.ask(&second, &json!({"Name": "西门-3"}));
    assert_eq!(native.job(&now)["stored"], false);
    native.succeeded(&now);
}

#[test]
fn what_a_camera_refuses_fails_with_its_words() {
    let faults = Faults { error_answers: true, ..Faults::default() };
    let (_server, native, cameras, id) = met(Make::Generic, faults);
    let job = native.ended(&native.ask(&id, &json!({"Name": "gate"})));
    assert_eq!(job["state"], "failed", "{job}");
    let detail = job["detail"].as_str().expect("a reason");
    assert!(detail.contains("ERROR"), "{detail}");
    assert_eq!(cameras.held(&id).counts.device_configs, 1);
}

#[test]
fn without_config_download_a_name_is_read_elsewhere_and_the_rest_is_acknowledged() {
    let faults = Faults { no_config_download: true, ..Faults::default() };
    let (_server, native, cameras, id) = met(Make::Generic, faults);
    let job = native.succeeded(&native.ask(&id, &json!({"Name": "gate"})));
    assert_eq!(job["proof"], "verified", "{job}");
    assert_eq!(cameras.held(&id).name, "gate");
    let job = native.succeeded(&native.ask(&id, &json!({"HeartBeatCount": "7"})));
    assert_eq!(job["proof"], "acknowledged", "{job}");
    assert_eq!(cameras.held(&id).heartbeat_count, 7);
    assert_eq!(cameras.held(&id).counts.device_configs, 2);
}

#[test]
fn a_camera_that_says_yes_and_shows_its_old_name_is_not_believed() {
    let faults = Faults { forgets_name: true, ..Faults::default() };
    let (_server, native, cameras, id) = met(Make::Generic, faults);
    let job = native.ask(&id, &json!({"Name": "gate"}));
    wait_until("the camera to have been asked", PATIENCE, || {
        cameras.held(&id).counts.device_configs == 1
    });
    wait_until("what it shows to be read", PATIENCE, || {
        native.device(&id)["states"]["Name"]["state"] != "succeeded"
            && native.device(&id)["reported"]["Name"]["value"] == "cam"
    });
    assert_ne!(native.job(&job)["state"], "succeeded", "it shows something else");
    assert_eq!(cameras.held(&id).counts.device_configs, 1, "it was asked again");
}

#[test]
fn a_late_answer_is_an_answer() {
    let late = crate::harness::cameras::Late { ms: 3_000 };
    let faults = Faults { late_answers: Some(late), ..Faults::default() };
    let (_server, native, cameras, id) = met(Make::Generic, faults);
    let job = native.succeeded(&native.ask(&id, &json!({"Name": "gate"})));
    assert_eq!(job["proof"], "verified", "{job}");
    assert_eq!(cameras.held(&id).counts.device_configs, 1);
}

#[test]
fn a_camera_of_before_2014_can_be_set_nothing_and_says_so() {
    let (server, native) = server(&Start { cameras: true, ..Start::default() });
    let plan = Cameras::of(1, server.sip()).edition(Edition::Y2011);
    let cameras = Cameras::meet(plan, &native);
    let id = cameras.ids()[0].clone();
    let job = native.ended(&native.ask(&id, &json!({"Name": "gate"})));
    assert_eq!(job["state"], "failed", "{job}");
    assert!(job["detail"].as_str().expect("a reason").contains("cam"), "{job}");
    assert_eq!(cameras.held(&id).counts.device_configs, 1);
}

#[test]
fn a_make_that_restarts_instead_of_answering_is_believed_by_what_it_shows() {
    let (_server, native, cameras, id) = met(Make::Uniview, Faults::default());
    let job = native.succeeded(&native.ask(&id, &json!({"Name": "大门"})));
    assert_eq!(job["proof"], "verified", "{job}");
    let held = cameras.held(&id);
    assert_eq!((held.name.as_str(), held.counts.device_configs), ("大门", 1));
    assert_eq!(held.counts.unregistrations, 1);
}

/// Has a camera register anew, and waits until the server has looked at it.
fn come_again(native: &Native, cameras: &Cameras, id: &str) {
    let before = cameras.held(id).counts;
    cameras.unregister(id);
    native.wait_for_status(id, "OffLine");
    cameras.register(id);
    cameras.wait_for_registration(id, before.registrations);
    wait_until("the server to ask what it is", PATIENCE, || {
        cameras.held(id).counts.queries >= before.queries + 2
    });
}

#[test]
fn a_make_that_restarts_and_forgets_is_asked_once_and_not_for_ever() {
    let faults = Faults { unregister_and_restart: true, loses_config: true, ..Faults::default() };
    let (mut server, native, cameras, id) = met(Make::Generic, faults);
    let job = native.ended(&native.ask(&id, &json!({"Name": "gate"})));
    assert_eq!(job["state"], "failed", "{job}");
    let detail = job["detail"].as_str().expect("a reason");
    assert!(detail.contains("answer") && detail.contains("cam"), "{detail}");
    let asked = |cameras: &Cameras| cameras.held(&id).counts.device_configs;
    assert_eq!(asked(&cameras), 1);
    for _ in 0..5 {
        come_again(&native, &cameras, &id);
        assert_eq!(asked(&cameras), 1, "it was asked again");
    }
    server.kill9();
    server.restart(&Start { cameras: true, ..Start::default() });
    let native = server.native();
    for _ in 0..3 {
        come_again(&native, &cameras, &id);
        assert_eq!(asked(&cameras), 1, "it was asked again after a kill");
    }
    // Something else may be asked of it, once.
    let job = native.ended(&native.ask(&id, &json!({"Name": "another"})));
    assert_eq!(job["state"], "failed", "{job}");
    assert_eq!(asked(&cameras), 2);
    come_again(&native, &cameras, &id);
    assert_eq!(asked(&cameras), 2);
}

#[test]
fn values_that_no_camera_can_take_are_refused_at_once() {
    let (_server, native) = server(&Start::with_cameras());
    let id = "34020000001320000001";
    import(&native, &[record(id, "12345678")]);
    let long = "名".repeat(65);
    for (set, property) in [
        (json!({"Name": ""}), "Name"),
        (json!({"Name": " gate"}), "Name"),
        (json!({"Name": "a\u{1}b"}), "Name"),
        (json!({"Name": "a\u{ffff}b"}), "Name"),
        (json!({"Name": long}), "Name"),
        (json!({"Expiration": "3599"}), "Expiration"),
        (json!({"HeartBeatInterval": "4"}), "HeartBeatInterval"),
        (json!({"HeartBeatCount": "0"}), "HeartBeatCount"),
        (json!({"Channel.1.Name": "x"}), "Channel.1.Name"),
        (json!({"Channel.34020000001310000001.Title": "x"}), "Channel.34020000001310000001.Title"),
        (json!({"com.cph.mainkeys": "1"}), "com.cph.mainkeys"),
    ] {
        let body = json!({"project": "demo", "devices": [{"id": id, "set": set}]});
        let answer = native.post("/api/v1/updates", &body);
        assert_eq!(answer["jobs"][0]["error"]["property"], property, "{answer}");
        assert!(answer["jobs"][0].get("job").is_none(), "{answer}");
    }
    assert_eq!(native.device(id)["name"], id, "a refused name is on record");
}
