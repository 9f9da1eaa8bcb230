//! Signing in, and what a session that ends or a server that goes away leaves of what was typed.

use http::Method;
use serde_json::{Value, json};

use super::{NAME, USUAL, script};
use crate::harness::browser::{self, Browser, LANGUAGES, NARROW, USER, WIDE};
use crate::harness::phones::PROJECT;
use crate::harness::{Phones, Server, Site, Start};

#[test]
fn somebody_who_mistypes_the_password_is_told_and_let_in() {
    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    browser::add_user(&native);
    let mut browser = Browser::default();
    for language in LANGUAGES {
        for width in [WIDE, NARROW] {
            let script = script("sign-in", (language, width), json!({}));
            script.run_in(&mut browser, &server.url());
        }
    }
}

#[test]
fn what_a_browser_loads_before_it_shows_something_is_small() {
    /// Two seconds on a line of 1 Mbit/s.
    const FIRST_LOAD_MAX: u64 = 250_000;

    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    browser::add_user(&native);
    let facts = json!({"bytes": FIRST_LOAD_MAX});
    script("first-load", (LANGUAGES[0], WIDE), facts).run(&server.url());
}

/// Ends every session of the user who is signed in.
fn end_sessions(site: &Site) {
    let native = site.native();
    let password = json!({"password": browser::PASSWORD});
    // The same password set anew: a session that was begun before it is over.
    native.call(&Method::PUT, &format!("/api/v1/users/{USER}/password"), &password).expect("taken");
}

#[test]
fn a_session_that_ends_midway_loses_nothing_that_was_typed() {
    let site = Site::start(&Start::default(), Phones::of(4));
    browser::add_user(&site.native());
    let (url, mut browser) = (site.server.url(), Browser::default());
    for (number, way) in USUAL.into_iter().enumerate() {
        let value = format!("1380013800{number}");
        let facts = json!({"phone": site.phones.id(number), "property": NAME, "value": value});
        script("session-ends", way, facts).run_with(&mut browser, &url, |what, _| {
            assert_eq!(what, "end-session");
            end_sessions(&site);
            Value::Bool(true)
        });
        assert_eq!(site.phones.get(number, NAME), Some(value), "{way:?}");
    }
}

#[test]
fn a_session_that_ends_loses_nothing_that_was_typed_in_any_form() {
    /// Phones that the new update is for.
    const PHONES: usize = 4;

    let mut browser = Browser::default();
    for way in [(LANGUAGES[0], WIDE), (LANGUAGES[1], NARROW)] {
        let site = Site::start(&Start::default(), Phones::of(PHONES));
        let native = site.native();
        browser::add_user(&native);
        let facts = json!({
            "name": "north", "property": NAME, "value": "13800138000", "prefix": "34020000",
            "devices": PHONES.to_string(),
        });
        script("forms", way, facts).run_with(&mut browser, &site.server.url(), |what, _| {
            assert_eq!(what, "end-session");
            end_sessions(&site);
            Value::Bool(true)
        });
        let project = format!("/api/v1/projects/{PROJECT}");
        assert_eq!(native.get(&project)["name"], "north", "{way:?}");
        let preset = native.get(&format!("{project}/presets/north"));
        assert_eq!(preset["values"], json!({NAME: "13800138000"}), "{way:?}");
        assert_eq!(native.get(&format!("{project}/enrolment"))["prefixes"], json!(["34020000"]));
        let webhooks = native.get("/api/v1/webhooks");
        assert_eq!(webhooks["webhooks"][0]["url"], "https://alerts.example.com/north", "{way:?}");
    }
}

#[test]
fn a_server_that_is_killed_and_started_again_is_picked_up_by_itself() {
    let start = Start { keeps_address: true, ..Start::default() };
    let mut site = Site::start(&start, Phones::of(4));
    browser::add_user(&site.native());
    let (url, mut browser) = (site.server.url(), Browser::default());
    for (number, way) in USUAL.into_iter().enumerate() {
        let value = format!("1390013900{number}");
        let facts = json!({"phone": site.phones.id(number), "property": NAME, "value": value});
        script("server-restarts", way, facts).run_with(&mut browser, &url, |what, about| {
            match what {
                "kill-server" => site.server.kill9(),
                "start-server" => site.server.restart(&start),
                "rename" => rename(&site, about["to"].as_str().expect("a name")),
                _ => panic!("{what}"),
            }
            Value::Bool(true)
        });
        assert_eq!(site.phones.get(number, NAME), Some(value), "{way:?}");
    }
}

/// Gives the last phone another name on record, as somebody elsewhere might.
fn rename(site: &Site, to: &str) {
    let mut record = site.phones.records().pop().expect("a phone");
    record["name"] = json!(to);
    site.native().post("/api/v1/devices/import", &json!([record]));
}
