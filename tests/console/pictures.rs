//! The pictures of the console in the documentation: with `UPDATE_SCREENSHOTS=1` they are taken
//! anew. Without it they are taken as well, and thrown away, so that they can be when it is time.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::harness::browser::{self, Script};
use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cameras, PATIENCE, Phones, Site, Start, tools, wait_until};

/// The most bytes of a picture: whoever reads a page loads all of them.
const PICTURE_MAX: u64 = 200_000;

/// The pictures, by their names in `docs/images`.
const PICTURES: [&str; 3] = ["console-overview.png", "console-devices.png", "console-device.png"];

/// Phones that are off, and cameras that are not registered any more.
const PHONES_OFF: usize = 4;
const CAMERAS_OFF: usize = 4;

#[test]
fn the_pictures_of_the_documentation_are_there_and_small() {
    let images = tools::workspace().join("docs/images");
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some_and(|value| value == "1") {
        take(&images);
    } else {
        let folder = tempfile::tempdir().expect("a folder");
        take(folder.path());
        assert!(PICTURES.iter().all(|picture| folder.path().join(picture).is_file()));
    }
    for picture in PICTURES {
        let path = images.join(picture);
        let size = std::fs::metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(size.len() <= PICTURE_MAX, "{}: {} bytes", path.display(), size.len());
    }
}

/// Takes them, of a fleet in which not all is well.
fn take(folder: &Path) {
    let site = Site::start(&Start::with_cameras(), Phones::of(300).per_server(50));
    let native = site.native();
    browser::add_user(&native);
    let cameras = Cameras::meet(Cameras::of(60, site.server.sip()), &native);
    for index in [7, 107, 207] {
        let refuse_set = [super::NAME.to_owned()].into();
        site.phones.set_faults(index, Faults { refuse_set, ..Faults::default() });
    }
    (50..50 + PHONES_OFF).for_each(|index| site.phones.power_off(index));
    cameras.ids().iter().take(CAMERAS_OFF).for_each(|id| cameras.unregister(id));
    let body = json!({"project": PROJECT, "selector": {}, "kind": "phone",
        "set": {super::NAME: "13800138000"}, "rollout": {"canary": 10, "wave": 100}});
    native.post("/api/v1/updates", &body);
    wait_until("all of it to be counted", 4 * PATIENCE, || {
        let seen = native.get(&format!("/api/v1/overview?project={PROJECT}"));
        let trouble = seen["devices"]["attention"]["trouble"].as_u64();
        let failed = seen["failures"]["reasons"].as_array().map_or(0, Vec::len);
        trouble >= Some((PHONES_OFF + CAMERAS_OFF) as u64) && failed > 0
    });
    let facts = json!({
        "folder": folder,
        "overview": PICTURES[0],
        "devices": PICTURES[1],
        "device": PICTURES[2],
        "phone": site.phones.id(7),
        "project": PROJECT,
    });
    Script::new("pictures").facts(facts).bound(Duration::from_secs(120)).run(&site.server.url());
}
