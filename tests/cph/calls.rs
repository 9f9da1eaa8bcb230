//! Every call that is offered, in the order of a working day: by Huawei's SDK with a key, and by
//! plain HTTP with a token. Both see the same.

use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::{Answer, PATIENCE, Phones, Request, Sdk, Site, Start, wait_for};

/// The user whose token is used, and the password.
const USER: &str = "operator";
const PASSWORD: &str = "correct horse battery staple";

/// A client that makes calls under the SDK's names for them, with parameters under the names of the
/// wire.
trait Client {
    /// What a call that must succeed answers; null for an answer without a body.
    fn call(&mut self, call: &str, args: Value) -> Value;
}

impl Client for Sdk {
    #[track_caller]
    fn call(&mut self, call: &str, args: Value) -> Value {
        let answer = Sdk::call(self, call, &args);
        assert_eq!(answer.get("exception"), None, "{call} {args}: {answer}");
        answer
    }
}

/// A client with a token and no key.
struct Plain<'a> {
    site: &'a Site,
    token: String,
}

impl<'a> Plain<'a> {
    /// Signs in.
    fn new(site: &'a Site) -> Self {
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": USER, "password": PASSWORD, "domain": {"name": "our-domain"},
            }}},
            "scope": {"project": {"name": PROJECT}},
        }});
        let request = Request::new("POST", "/v3/auth/tokens").body(body.to_string());
        let answer = request.send(site.server.address());
        assert_eq!(answer.status, 201, "{answer:?}");
        let token = &answer.body["token"];
        assert_eq!(token["project"]["id"], PROJECT, "{token}");
        assert_eq!(token["user"]["name"], USER, "{token}");
        assert_eq!(token["user"]["domain"]["name"], "our-domain", "{token}");
        assert!(token["expires_at"].as_str() > token["issued_at"].as_str(), "{token}");
        assert!(!answer.text.contains(PASSWORD), "an answer repeats the password");
        let header = answer.headers.get("x-subject-token").expect("the token's header");
        Self { site, token: header.to_str().expect("text").to_owned() }
    }

    /// One call with the token.
    fn send(&self, request: Request) -> Answer {
        request.header("x-auth-token", &self.token).send(self.site.server.address())
    }
}

impl Client for Plain<'_> {
    #[track_caller]
    fn call(&mut self, call: &str, mut args: Value) -> Value {
        let (method, path) = route(call);
        let mut target = path.replace("{project_id}", PROJECT);
        let fields = args.as_object_mut().expect("an object of parameters");
        let body = fields.remove("body");
        let mut query = Vec::new();
        for (name, value) in &*fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let place = format!("{{{name}}}");
            if target.contains(&place) {
                target = target.replace(&place, &value);
            } else {
                query.push(format!("{name}={value}"));
            }
        }
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        let mut request = Request::new(method, &target);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = self.send(request);
        assert!(matches!(answer.status, 200 | 204), "{call} {target}: {answer:?}");
        answer.body
    }
}

/// The method and path of a call (CPH API, the page of each call).
fn route(call: &str) -> (&'static str, &'static str) {
    match call {
        "update_cloud_phone_property" => {
            ("POST", "/v1/{project_id}/cloud-phone/phones/batch-update-property")
        }
        "list_cloud_phones" => ("GET", "/v1/{project_id}/cloud-phone/phones"),
        "show_cloud_phone_detail" => ("GET", "/v1/{project_id}/cloud-phone/phones/{phone_id}"),
        "update_phone_name" => ("PUT", "/v1/{project_id}/cloud-phone/phones/{phone_id}"),
        "restart_cloud_phone" => ("POST", "/v1/{project_id}/cloud-phone/phones/batch-restart"),
        "reset_cloud_phone" => ("POST", "/v1/{project_id}/cloud-phone/phones/batch-reset"),
        "stop_cloud_phone" => ("POST", "/v1/{project_id}/cloud-phone/phones/batch-stop"),
        "list_jobs" => ("GET", "/v1/{project_id}/cloud-phone/jobs"),
        "show_job" => ("GET", "/v1/{project_id}/cloud-phone/jobs/{job_id}"),
        "list_cloud_phone_servers" => ("GET", "/v1/{project_id}/cloud-phone/servers"),
        "show_cloud_phone_server_detail" => {
            ("GET", "/v1/{project_id}/cloud-phone/servers/{server_id}")
        }
        "update_server_name" => ("PUT", "/v1/{project_id}/cloud-phone/servers/{server_id}"),
        "list_cloud_phone_models" => ("GET", "/v1/{project_id}/cloud-phone/phone-models"),
        "list_cloud_phone_images" => ("GET", "/v1/{project_id}/cloud-phone/phone-images"),
        "list_project_tags" => ("GET", "/v1/{project_id}/{resource_type}/tags"),
        "list_resource_tags" => ("GET", "/v1/{project_id}/{resource_type}/{resource_id}/tags"),
        "batch_create_tags" | "batch_delete_tags" => {
            ("POST", "/v1/{project_id}/{resource_type}/{resource_id}/tags/action")
        }
        "list_resource_instances" => {
            ("POST", "/v1/{project_id}/{resource_type}/resource_instances/action")
        }
        _ => panic!("{call} is not offered"),
    }
}

/// A site whose phones can be stopped too, since an operator has said how, and a user of it.
fn site() -> Site {
    let mut phones = Phones::start(Phones::of(3).per_server(2));
    let control = phones.control();
    let profile = format!(
        "name = \"simulated\"\nbase = \"simulated\"\n\n[commands]\n\
         stop = [{control}, \"stop\", \"{{device}}\"]\n\
         start = [{control}, \"start\", \"{{device}}\"]\n"
    );
    let start = Start::default().with_file("catalogue/profiles/simulated.toml", profile);
    let site = Site::start_with(&start, phones);
    let target = format!("/api/v1/projects/{PROJECT}/users");
    site.native().post(&target, &json!({"name": USER, "password": PASSWORD}));
    site
}

#[test]
fn the_sdk_makes_every_call_by_key() {
    let site = site();
    every_call(&site, &mut Sdk::new(&site.server.url(), &site.key, None));
}

#[test]
fn a_plain_client_makes_every_call_by_token() {
    let site = site();
    let mut client = Plain::new(&site);
    let projects = client.send(Request::new("GET", "/v3/projects")).ok();
    assert_eq!(projects["projects"][0]["id"], PROJECT, "{projects}");
    every_call(&site, &mut client);
}

#[test]
fn both_see_the_same() {
    let site = site();
    let mut sdk = Sdk::new(&site.server.url(), &site.key, None);
    let mut plain = Plain::new(&site);
    for (call, args) in [
        ("list_cloud_phones", json!({})),
        ("list_cloud_phones", json!({"limit": 1, "offset": 1, "status": 2, "type": 0})),
        ("show_cloud_phone_detail", json!({"phone_id": site.phones.id(0)})),
        ("list_cloud_phone_servers", json!({"limit": 100})),
        ("show_cloud_phone_server_detail", json!({"server_id": "server-001"})),
        ("list_cloud_phone_models", json!({"status": 1})),
        ("list_cloud_phone_images", json!({"image_type": "all"})),
    ] {
        let mut answers = [sdk.call(call, &args), Client::call(&mut plain, call, args)];
        for answer in &mut answers {
            let id = answer.as_object_mut().and_then(|fields| fields.remove("request_id"));
            assert!(id.is_some_and(|id| id.is_string()), "{call} names no request");
        }
        assert_eq!(answers[0], answers[1], "{call}");
    }
}

/// Every call, each with what must come of it.
fn every_call(site: &Site, client: &mut dyn Client) {
    update_and_read(site, client);
    names_and_lists(site, client);
    tags(site, client);
    power(site, client);
}

/// Waits until all jobs of an answer have succeeded, asked for together and one by one.
fn all_succeed(client: &mut dyn Client, answer: &Value) {
    let request = answer["request_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let asked = answer["jobs"].as_array().expect("jobs").clone();
    let listed = wait_for("the jobs' ends", PATIENCE, || {
        let listed = client.call("list_jobs", json!({"request_id": request}));
        let jobs = listed["jobs"].as_array().expect("jobs");
        jobs.iter().all(|job| job["status"] != json!(1)).then(|| listed.clone())
    });
    for (entry, job) in asked.iter().zip(listed["jobs"].as_array().expect("jobs")) {
        assert_eq!(job["status"], json!(2), "{job}");
        assert_eq!((&job["job_id"], &job["phone_id"]), (&entry["job_id"], &entry["phone_id"]));
        let shown = client.call("show_job", json!({"job_id": entry["job_id"]}));
        assert_eq!(shown["status"], json!(2), "{shown}");
        assert_eq!(shown["request_id"], request, "{shown}");
    }
}

/// UpdateCloudPhoneProperty, ListJobs, ShowJob and ShowCloudPhoneDetail.
fn update_and_read(site: &Site, client: &mut dyn Client) {
    let ids = [0, 1].map(|index| site.phones.id(index));
    let property = json!({"sys.prop.writewifissid": "home", "com.cph.mainkeys": 1}).to_string();
    let entries = ids.iter().map(|id| {
        json!({"phone_id": id, "property": property, "custom_property": {"custom.prop.a": "b c"}})
    });
    let body = json!({"phones": entries.collect::<Vec<_>>()});
    let answer = client.call("update_cloud_phone_property", json!({"body": body}));
    all_succeed(client, &answer);
    for (index, id) in ids.iter().enumerate() {
        let detail = client.call("show_cloud_phone_detail", json!({"phone_id": id}));
        assert_eq!(detail["status"], json!(2), "{detail}");
        let text = detail["property"].as_str().expect("property is text");
        let shown: Value = serde_json::from_str(text).expect("property is JSON");
        assert_eq!(shown["sys.prop.writewifissid"], "home", "{shown}");
        assert_eq!(shown["com.cph.mainkeys"], "1", "each value as text");
        assert_eq!(detail["custom_property"]["custom.prop.a"], "b c", "{detail}");
        assert_eq!(site.phones.get(index, "sys.prop.writewifissid").as_deref(), Some("home"));
        assert_eq!(site.phones.get(index, "custom.prop.a").as_deref(), Some("b c"));
    }
}

/// The lists, their filters and pages, and the two calls that give names.
fn names_and_lists(site: &Site, client: &mut dyn Client) {
    let id = site.phones.id(0);
    let args = json!({"phone_id": id, "body": {"phone_name": "前台-1"}});
    client.call("update_phone_name", args);
    let detail = client.call("show_cloud_phone_detail", json!({"phone_id": id}));
    assert_eq!(detail["phone_name"], "前台-1", "{detail}");

    let all = client.call("list_cloud_phones", json!({}));
    assert_eq!(all["count"], json!(3), "{all}");
    let first = client.call("list_cloud_phones", json!({"limit": 2}));
    let rest = client.call("list_cloud_phones", json!({"limit": 2, "offset": 2}));
    let ids_of = |page: &Value| -> Vec<String> {
        let phones = page["phones"].as_array().expect("phones").iter();
        phones.map(|phone| phone["phone_id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!([ids_of(&first), ids_of(&rest)].concat(), ids_of(&all), "pages make the whole");
    let of_server = client.call("list_cloud_phones", json!({"server_id": "server-002"}));
    assert_eq!(ids_of(&of_server), [site.phones.id(2)]);
    let abnormal = client.call("list_cloud_phones", json!({"status": -7}));
    assert_eq!((ids_of(&abnormal), &abnormal["count"]), (Vec::new(), &json!(0)));

    let args = json!({"server_id": "server-001", "body": {"server_name": "rack-7"}});
    client.call("update_server_name", args);
    let server = client.call("show_cloud_phone_server_detail", json!({"server_id": "server-001"}));
    assert_eq!((&server["server_name"], &server["status"]), (&json!("rack-7"), &json!(5)));
    let servers = client.call("list_cloud_phone_servers", json!({}));
    assert_eq!(servers["count"], json!(2), "{servers}");
    let named = client.call("list_cloud_phone_servers", json!({"server_name": "rack"}));
    assert_eq!(named["servers"][0]["server_id"], "server-001", "{named}");

    let models = client.call("list_cloud_phone_models", json!({}));
    assert_eq!(models["phone_models"].as_array().map(Vec::len), Some(1), "{models}");
    let images = client.call("list_cloud_phone_images", json!({}));
    assert_eq!(images["phone_images"].as_array().map(Vec::len), Some(1), "{images}");
}

/// The five tag calls.
fn tags(site: &Site, client: &mut dyn Client) {
    let (kind, id) = ("elastic-cloud-phone", site.phones.id(0));
    let of = |body: Value| json!({"resource_type": kind, "resource_id": id, "body": body});
    let two = json!([{"key": "floor", "value": "3"}, {"key": "楼", "value": "北 1"}]);
    client.call("batch_create_tags", of(json!({"action": "create", "tags": two})));
    let listed =
        client.call("list_resource_tags", json!({"resource_type": kind, "resource_id": id}));
    assert_eq!(listed["tags"].as_array().map(Vec::len), Some(2), "{listed}");
    let keys = client.call("list_project_tags", json!({"resource_type": kind}));
    let floor = json!({"key": "floor", "values": ["3"]});
    assert!(keys["tags"].as_array().is_some_and(|tags| tags.contains(&floor)), "{keys}");
    let search = json!({"resource_type": kind, "body": {
        "action": "filter", "limit": "10", "offset": "0",
        "tags": [{"key": "floor", "values": ["3", "4"]}],
    }});
    let found = client.call("list_resource_instances", search);
    assert_eq!(found["total_count"], json!(1), "{found}");
    assert_eq!(found["resources"][0]["resource_id"], *id, "{found}");
    client.call("batch_delete_tags", of(json!({"action": "delete", "tags": two})));
    let listed =
        client.call("list_resource_tags", json!({"resource_type": kind, "resource_id": id}));
    assert_eq!(listed["tags"], json!([]), "{listed}");
}

/// RestartCloudPhone, StopCloudPhone and ResetCloudPhone.
fn power(site: &Site, client: &mut dyn Client) {
    let id = site.phones.id(1);
    let body = json!({"phones": [{"phone_id": id}]});
    let before = site.phones.boots(1);
    let answer = client.call("restart_cloud_phone", json!({"body": body}));
    all_succeed(client, &answer);
    assert_eq!(site.phones.boots(1), before + 1);
    assert_eq!(site.phones.acting(1, "com.cph.mainkeys").as_deref(), Some("1"));

    let answer = client.call("stop_cloud_phone", json!({"body": {"phone_ids": [id]}}));
    all_succeed(client, &answer);
    wait_for("the phone to be stopped", PATIENCE, || {
        let detail = client.call("show_cloud_phone_detail", json!({"phone_id": id}));
        (detail["status"] == json!(8)).then_some(())
    });
    let answer = client.call("restart_cloud_phone", json!({"body": body}));
    all_succeed(client, &answer);

    let body = json!({"phones": [{"phone_id": id, "factory_reset_enabled": true}]});
    let answer = client.call("reset_cloud_phone", json!({"body": body}));
    all_succeed(client, &answer);
    let detail = client.call("show_cloud_phone_detail", json!({"phone_id": id}));
    assert_eq!(detail["property"], "{}", "all that was asked is forgotten");
    assert_eq!(site.phones.get(1, "custom.prop.a"), None);
}
