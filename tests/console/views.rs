//! Every view of the console, light and dark, in both languages, on a desk and on a telephone: axe
//! finds nothing that shuts anybody out, nothing jumps, nothing sticks out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::NAME;
use crate::harness::browser::{self, LANGUAGES, NARROW, Script, WIDE};
use crate::harness::phones::{Faults, PROJECT};
use crate::harness::{Cameras, PATIENCE, Phones, Site, Start, wait_until};

/// A server that has something to show in each view.
struct Stage {
    site: Site,
    cameras: Cameras,
    /// An update of which one job has failed.
    update: String,
}

impl Stage {
    fn new() -> Self {
        let site = Site::start(&Start::with_cameras(), Phones::of(12).per_server(6));
        let native = site.native();
        browser::add_user(&native);
        let sip = site.server.sip();
        let cameras = Cameras::meet(Cameras::of(6, sip), &native);
        let recorder = Cameras::meet(Cameras::of(1, sip).channels(4), &native);
        let id = recorder.ids().remove(0);
        wait_until("the channels to be known", PATIENCE, || native.channels(&id).len() == 4);
        drop(recorder);
        // One that may not come in.
        let prefixes = json!({"prefixes": ["34020000"], "ends_in_days": 7, "password": "shared-1"});
        native.put(&format!("/api/v1/projects/{PROJECT}/enrolment"), &prefixes);
        let stranger = Cameras::of(1, sip).first_id("34020000001320009001").password("shared-1");
        let _stranger = Cameras::start(stranger);
        let pending = format!("/api/v1/projects/{PROJECT}/pending");
        wait_until("one to be pending", PATIENCE, || {
            native.get(&pending)["devices"].as_array().is_some_and(|list| !list.is_empty())
        });
        Self::fill(&site);
        let update = Self::update(&site);
        Self { site, cameras, update }
    }

    /// Puts something into the lists that administrators see.
    fn fill(site: &Site) {
        let native = site.native();
        let project = format!("/api/v1/projects/{PROJECT}");
        native.post(&format!("{project}/organizations"), &json!({"path": "site-1/gates"}));
        let preset = json!({"kind": "phone", "values": {NAME: "139${var:n}"}});
        native.put(&format!("{project}/presets/desk"), &preset);
        let webhook = json!({"url": "http://127.0.0.1:1/hook", "insecure": true,
            "project": PROJECT, "enabled": false});
        native.post("/api/v1/webhooks", &webhook);
        native.post("/api/v1/keys", &json!({"all_projects": true}));
        let token = json!({"name": "robot", "expires_in_days": 30});
        native.post(&format!("/api/v1/users/{}/tokens", browser::USER), &token);
    }

    /// An update of all phones in waves, one of which refuses it. Gives its id.
    fn update(site: &Site) -> String {
        let native = site.native();
        let refuse_set = BTreeSet::from([NAME.to_owned()]);
        site.phones.set_faults(2, Faults { refuse_set, ..Faults::default() });
        let body = json!({"project": PROJECT, "selector": {}, "kind": "phone",
            "set": {NAME: "1"}, "rollout": {"canary": 4, "wave": 4}});
        let update =
            native.post("/api/v1/updates", &body)["id"].as_str().expect("an id").to_owned();
        wait_until("the update to be done", 2 * PATIENCE, || {
            native.get(&format!("/api/v1/updates/{update}"))["rollout"]["phase"] == "done"
        });
        update
    }

    /// Every view, by its address in the router, and an address to look at it.
    fn views(&self) -> Value {
        let (phone, camera) = (self.site.phones.id(2), self.cameras.ids().remove(0));
        let update = &self.update;
        json!({
            "/ui/audit": ["/ui/audit"],
            "/ui/cluster": ["/ui/cluster"],
            "/ui/devices": ["/ui/devices", "/ui/devices?kind=camera"],
            "/ui/devices/$project/$id": [
                format!("/ui/devices/{PROJECT}/{phone}"),
                format!("/ui/devices/{PROJECT}/{phone}?tab=explain"),
                format!("/ui/devices/{PROJECT}/{phone}?tab=history"),
                format!("/ui/devices/{PROJECT}/{camera}"),
            ],
            "/ui/enrolment": [format!("/ui/enrolment?project={PROJECT}")],
            "/ui/import": [format!("/ui/import?project={PROJECT}")],
            "/ui/keys": [format!("/ui/keys?project={PROJECT}")],
            "/ui/organizations": [format!("/ui/organizations?project={PROJECT}")],
            "/ui/overview": ["/ui/overview"],
            "/ui/passwords": [format!("/ui/passwords?project={PROJECT}")],
            "/ui/presets": [format!("/ui/presets?project={PROJECT}")],
            "/ui/projects": ["/ui/projects"],
            "/ui/projects/$project": [format!("/ui/projects/{PROJECT}")],
            "/ui/registrations": ["/ui/registrations"],
            "/ui/updates": ["/ui/updates"],
            "/ui/updates/$id": [format!("/ui/updates/{update}")],
            "/ui/updates/new": [
                "/ui/updates/new",
                format!("/ui/updates/new?project={PROJECT}&kind=phone&id={phone}"),
            ],
            "/ui/users": [format!("/ui/users?project={PROJECT}")],
            "/ui/webhooks": [format!("/ui/webhooks?project={PROJECT}")],
        })
    }

    /// Looks at all of them in this language and width.
    fn look(&self, language: &'static str, width: u32) {
        let token = self.site.server.admin_token();
        let facts = json!({"views": self.views(), "token": token});
        let script = Script::new("views").language(language).width(width).facts(facts);
        script.run(&self.site.server.url());
    }
}

#[test]
fn every_view_is_open_to_everybody_on_a_desk() {
    let stage = Stage::new();
    LANGUAGES.into_iter().for_each(|language| stage.look(language, WIDE));
}

#[test]
fn every_view_is_open_to_everybody_on_a_telephone() {
    let stage = Stage::new();
    LANGUAGES.into_iter().for_each(|language| stage.look(language, NARROW));
}
