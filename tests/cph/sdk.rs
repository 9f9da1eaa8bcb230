//! Huawei's SDK for Python, unmodified: its calls, over HTTP and TLS, and its exceptions.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Key, PATIENCE, Phones, Sdk, Site, Start, wait_for};

/// What the phones are asked to show, of the kinds that clients send: text and numbers.
fn property(number: u32) -> Value {
    json!({
        "sys.prop.writephonenum": format!("1380000{number:04}"),
        "sys.prop.writewifissid": format!("wifi_{number}"),
        "com.cph.mainkeys": 1,
    })
}

#[test]
fn its_calls_work_over_http() {
    let site = Site::start(&Start::default(), Phones::of(2));
    drive(&site, &mut Sdk::new(&site.server.url(), &site.key, None));
}

#[test]
fn its_calls_work_over_tls_with_an_authority_of_ones_own() {
    let mut site = Site::start(&Start::default(), Phones::of(2));
    let ours = Authority::new();
    let status = site.server.terminate();
    assert!(status.success(), "{status}");
    site.server.restart(&Start { tls: Some(ours.server_files()), ..Start::default() });
    let url = site.server.url();
    assert!(url.starts_with("https://"), "{url}");

    let theirs = Authority::new();
    let mut deceived = Sdk::new(&url, &site.key, Some(&theirs.certificate_file()));
    let refused = deceived.call("show_cloud_phone_detail", &json!({"phone_id": site.phones.id(0)}));
    assert!(refused["exception"].is_string(), "a server of another authority was trusted");

    drive(&site, &mut Sdk::new(&url, &site.key, Some(&ours.certificate_file())));
}

/// Every call of the first part, in the order in which an application makes them.
fn drive(site: &Site, sdk: &mut Sdk) {
    let phones = [0, 1].map(|i| site.phones.id(i));
    let entries: Vec<Value> = (0_u32..)
        .zip(&phones)
        .map(|(n, id)| json!({"phone_id": id, "property": property(n).to_string()}))
        .collect();
    let update = sdk.call("update_cloud_phone_property", &json!({"body": {"phones": entries}}));
    let request = update["request_id"].as_str().unwrap_or_else(|| panic!("{update}")).to_owned();
    let job_ids: Vec<&str> =
        (0..2).map(|i| update["jobs"][i]["job_id"].as_str().expect("a job id")).collect();
    assert_eq!([0, 1].map(|i| update["jobs"][i]["phone_id"].clone()), phones);

    let listed = wait_for("both jobs' ends", PATIENCE, || {
        let listed = sdk.call("list_jobs", &json!({"request_id": request}));
        let jobs = listed["jobs"].as_array().unwrap_or_else(|| panic!("{listed}"));
        jobs.iter().all(|job| job["status"] != json!(1)).then_some(listed)
    });
    assert_eq!(listed["request_id"], request);
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(2));
    for (i, job_id) in job_ids.iter().enumerate() {
        let shown = sdk.call("show_job", &json!({"job_id": job_id}));
        assert_eq!(shown["request_id"], request);
        for job in [&listed["jobs"][i], &shown] {
            assert_eq!(job["job_id"], *job_id);
            assert_eq!(job["phone_id"], phones[i]);
            assert_eq!(job["status"], json!(2), "{job}");
            assert_eq!(job["server_id"], site.phones.records()[i]["server"]);
            assert!(job["begin_time"].as_str() <= job["end_time"].as_str(), "{job}");
            assert!(job["begin_time"].as_str().is_some_and(|time| time.ends_with('Z')), "{job}");
        }
    }

    for (number, id) in (0_u32..).zip(&phones) {
        let detail = sdk.call("show_cloud_phone_detail", &json!({"phone_id": id}));
        assert_eq!(detail["phone_id"], *id, "{detail}");
        assert_eq!(detail["status"], json!(2), "{detail}");
        let text = detail["property"].as_str().expect("property is text");
        let shown: Value = serde_json::from_str(text).expect("property is JSON");
        for (name, value) in property(number).as_object().expect("an object") {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(shown[name], json!(value), "each value as text");
            let index = usize::try_from(number).expect("a small number");
            assert_eq!(site.phones.get(index, name).as_deref(), Some(value.as_str()), "{name}");
        }
    }

    let unknown = json!({"phone_id": "0".repeat(32), "property": "{}"});
    let update = sdk.call("update_cloud_phone_property", &json!({"body": {"phones": [unknown]}}));
    assert_eq!(update["jobs"][0]["error_code"], "CPS.0005", "{update}");
    assert_eq!(update["jobs"][0].get("job_id"), None, "{update}");
}

#[test]
fn refusals_are_its_typed_exceptions() {
    let site = Site::start(&Start::default(), Phones::of(1));
    let native = site.native();
    let stranger = native.new_project("stranger");
    let key = &site.key;
    let wrong_secret = Key { sk: format!("{}x", key.sk), ..key.clone() };
    let unknown_key = Key { ak: "NOBODYSKEY0000000001".to_owned(), ..key.clone() };
    let foreign_project = Key { project: stranger.project.clone(), ..key.clone() };
    let no_project = Key { project: "no-such-project".to_owned(), ..key.clone() };
    let job = site.cph().update(&site.phones.id(0), json!({"com.cph.mainkeys": 0}));
    let request = site.cph().job(&job)["request_id"].as_str().expect("a request").to_owned();
    let accepted = native.metric("fleetwright_jobs_accepted_total");
    let zeroes = "0".repeat(32);
    let many = vec![request.as_str(); 21].join(",");

    let update = json!({"body": {"phones": [{"phone_id": site.phones.id(0), "property": "{}"}]}});
    let empty = json!({"body": {"phones": []}});
    let one_job = json!({"job_id": job});
    let one_phone = json!({"phone_id": site.phones.id(0)});
    let long_id = json!({"phone_id": "f".repeat(33)});
    const UPDATE: &str = "update_cloud_phone_property";
    const DETAIL: &str = "show_cloud_phone_detail";
    const DENIED: &str = "No permission to request resources.";
    const SIGNATURE: &str = "Incorrect IAM authentication information";
    let rows: Vec<(&Key, &str, Value, u16, &str, &str)> = vec![
        (&foreign_project, UPDATE, update.clone(), 403, "CPS.0001", DENIED),
        (&foreign_project, "show_job", one_job.clone(), 403, "CPS.0001", DENIED),
        (&no_project, UPDATE, update.clone(), 403, "CPS.0001", DENIED),
        (&wrong_secret, UPDATE, update.clone(), 401, "APIGW.0301", SIGNATURE),
        (&unknown_key, UPDATE, update, 401, "APIGW.0301", SIGNATURE),
        (&stranger, "show_job", one_job, 404, "CPS.0011", "Job not found."),
        (&stranger, "list_jobs", json!({"request_id": request}), 404, "CPS.0050", "not found"),
        (&stranger, DETAIL, one_phone, 404, "CPS.0005", "not found"),
        (key, "show_job", json!({"job_id": zeroes}), 404, "CPS.0011", "Job not found."),
        (key, "show_job", json!({"job_id": "not-hex"}), 404, "CPS.0011", "Job not found."),
        (key, "list_jobs", json!({"request_id": zeroes}), 404, "CPS.0050", "not found"),
        (key, "list_jobs", json!({}), 400, "CPS.0049", "request_id is empty"),
        (key, "list_jobs", json!({"request_ids": many}), 400, "CPS.0161", "exceeded the limit"),
        (key, "list_jobs", json!({"request_id": request, "limit": 101}), 400, "CPS.0002", "limit"),
        (key, "list_jobs", json!({"request_id": request, "offset": -1}), 400, "CPS.0002", "offset"),
        (key, UPDATE, empty, 400, "CPS.0077", "phones list is invalid"),
        (key, DETAIL, json!({"phone_id": zeroes}), 404, "CPS.0005", "not found"),
        (key, DETAIL, long_id, 400, "CPS.0004", "phone_id is invalid"),
    ];
    let mut request_ids = BTreeSet::new();
    for (key, call, args, status, code, message) in &rows {
        let refused = Sdk::new(&site.server.url(), key, None).call(call, args);
        let row = format!("{call} {args}: {refused}");
        assert_eq!(refused["exception"], "ClientRequestException", "{row}");
        assert_eq!(refused["status_code"], json!(status), "{row}");
        assert_eq!(refused["error_code"], *code, "{row}");
        assert!(refused["error_msg"].as_str().is_some_and(|m| m.contains(message)), "{row}");
        let id = refused["request_id"].as_str().unwrap_or_else(|| panic!("{row}"));
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{row}");
        request_ids.insert(id.to_owned());
    }
    assert_eq!(request_ids.len(), rows.len(), "each call has an id of its own");
    let after = native.metric("fleetwright_jobs_accepted_total");
    assert_eq!(after.to_bits(), accepted.to_bits(), "a refused call left a job");
}

/// A certificate authority made for one test, and a server's certificate of it.
struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        // A name of its own: a server's certificate of the same name would look self-signed.
        params.distinguished_name.push(DnType::CommonName, "authority of one test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = params.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().expect("a key");
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let server = CertificateParams::new(names).expect("parameters");
        let server = server.signed_by(&server_key, &issuer).expect("a certificate");

        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).expect("write a certificate");
        };
        write("authority.pem", authority.pem());
        write("server.pem", server.pem());
        write("server.key", server_key.serialize_pem());
        Self { folder }
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    fn server_files(&self) -> (PathBuf, PathBuf) {
        (self.folder.path().join("server.pem"), self.folder.path().join("server.key"))
    }
}
