use std::collections::BTreeSet;

use fleet::{
    BootIdentity, DeviceKey, Door, Kind, Offline, Operation, PowerStep, Proof, Revision,
    SipTransport,
};

use super::*;
use crate::driver::Away;
use crate::operate::stage::{device_id, project};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn device(kind: Kind) -> Device {
    Device {
        key: DeviceKey(1),
        project: fleet::ProjectKey(1),
        project_id: project("acme"),
        kind,
        id: device_id("phone-1"),
        name: "Lobby".to_owned(),
        server: String::new(),
        address: "10.0.3.11:5555".to_owned(),
        container: String::new(),
        profile: "redroid".to_owned(),
        marker: "m".to_owned(),
        created_at: NOW,
        updated_at: NOW,
    }
}

/// The state of a device with which all is well.
fn well() -> DeviceState {
    DeviceState { condition: Condition::Running, adopted: true, ..DeviceState::new(NOW) }
}

fn binding() -> Binding {
    Binding {
        device: DeviceKey(1),
        transport: SipTransport::Udp,
        remote: "192.0.2.10:5060".parse().unwrap(),
        registered_at: NOW,
        refreshed_at: NOW,
        expires_at: Timestamp(NOW.0 + 1_000),
        version: None,
        nonce_at: 0,
        nonce_count: 0,
        ended: None,
        old_credentials: false,
    }
}

fn camera(binding: Option<Binding>) -> CameraState {
    CameraState {
        user: None,
        has_password: true,
        binding,
        channels: 0,
        record: fleet::Values::new(),
        organization: None,
        credentials_at: Some(NOW),
        overlap_until: Some(Timestamp(NOW.0 + 500)),
    }
}

/// The reasons of a phone.
fn of_a_phone(change: impl Fn(&mut DeviceState)) -> Vec<Reason> {
    let (device, mut state) = (device(Kind::Phone), well());
    change(&mut state);
    let copy = state.copy.map(|_| device.clone());
    of_device(Known {
        device: &device,
        state: &state,
        camera: None,
        copy: copy.as_ref(),
        paused: (false, false),
        now: NOW,
    })
}

/// The reasons of a GB device.
fn of_a_camera(camera: &CameraState, now: Timestamp) -> Vec<Reason> {
    let (device, state) = (device(Kind::Camera), well());
    let paused = (false, false);
    of_device(Known {
        device: &device,
        state: &state,
        camera: Some(camera),
        copy: None,
        paused,
        now,
    })
}

fn codes(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.code.name()).collect()
}

#[test]
fn a_device_with_which_all_is_well_has_no_reason() {
    assert_eq!(of_a_phone(|_| {}), []);
    assert_eq!(of_a_camera(&camera(Some(binding())), NOW), []);
}

#[test]
fn each_state_of_a_phone_is_told() {
    let power = || PowerStep {
        operation: Operation::Restart,
        through: Revision(1),
        from_boot: Some(BootIdentity { kernel: "k".to_owned(), init_start: "1".to_owned() }),
        blind: false,
        was: Condition::Running,
        begun_at: NOW,
        told: 1,
        told_at: NOW,
        heard: true,
        back: false,
    };
    let check = |change: &dyn Fn(&mut DeviceState), code: &str, part: &str| {
        let reasons = of_a_phone(change);
        assert_eq!(codes(&reasons), [code]);
        assert!(reasons[0].why.contains(part), "{:?}", reasons[0]);
        assert!(reasons[0].code.blocks());
    };
    check(&|state| state.frozen = true, "frozen", "frozen");
    check(&|state| state.copy = Some(DeviceKey(2)), "copy", "phone-1 at 10.0.3.11:5555");
    check(&|state| state.power = Some(power()), "power_under_way", "a restart of the device");
    check(&|state| state.condition = Condition::Stopping, "power_under_way", "a stop");
    check(&|state| state.condition = Condition::Resetting, "power_under_way", "a reset");
    check(&|state| state.condition = Condition::Restarting, "power_under_way", "a restart");
    check(&|state| state.condition = Condition::Stopped, "stopped", "stopped");
    check(&|state| state.condition = Condition::New, "never_reached", "not reached yet");
    check(&|state| state.condition = Condition::Abnormal, "trouble", "could not be reached");
    let troubled = |away: Away, code: &str, part: &str| {
        let trouble = away.to_string();
        check(&|state| state.trouble = Some(trouble.clone()), code, part);
    };
    let why = || "because".to_owned();
    troubled(Away::Unreachable("refused: x".to_owned()), "unreachable", "answer: refused: x");
    troubled(Away::Unauthorised(why()), "unauthorised", "in: because");
    troubled(Away::Booting, "booting", "still booting");
    let wrong = |marker: &str| Away::WrongDevice { marker: marker.to_owned(), boot: None };
    troubled(wrong(""), "not_adopted", "bears no marker");
    troubled(wrong("m2"), "wrong_device", "it bears the marker m2");
    troubled(Away::Unmarkable(why()), "unmarkable", "because");
    troubled(Away::Garbled(why()), "unexpected_answer", "because");
    troubled(Away::NotRegistered(why()), "not_registered", "because");
    check(&|state| state.trouble = Some("x: y".to_owned()), "trouble", "worked on: x: y");
}

#[test]
fn what_is_paused_comes_first() {
    let (device, mut state) = (device(Kind::Phone), well());
    state.frozen = true;
    let known = Known {
        device: &device,
        state: &state,
        camera: None,
        copy: None,
        paused: (true, true),
        now: NOW,
    };
    let reasons = of_device(known);
    assert_eq!(codes(&reasons), ["server_paused", "project_paused", "frozen"]);
    assert!(reasons[1].what_to_do.contains("fleetwright resume --project acme"));
    assert!(reasons[2].what_to_do.contains("fleetwright device unfreeze phone-1 --project acme`"));
}

#[test]
fn each_state_of_a_camera_is_told() {
    let check = |camera: CameraState, now: Timestamp, code: &str, part: &str| {
        let reasons = of_a_camera(&camera, now);
        assert_eq!(codes(&reasons), [code]);
        assert!(reasons[0].why.contains(part), "{:?}", reasons[0]);
    };
    check(camera(None), NOW, "waiting_for_registration", "never registered");
    let without = CameraState { has_password: false, ..camera(None) };
    check(without, NOW, "no_password", "no password on record");
    let late = Timestamp(NOW.0 + 2_000);
    check(camera(Some(binding())), late, "not_registered", "its registration ran out, at");
    let ended = Some((NOW, Offline::KeepalivesMissed));
    let gone = camera(Some(Binding { ended, ..binding() }));
    check(gone, NOW, "not_registered", "its keepalives stopped, at");
    let old = || camera(Some(Binding { old_credentials: true, ..binding() }));
    check(old(), NOW, "old_credentials", ", which work until");
    check(old(), Timestamp(NOW.0 + 600), "old_credentials", ", which work no more");
    let before = Binding { refreshed_at: Timestamp(NOW.0 - 1), ..binding() };
    check(camera(Some(before)), NOW, "credentials_not_used", "has not registered since; its");
}

fn job(end: Option<End>) -> Job {
    let request = fleet::RequestId::from_parts(NOW.0, 1);
    Job {
        id: request.job(0).unwrap(),
        device: DeviceKey(1),
        project: fleet::ProjectKey(1),
        revision: Revision(1),
        operation: Operation::Update,
        clear: false,
        patch: fleet::Values::new(),
        record: fleet::Values::new(),
        before: std::collections::BTreeMap::new(),
        stored: false,
        door: Door::Native,
        actor: "admin".to_owned(),
        accepted_at: NOW,
        end: end.map(|end| Ended { end, at: NOW, superseded_by: None }),
    }
}

/// The reasons of the value `sys.a`, which stands so, by a job that ended so.
fn of_sys_a(stands: ValueStands, end: Option<End>, blocked: &[Reason]) -> Vec<Reason> {
    let (device, job) = (device(Kind::Phone), job(end));
    let about = About { device: &device, property: "sys.a" };
    let value = Value { stands, job: Some(&job), argument: "a=1", device: blocked };
    of_value(about, value)
}

fn failed(failure: Failure) -> Option<End> {
    Some(End::Failed { failure })
}

#[test]
fn each_state_of_a_value_is_told() {
    let verified = || Some(End::Succeeded { proof: Proof::Verified });
    for good in [ValueStands::Shown, ValueStands::Recorded, ValueStands::Acknowledged] {
        assert_eq!(of_sys_a(good, verified(), &[]), []);
    }
    let check = |stands, end: Option<End>, code: &str, part: &str| {
        let reasons = of_sys_a(stands, end, &[]);
        assert_eq!(codes(&reasons), [code]);
        assert!(reasons[0].why.contains(part), "{:?}", reasons[0]);
    };
    let (name, other) = (|| "sys.a".to_owned(), || "sys.b".to_owned());
    let detail = || "no such file".to_owned();
    check(ValueStands::RestartPending, verified(), "restart_pending", "acts after a restart");
    check(ValueStands::NeedsRecreate, verified(), "needs_recreate", "starts, by a=1");
    check(ValueStands::Pending, None, "pending", "when its turn comes");
    check(ValueStands::Drift, verified(), "drift", "something else now");
    let drift = |failure, code, part| check(ValueStands::Drift, failed(failure), code, part);
    drift(Failure::Refused { name: name(), detail: detail() }, "refused", "sys.a: no such file");
    drift(Failure::Refused { name: other(), detail: detail() }, "drift", "something else now");
    let shows = Failure::ReadBackDiffers { name: name(), shown: Some("7".to_owned()) };
    drift(shows, "read_back_differs", "yes to sys.a and shows \"7\"");
    let shows = Failure::ReadBackDiffers { name: name(), shown: None };
    drift(shows, "read_back_differs", "shows nothing");
    let unsupported = Failure::Unsupported { name: name(), detail: detail() };
    drift(unsupported, "unsupported", "no such file");
    let recreate = Failure::NeedsRecreate { name: name(), argument: "b=2".to_owned() };
    drift(recreate, "needs_recreate", "by b=2");
    let late = || Failure::DeadlinePassed { trouble: "unreachable: x".to_owned() };
    drift(late(), "deadline_passed", "worked on: unreachable: x");
    let power = Failure::PowerFailed { operation: Operation::Restart, detail: detail() };
    drift(power, "power_failed", "the update's restart failed: no such file");

    let blocked = of_a_phone(|state| state.frozen = true);
    let waits = of_sys_a(ValueStands::Pending, failed(late()), &blocked);
    assert_eq!(codes(&waits), ["deadline_passed", "waits"]);
    assert!(waits[1].why.contains(&blocked[0].why));
}

#[test]
fn what_to_do_about_many_names_one_of_them() {
    let (p, id) = (project("p"), device_id("phone-1"));
    let told = |why| what_to_do(&why, &p, &id);
    let trouble = "unreachable".to_owned();
    let late = told(WhyNot::Failed(Failure::DeadlinePassed { trouble })).unwrap();
    assert!(late.contains("`fleetwright device check phone-1 --project p`"), "{late}");
    let (name, detail) = ("sys.a".to_owned(), "no".to_owned());
    let refused = told(WhyNot::Failed(Failure::Refused { name, detail })).unwrap();
    assert!(refused.contains("--project p --device phone-1 --set sys.a=VALUE"), "{refused}");
    let frozen = told(WhyNot::Refused(Refusal::Frozen)).unwrap();
    assert_eq!(frozen, "unfreeze it: `fleetwright device unfreeze phone-1 --project p`");
    assert_eq!(told(WhyNot::Failed(Failure::Deleted)), None);
    assert_eq!(told(WhyNot::Refused(Refusal::DeviceUnknown)), None);
}

#[test]
fn what_is_put_into_a_command_is_a_word_of_it() {
    let (p, id) = (project("p;q"), device_id("$(x){property}'{detail}"));
    let (name, detail) = ("sys.a".to_owned(), "no".to_owned());
    let told = what_to_do(&WhyNot::Failed(Failure::Refused { name, detail }), &p, &id).unwrap();
    let word = r"'$(x){property}'\''{detail}'";
    let expected = format!(
        "look at the device: `fleetwright device check {word} --project 'p;q'`; then ask again: \
         `fleetwright update --project 'p;q' --device {word} --set sys.a=VALUE`"
    );
    assert_eq!(told, expected);
    let of = Device { id, project_id: p, ..device(Kind::Phone) };
    let about = About { device: &of, property: "sys.a" };
    let reason = about.reason(Code::Refused, "`{device}` said no; it is off");
    assert_eq!(reason.why, "the device refused sys.a: `{device}` said no; it is off");
}

#[test]
fn the_table_is_whole() {
    let mut words = BTreeSet::new();
    let device = device(Kind::Phone);
    for code in Code::ALL {
        assert!(words.insert(code.name()), "{code} is there twice");
        assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        let about = About { device: &device, property: "sys.a" };
        let Reason { why, what_to_do, .. } = about.reason(*code, "DETAIL");
        assert!(!why.is_empty() && !what_to_do.is_empty());
        assert!(!format!("{why}{what_to_do}").contains(['{', '}']), "{code}: {why} {what_to_do}");
        // A command about a device says of which project it is.
        for command in what_to_do.split('`').filter(|text| text.starts_with("fleetwright device")) {
            assert!(command.contains(" --project acme"), "{code}: {command}");
        }
    }
    // What is put in is not looked at again.
    let about = About { device: &device, property: "sys.a" };
    let reason = about.reason(Code::Refused, "{device} {property}");
    assert!(reason.why.ends_with("{device} {property}"), "{}", reason.why);
}

#[test]
fn the_page_of_reasons_names_each_with_its_sentences() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate/why.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let expected: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(told, expected, "docs/operate/why.md has another list");
}
