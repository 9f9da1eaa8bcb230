//! The operator's own catalogue: a property and a profile more without a restart, and bad files
//! that change nothing.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Cli, PATIENCE, Phones, Server, Site, Start, wait_until};

/// A property of the operator's, and its file.
const NAME: &str = "acme.badge";
const FILE: &str = "catalogue/acme.toml";

/// The file's text; `letters` are those that a value may have.
fn property(letters: &str) -> String {
    format!(
        "[[property]]\nname = \"{NAME}\"\nkind = \"text\"\npattern = '[{letters}]+'\n\
         chars_max = 8\nallows = \"1 to 8 of {letters}\"\ntiming = \"at-once\"\n\
         meaning = \"what the badge says\"\nsource = \"ACME\"\n"
    )
}

/// What the catalogue in force says of a property; null if it is not there.
fn known(server: &Server, name: &str) -> Value {
    let catalogue = server.native().get("/api/v1/catalogue?profile=simulated");
    let mut properties = catalogue["properties"].as_array().expect("properties").iter();
    properties.find(|property| property["name"] == name).cloned().unwrap_or_default()
}

/// What comes of one value of the operator's property.
fn ask(site: &Site, value: &str) -> Value {
    let phone = site.phones.id(0);
    let answer = site.cph().try_update(&[(&phone, json!({NAME: value}))]).expect("an answer");
    answer.ok()["jobs"][0].clone()
}

#[test]
fn a_property_is_added_and_changed_without_a_restart() {
    let site = Site::start(&Start::default(), Phones::of(1));
    assert_eq!(ask(&site, "abc")["error_code"], "CPS.0163");
    assert!(known(&site.server, NAME).is_null());

    site.server.put_file(FILE, &property("a-f"));
    let cli = Cli::new(&site.server);
    cli.run(&["catalogue", "reload"]).ok();
    let shown = known(&site.server, NAME);
    assert_eq!(shown["allows"], "1 to 8 of a-f", "{shown}");
    assert_eq!(shown["route"]["how"], "setprop", "{shown}");
    let job = ask(&site, "abc")["job_id"].as_str().expect("a job").to_owned();
    let cph = site.cph();
    wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
    assert_eq!(site.phones.get(0, NAME).as_deref(), Some("abc"));
    assert_eq!(ask(&site, "xyz")["error_code"], "CPS.0164");

    // By a signal too.
    site.server.put_file(FILE, &property("x-z"));
    site.server.signal("HUP");
    wait_until("the file to be read", PATIENCE, || {
        known(&site.server, NAME)["allows"] == "1 to 8 of x-z"
    });
    assert!(ask(&site, "xyz")["job_id"].is_string());
    assert_eq!(ask(&site, "abc")["error_code"], "CPS.0164");
}

#[test]
fn a_profile_of_the_operators_is_used_by_devices_that_name_it() {
    let profile = "name = \"desk\"\nbase = \"simulated\"\nmeaning = \"phones on desks\"\n\n\
                   [[apply]]\nnames = [\"sys.prop.writephonenum\"]\nhow = \"stored\"\n\n\
                   [[apply]]\nnames = [\"sys.prop.writeimsi\"]\nhow = \"setprop\"\n\
                   property = \"persist.desk.imsi\"\n";
    let start = Start::default().with_file("catalogue/profiles/desk.toml", profile);
    let phones = Phones::start(Phones::of(1));
    let server = Server::start(&start);
    let native = server.native();
    let key = native.new_project("demo");
    let mut record = phones.records().remove(0);
    record["profile"] = json!("desk");
    crate::harness::site::import(&native, &[record]);
    let cph = crate::harness::Cph::new(server.address(), &key);
    let phone = phones.id(0);
    let asked = json!({"sys.prop.writephonenum": "10086", "sys.prop.writeimsi": "460001"});
    let job = cph.update(&phone, asked);
    wait_until("the job's end", PATIENCE, || cph.job(&job)["status"] == json!(2));
    assert_eq!(phones.get(0, "sys.prop.writephonenum"), None, "a record is set on no phone");
    assert_eq!(phones.get(0, "persist.desk.imsi").as_deref(), Some("460001"));
    assert_eq!(phones.get(0, "sys.prop.writeimsi"), None, "the phone's name for it is another");
    let states = native.device(&phone)["states"].clone();
    assert_eq!(states["sys.prop.writephonenum"], "recorded", "{states}");
}

#[test]
fn a_bad_file_is_named_with_line_and_reason_and_changes_nothing() {
    let start = Start::default().with_file(FILE, property("a-f"));
    let server = Server::start(&start);
    let cli = Cli::new(&server);
    let in_force = known(&server, NAME);
    assert_eq!(in_force["allows"], "1 to 8 of a-f", "{in_force}");

    let good = property("x-z");
    for (what, text, line, reason) in [
        ("no TOML", good.replace("name = ", "name "), 2, "expected"),
        ("an unknown field", format!("{good}colour = \"red\"\n"), 10, "colour"),
        ("an unknown kind", good.replace("\"text\"", "\"number\""), 3, "number"),
        ("a pattern that is none", good.replace("[x-z]+", "[x-z"), 4, ""),
        ("a reserved name", good.replace(NAME, "persist.fleetwright.id"), 2, ""),
        ("a name twice", format!("{good}\n{good}"), 12, NAME),
        (
            "an alias that another has",
            good.replace("kind =", "aliases = [\"imsi\"]\nkind ="),
            3,
            "imsi",
        ),
    ] {
        server.put_file(FILE, &text);
        let ran = cli.run(&["catalogue", "reload"]);
        assert!(matches!(ran.status, Some(2 | 5)), "{what}: {ran:?}");
        let place = format!("acme.toml:{line}:");
        assert!(ran.stderr.contains(&place), "{what}: {ran:?} does not say {place}");
        assert!(ran.stderr.contains(reason), "{what}: {ran:?} does not say {reason}");
        assert_eq!(known(&server, NAME), in_force, "{what} was put in force");

        let path = server.data().join(FILE);
        let checked =
            Cli::at("http://127.0.0.1:1").run(&["catalogue", "check", &path.to_string_lossy()]);
        assert_eq!(checked.status, Some(2), "{what}: {checked:?}");
        assert!(checked.stderr.contains(&place), "{what}: {checked:?} does not say {place}");
        let answer = server.native().call(&Method::POST, "/api/v1/catalogue/reload", &json!({}));
        let status = answer.expect("an answer").status;
        assert!((400..500).contains(&status), "{what}: {status}");
    }
    server.put_file(FILE, &good);
    let path = server.data().join(FILE);
    Cli::at("http://127.0.0.1:1").run(&["catalogue", "check", &path.to_string_lossy()]).ok();
    cli.run(&["catalogue", "reload"]).ok();
    assert_eq!(known(&server, NAME)["allows"], "1 to 8 of x-z");
}
