//! Which URLs a webhook may have.

use std::net::{IpAddr, Ipv6Addr};

use fleet::limits::WEBHOOK_URL_BYTES_MAX;

/// Whether deliveries may go to this URL: by https, by http to this machine itself, or with
/// `insecure` by http to any other. Errors: why not.
pub(super) fn check(url: &str, insecure: bool) -> Result<(), String> {
    if url.len() > WEBHOOK_URL_BYTES_MAX {
        return Err(format!(
            "has {} bytes; at most {WEBHOOK_URL_BYTES_MAX} are allowed",
            url.len()
        ));
    }
    // RFC 3986, appendix A: what may stand in a URI, less `#`: a fragment is not sent.
    let may_stand =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte);
    if !url.bytes().all(may_stand) {
        return Err("has a character that can't stand in a URL, or a fragment".to_owned());
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let is_https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err("must begin with https:// (or http://)".to_owned()),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must not hold a user name or a password: deliveries are signed".to_owned());
    }
    let host = host(authority).ok_or("names no host, or a port that is none")?;
    if is_https || insecure || is_this_machine(host) {
        return Ok(());
    }
    Err("goes to another machine by http, where everybody in between can read it: use https, or \
         say insecure"
        .to_owned())
}

/// The host of an authority (RFC 3986, section 3.2), without the brackets of an IPv6 address;
/// `None` if there is none, or a port that is no number of 1 to 65535.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    (!host.is_empty() && host.bytes().all(named) && port.is_none_or(is_port)).then_some(host)
}

/// Whether the host is the one that the server itself runs on.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A URL without its query, which may hold what opens its receiver: as it may be logged.
pub fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_go_by_https_or_to_this_machine_unless_said_otherwise() {
        let long = format!("https://a/{}", "x".repeat(WEBHOOK_URL_BYTES_MAX));
        let check = |url: &str| [check(url, false).is_ok(), check(url, true).is_ok()];
        for (url, expected) in [
            ("https://receiver.example/fleet?key=1", [true, true]),
            ("HTTPS://receiver.example:8443", [true, true]),
            ("https://[2001:db8::1]:8443/", [true, true]),
            ("https://receiver_1.example", [true, true]),
            ("http://127.0.0.1:8000/x", [true, true]),
            ("http://localhost/x", [true, true]),
            ("http://[::1]:80", [true, true]),
            ("http://receiver.example/x", [false, true]),
            ("http://127.0.0.1.example/x", [false, true]),
            ("http://localhost.example/x", [false, true]),
            ("http://10.0.0.1/x", [false, true]),
            ("ftp://receiver.example/x", [false, false]),
            ("receiver.example/x", [false, false]),
            ("https://", [false, false]),
            ("https:///x", [false, false]),
            ("https://:80/x", [false, false]),
            ("https://a:0/x", [false, false]),
            ("https://a:65536/x", [false, false]),
            ("https://a:b/x", [false, false]),
            ("https://[::1/x", [false, false]),
            ("https://[::1]x/x", [false, false]),
            ("https://[1.2.3.4]/x", [false, false]),
            ("https://user:password@a/x", [false, false]),
            ("http://127.0.0.1@a/x", [false, false]),
            ("https://a/x#y", [false, false]),
            ("https://a/x y", [false, false]),
            ("https://a/\r\nx: y", [false, false]),
            ("https://a/\\x", [false, false]),
            ("https://ä/x", [false, false]),
            ("", [false, false]),
            (&long, [false, false]),
        ] {
            assert_eq!(check(url), expected, "{url}");
        }
    }

    #[test]
    fn a_query_is_not_logged() {
        assert_eq!(without_query("https://a/x?key=1?2"), "https://a/x");
        assert_eq!(without_query("https://a/x"), "https://a/x");
    }
}
