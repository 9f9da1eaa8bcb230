//! What bad inputs are sent to: a server with phones, a job, a user and somebody else's project.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Key, PATIENCE, Phones, Request, Site, Start, wait_until};

/// The user who may sign in.
pub const USER: &str = "operator";
/// The user's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// The project that is somebody else's.
pub const STRANGER: &str = "stranger";

/// What is not compared: it changes by itself.
const PASSING: [&str; 2] = ["states", "reported"];

/// A server with all that a bad input may hurt.
pub struct Bed {
    /// The server and its phones: one that is sent bad inputs, and one that nothing is asked of.
    pub site: Site,
    /// The first phone.
    pub phone: String,
    /// The phone's server.
    pub server: String,
    /// A job of the first phone that has ended.
    pub job: String,
    /// Its request.
    pub request: String,
    /// A token of [`USER`].
    pub token: String,
    /// A key of [`STRANGER`].
    pub stranger: Key,
    /// A phone of [`STRANGER`].
    pub strangers_phone: String,
    /// A request of [`STRANGER`].
    pub strangers_request: String,
    /// A job of [`STRANGER`].
    pub strangers_job: String,
}

impl Bed {
    /// Starts all of it.
    pub fn start() -> Self {
        let site = Site::start(&Start::default(), Phones::of(2));
        let native = site.native();
        let stranger = native.new_project(STRANGER);
        let strangers_phone = "5".repeat(32);
        import(
            &native,
            &[json!({
                "kind": "phone", "project": STRANGER, "id": strangers_phone, "name": "theirs",
                "server": "their-server", "address": "127.0.0.1:1", "profile": "simulated",
            })],
        );
        native.post(
            &format!("/api/v1/projects/{PROJECT}/users"),
            &json!({"name": USER, "password": PASSWORD}),
        );
        let phone = site.phones.id(0);
        let server = site.phones.records()[0]["server"].as_str().expect("a server").to_owned();
        let cph = site.cph();
        let job = cph.update(&phone, json!({"sys.prop.writephonenum": "13800000000"}));
        wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
        let request = cph.job(&job)["request_id"].as_str().expect("a request").to_owned();
        let theirs = crate::harness::Cph::new(site.server.address(), &stranger);
        let strangers_job = theirs.update(&strangers_phone, json!({"com.cph.mainkeys": 1}));
        let strangers_request =
            theirs.job(&strangers_job)["request_id"].as_str().expect("a request").to_owned();
        let mut bed = Self {
            site,
            phone,
            server,
            job,
            request,
            token: String::new(),
            stranger,
            strangers_phone,
            strangers_request,
            strangers_job,
        };
        let answer = bed.sign_in(USER, PASSWORD).send(bed.site.server.address());
        assert_eq!(answer.status, 201, "{answer:?}");
        let token = answer.headers.get("x-subject-token").expect("a token");
        bed.token = token.to_str().expect("text").to_owned();
        let tags = json!({"action": "create", "tags": [{"key": "floor", "value": "3"}]});
        let target = format!("/v1/{PROJECT}/elastic-cloud-phone/{}/tags/action", bed.phone);
        let request = bed.signed(Request::new("POST", &target).body(tags.to_string()));
        assert_eq!(request.send(bed.site.server.address()).status, 204, "no tag was put");
        bed
    }

    /// `host:port` of the server.
    pub fn host(&self) -> String {
        self.site.server.address().to_string()
    }

    /// The path of the project's cloud phones with `rest`.
    pub fn target(&self, rest: &str) -> String {
        format!("/v1/{PROJECT}/cloud-phone/{rest}")
    }

    /// A signed request.
    pub fn signed(&self, request: Request) -> Request {
        request.signed(&self.site.key, &self.host())
    }

    /// A signed GET.
    pub fn get(&self, rest: &str) -> Request {
        self.signed(Request::new("GET", &self.target(rest)))
    }

    /// A signed request with a body.
    pub fn with_body(&self, method: &str, rest: &str, body: impl Into<Vec<u8>>) -> Request {
        self.signed(Request::new(method, &self.target(rest)).body(body))
    }

    /// UpdateCloudPhoneProperty with this body.
    pub fn update(&self, body: impl Into<Vec<u8>>) -> Request {
        self.with_body("POST", "phones/batch-update-property", body)
    }

    /// UpdateCloudPhoneProperty with one entry, as it stands in JSON.
    pub fn entry(&self, entry: &str) -> Request {
        self.update(format!("{{\"phones\":[{entry}]}}"))
    }

    /// UpdateCloudPhoneProperty of the first phone with this text as `property`.
    pub fn property(&self, text: &str) -> Request {
        self.entry(&json!({"phone_id": self.phone, "property": text}).to_string())
    }

    /// `POST /v3/auth/tokens` with a password.
    pub fn sign_in(&self, user: &str, password: &str) -> Request {
        self.sign_in_as(&json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": user, "password": password, "domain": {"name": "any"},
            }}},
            "scope": {"project": {"id": PROJECT}},
        }}))
    }

    /// `POST /v3/auth/tokens` with this body.
    pub fn sign_in_as(&self, body: &Value) -> Request {
        Request::new("POST", "/v3/auth/tokens").body(body.to_string())
    }

    /// All that a bad input might change, under names.
    pub fn state(&self) -> BTreeMap<String, Value> {
        let native = self.site.native();
        let mut state = BTreeMap::new();
        let devices = native.get("/api/v1/devices?limit=1000");
        for mut device in devices["devices"].as_array().expect("devices").clone() {
            let id = device["id"].as_str().expect("an id").to_owned();
            if device["project"] == STRANGER {
                // Nobody answers there, and after a while it is known.
                let asked = ["id", "name", "server", "address", "revision", "desired", "frozen"];
                device = asked
                    .iter()
                    .map(|name| (*name).to_owned())
                    .map(|name| {
                        let value = device[&name].clone();
                        (name, value)
                    })
                    .collect();
            }
            if let Some(fields) = device.as_object_mut() {
                PASSING.iter().for_each(|name| drop(fields.remove(*name)));
            }
            state.insert(format!("device {id}"), device);
        }
        for list in ["/api/v1/projects", "/api/v1/settings"] {
            state.insert(list.to_owned(), native.get(list));
        }
        for project in [PROJECT, STRANGER] {
            for list in ["keys", "users"] {
                let list = format!("/api/v1/projects/{project}/{list}");
                state.insert(list.clone(), native.get(&list));
            }
        }
        let accepted = native.metric("fleetwright_jobs_accepted_total");
        state.insert("jobs accepted".to_owned(), json!(accepted));
        let answer = self.get("servers").send(self.site.server.address());
        state.insert("servers".to_owned(), answer.ok()["servers"].clone());
        for kind in ["cph-server", "elastic-cloud-phone"] {
            let tags = Request::new("GET", &format!("/v1/{PROJECT}/{kind}/tags"));
            let answer = self.signed(tags).send(self.site.server.address());
            state.insert(format!("tags of {kind}"), answer.ok());
        }
        state
    }
}
