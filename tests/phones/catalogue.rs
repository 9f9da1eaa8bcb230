//! Every row of the catalogue, on a phone of every make that claims it: asked for over CPH, read
//! back by Debian's adb.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Map, Value, json};

use crate::harness::adb::{Adb, RealPhones};
use crate::harness::phones::{Make, PROJECT};
use crate::harness::site::import;
use crate::harness::{Cph, Native, PATIENCE, Phones, Server, Site, Start, wait_for, wait_until};

/// Rows that a real adbd must show at least.
const REAL_ROWS_MIN: usize = 10;

/// Values of properties that take text of a form of their own.
const TEXTS: &[(&str, &str)] = &[
    ("com.cph.bandwidth_limit", "2048"),
    ("com.cph.cam_local_pic_path", "/sdcard/手机 图#1 @home.png"),
    ("com.cph.cg.event_notify_url", "https://example.com/notify"),
    ("com.cph.cg.heartbeat_interval", "30"),
    ("com.cph.cg.heartbeat_url", "https://example.com:8443/heart,beat"),
    ("com.cph.cg.sign_check_url", "http://example.com/sign_check"),
    ("gsm.operator.alpha", "CUCC"),
    ("gsm.operator.iso-country", "us"),
    ("gsm.operator.numeric", "46001"),
    ("gsm.sim.operator.alpha", "CUCC"),
    ("gsm.sim.operator.iso-country", "us"),
    ("gsm.sim.operator.numeric", "46001"),
    ("gsm.sim.state", "READY"),
    ("iccid", "89860112345678901234"),
    ("persist.sys.locale", "en-US"),
    ("persist.sys.timezone", "Asia/Shanghai"),
    ("ro.com.cph.mac_address", "02:00:00:44:55:66"),
    ("ro.product.locale", "en-US"),
    ("settings.global.http_proxy", "10.0.0.1:8080"),
    ("settings.global.private_dns_mode", "hostname"),
    ("settings.global.private_dns_specifier", "dns.example.com"),
    ("settings.secure.android_id", "0123456789abcdef"),
    ("sys.prop.writeimei", "869287243397729"),
    ("sys.prop.writeimsi", "460021624617113"),
    ("sys.prop.writephonenum", "13800000001"),
    ("sys.prop.writewifissid", "test_wifi"),
    ("wm.size", "720x1280"),
];

/// Any text, for those that take any.
const TEXT: &str = "Sample-1";

/// A row of the catalogue, for one make of phone.
struct Row {
    name: String,
    value: String,
    /// How the make sets it, and with what.
    how: String,
    detail: String,
}

/// The rows that a client may change, as the server shows them for a profile.
fn rows(native: &Native, profile: &str) -> Vec<Row> {
    let catalogue = native.get(&format!("/api/v1/catalogue?profile={profile}"));
    let properties = catalogue["properties"].as_array().expect("properties").iter();
    let text =
        |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();
    let rows = properties.filter(|property| property["updatable"] == json!(true)).map(|property| {
        let route = &property["route"];
        assert!(route.is_object(), "{profile} says nothing of {property}");
        Row {
            name: text(&property["name"]),
            value: sample(property),
            how: text(&route["how"]),
            detail: text(&route["detail"]),
        }
    });
    rows.collect()
}

/// A value that a property allows, and another than its default.
fn sample(property: &Value) -> String {
    let name = property["name"].as_str().expect("a name");
    match property["kind"].as_str() {
        Some("bool01") => if property["default"] == "1" { "0" } else { "1" }.to_owned(),
        Some("integer") => {
            let allows = property["allows"].as_str().expect("words");
            let numbers = allows.strip_prefix("a whole number from ").expect("a range");
            let (min, max) = numbers.split_once(" to ").expect("two ends");
            let (min, max): (i64, i64) =
                (min.parse().expect("a number"), max.parse().expect("a number"));
            (min.max(0) + 1).min(max).to_string()
        }
        _ => {
            let own = TEXTS.iter().find(|(of, _)| *of == name);
            own.map_or(TEXT, |(_, value)| value).to_owned()
        }
    }
}

/// Lets the project change what tells phones apart.
fn allow_identity(native: &Native) {
    let target = format!("/api/v1/projects/{PROJECT}");
    let answer = native.call(&Method::PATCH, &target, &json!({"identity": true}));
    answer.expect("an answer").ok();
}

/// Asks for all rows in one job, and waits for it to have ended well.
fn apply(cph: &Cph, native: &Native, phone: &str, rows: &[&Row]) {
    let values: Map<String, Value> =
        rows.iter().map(|row| (row.name.clone(), json!(row.value))).collect();
    let job = cph.update(phone, Value::Object(values));
    let ended = wait_for("the job's end", PATIENCE, || {
        Some(cph.job(&job)).filter(|job| job["status"] != json!(1))
    });
    assert_eq!(ended["status"], json!(2), "{ended}: {}", native.job(&job));
}

/// What a row's phone shows, asked by adb; `None` for what adb can't be asked.
fn shown(adb: &Adb, address: SocketAddr, row: &Row) -> Option<String> {
    match row.how.as_str() {
        "setprop" | "setprop_once_per_boot" => Some(adb.getprop(address, &row.detail)),
        "settings" => {
            let words: Vec<&str> =
                ["settings", "get"].into_iter().chain(row.detail.split(' ')).collect();
            Some(adb.shell(address, &words))
        }
        "file" => Some(adb.shell(address, &["cat", &row.detail])),
        "command" => match row.name.as_str() {
            "wm.density" | "wm.size" => {
                let (_, what) = row.name.split_once('.').expect("a point");
                let printed = adb.shell(address, &["wm", what]);
                Some(printed.rsplit(' ').next().unwrap_or_default().to_owned())
            }
            name => Some(adb.getprop(address, name)),
        },
        _ => None,
    }
}

/// Checks every row that a make claims, and how it refuses the others.
fn every_row(make: Make, plan: crate::harness::phones::Plan) {
    let site = Site::start(&Start::default(), plan.make(make));
    let (cph, native, adb) = (site.cph(), site.native(), Adb::new());
    allow_identity(&native);
    let (phone, address) = (site.phones.id(0), site.phones.address(0));
    let rows = rows(&native, make.name());
    let (refused, claimed): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.how == "unsupported");
    println!("{make}: {} rows, {} refused", claimed.len(), refused.len());
    assert!(claimed.len() >= 20, "{make} claims {} rows", claimed.len());
    for row in refused {
        let answer = cph.try_update(&[(&phone, json!({&row.name: row.value}))]).expect("an answer");
        let entry = answer.ok()["jobs"][0].clone();
        assert_eq!(entry["error_code"], "CPS.0163", "{}: {entry}", row.name);
        let message = entry["error_msg"].as_str().expect("a message");
        assert!(message.contains(&row.name), "{message}");
    }

    // What only a new container can show fails, and says so; the rest is shown.
    let (fixed, set): (Vec<&Row>, Vec<&Row>) =
        claimed.into_iter().partition(|row| row.how == "start_argument");
    apply(&cph, &native, &phone, &set);
    let mut wrong = Vec::new();
    let states = native.device(&phone)["states"].clone();
    for row in &set {
        match shown(&adb, address, row) {
            Some(value) if value == row.value => {}
            None if states[&row.name] == "recorded" => {}
            other => wrong
                .push(format!("{} by {} shows {other:?}, not {:?}", row.name, row.how, row.value)),
        }
    }
    assert!(wrong.is_empty(), "{make}: {wrong:#?}");
    for row in &fixed {
        let job = cph.update(&phone, json!({&row.name: row.value}));
        wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] != json!(1));
        assert_eq!(cph.job(&job)["status"], json!(-1), "{}: {}", row.name, native.job(&job));
        assert_eq!(native.device(&phone)["states"][&row.name], "needs_recreate", "{}", row.name);
        let arguments = native.get(&format!("/api/v1/devices/{phone}/start-args"));
        let argument = row.detail.replace("{value}", &row.value);
        let arguments = arguments["arguments"].as_array().expect("arguments");
        assert!(arguments.contains(&json!(argument)), "{argument}: {arguments:?}");
    }
}

#[test]
fn every_row_on_a_simulated_phone() {
    every_row(Make::Simulated, Phones::of(1));
}

#[test]
fn every_row_on_android() {
    // As it is rooted by those who want more of it than its shell user may do.
    every_row(Make::Android, Phones::of(1).root());
}

#[test]
fn every_row_on_redroid() {
    every_row(Make::Redroid, Phones::of(1));
}

#[test]
fn every_row_on_kbox() {
    every_row(Make::Kbox, Phones::of(1));
}

#[test]
fn rows_on_a_real_adbd() {
    let phones = RealPhones::start(1);
    let server = Server::start(&Start::default());
    let native = server.native();
    let key = native.new_project(PROJECT);
    allow_identity(&native);
    import(&native, &[phones.record(0, "simulated")]);
    let phone = RealPhones::id(0);
    wait_until("the phone to be met", PATIENCE, || native.device(&phone)["condition"] == "running");
    let rows = rows(&native, "simulated");
    // A value that init has given to a read-only name stays, as on any phone.
    let adb = Adb::new();
    let settable = |row: &&Row| {
        let fixed = row.detail.starts_with("ro.")
            && shown(&adb, phones.address(0), row).is_some_and(|value| !value.is_empty());
        row.how != "unsupported" && !fixed
    };
    let set: Vec<&Row> = rows.iter().filter(settable).collect();
    apply(&Cph::new(server.address(), &key), &native, &phone, &set);
    let read: Vec<(&str, bool)> = set
        .iter()
        .filter_map(|row| {
            let value = shown(&adb, phones.address(0), row)?;
            Some((row.name.as_str(), value == row.value))
        })
        .collect();
    let wrong: Vec<_> = read.iter().filter(|(_, right)| !right).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(read.len() >= REAL_ROWS_MIN, "only {} rows", read.len());
    println!("{} rows", read.len());
}
