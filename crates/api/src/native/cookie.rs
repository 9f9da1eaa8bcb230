//! The console's cookie: how a browser keeps a token where no script of a page can read it, and
//! what keeps other sites from using it.
//!
//! A browser adds a cookie to whatever is sent to this server, whoever made it send that. So a call
//! that the cookie lets in has to come from a page of this server: `SameSite=Strict` has the
//! browser see to that, what the browser says of a request (`Sec-Fetch-Site`, `Origin`) is held
//! against it, and one that changes something needs a header that no other site can have sent: for
//! that, its browser would first ask by OPTIONS, which is never allowed
//! ([decision 041](../../../../docs/decisions/041-console-sessions.md)). The vendors' doors look at
//! no cookie.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

use super::{Problem, need};

/// The cookie's name. Browsers take one with this prefix only from the host itself, over TLS (or
/// loopback), for all of its paths (RFC 6265bis, section 4.1.3.2).
pub(super) const NAME: &str = "__Host-fleetwright";

/// Where it is sent, and that no script sees it.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The header by which the console says that a call is its own.
const OF_CONSOLE: HeaderName = HeaderName::from_static("x-fleetwright-console");

/// Where a browser says which site made it send a request (W3C Fetch Metadata, section 2.3).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What can't stand in a cookie's value (RFC 6265, section 4.1.1), and what stands for that. The
/// tokens that the server makes have none of it; an operator's own admin token may.
const NO_COOKIE_OCTETS: AsciiSet =
    CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// The token in the one cookie of these headers.
pub(super) fn token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut ours = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(NAME.as_bytes())?;
        value.strip_prefix(b"=")
    });
    let (Some(value), None) = (ours.next(), ours.next()) else { return None };
    (!value.is_empty()).then(|| percent_decode(value).collect())
}

/// The line that has a browser keep a token for so long; `None`: until it is closed.
pub(super) fn set(token: &str, lasts: Option<Duration>) -> HeaderValue {
    let value = percent_encode(token.as_bytes(), &NO_COOKIE_OCTETS);
    let max_age = lasts.map(|lasts| format!("; Max-Age={}", lasts.as_secs())).unwrap_or_default();
    let line = HeaderValue::try_from(format!("{NAME}={value}; {ATTRIBUTES}{max_age}"));
    // Can't fail: all of it is visible ASCII and blanks.
    let mut line = line.unwrap_or_else(|_| HeaderValue::from_static(""));
    // What prints headers leaves this one out.
    line.set_sensitive(true);
    line
}

/// The line that has a browser forget the token.
fn cleared() -> HeaderValue {
    set("", Some(Duration::ZERO))
}

/// Whether a request is the call that signs out.
pub(super) fn signs_out(request: &Request) -> bool {
    *request.method() == Method::DELETE && need::path(request) == Some("/session")
}

/// Makes an answer one to a browser: it takes nothing for a page or a script that is not said to be
/// one, keeps no copy of what a token has let it see, and after signing out no token, whatever
/// became of that.
pub(super) fn mark(response: &mut Response, signs_out: bool) {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if signs_out {
        headers.append(header::SET_COOKIE, cleared());
    }
}

/// Whether a call is one of the console's. This server is known by the name that the request is
/// sent to, and by `own_names`, those under which a proxy is reached that rewrites it.
///
/// # Errors
/// 403 `cross_site`: a page of another site may have had it sent.
pub(super) fn is_of_console(
    method: &Method,
    headers: &HeaderMap,
    own_names: &[String],
) -> Result<(), Problem> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let mut sites = headers.get_all(FETCH_SITE).iter();
    // `none`: nobody's page, but somebody at the browser, who typed the address.
    if !sites.all(|site| site == "same-origin" || (reads && site == "none")) {
        return Err(Problem::cross_site("the page of another site had this call sent"));
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if !origins.all(|origin| is_own(origin, headers, own_names)) {
        let detail = "Origin is not this server; behind a proxy that rewrites Host, the name that \
                      browsers know it by has to be among http.public_hosts";
        return Err(Problem::cross_site(detail));
    }
    if !reads && headers.get(OF_CONSOLE).is_none_or(|value| value != "1") {
        let detail = "a call by cookie that is not GET needs the header X-Fleetwright-Console: 1";
        return Err(Problem::cross_site(detail));
    }
    Ok(())
}

/// Whether an origin (RFC 6454, section 7) is this server.
fn is_own(origin: &HeaderValue, headers: &HeaderMap, own_names: &[String]) -> bool {
    let Some((scheme, name)) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        return false;
    };
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    // Where it is the scheme's own, a browser leaves the port out, and others need not.
    let bare = |name: &str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    let name = bare(name);
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    asked.into_iter().chain(own_names.iter().map(String::as_str)).any(|own| bare(own) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn finds_the_one_cookie() {
        let check = |lines: &[&str], expected: Option<&[u8]>| {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            assert_eq!(token(&headers(&lines)).as_deref(), expected, "{lines:?}");
        };
        check(&["__Host-fleetwright=abc"], Some(b"abc"));
        check(&["a=b; __Host-fleetwright=abc; c=d"], Some(b"abc"));
        check(&["a=b;__Host-fleetwright=abc"], Some(b"abc"));
        check(&["a=b", "__Host-fleetwright=abc"], Some(b"abc"));
        check(&["__Host-fleetwright=a%3Bb%25"], Some(b"a;b%"));
        check(&["__Host-fleetwright=a=="], Some(b"a=="));
        check(&["__Host-fleetwright="], None);
        check(&["__Host-fleetwright"], None);
        check(&["__Host-fleetwright2=abc", "fleetwright=abc", "__host-fleetwright=abc"], None);
        check(&["__Host-fleetwright=abc; __Host-fleetwright=abc"], None);
        check(&["__Host-fleetwright=abc", "__Host-fleetwright=def"], None);
        check(&[], None);
    }

    #[test]
    fn the_lines_are_those_that_browsers_need() {
        let lasts = Some(Duration::from_secs(90));
        let line = set("abc-_1", lasts);
        let expected = "__Host-fleetwright=abc-_1; Path=/; Secure; HttpOnly; SameSite=Strict; \
                        Max-Age=90";
        assert_eq!(line, expected);
        assert!(line.is_sensitive() && !format!("{line:?}").contains("abc"));
        let line = set("abc", None);
        assert_eq!(line, "__Host-fleetwright=abc; Path=/; Secure; HttpOnly; SameSite=Strict");
        let expected = "__Host-fleetwright=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
        assert_eq!(cleared(), expected);
    }

    #[test]
    fn a_token_of_any_characters_comes_back_and_adds_no_attribute() {
        let odd: String = ('!'..='~').collect();
        let line = set(&odd, None);
        let (pair, rest) = line.to_str().unwrap().split_once(';').unwrap();
        assert_eq!(rest, " Path=/; Secure; HttpOnly; SameSite=Strict");
        assert_eq!(token(&headers(&[("cookie", pair)])).unwrap(), odd.as_bytes());
    }

    #[test]
    fn an_answer_is_kept_by_nobody_and_taken_for_nothing_else() {
        let mut response = Response::default();
        mark(&mut response, false);
        let headers = response.headers();
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("set-cookie"));
        mark(&mut response, true);
        assert_eq!(response.headers()["set-cookie"], cleared());
    }

    /// The code with which a call is refused; none if it is let through.
    fn refused(method: &str, lines: &[(&'static str, &str)]) -> Option<&'static str> {
        let names = ["fleet.example.com".to_owned(), "b:8443".to_owned()];
        let checked = is_of_console(&method.parse().unwrap(), &headers(lines), &names);
        checked.err().map(|problem| problem.told().0)
    }

    #[test]
    fn a_change_needs_the_header_of_the_console() {
        let own = ("x-fleetwright-console", "1");
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "X-ODD"] {
            assert_eq!(refused(method, &[]), Some("cross_site"), "{method}");
            assert_eq!(refused(method, &[own]), None, "{method}");
            let other = ("x-fleetwright-console", "true");
            assert_eq!(refused(method, &[other]), Some("cross_site"), "{method}");
        }
        assert_eq!((refused("GET", &[]), refused("HEAD", &[])), (None, None));
    }

    #[test]
    fn no_other_site_is_let_in() {
        let own = ("x-fleetwright-console", "1");
        for method in ["GET", "POST"] {
            let by = |site: &str| refused(method, &[own, ("sec-fetch-site", site)]);
            assert_eq!(by("same-origin"), None);
            for site in ["cross-site", "same-site", "", "SAME-ORIGIN", "?"] {
                assert_eq!(by(site), Some("cross_site"), "{method} {site}");
            }
            let twice = [own, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
            assert_eq!(refused(method, &twice), Some("cross_site"));
        }
        let typed = ("sec-fetch-site", "none");
        assert_eq!(refused("GET", &[typed]), None);
        assert_eq!(refused("POST", &[own, typed]), Some("cross_site"));
    }

    #[test]
    fn an_origin_is_this_server_by_one_of_its_names() {
        let by = |host: &str, origin: &str| refused("GET", &[("host", host), ("origin", origin)]);
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("a.example.com", "https://a.example.com"),
            ("A.Example.com:443", "https://a.example.com"),
            ("a.example.com", "http://a.example.com:80"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("inner:1", "https://fleet.example.com"),
            ("inner:1", "https://b:8443"),
        ] {
            assert_eq!(by(host, origin), None, "{host} {origin}");
        }
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8081"),
            ("127.0.0.1:8080", "http://127.0.0.1"),
            ("a.example.com", "https://b.example.com"),
            ("a.example.com:443", "http://a.example.com"),
            ("a.example.com", "null"),
            ("a.example.com", "a.example.com"),
            ("a.example.com", "ftp://a.example.com"),
            ("a.example.com", ""),
            ("inner:1", "https://b"),
        ] {
            assert_eq!(by(host, origin), Some("cross_site"), "{host} {origin}");
        }
        let nowhere = refused("GET", &[("origin", "https://a.example.com")]);
        assert_eq!(nowhere, Some("cross_site"), "no Host");
    }
}
