//! Signing in from a browser: the token is in a cookie that no script sees, it works as any token
//! does, and it is gone when one has signed out.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use http::header::SET_COOKIE;
use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::{Answer, PATIENCE, Request, Server, Start, wait_until};

const USER: &str = "vera";
const PASSWORD: &str = "correct horse battery staple";

/// Guesses that lock.
const GUESSES: usize = 5;

/// Two clients of one machine.
const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The cookie's name.
const COOKIE: &str = "__Host-fleetwright";

/// What follows its value for as long as the browser is open.
const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Strict";

/// The line that takes it away.
const CLEARED: &str = "__Host-fleetwright=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";

/// A server with a project and a user who may operate it.
fn server(start: &Start) -> Server {
    let server = Server::start(start);
    let native = server.native();
    native.new_project(PROJECT);
    let user = json!({ "name": USER, "password": PASSWORD, "role": "operator" });
    native.post(&format!("/api/v1/projects/{PROJECT}/users"), &user);
    server
}

/// A call of the console's.
fn of_console(method: &str, target: &str) -> Request {
    Request::new(method, target).header("x-fleetwright-console", "1")
}

/// Signs in with this body from an address.
fn sign_in_from(from: Ipv4Addr, server: &Server, body: &Value) -> Answer {
    let request = of_console("POST", "/api/v1/session/cookie").body(body.to_string());
    request.send_from(from, server.address())
}

/// Signs in with this body.
fn sign_in(server: &Server, body: &Value) -> Answer {
    sign_in_from(HERE, server, body)
}

/// Signs [`USER`] in: gives the pair that the browser sends from then on.
fn signed_in(server: &Server) -> String {
    let answer = sign_in(server, &json!({ "user": USER, "password": PASSWORD }));
    assert_eq!(answer.status, 200, "{answer:?}");
    cookie(&answer).split_once(';').expect("attributes").0.to_owned()
}

/// The one cookie of an answer, as it stands there.
#[track_caller]
fn cookie(answer: &Answer) -> String {
    let lines: Vec<_> = answer.headers.get_all(SET_COOKIE).iter().collect();
    assert_eq!(lines.len(), 1, "{answer:?}");
    lines[0].to_str().expect("text").to_owned()
}

/// Who one is with this cookie.
fn who(server: &Server, pair: &str) -> Answer {
    Request::new("GET", "/api/v1/session").header("cookie", pair).send(server.address())
}

/// Signs out with this cookie.
fn sign_out(server: &Server, pair: &str) -> Answer {
    of_console("DELETE", "/api/v1/session").header("cookie", pair).send(server.address())
}

/// A token of [`USER`]'s with a name.
fn named_token(server: &Server) -> String {
    let named = json!({ "name": "browser", "expires_in_days": 9 });
    let made = server.native().post(&format!("/api/v1/users/{USER}/tokens"), &named);
    made["token"].as_str().expect("a token").to_owned()
}

#[test]
fn a_password_signs_a_browser_in_and_the_token_is_in_the_cookie_alone() {
    let server = server(&Start::default());
    let answer = sign_in(&server, &json!({ "user": USER, "password": PASSWORD }));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["user"], USER);
    assert_eq!(answer.body["grants"][0]["role"], "operator");
    let line = cookie(&answer);
    let (pair, attributes) = line.split_once(';').expect("attributes");
    let (name, token) = pair.split_once('=').expect("a pair");
    assert_eq!((name, token.len()), (COOKIE, 43));
    assert!(!answer.text.contains(token), "{}", answer.text);
    let max_age = format!(";{attributes}").replace(ATTRIBUTES, "");
    let max_age: u64 = max_age.strip_prefix("; Max-Age=").expect("an end").parse().expect("secs");
    assert_eq!(max_age, 24 * 60 * 60, "it is kept as long as the token works");

    assert_eq!(who(&server, pair).ok(), answer.body);
    assert_eq!(who(&server, pair).headers["cache-control"], "no-store");
    let list = Request::new("GET", "/api/v1/devices").header("cookie", format!("a=b; {pair}; c=d"));
    assert_eq!(list.send(server.address()).status, 200);
    // It may what its user may.
    let create = of_console("POST", "/api/v1/projects").header("cookie", pair).body("{}");
    let refused = create.send(server.address());
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("forbidden")));
}

#[test]
fn a_token_signs_a_browser_in_until_it_is_closed() {
    let server = server(&Start::default());
    for (token, user) in [(server.admin_token(), Value::Null), (named_token(&server), json!(USER))]
    {
        let answer = sign_in(&server, &json!({ "token": token }));
        assert_eq!((answer.status, &answer.body["user"]), (200, &user), "{answer:?}");
        assert_eq!(cookie(&answer), format!("{COOKIE}={token}{ATTRIBUTES}"));
        assert!(!answer.text.contains(&token), "{}", answer.text);
        let pair = format!("{COOKIE}={token}");
        assert_eq!(who(&server, &pair).ok()["user"], user);
        // Signing out is of this browser: whoever made the token has it elsewhere.
        let out = sign_out(&server, &pair);
        assert_eq!((out.status, cookie(&out).as_str()), (204, CLEARED));
        assert_eq!(who(&server, &pair).status, 200, "the token goes on working");
    }
    for body in [
        json!({}),
        json!({ "user": USER }),
        json!({ "user": USER, "password": PASSWORD, "token": server.admin_token() }),
        json!({ "token": 7 }),
    ] {
        let answer = sign_in(&server, &body);
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!("invalid")), "{body}");
        assert!(!answer.headers.contains_key(SET_COOKIE));
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
}

#[test]
fn guessing_locks_out_the_guesser_alone() {
    let server = server(&Start::default());
    let token = server.admin_token();
    let (right, wrong) = (json!({ "token": token }), json!({ "token": "0".repeat(43) }));
    for _ in 0..GUESSES {
        assert_eq!(sign_in_from(THERE, &server, &wrong).status, 401);
    }
    let locked = sign_in_from(THERE, &server, &right);
    assert_eq!(locked.status, 401, "the right token does not help now: {locked:?}");
    assert!(locked.text.contains("wait a while") && !locked.headers.contains_key(SET_COOKIE));
    assert_eq!(sign_in_from(HERE, &server, &right).status, 200, "others are not locked out");

    let right = json!({ "user": USER, "password": PASSWORD });
    let wrong = json!({ "user": USER, "password": "a wrong guess" });
    assert_eq!(sign_in_from(THERE, &server, &right).status, 200, "tokens are counted apart");
    for _ in 1..GUESSES {
        assert_eq!(sign_in_from(THERE, &server, &wrong).status, 401);
    }
    // However the name is written.
    let loud = json!({ "user": USER.to_uppercase(), "password": "a wrong guess" });
    assert_eq!(sign_in_from(THERE, &server, &loud).status, 401);
    assert_eq!(sign_in_from(THERE, &server, &right).status, 401);
    // The count is one for both ways of signing in.
    let without_cookie = Request::new("POST", "/api/v1/session").body(right.to_string());
    assert_eq!(without_cookie.send_from(THERE, server.address()).status, 401);
    assert_eq!(sign_in_from(HERE, &server, &right).status, 200);
}

#[test]
fn nobody_is_signed_in_by_a_page_of_another_site() {
    let server = server(&Start::default());
    let body = json!({ "user": USER, "password": PASSWORD }).to_string();
    let without = Request::new("POST", "/api/v1/session/cookie").body(body.as_str());
    let with = of_console("POST", "/api/v1/session/cookie").body(body.as_str());
    for request in [
        without.clone(),
        without.header("sec-fetch-site", "same-origin"),
        with.clone().header("sec-fetch-site", "cross-site"),
        with.clone().header("sec-fetch-site", "none"),
        with.clone().header("origin", "http://elsewhere.example"),
        with.clone().header("origin", "null"),
    ] {
        let answer = request.send(server.address());
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!("cross_site")));
        assert!(!answer.headers.contains_key(SET_COOKIE));
    }
    let own = with.header("origin", server.url()).header("sec-fetch-site", "same-origin");
    assert_eq!(own.send(server.address()).status, 200);
}

#[test]
fn signing_out_ends_the_token_and_clears_the_cookie() {
    let server = server(&Start::default());
    let (pair, other) = (signed_in(&server), signed_in(&server));
    // Not by a page of another site, which may not take the cookie away either.
    let target = "/api/v1/session";
    let forged = Request::new("DELETE", target).header("cookie", &pair).send(server.address());
    assert_eq!((forged.status, &forged.body["code"]), (403, &json!("cross_site")));
    assert!(!forged.headers.contains_key(SET_COOKIE));

    let out = sign_out(&server, &pair);
    assert_eq!((out.status, cookie(&out).as_str()), (204, CLEARED));
    assert_eq!(who(&server, &pair).status, 401);
    assert_eq!(who(&server, &other).status, 200, "another browser stays signed in");
    let again = sign_out(&server, &pair);
    assert_eq!((again.status, cookie(&again).as_str()), (401, CLEARED), "it is gone all the same");
    assert!(!who(&server, &pair).headers.contains_key(SET_COOKIE), "that is for signing out");
    // Without a cookie there is none to clear, and the admin token is not signed out with.
    let admin = format!("Bearer {}", server.admin_token());
    let out = Request::new("DELETE", target).header("authorization", admin).send(server.address());
    assert_eq!((out.status, out.headers.contains_key(SET_COOKIE)), (403, false));
}

#[test]
fn a_browser_is_signed_in_as_long_as_its_token_works() {
    let config = "[http]\ntoken_lifetime_seconds = 2\n".to_owned();
    let server = server(&Start { config, ..Start::default() });
    let answer = sign_in(&server, &json!({ "user": USER, "password": PASSWORD }));
    let line = cookie(&answer);
    assert!(line.ends_with("; Max-Age=2"), "{line}");
    let pair = line.split_once(';').expect("attributes").0;
    wait_until("the token to expire", PATIENCE, || who(&server, pair).status != 200);
    let expired = who(&server, pair);
    assert_eq!((expired.status, &expired.body["detail"]), (401, &json!("the token has expired")));
    let given = json!({ "token": pair.split_once('=').expect("a pair").1 });
    assert_eq!(sign_in(&server, &given).status, 401);
}

#[test]
fn with_both_the_header_counts() {
    let server = server(&Start::default());
    let pair = signed_in(&server);
    let admin = format!("Bearer {}", server.admin_token());
    let with = |authorization: &str| {
        let request = Request::new("GET", "/api/v1/session").header("cookie", &pair);
        request.header("authorization", authorization).send(server.address())
    };
    assert_eq!(with(&admin).ok()["server_admin"], true);
    for wrong in ["Bearer x", "Bearer ", "Basic dmVyYTp4"] {
        assert_eq!(with(wrong).status, 401, "{wrong}: the cookie does not step in");
    }
    // A program's call is its own, whatever cookies go with it.
    let create = Request::new("POST", "/api/v1/projects").body(json!({ "name": "x" }).to_string());
    let create = create.header("cookie", &pair).header("authorization", admin);
    assert_eq!(create.send(server.address()).status, 201);
    for two in [format!("{pair}; {pair}"), format!("{COOKIE}="), "fleetwright=x".to_owned()] {
        assert_eq!(who(&server, &two).status, 401, "{two}");
    }
}

#[test]
fn the_vendors_doors_look_at_no_cookie() {
    let server = server(&Start::default());
    for pair in [signed_in(&server), format!("{COOKIE}={}", server.admin_token())] {
        for (method, target) in [
            ("GET", format!("/v1/{PROJECT}/cloud-phone/phones")),
            ("GET", "/v3/projects".to_owned()),
            ("GET", "/project".to_owned()),
            ("GET", "/device".to_owned()),
        ] {
            let asked = |request: Request| request.send(server.address());
            let without = asked(of_console(method, &target));
            let with = asked(of_console(method, &target).header("cookie", &pair));
            assert!((400..500).contains(&with.status), "{target}: {with:?}");
            assert_eq!(with.status, without.status, "{target}: {with:?}");
        }
    }
}

#[test]
fn a_browsers_stream_goes_on_until_its_token_ends() {
    let server = server(&Start::default());
    let pair = signed_in(&server);
    let follow = |site: &str| {
        let target = "/api/v1/events";
        Request::new("GET", target).header("cookie", &pair).header("sec-fetch-site", site)
    };
    assert_eq!(follow("cross-site").send(server.address()).status, 403);
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a bound");
    let request = follow("same-origin").bytes(&server.address().to_string());
    stream.write_all(&request).expect("a request");
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).expect("an answer");
    assert_eq!(&beginning, b"HTTP/1.1 200");
    assert_eq!(sign_out(&server, &pair).status, 204);
    // Asked with the next heartbeat whether it may go on, 15 s at most after that.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the stream ends");
    let rest = String::from_utf8_lossy(&rest).to_lowercase();
    assert!(rest.contains("text/event-stream") && rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[test]
fn the_console_is_where_the_log_says_and_asks_no_token() {
    let server = server(&Start::default());
    wait_until("the line", PATIENCE, || server.has_said(&format!("{}/ui/", server.url())));
    let ask = |method: &str, target: &str| Request::new(method, target).send(server.address());
    let home = ask("GET", "/");
    assert_eq!((home.status, &home.headers["location"]), (307, &"/ui/".parse().expect("a value")));
    let page = ask("GET", "/ui/devices/x");
    // A build without Node says that it has none.
    assert!([200, 503].contains(&page.status), "{page:?}");
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/html"));
    assert!(page.headers.contains_key("content-security-policy"));
    assert_eq!(ask("POST", "/ui/").status, 405);
    assert_eq!(ask("GET", "/assets/none.js").status, 404);
    assert_eq!(ask("GET", "/api/v1/devices").status, 401, "the fleet is behind the token");
    assert_eq!(ask("GET", "/elsewhere").status, 404);
}
