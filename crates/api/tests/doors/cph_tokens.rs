//! Tokens: signing in, calling with a token, and who is locked out; and who a client is behind
//! proxies.

use std::time::Duration;

use fleet::Principal;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::client::{Answer, bytes, exchange};
use crate::cph_site::{FOREIGN_USER, USER, token_body};
use crate::site::{FOREIGN, KEY, PHONES, PROJECT, START, Site};

const DETAIL: &str =
    "/v1/0123456789abcdef0123456789abcdef/cloud-phone/phones/a7f3a1c5258347d6b6f1def79e11f2bc";

/// Checks that it is a refusal in IAM's shape; gives its message.
#[track_caller]
fn iam(answer: &Answer, status: u16, title: &str) -> String {
    let body = answer.json();
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("x-request-id").len(), 32);
    assert_eq!((&body["error"]["code"], &body["error"]["title"]), (&json!(status), &json!(title)));
    assert_eq!(body.as_object().unwrap().len(), 1);
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_issued_as_iam_does() {
    let site = Site::start().await.with_users().await;
    for scope in [
        Value::Null,
        json!({ "project": { "id": PROJECT } }),
        json!({ "project": { "name": "a project" } }),
        json!({ "project": { "id": PROJECT, "name": "a project", "domain": { "id": "d" } } }),
    ] {
        let answer = site.sign_in(&token_body(USER, &scope)).await;
        assert_eq!(answer.status, 201, "{scope}: {answer:?}");
        let mut body = answer.json();
        assert_eq!(body["token"]["user"]["id"].as_str().unwrap().len(), 32);
        body["token"]["user"]["id"] = json!("[id]");
        let domain = json!({ "id": "IAMDomain", "name": "IAMDomain" });
        let expected = json!({ "token": {
            "methods": ["password"],
            "issued_at": "2026-11-21T12:00:00.000000Z",
            "expires_at": "2026-11-22T12:00:00.000000Z",
            "project": { "id": PROJECT, "name": "a project", "domain": domain },
            "user": { "id": "[id]", "name": "alice", "domain": domain, "password_expires_at": "" },
            "roles": [], "catalog": [] } });
        assert_eq!(body, expected, "{scope}");
        assert_eq!(answer.header("x-subject-token").len(), 43);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let body = token_body(USER, &Value::Null).to_string();
    let target = "/v3/auth/tokens?nocatalog=true";
    let answer = site.with_token(None, "POST", target, body.as_bytes()).await;
    assert_eq!(answer.json()["token"].get("catalog"), None);
}

#[tokio::test]
async fn a_token_does_what_a_signature_does() {
    let site = Site::start().await.with_users().await;
    let token = site.token(USER).await;
    let call = async |method: &str, target: &str, body: &[u8]| {
        site.with_token(Some(&token), method, target, body).await
    };
    assert_eq!(call("GET", DETAIL, b"").await.json()["phone_id"], PHONES[0]);
    let update =
        json!({ "phones": [{ "phone_id": PHONES[0], "property": "{\"ro.install.auto\":1}" }] });
    let target = format!("/v1/{PROJECT}/cloud-phone/phones/batch-update-property");
    let answer = call("POST", &target, update.to_string().as_bytes()).await;
    let job = answer.json()["jobs"][0]["job_id"].as_str().unwrap().to_owned();
    let inside = site.native("GET", &format!("/jobs/{job}"), "").await.json();
    assert_eq!(inside["actor"], "alice", "who it was is on record");
    let foreign = format!("/v1/{FOREIGN}/cloud-phone/jobs");
    call("GET", &foreign, b"").await.refused(403, "CPS.0001");
    let others = site.token(FOREIGN_USER).await;
    site.with_token(Some(&others), "GET", DETAIL, b"").await.refused(403, "CPS.0001");
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let site = Site::start().await.with_users().await;
    let token = site.token(USER).await;
    let changed = format!("{}{}", &token[1..], &token[..1]);
    for bad in ["x", "null", &token[1..], &changed, &"a".repeat(8_096), &"a".repeat(8_097)] {
        let answer = site.with_token(Some(bad), "GET", DETAIL, b"").await;
        let message = answer.refused(401, "APIGW.0301");
        let expected = "Incorrect IAM authentication information: decrypt token fail";
        assert_eq!(message, expected, "{bad}");
    }
    let message = site.with_token(Some(""), "GET", DETAIL, b"").await.refused(401, "APIGW.0301");
    assert!(message.ends_with("x-auth-token not found"), "{message}");
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.append("x-auth-token", token.parse().unwrap());
    headers.append("x-auth-token", token.parse().unwrap());
    let answer = exchange(site.address, &bytes("GET", DETAIL, &headers, b"")).await;
    answer.refused(401, "APIGW.0301");
    // A signature, where there is one, decides; what is not meant for us does not.
    headers.remove("x-auth-token");
    headers.insert("x-auth-token", token.parse().unwrap());
    headers.insert("authorization", HeaderValue::from_static("Basic YTpi"));
    let answer = exchange(site.address, &bytes("GET", DETAIL, &headers, b"")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut headers = site.signed((KEY.0, "wrong"), "GET", DETAIL, b"");
    headers.insert("x-auth-token", token.parse().unwrap());
    let answer = exchange(site.address, &bytes("GET", DETAIL, &headers, b"")).await;
    answer.refused(401, "APIGW.0301");
}

#[tokio::test]
async fn a_token_expires_and_dies_with_its_users_password() {
    let site = Site::start().await.with_users().await;
    let first = site.token(USER).await;
    site.clock.advance(Duration::from_secs(12 * 3_600));
    let second = site.token(USER).await;
    site.clock.advance(Duration::from_secs(12 * 3_600 - 1));
    assert_eq!(site.with_token(Some(&first), "GET", DETAIL, b"").await.status, 200);
    site.clock.advance(Duration::from_secs(1));
    let answer = site.with_token(Some(&first), "GET", DETAIL, b"").await;
    assert_eq!(
        answer.refused(401, "APIGW.0301"),
        "Incorrect IAM authentication information: token expires, \
         expires_at: 2026-11-22T12:00:00.000000Z"
    );
    assert_eq!(site.with_token(Some(&second), "GET", DETAIL, b"").await.status, 200);
    let password = fleet::Secret::new("quite another password".to_owned());
    site.handle.set_password(&Principal::admin(), USER.0, password).await.unwrap();
    let answer = site.with_token(Some(&second), "GET", DETAIL, b"").await;
    assert!(answer.refused(401, "APIGW.0301").ends_with("decrypt token fail"));
    iam(&site.sign_in(&token_body(USER, &Value::Null)).await, 401, "Unauthorized");
    let third = site.token((USER.0, "quite another password")).await;
    site.handle.disable_user(&Principal::admin(), USER.0).await.unwrap();
    site.with_token(Some(&third), "GET", DETAIL, b"").await.refused(401, "APIGW.0301");
    let answer = site.sign_in(&token_body((USER.0, "quite another password"), &Value::Null)).await;
    iam(&answer, 401, "Unauthorized");
}

#[tokio::test]
async fn who_can_not_sign_in_learns_no_more_than_that() {
    let site = Site::start().await.with_users().await;
    let wrong = "The username or password is wrong.";
    for (rule, body) in [
        ("another password", token_body((USER.0, "wrong password"), &Value::Null)),
        ("no such user", token_body(("nobody", USER.1), &Value::Null)),
        ("a password that nobody can have", token_body((USER.0, "x"), &Value::Null)),
        ("a name that nobody can have", token_body(("手", USER.1), &Value::Null)),
        ("a foreign project", token_body(USER, &json!({ "project": { "id": FOREIGN } }))),
        ("no such project", token_body(USER, &json!({ "project": { "name": "cn-north-4" } }))),
        (
            "an id and a name of two projects",
            token_body(USER, &json!({ "project": { "id": PROJECT, "name": "b" } })),
        ),
    ] {
        let answer = site.sign_in(&body).await;
        assert_eq!(iam(&answer, 401, "Unauthorized"), wrong, "{rule}");
        assert_eq!(answer.header("x-subject-token"), "", "{rule}");
    }
    for body in ["", "{}", "[]", "null", r#"{"auth":{}}"#] {
        let answer = site.with_token(None, "POST", "/v3/auth/tokens", body.as_bytes()).await;
        assert_eq!(iam(&answer, 400, "Bad Request"), "The request body is invalid");
    }
    let domain = token_body(USER, &json!({ "domain": { "name": "IAMDomain" } }));
    iam(&site.sign_in(&domain).await, 400, "Bad Request");
    let long = token_body((USER.0, &"x".repeat(17_000)), &Value::Null);
    site.sign_in(&long).await.refused(413, "APIGW.0201");
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_name_out_for_five_minutes() {
    let site = Site::start().await.with_users().await;
    let wrong = (USER.0, "wrong password");
    let sign_in = async |user| site.sign_in(&token_body(user, &Value::Null)).await;
    for _ in 0..4 {
        iam(&sign_in(wrong).await, 401, "Unauthorized");
    }
    assert_eq!(sign_in(USER).await.status, 201, "a success starts the count again");
    for _ in 0..5 {
        assert!(iam(&sign_in(wrong).await, 401, "Unauthorized").contains("wrong."));
    }
    let message = iam(&sign_in(USER).await, 401, "Unauthorized");
    assert!(message.contains("locked"), "{message}");
    assert_eq!(sign_in(FOREIGN_USER).await.status, 201, "nobody else is");
    assert_eq!(site.cph("GET", "servers", b"").await.status, 200, "nor any key");
    // A name that does not exist is locked like one that does.
    for _ in 0..5 {
        iam(&sign_in(("nobody", "wrong password")).await, 401, "Unauthorized");
    }
    assert!(iam(&sign_in(("nobody", "x")).await, 401, "Unauthorized").contains("locked"));
    site.clock.advance(Duration::from_secs(300));
    assert_eq!(sign_in(USER).await.status, 201, "the lock is over");
}

#[tokio::test]
async fn what_no_user_can_have_is_no_guess_and_locks_nothing() {
    let site = Site::start().await.with_users().await;
    let sign_in = async |user| site.sign_in(&token_body(user, &Value::Null)).await;
    for user in [(USER.0, "short"), (USER.0, "a control\ncharacter"), ("9lives", USER.1)] {
        for _ in 0..6 {
            let message = iam(&sign_in(user).await, 401, "Unauthorized");
            assert_eq!(message, "The username or password is wrong.");
        }
    }
    assert_eq!(sign_in(USER).await.status, 201);
}

#[tokio::test]
async fn of_many_guesses_at_once_five_are_told() {
    let site = Site::start().await.with_users().await;
    let mut calls = tokio::task::JoinSet::new();
    let body = token_body((USER.0, "wrong password"), &Value::Null);
    for _ in 0..8 {
        let request = sign_in_bytes("192.0.2.1", &body);
        let address = site.address;
        calls.spawn(async move { exchange(address, &request).await });
    }
    let messages: Vec<_> =
        calls.join_all().await.iter().map(|call| iam(call, 401, "Unauthorized")).collect();
    assert_eq!(messages.iter().filter(|text| text.contains("wrong.")).count(), 5, "{messages:?}");
    assert_eq!(messages.iter().filter(|text| text.contains("locked")).count(), 3, "{messages:?}");
}

#[tokio::test]
async fn one_address_can_not_keep_others_from_signing_in() {
    let site = Site::start().await.with_users().await;
    let (address, _open) = site.behind_proxies(&["127.0.0.0/8"]).await;
    // More than may be checked and wait, all from one network and each by another name.
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..100 {
        let name = format!("nobody-{number}");
        let body = token_body((&name, "wrong password"), &Value::Null);
        let request = sign_in_bytes(&format!("2001:db8::{number}"), &body);
        flood.spawn(async move { exchange(address, &request).await });
    }
    let refused = loop {
        let answer = flood.join_next().await.unwrap().unwrap();
        if answer.status == 429 {
            break answer;
        }
    };
    let message = iam(&refused, 429, "Too Many Requests");
    assert_eq!(message, "Too many sign-ins at a time. Try again in a second.");
    assert_eq!(refused.header("retry-after"), "1");
    let other = sign_in_bytes("2001:db8:1::1", &token_body(USER, &Value::Null));
    assert_eq!(exchange(address, &other).await.status, 201);
    let rest = flood.join_all().await;
    assert!(rest.iter().all(|answer| [401, 429].contains(&answer.status)), "{rest:?}");
    let checked = rest.iter().filter(|answer| answer.status == 401).count();
    assert!(checked >= 6, "those that found a place are checked: {checked}");
    // Their places are given back.
    let again = sign_in_bytes("2001:db8::1", &token_body(USER, &Value::Null));
    assert_eq!(exchange(address, &again).await.status, 201);
}

/// The bytes of a call that asks for a token, forwarded for this client.
fn sign_in_bytes(forwarded: &str, body: &Value) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("x-forwarded-for", forwarded.parse().unwrap());
    bytes("POST", "/v3/auth/tokens", &headers, body.to_string().as_bytes())
}

#[tokio::test]
async fn behind_trusted_proxies_only_the_offender_is_locked_out() {
    let site = Site::start().await.with_users().await;
    let (address, _open) = site.behind_proxies(&["127.0.0.0/8", "10.0.0.0/8"]).await;
    let sign_in = async |forwarded: &str, password: &str| {
        let body = token_body((USER.0, password), &Value::Null);
        exchange(address, &sign_in_bytes(forwarded, &body)).await.status
    };
    for number in 0..5 {
        // What the offender writes in front makes no difference, nor which proxies were passed.
        let forwarded = format!("192.0.2.{number}, 198.51.100.1, 10.0.0.{number}");
        assert_eq!(sign_in(&forwarded, "wrong password").await, 401);
    }
    assert_eq!(sign_in("198.51.100.1", USER.1).await, 401, "locked");
    assert_eq!(sign_in("198.51.100.2", USER.1).await, 201);
    assert_eq!(sign_in("198.51.100.1, 198.51.100.2", USER.1).await, 201);
    let key = |forwarded: &'static str, secret: &str| {
        let mut headers = site.signed((KEY.0, secret), "GET", DETAIL, b"");
        headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
        headers.insert("host", HeaderValue::from_str(&site.address.to_string()).unwrap());
        bytes("GET", DETAIL, &headers, b"")
    };
    for _ in 0..5 {
        exchange(address, &key("198.51.100.1", "wrong")).await.refused(401, "APIGW.0301");
    }
    let message = exchange(address, &key("198.51.100.1", KEY.1)).await.refused(401, "APIGW.0301");
    assert!(message.ends_with("AK access failed to reach the limit,forbidden"), "{message}");
    assert_eq!(exchange(address, &key("198.51.100.2", KEY.1)).await.status, 200);
    // Where no proxy is trusted, the header is not looked at.
    let (plain, _open) = site.behind_proxies(&[]).await;
    for _ in 0..5 {
        exchange(plain, &key("198.51.100.3", "wrong")).await.refused(401, "APIGW.0301");
    }
    let message = exchange(plain, &key("198.51.100.4", KEY.1)).await.refused(401, "APIGW.0301");
    assert!(message.ends_with("forbidden"), "{message}");
}

#[tokio::test]
async fn a_caller_finds_its_project_by_name() {
    let site = Site::start().await.with_users().await;
    let token = site.token(USER).await;
    let by_key = site.cph_as(KEY, "GET", "/v3/projects", b"").await;
    insta::assert_snapshot!(by_key.text, @r#"{"projects":[{"id":"0123456789abcdef0123456789abcdef","name":"a project","domain_id":"default","parent_id":"default","is_domain":false,"enabled":true,"description":"","links":{"self":"/v3/projects/0123456789abcdef0123456789abcdef","previous":null,"next":null}}],"links":{"self":"/v3/projects","previous":null,"next":null}}"#);
    for target in ["/v3/projects", "/v3/projects?name=a%20project", "/v3/projects?enabled=true"] {
        let answer = site.with_token(Some(&token), "GET", target, b"").await;
        assert_eq!((answer.status, &answer.text), (200, &by_key.text), "{target}");
    }
    let none = site.cph_as(KEY, "GET", "/v3/projects?name=cn-north-4", b"").await.json();
    assert_eq!(none["projects"], json!([]));
    site.unsigned("GET", "/v3/projects").await.refused(401, "APIGW.0301");
    let late = site.signed_at("20261121T123000Z", KEY, "GET", "/v3/projects", b"");
    assert_ne!(START, "20261121T123000Z");
    let answer = exchange(site.address, &bytes("GET", "/v3/projects", &late, b"")).await;
    answer.refused(401, "APIGW.0301");
}
