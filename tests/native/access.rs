//! Who may call, and for how long: tokens expire, revoked keys stop at once, and locking out a
//! guesser locks out nobody else.

mod every_call;

use std::net::Ipv4Addr;

use serde_json::json;

use crate::harness::phones::PROJECT;
use crate::harness::{Answer, Key, PATIENCE, Request, Server, Start, wait_until};

/// Guesses that lock.
const GUESSES: usize = 5;

/// Two clients of one machine.
const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The user who signs in.
const USER: &str = "operator";
const PASSWORD: &str = "correct horse battery staple";

/// A server with a project, its key and a user.
fn server(start: &Start) -> (Server, Key) {
    let server = Server::start(start);
    let native = server.native();
    let key = native.new_project(PROJECT);
    let target = format!("/api/v1/projects/{PROJECT}/users");
    native.post(&target, &json!({"name": USER, "password": PASSWORD}));
    (server, key)
}

/// A call that every caller who is let in may make.
fn call() -> Request {
    Request::new("GET", &format!("/v1/{PROJECT}/cloud-phone/phones"))
}

/// `POST /v3/auth/tokens`.
fn sign_in(password: &str) -> Request {
    Request::new("POST", "/v3/auth/tokens").body(
        json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": USER, "password": password, "domain": {"name": "any"},
            }}},
            "scope": {"project": {"id": PROJECT}},
        }})
        .to_string(),
    )
}

/// A token.
fn token(server: &Server) -> String {
    let answer = sign_in(PASSWORD).send(server.address());
    assert_eq!(answer.status, 201, "{answer:?}");
    let token = answer.headers.get("x-subject-token").expect("a token");
    token.to_str().expect("text").to_owned()
}

/// A call with a token.
fn with_token(server: &Server, token: &str) -> Answer {
    call().header("x-auth-token", token).send(server.address())
}

/// A call signed with a key, from an address, with headers of a proxy.
fn signed(server: &Server, key: &Key, from: Ipv4Addr, forwarded: Option<&str>) -> Answer {
    let mut request = call().signed(key, &server.address().to_string());
    if let Some(client) = forwarded {
        request = request.header("x-forwarded-for", client);
    }
    request.send_from(from, server.address())
}

#[test]
fn a_token_expires() {
    let start =
        Start { config: "[http]\ntoken_lifetime_seconds = 2\n".to_owned(), ..Start::default() };
    let (server, _) = server(&start);
    let first = token(&server);
    assert_eq!(with_token(&server, &first).status, 200);
    wait_until("the token to expire", PATIENCE, || with_token(&server, &first).status != 200);
    let answer = with_token(&server, &first);
    answer.refused(401, "APIGW.0301");
    let message = answer.body["error_msg"].as_str().expect("a message");
    assert!(message.contains("token expires, expires_at: "), "{message}");
    let second = token(&server);
    assert_ne!(first, second);
    assert_eq!(with_token(&server, &second).status, 200);
    with_token(&server, &first).refused(401, "APIGW.0301");
}

#[test]
fn a_token_outlives_a_restart_and_dies_with_its_user() {
    let (mut server, _) = server(&Start::default());
    let (one, other) = (token(&server), token(&server));
    server.kill9();
    server.restart(&Start::default());
    for token in [&one, &other] {
        assert_eq!(with_token(&server, token).status, 200, "a new token leaves older ones valid");
    }
    let native = server.native();
    native.put(&format!("/api/v1/users/{USER}/password"), &json!({"password": "another one"}));
    for token in [&one, &other] {
        with_token(&server, token).refused(401, "APIGW.0301");
    }
    assert_eq!(sign_in(PASSWORD).send(server.address()).status, 401);
    let answer = sign_in("another one").send(server.address());
    assert_eq!(answer.status, 201, "{answer:?}");
    let third = answer.headers.get("x-subject-token").expect("a token").clone();
    let third = third.to_str().expect("text");
    assert_eq!(with_token(&server, third).status, 200);
    let target = format!("/api/v1/users/{USER}");
    native.call(&http::Method::DELETE, &target, &json!(null)).expect("an answer").ok();
    with_token(&server, third).refused(401, "APIGW.0301");
    assert_eq!(sign_in("another one").send(server.address()).status, 401);
}

#[test]
fn a_revoked_key_stops_at_once_and_no_other_does() {
    let (server, key) = server(&Start::default());
    let native = server.native();
    let made = native.post(&format!("/api/v1/projects/{PROJECT}/keys"), &json!({}));
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    let other = Key { project: PROJECT.to_owned(), ak: text("ak"), sk: text("sk") };
    for key in [&key, &other] {
        assert_eq!(signed(&server, key, HERE, None).status, 200);
    }
    let target = format!("/api/v1/keys/{}", key.ak);
    native.call(&http::Method::DELETE, &target, &json!(null)).expect("an answer").ok();
    let refused = signed(&server, &key, HERE, None);
    refused.refused(401, "APIGW.0301");
    assert!(refused.text.contains("Get secretKey failed"), "{refused:?}");
    assert_eq!(signed(&server, &other, HERE, None).status, 200);
}

/// Whether an answer says that its caller is locked out.
fn is_locked(answer: &Answer) -> bool {
    answer.status == 401 && answer.text.contains("failed to reach the limit,forbidden")
}

#[test]
fn locking_out_a_guesser_locks_out_nobody_else() {
    let (server, key) = server(&Start::default());
    let guess = Key { sk: "a guess".to_owned(), ..key.clone() };
    for _ in 0..GUESSES {
        let answer = signed(&server, &guess, THERE, None);
        assert!(answer.status == 401 && !is_locked(&answer), "{answer:?}");
    }
    assert!(is_locked(&signed(&server, &guess, THERE, None)));
    assert!(is_locked(&signed(&server, &key, THERE, None)), "the right secret does not help now");
    assert_eq!(signed(&server, &key, HERE, None).status, 200, "the owner was locked out");
    // Nobody vouches for what a stranger says of himself.
    let lying = signed(&server, &key, THERE, Some("127.0.0.1"));
    assert!(is_locked(&lying), "{lying:?}");
}

#[test]
fn behind_a_trusted_proxy_each_client_is_its_own() {
    let config = "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n".to_owned();
    let (server, key) = server(&Start { config, ..Start::default() });
    let guess = Key { sk: "a guess".to_owned(), ..key.clone() };
    for _ in 0..=GUESSES {
        signed(&server, &guess, HERE, Some("203.0.113.7")).refused(401, "APIGW.0301");
    }
    assert!(is_locked(&signed(&server, &key, HERE, Some("203.0.113.7"))));
    assert_eq!(signed(&server, &key, HERE, Some("203.0.113.8")).status, 200);
    // What a client writes in front of what the proxy adds is the client's own invention.
    let invented = signed(&server, &key, HERE, Some("203.0.113.8, 203.0.113.7"));
    assert!(is_locked(&invented), "{invented:?}");
}

#[test]
fn guessing_a_password_locks_out_the_guesser_alone() {
    let (server, _) = server(&Start::default());
    let from = |address, password: &str| sign_in(password).send_from(address, server.address());
    for _ in 0..GUESSES {
        assert_eq!(from(THERE, "a wrong guess").status, 401);
    }
    let locked = from(THERE, PASSWORD);
    assert_eq!(locked.status, 401, "the right password does not help now: {locked:?}");
    assert!(locked.text.contains("locked"), "{locked:?}");
    assert_eq!(from(HERE, PASSWORD).status, 201, "the owner was locked out");
}
