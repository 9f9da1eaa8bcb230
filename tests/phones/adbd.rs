//! Real phones: Debian's adbd 34, each with a state of its own, asked by Debian's adb.

use serde_json::{Value, json};

use crate::harness::adb::{Adb, RealPhones};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Cli, Cph, PATIENCE, Server, Start, wait_for, wait_until};

const NUMBER: &str = "sys.prop.writephonenum";
const LOCALE: &str = "persist.sys.locale";
/// Takes any printable ASCII, up to Android's 91 bytes; Android lets it be set once a boot.
const RENDERER: &str = "ro.hardware.gpurenderer";
/// Takes spaces, `#`, `@` and Chinese characters.
const PICTURE: &str = "com.cph.cam_local_pic_path";

/// A server and the phones that it has met.
struct Place {
    server: Server,
    cph: Cph,
    phones: RealPhones,
}

impl Place {
    /// With one phone for each of these profiles.
    fn start(profiles: &[&str]) -> Self {
        let phones = RealPhones::start(profiles.len());
        let server = Server::start(&Start::default());
        let native = server.native();
        let key = native.new_project(PROJECT);
        let records: Vec<Value> =
            profiles.iter().enumerate().map(|(i, profile)| phones.record(i, profile)).collect();
        import(&native, &records);
        let place = Self { cph: Cph::new(server.address(), &key), server, phones };
        for index in 0..profiles.len() {
            place.wait_for_condition(index, "running");
        }
        place
    }

    fn wait_for_condition(&self, index: usize, condition: &str) {
        let native = self.server.native();
        wait_until(&format!("phone {index} to be {condition}"), PATIENCE, || {
            native.device(&RealPhones::id(index))["condition"] == condition
        });
    }

    /// Updates a phone and waits for the job to succeed.
    fn set(&self, index: usize, property: Value) {
        let job = self.cph.update(&RealPhones::id(index), property);
        self.succeeds(&job);
    }

    fn succeeds(&self, job: &str) {
        let ended = wait_for("a job's end", PATIENCE, || {
            Some(self.cph.job(job)).filter(|job| job["status"] != json!(1))
        });
        assert_eq!(ended["status"], json!(2), "{ended}");
    }
}

#[test]
fn three_phones_take_their_values_as_they_are() {
    let place = Place::start(&["simulated", "simulated", "android"]);
    let trap = place.phones.folder_of(0).join("trap");
    let touch = format!("touch {}", trap.display());
    let hostile = format!("'\"$({touch});{touch}`x`&&|<>\\*?[]{{}}~!#%s\\n -n");
    assert!(hostile.len() <= 91, "{} bytes do not fit", hostile.len());
    let picture = "/sdcard/手机 图#1 @home: a-b_c.png";

    let request = place
        .cph
        .try_update(&[
            (&RealPhones::id(0), json!({RENDERER: hostile, NUMBER: "13800000000"})),
            (&RealPhones::id(1), json!({PICTURE: picture, NUMBER: "13800000001"})),
            (&RealPhones::id(2), json!({NUMBER: "13800000002"})),
        ])
        .expect("an answer")
        .ok();
    for position in 0..3 {
        let job = request["jobs"][position]["job_id"].as_str();
        place.succeeds(job.unwrap_or_else(|| panic!("no job: {request}")));
    }

    let adb = Adb::new();
    for (index, name, value) in [
        (0, RENDERER, hostile.as_str()),
        (0, NUMBER, "13800000000"),
        (1, PICTURE, picture),
        (1, NUMBER, "13800000001"),
        (1, RENDERER, ""),
        (2, NUMBER, "13800000002"),
    ] {
        assert_eq!(adb.getprop(place.phones.address(index), name), value, "{name} of {index}");
    }
    assert!(!trap.exists(), "a part of a value was run as a command");
}

#[test]
fn a_daemon_killed_in_the_middle_ends_with_the_right_values() {
    let mut place = Place::start(&["simulated"]);
    place.set(0, json!({NUMBER: "13800000001", PICTURE: "before"}));
    // The names are set in their order, so the picture's set has not run when the number's is held.
    place.phones.hold_set_of(0, NUMBER);
    let job =
        place.cph.update(&RealPhones::id(0), json!({PICTURE: "after", NUMBER: "13800000002"}));
    wait_until("the script's second set", PATIENCE, || place.phones.holds(0));
    place.phones.kill(0);
    place.phones.let_go(0);
    assert_eq!(place.phones.get(0, PICTURE), "after", "the first set has had its effect");
    assert_eq!(place.phones.get(0, NUMBER), "13800000001", "the second has had none");
    assert_eq!(place.cph.job(&job)["status"], json!(1), "half an application is no success");

    place.phones.restart(0);
    place.succeeds(&job);
    let adb = Adb::new();
    assert_eq!(adb.getprop(place.phones.address(0), PICTURE), "after");
    assert_eq!(adb.getprop(place.phones.address(0), NUMBER), "13800000002");
}

#[test]
fn an_address_that_now_belongs_to_another_phone_gets_nothing() {
    let mut place = Place::start(&["simulated", "simulated"]);
    place.set(0, json!({LOCALE: "zh-CN"}));
    place.set(1, json!({LOCALE: "en-US"}));
    place.phones.swap_addresses(0, 1);

    let native = place.server.native();
    let job = place.cph.update(&RealPhones::id(0), json!({LOCALE: "fr-FR"}));
    let other = "another device answers at this address";
    for index in 0..2 {
        wait_until("the other phone to be noticed", PATIENCE, || {
            let device = native.device(&RealPhones::id(index));
            device["trouble"].as_str().is_some_and(|trouble| trouble.contains(other))
        });
    }
    let shown = Cli::new(&place.server).run(&["device", "show", &RealPhones::id(0)]).ok();
    assert!(shown.contains(other), "{shown}");
    assert_eq!(place.cph.job(&job)["status"], json!(1));
    for (index, locale) in [(0, "zh-CN"), (1, "en-US")] {
        assert_eq!(place.phones.get(index, LOCALE), locale, "phone {index} was given a value");
        assert_eq!(
            place.phones.get(index, NUMBER),
            "",
            "phone {index} was given what a boot wiped"
        );
    }

    // The remedy is the operator's: the records say where the phones are now.
    import(&native, &[0, 1].map(|index| place.phones.record(index, "simulated")));
    place.succeeds(&job);
    for (index, locale) in [(0, "fr-FR"), (1, "en-US")] {
        place.wait_for_condition(index, "running");
        assert_eq!(place.phones.get(index, LOCALE), locale, "phone {index}");
    }
}
