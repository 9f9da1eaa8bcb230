//! A server that has something to show in each view of the console, and in each dialog.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::NAME;
use super::shown::Shown;
use crate::harness::browser;
use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cameras, Native, PATIENCE, Phones, Site, Start, wait_until};

/// Its phones and its cameras, a recorder among them.
const PHONES: usize = 12;
const CAMERAS: usize = 6;

/// Channels of the recorder.
const CHANNELS: u32 = 4;

/// A project without devices.
const EMPTY: &str = "empty";

/// Who may only look.
const VIEWER: &str = "vera";

/// A preset.
const PRESET: &str = "desk";

/// An organization.
const ORGANIZATION: &str = "site-1/gates";

/// A server with all of that.
pub struct Filled {
    /// The server and its phones, the third of which refuses every value.
    pub site: Site,
    cameras: Cameras,
    recorder: Cameras,
    /// An update of which one job has failed, and one whose waves are paused.
    over: String,
    paused: String,
    webhook: String,
    /// The viewer's token.
    viewer: String,
}

impl Filled {
    /// Starts it and fills it.
    pub fn start() -> Self {
        let site = Site::start(&Start::with_cameras(), Phones::of(PHONES).per_server(6));
        let native = site.native();
        browser::add_user(&native);
        let sip = site.server.sip();
        let cameras = Cameras::meet(Cameras::of(CAMERAS, sip), &native);
        let plan = Cameras::of(1, sip).first_id("34020000001180000001").channels(CHANNELS);
        let recorder = Cameras::meet(plan, &native);
        wait_until("the channels to be known", PATIENCE, || {
            native.channels(&recorder.ids()[0]).len() == CHANNELS as usize
        });
        enrol(&site, &native);
        let webhook = add_lists(&native);
        let over = update(&site);
        let paused = pause(&native);
        let viewer = add_viewer(&native);
        wait_until("the devices to be counted", 2 * PATIENCE, || {
            let seen = native.get(&format!("/api/v1/overview?project={PROJECT}"));
            seen["devices"]["total"] == PHONES + CAMERAS + 1
        });
        Self { site, cameras, recorder, over, paused, webhook, viewer }
    }

    /// What its views are looked at with.
    pub fn shown(&self) -> Shown {
        Shown {
            phone: self.site.phones.id(2),
            camera: self.cameras.ids().remove(0),
            recorder: self.recorder.ids().remove(0),
            updates: vec![self.over.clone(), self.paused.clone()],
            organization: ORGANIZATION.to_owned(),
            preset: PRESET.to_owned(),
            user: browser::USER.to_owned(),
            webhook: self.webhook.clone(),
        }
    }

    /// What the way to each dialog goes by.
    pub fn dialogs(&self) -> Value {
        let recorder = self.recorder.ids().remove(0);
        json!({
            "admin": self.site.server.admin_token(),
            "viewer": self.viewer,
            "project": PROJECT,
            "empty": EMPTY,
            "user": browser::USER,
            "token": "robot",
            "preset": PRESET,
            "organization": ORGANIZATION,
            "webhook": self.webhook,
            "key": self.site.key.ak,
            "paused": self.paused,
            "phone": self.site.phones.id(0),
            "camera": self.cameras.ids().remove(0),
            "recorder": recorder,
            "channel": self.site.native().channels(&recorder)[0]["id"],
        })
    }
}

/// Lets cameras enrol: one waits, and one that shows something else is refused.
fn enrol(site: &Site, native: &Native) {
    let terms = json!({"prefixes": ["34020000"], "ends_in_days": 7, "password": "shared-1"});
    native.put(&format!("/api/v1/projects/{PROJECT}/enrolment"), &terms);
    let stranger = |id: &str, password: &str| {
        Cameras::start(Cameras::of(1, site.server.sip()).first_id(id).password(password))
    };
    let _waits = stranger("34020000001320009001", "shared-1");
    let pending = format!("/api/v1/projects/{PROJECT}/pending");
    wait_until("one to be pending", PATIENCE, || {
        native.get(&pending)["devices"].as_array().is_some_and(|list| !list.is_empty())
    });
    let refused = "34020000001320009002";
    let _refused = stranger(refused, "not shared");
    wait_until("one to be refused", PATIENCE, || !native.refusals(refused).is_empty());
}

/// Puts something into the lists that administrators see. Gives the webhook's id.
fn add_lists(native: &Native) -> String {
    let project = format!("/api/v1/projects/{PROJECT}");
    native.post("/api/v1/projects", &json!({"id": EMPTY, "name": "Nothing yet"}));
    native.post(&format!("{project}/organizations"), &json!({"path": ORGANIZATION}));
    let preset = json!({"kind": "phone", "values": {NAME: "139${var:n}"}});
    native.put(&format!("{project}/presets/{PRESET}"), &preset);
    native.post("/api/v1/keys", &json!({"all_projects": true}));
    let token = json!({"name": "robot", "expires_in_days": 30});
    native.post(&format!("/api/v1/users/{}/tokens", browser::USER), &token);
    let webhook = json!({"url": "http://127.0.0.1:1/hook", "insecure": true,
        "project": PROJECT, "enabled": false});
    text(&native.post("/api/v1/webhooks", &webhook)["id"])
}

/// Makes somebody who may only look. Gives a token of theirs.
fn add_viewer(native: &Native) -> String {
    let user = json!({"name": VIEWER, "password": browser::PASSWORD, "role": "viewer"});
    native.post(&format!("/api/v1/projects/{PROJECT}/users"), &user);
    let token = json!({"name": "eyes", "expires_in_days": 1});
    text(&native.post(&format!("/api/v1/users/{VIEWER}/tokens"), &token)["token"])
}

/// An update of all phones in waves, one of which refuses it. Gives its id.
fn update(site: &Site) -> String {
    let native = site.native();
    let refuse_set = BTreeSet::from([NAME.to_owned()]);
    site.phones.set_faults(2, Faults { refuse_set, ..Faults::default() });
    let body = json!({"project": PROJECT, "selector": {}, "kind": "phone",
        "set": {NAME: "1"}, "rollout": {"canary": 4, "wave": 4}});
    let update = text(&native.post("/api/v1/updates", &body)["id"]);
    wait_until("the update to be done", 2 * PATIENCE, || {
        native.get(&format!("/api/v1/updates/{update}"))["rollout"]["phase"] == "done"
    });
    update
}

/// An update that is paused behind its first wave. Gives its id.
fn pause(native: &Native) -> String {
    let body = json!({"project": PROJECT, "selector": {}, "kind": "phone",
        "set": {NAME: "2"}, "rollout": {"canary": 1, "pause_seconds": 3600}});
    let update = text(&native.post("/api/v1/updates", &body)["id"]);
    let address = format!("/api/v1/updates/{update}");
    wait_until("its first wave to be over", PATIENCE, || {
        native.get(&address)["jobs"]["succeeded"] == 1
    });
    native.post(&format!("{address}/pause"), &json!({}));
    update
}

/// A text of an answer.
#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
