//! The pictures of the console in the documentation: with `UPDATE_SCREENSHOTS=1` they are taken
//! anew.

use std::time::Duration;

use serde_json::json;

use crate::harness::browser::{self, Script};
use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cameras, Phones, Site, Start, tools};

/// The most bytes of a picture: whoever reads a page loads all of them.
const PICTURE_MAX: u64 = 150_000;

/// The pictures, by their names in `docs/images`.
const PICTURES: [&str; 3] = ["console-overview.png", "console-devices.png", "console-device.png"];

#[test]
fn the_pictures_of_the_documentation_are_there_and_small() {
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some_and(|value| value == "1") {
        take();
    }
    for picture in PICTURES {
        let path = tools::workspace().join("docs/images").join(picture);
        let size = std::fs::metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(size.len() <= PICTURE_MAX, "{}: {} bytes", path.display(), size.len());
    }
}

/// Takes them, of a fleet in which not all is well.
fn take() {
    let site = Site::start(&Start::with_cameras(), Phones::of(300).per_server(50));
    let native = site.native();
    browser::add_user(&native);
    let cameras = Cameras::meet(Cameras::of(60, site.server.sip()), &native);
    for index in [7, 107, 207] {
        let refuse_set = [super::NAME.to_owned()].into();
        site.phones.set_faults(index, Faults { refuse_set, ..Faults::default() });
    }
    (50..54).for_each(|index| site.phones.power_off(index));
    cameras.ids().iter().take(4).for_each(|id| cameras.unregister(id));
    let body = json!({"project": PROJECT, "selector": {}, "kind": "phone",
        "set": {super::NAME: "13800138000"}, "rollout": {"canary": 10, "wave": 100}});
    native.post("/api/v1/updates", &body);
    let facts = json!({
        "folder": tools::workspace().join("docs/images"),
        "overview": PICTURES[0],
        "devices": PICTURES[1],
        "device": PICTURES[2],
        "phone": site.phones.id(7),
        "project": PROJECT,
    });
    Script::new("pictures").facts(facts).bound(Duration::from_secs(120)).run(&site.server.url());
}
