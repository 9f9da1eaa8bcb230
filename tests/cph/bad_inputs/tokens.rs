//! `POST /v3/auth/tokens`: bodies that are none, and users who may not sign in.

use serde_json::{Value, json};

use super::Refusal::SignIn;
use super::Rows;
use super::bed::{Bed, PASSWORD, STRANGER, USER};
use crate::harness::Request;

/// Texts that are no body.
const TEXTS: &[(&str, &str)] = &[
    ("nothing", ""),
    ("words", "let me in"),
    ("a form", "name=operator&password=secret"),
    ("a list", "[]"),
    ("null", "null"),
    ("an object that is cut off", r#"{"auth":{"identity":{"#),
];

/// Where a good body is changed, and what stands there then.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("auth null", "/auth", Value::Null),
        ("auth a text", "/auth", json!("password")),
        ("auth empty", "/auth", json!({})),
        ("identity a list", "/auth/identity", json!([])),
        ("identity empty", "/auth/identity", json!({})),
        ("methods missing", "/auth/identity/methods", Value::Null),
        ("methods a text", "/auth/identity/methods", json!("password")),
        ("methods empty", "/auth/identity/methods", json!([])),
        ("methods of numbers", "/auth/identity/methods", json!([1])),
        ("the method token", "/auth/identity/methods", json!(["token"])),
        ("the method hw_ak_sk", "/auth/identity/methods", json!(["hw_ak_sk"])),
        ("two methods", "/auth/identity/methods", json!(["password", "totp"])),
        ("password a text", "/auth/identity/password", json!("secret")),
        ("password empty", "/auth/identity/password", json!({})),
        ("user null", "/auth/identity/password/user", Value::Null),
        ("user a text", "/auth/identity/password/user", json!("operator")),
        ("user empty", "/auth/identity/password/user", json!({})),
        ("name missing", "/auth/identity/password/user/name", Value::Null),
        ("name a number", "/auth/identity/password/user/name", json!(1)),
        ("name a list", "/auth/identity/password/user/name", json!(["operator"])),
        ("password null", "/auth/identity/password/user/password", Value::Null),
        ("password a number", "/auth/identity/password/user/password", json!(1)),
        ("password an object", "/auth/identity/password/user/password", json!({"$ne": ""})),
        ("domain a text", "/auth/identity/password/user/domain", json!("any")),
        ("domain empty", "/auth/identity/password/user/domain", json!({})),
        ("domain with a number", "/auth/identity/password/user/domain", json!({"name": 1})),
        ("scope a text", "/auth/scope", json!("demo")),
        ("scope empty", "/auth/scope", json!({})),
        ("scope a domain", "/auth/scope", json!({"domain": {"name": "any"}})),
        ("project a text", "/auth/scope/project", json!("demo")),
        ("project empty", "/auth/scope/project", json!({})),
        ("project's id a number", "/auth/scope/project/id", json!(1)),
        ("project's id empty", "/auth/scope/project/id", json!("")),
    ]
}

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for (what, body) in TEXTS {
        let request = Request::new("POST", "/v3/auth/tokens").body(*body);
        rows.add(format!("sign-in: {what}"), request, SignIn(400));
    }
    let good = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": USER, "password": PASSWORD, "domain": {"name": "any"},
        }}},
        "scope": {"project": {"id": "demo"}},
    }});
    for (what, at, value) in changes() {
        let mut body = good.clone();
        *body.pointer_mut(at).expect("a place in the body") = value;
        rows.add(format!("sign-in: {what}"), bed.sign_in_as(&body), SignIn(400));
    }
    for (what, user, password) in [
        ("a wrong password", USER, "wrong"),
        ("a password in capitals", USER, &PASSWORD.to_uppercase()),
        ("a password and a blank", USER, &format!("{PASSWORD} ")),
        ("a password's beginning", USER, &PASSWORD[..8]),
        ("a user who does not exist", "nobody", PASSWORD),
        ("a user and a blank", &format!("{USER} "), PASSWORD),
        ("SQL", "' or '1'='1", "' or '1'='1"),
    ] {
        rows.add(format!("sign-in: {what}"), bed.sign_in(user, password), SignIn(401));
    }
    for (what, scope) in [
        ("another's project", json!({"project": {"id": STRANGER}})),
        ("another's project by name", json!({"project": {"name": STRANGER}})),
        ("a project that does not exist", json!({"project": {"id": "no-such-project"}})),
    ] {
        let mut body = good.clone();
        body["auth"]["scope"] = scope;
        rows.add(format!("sign-in: {what}"), bed.sign_in_as(&body), SignIn(401));
    }
    let wrong = bed.sign_in(USER, "a wrong password");
    rows.add_after(5, "sign-in: a sixth after five wrong passwords", wrong, SignIn(401));
}
