//! Presets: values that are made of what each device has of its own, told first and then set.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::{Cli, PATIENCE, Phones, Site, Start, wait_for};

const PHONES: usize = 20;

/// What the preset asks for: a language by a tag, and a number that is given.
const LOCALE: &str = "persist.sys.locale";
const NUMBER: &str = "sys.prop.writephonenum";

/// The language that a phone's tag says; every fifth has none.
fn language(index: usize) -> Option<&'static str> {
    [None, Some("de"), Some("fr"), Some("it"), Some("pt")][index % 5]
}

/// A site of phones with tags, and the preset.
fn site() -> Site {
    let site = Site::start(&Start::default(), Phones::of(PHONES).boot(Duration::ZERO));
    let cph = site.cph();
    for index in 0..PHONES {
        let Some(language) = language(index) else { continue };
        let id = site.phones.id(index);
        let target = format!("/v1/{PROJECT}/elastic-cloud-phone/{id}/tags/action");
        let tags = json!({"action": "create", "tags": [{"key": "lang", "value": language}]});
        let answer = cph.call(&Method::POST, &target, tags.to_string().as_bytes());
        answer.expect("an answer").ok();
    }
    let locale = format!("{LOCALE}=${{tag:lang:-es}}");
    let number = format!("{NUMBER}=49${{var:n}}");
    let set = ["--kind", "phone", "--set", &locale, "--set", &number];
    Cli::new(&site.server).run(&[&preset("set", "lobby")[..], &set].concat()).ok();
    site
}

/// The words of a command about a preset.
fn preset<'a>(verb: &'a str, name: &'a str) -> [&'a str; 5] {
    ["preset", verb, name, "--project", PROJECT]
}

/// Runs `fleetwright ARGS --json` and gives its answer, whatever its status.
fn json_of(cli: &Cli, args: &[&str]) -> Value {
    let ran = cli.run(&[args, &["--json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// The values that a dry run's answer would set, by device and property; and what it would refuse.
fn foretold(answer: &Value) -> (BTreeMap<(String, String), String>, BTreeMap<String, Value>) {
    let (mut values, mut refused) = (BTreeMap::new(), BTreeMap::new());
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    for device in answer["devices"].as_array().expect("devices") {
        let id = text(&device["id"]);
        if !device["refused"].is_null() {
            refused.insert(id.clone(), device["refused"].clone());
        }
        for change in device["changes"].as_array().expect("changes") {
            values.insert((id.clone(), text(&change["name"])), text(&change["to"]));
        }
    }
    (values, refused)
}

/// The values that the phones hold of the preset's properties, by device and property.
fn held(site: &Site) -> BTreeMap<(String, String), String> {
    let of = |index: usize| {
        [LOCALE, NUMBER].into_iter().filter_map(move |name| {
            Some(((site.phones.id(index), name.to_owned()), site.phones.get(index, name)?))
        })
    };
    (0..PHONES).flat_map(of).collect()
}

/// Waits until all jobs of an update have ended.
fn until_ended(site: &Site, id: &str) -> Value {
    let target = format!("/api/v1/updates/{id}");
    wait_for("the update's end", 2 * PATIENCE, || {
        let update = site.native().get(&target);
        update["ended_at"].is_string().then_some(update)
    })
}

#[test]
fn a_preset_is_expanded_for_each_phone_and_one_that_lacks_a_variable_is_refused_alone() {
    let site = site();
    let cli = Cli::new(&site.server);
    // A number for each phone but one.
    let mut csv = "id,n\n".to_owned();
    for index in 0..PHONES {
        let number = if index == 7 { String::new() } else { index.to_string() };
        csv.push_str(&format!("{},{number}\n", site.phones.id(index)));
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), csv).expect("a file");
    let file = file.path().to_str().expect("UTF-8");
    let update = ["update", "--project", PROJECT, "--preset", "lobby", "--csv", file];

    let before = held(&site);
    let ran = cli.run(&[&update[..], &["--dry-run"]].concat());
    assert_eq!(ran.status, Some(1), "one would be refused: {ran:?}");
    let (values, refused) = foretold(&json_of(&cli, &[&update[..], &["--dry-run"]].concat()));
    assert_eq!(held(&site), before, "a dry run changes nothing");
    let lacking = site.phones.id(7);
    assert_eq!(refused.keys().collect::<Vec<_>>(), [&lacking]);
    let error = &refused[&lacking];
    assert_eq!((&error["code"], &error["property"]), (&json!("variable_missing"), &json!(NUMBER)));
    assert!(error["detail"].as_str().expect("a detail").contains("var:n"), "{error}");

    let done = json_of(&cli, &update);
    let outcomes = done["jobs"].as_array().expect("jobs");
    let errors: Vec<&Value> = outcomes.iter().filter(|it| !it["error"].is_null()).collect();
    let [one] = errors.as_slice() else { panic!("{done}") };
    assert_eq!((&one["device"], &one["error"]), (&json!(lacking), error));
    let ended = until_ended(&site, done["id"].as_str().expect("an id"));
    assert_eq!(ended["jobs"]["succeeded"], PHONES - 1, "{ended}");

    // What was foretold is what was done, and is what the tags and the file say.
    let held = held(&site);
    for (of, value) in &values {
        assert_eq!(held.get(of), Some(value), "{of:?}");
    }
    for index in (0..PHONES).filter(|index| *index != 7) {
        let of = |name: &str| held[&(site.phones.id(index), name.to_owned())].clone();
        assert_eq!(of(LOCALE), language(index).unwrap_or("es"), "phone {index}");
        assert_eq!(of(NUMBER), format!("49{index}"), "phone {index}");
        assert!(values.contains_key(&(site.phones.id(index), NUMBER.to_owned())));
    }
    assert!(!held.contains_key(&(lacking, NUMBER.to_owned())));
}

#[test]
fn a_rollout_by_a_preset_goes_through_its_waves() {
    let site = site();
    let cli = Cli::new(&site.server);
    let base = ["update", "--project", PROJECT, "--preset", "lobby", "--kind", "phone"];
    let args = [&base[..], &["--var", "n=5"]].concat();
    let (values, refused) = foretold(&json_of(&cli, &[&args[..], &["--dry-run"]].concat()));
    assert!(refused.is_empty() && values.len() >= PHONES, "{refused:?}");
    let begun = json_of(&cli, &[&args[..], &["--canary", "2", "--wave", "9"]].concat());
    let done = until_ended(&site, begun["id"].as_str().expect("an id"));
    assert_eq!((&done["rollout"]["phase"], &done["rollout"]["wave"]), (&json!("done"), &json!(3)));
    for index in 0..PHONES {
        assert_eq!(site.phones.get(index, LOCALE).as_deref(), language(index).or(Some("es")));
        assert_eq!(site.phones.get(index, NUMBER).as_deref(), Some("495"));
    }

    // Without the variable each device is refused, with its reason.
    let begun = json_of(&cli, &[&base[..], &["--wave", "9"]].concat());
    let id = begun["id"].as_str().expect("an id");
    let refused = wait_for("all to be refused", PATIENCE, || {
        let update = site.native().get(&format!("/api/v1/updates/{id}"));
        (update["rollout"]["phase"] == "done")
            .then(|| site.native().get(&format!("/api/v1/updates/{id}/refused?limit=1000")))
    });
    let refused = refused["devices"].as_array().expect("devices");
    assert_eq!(refused.len(), PHONES);
    assert!(refused.iter().all(|one| one["error"]["code"] == "variable_missing"), "{refused:?}");
    // What is asked otherwise needs no variable.
    let number = format!("{NUMBER}=77");
    let args = [&base[..], &["--set", &number, "--wait", "60s"]].concat();
    let done = json_of(&cli, &args);
    assert_eq!(done["jobs"]["succeeded"], PHONES, "{done}");
    assert_eq!(site.phones.get(7, NUMBER).as_deref(), Some("77"));
}

#[test]
fn a_preset_is_checked_when_it_is_set_and_its_version_guards_it() {
    let site = site();
    let cli = Cli::new(&site.server);
    let shown = json_of(&cli, &preset("show", "lobby"));
    assert_eq!((&shown["version"], &shown["kind"]), (&json!(1), &json!("phone")));
    assert_eq!(shown["values"][LOCALE], "${tag:lang:-es}");
    let listed = cli.run(&["preset", "list", "--project", PROJECT]).ok();
    assert!(listed.lines().any(|line| line.starts_with("lobby ")), "{listed}");

    // What `show` prints is what `set` takes; the same again is no change.
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), shown.to_string()).expect("a file");
    let file = file.path().to_str().expect("UTF-8").to_owned();
    let again = json_of(&cli, &[&preset("set", "lobby")[..], &["--file", &file]].concat());
    assert_eq!(again, shown);

    let set = |value: &str, more: &[&str], why: &str| {
        let args = ["--kind", "phone", "--set", value];
        cli.run(&[&preset("set", "lobby")[..], &args, more].concat()).ended(5, why);
    };
    set("com.cph.mainkeys=9", &[], "values.com.cph.mainkeys: allowed");
    set("no.such.property=1", &[], "values.no.such.property: there is no such property");
    set(
        "com.cph.mainkeys=a${tag}",
        &[],
        "values.com.cph.mainkeys: character 4: \"tag\" is none of",
    );
    set("com.cph.mainkeys=1", &["--version", "7"], "is at version 1");
    cli.run(&preset("show", "gone")).ended(5, "no such preset: gone");
    cli.run(&["update", "--project", PROJECT, "--preset", "gone", "--kind", "phone"])
        .ended(5, "no such preset: gone");
    cli.run(&["update", "--project", PROJECT, "--preset", "lobby", "--kind", "camera"])
        .ended(5, "kind: preset lobby is for phones");
    cli.run(&["update", "--project", PROJECT, "--kind", "phone", "--var", "n=1"])
        .ended(2, "--preset");
    cli.run(&[&preset("delete", "lobby")[..], &["--version", "2"]].concat())
        .ended(5, "is at version 1");
    cli.run(&preset("delete", "lobby")).ok();
    cli.run(&preset("delete", "lobby")).ended(5, "no such preset: lobby");
    let acts = json_of(&cli, &["audit", "list", "--action", "preset.delete"]);
    assert_eq!(acts["acts"][0]["target"], "lobby", "{acts}");
}

#[test]
fn a_file_of_values_is_asked_line_by_line() {
    let site = site();
    let cli = Cli::new(&site.server);
    let (first, second) = (site.phones.id(0), site.phones.id(1));
    let file = tempfile::NamedTempFile::new().expect("a file");
    let write = |text: &str| std::fs::write(file.path(), text).expect("a file");
    let path = file.path().to_str().expect("UTF-8").to_owned();
    let update = ["update", "--project", PROJECT, "--csv", &path];

    write(&format!("{LOCALE},id,{NUMBER}\nfr,{first},\n,{second},42\n"));
    cli.run(&[&update[..], &["--wait", "30s"]].concat()).ok();
    assert_eq!(site.phones.get(0, LOCALE).as_deref(), Some("fr"));
    assert_eq!(site.phones.get(0, NUMBER), None, "an empty cell leaves it");
    assert_eq!(site.phones.get(1, NUMBER).as_deref(), Some("42"));

    write(&format!("id,{NUMBER}\n{first},1\n{second}\n"));
    cli.run(&update).ended(2, ":3: has 1 cells, and the first line 2");
    write(&format!("{NUMBER}\n1\n"));
    cli.run(&update).ended(2, ":1: there is no column id");
}
