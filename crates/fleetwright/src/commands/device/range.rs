//! Ranges of addresses: `10.0.3.[11-70]:[5555-5604]`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Addresses that all ranges of a command may name together: every port of one host.
pub const ADDRESSES_MAX: usize = 65_536;

/// Why a text names no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A bracket has no partner.
    #[error("{spec:?}: the bracket at character {at} has no partner")]
    Bracket {
        /// The text.
        spec: String,
        /// Which, from 1.
        at: usize,
    },
    /// What stands in brackets is no range.
    #[error("{spec:?}: [{inside}] is no range: two whole numbers and a minus, as in [11-70]")]
    Range {
        /// The text.
        spec: String,
        /// What stands there.
        inside: String,
    },
    /// The range goes down.
    #[error("{spec:?}: [{inside}] ends before it begins")]
    Backwards {
        /// The text.
        spec: String,
        /// What stands there.
        inside: String,
    },
    /// There is no port.
    #[error("{spec:?} has no port: it must be HOST:PORT, as in 10.0.3.[11-70]:5555")]
    NoPort {
        /// The text.
        spec: String,
    },
    /// One of the addresses is none.
    #[error("{spec:?}: {address} is no address: {why}")]
    Address {
        /// The text.
        spec: String,
        /// The address.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It names more addresses than may be looked at.
    #[error("{spec:?} names more than {ADDRESSES_MAX} addresses: look at them in parts")]
    TooMany {
        /// The text.
        spec: String,
    },
}

/// A part of a text: as it stands, or the numbers of a range.
enum Part {
    Text(String),
    Numbers {
        from: u32,
        to: u32,
        /// Digits that each is written with at least: as many as a first with leading zeros has.
        width: usize,
    },
}

impl Part {
    /// How many texts it stands for.
    fn count(&self) -> usize {
        match self {
            Self::Text(_) => 1,
            Self::Numbers { from, to, .. } => {
                usize::try_from(to - from).map_or(usize::MAX, |n| n + 1)
            }
        }
    }
}

/// All addresses that `spec` names, in order, the last range counting fastest. Both ends of a range
/// belong to it.
pub fn addresses(spec: &str) -> Result<Vec<String>, Error> {
    let parts = parts(spec)?;
    let total = parts.iter().try_fold(1_usize, |total, part| total.checked_mul(part.count()));
    if total.is_none_or(|total| total > ADDRESSES_MAX) {
        return Err(Error::TooMany { spec: spec.to_owned() });
    }
    let mut found = vec![String::new()];
    for part in &parts {
        found = match part {
            Part::Text(text) => found.into_iter().map(|start| start + text).collect(),
            Part::Numbers { from, to, width } => found
                .iter()
                .flat_map(|start| {
                    (*from..=*to).map(move |number| format!("{start}{number:0width$}"))
                })
                .collect(),
        };
    }
    for address in &found {
        check(spec, address)?;
    }
    Ok(found)
}

/// The parts of a text.
fn parts(spec: &str) -> Result<Vec<Part>, Error> {
    let bracket = |at: usize| Error::Bracket {
        spec: spec.to_owned(),
        at: spec.get(..at).unwrap_or_default().chars().count() + 1,
    };
    let mut parts = Vec::new();
    let (mut rest, mut done) = (spec, 0);
    while let Some(open) = rest.find(['[', ']']) {
        let (text, from_bracket) = rest.split_at(open);
        let inside = from_bracket.strip_prefix('[').ok_or_else(|| bracket(done + open))?;
        let close = inside.find(['[', ']']).filter(|close| inside[*close..].starts_with(']'));
        let close = close.ok_or_else(|| bracket(done + open))?;
        let (inside, after) = inside.split_at(close);
        parts.push(Part::Text(text.to_owned()));
        parts.push(match inside.parse::<Ipv6Addr>() {
            // An IPv6 address stands in brackets before its port (RFC 3986, section 3.2.2).
            Ok(_) => Part::Text(format!("[{inside}]")),
            Err(_) => numbers(spec, inside)?,
        });
        done += open + 1 + close + 1;
        rest = after.strip_prefix(']').unwrap_or(after);
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

/// What `11-70`, or a single number, stands for.
fn numbers(spec: &str, inside: &str) -> Result<Part, Error> {
    let none = || Error::Range { spec: spec.to_owned(), inside: inside.to_owned() };
    let number = |text: &str| -> Result<u32, Error> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().map_err(|_| none()) } else { Err(none()) }
    };
    let (first, last) = inside.split_once('-').unwrap_or((inside, inside));
    let (from, to) = (number(first)?, number(last)?);
    if to < from {
        return Err(Error::Backwards { spec: spec.to_owned(), inside: inside.to_owned() });
    }
    let width = if first.starts_with('0') { first.len() } else { 0 };
    Ok(Part::Numbers { from, to, width })
}

/// Whether one of the addresses can be one.
fn check(spec: &str, address: &str) -> Result<(), Error> {
    let refuse =
        |why| Err(Error::Address { spec: spec.to_owned(), address: address.to_owned(), why });
    let no_port = || Error::NoPort { spec: spec.to_owned() };
    let (host, port) = address.rsplit_once(':').ok_or_else(no_port)?;
    if host.starts_with('[') != host.ends_with(']') {
        return Err(no_port());
    }
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse("it has no host");
    }
    let is_dotted = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_dotted && host.parse::<Ipv4Addr>().is_err() {
        return refuse("an IPv4 address has four numbers from 0 to 255 without leading zeros");
    }
    if port.parse::<u16>().ok().is_none_or(|port| port == 0) {
        return refuse("a port is a number from 1 to 65535");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_the_last_counts_fastest() {
        let check = |spec: &str, expected: &[&str]| {
            assert_eq!(addresses(spec).unwrap(), expected, "{spec}");
        };
        check("10.0.3.7:5555", &["10.0.3.7:5555"]);
        check("10.0.3.[7]:5555", &["10.0.3.7:5555"]);
        check(
            "10.0.3.[9-10]:[5555-5556]",
            &["10.0.3.9:5555", "10.0.3.9:5556", "10.0.3.10:5555", "10.0.3.10:5556"],
        );
        check("desk[08-10].lan:5555", &["desk08.lan:5555", "desk09.lan:5555", "desk10.lan:5555"]);
        check("[::1]:[1-2]", &["[::1]:1", "[::1]:2"]);
        let all = addresses("10.0.3.[11-70]:[5555-5604]").unwrap();
        assert_eq!(all.len(), 3_000);
        assert_eq!((&*all[0], &*all[2_999]), ("10.0.3.11:5555", "10.0.3.70:5604"));
        assert_eq!(addresses("10.[0-255].[0-255].1:5555").unwrap().len(), ADDRESSES_MAX);
    }

    #[test]
    fn what_is_no_range_is_told_precisely() {
        let check = |spec: &str, expected: &str| {
            let error = addresses(spec).unwrap_err().to_string();
            assert!(error.contains(expected), "{spec}: {error}");
        };
        check("10.0.3.[11-70:5555", "the bracket at character 8 has no partner");
        check("10.0.3.11-70]:5555", "the bracket at character 13 has no partner");
        check("10.0.3.[1[2-3]]:5555", "the bracket at character 8 has no partner");
        check("10.0.3.[70-11]:5555", "[70-11] ends before it begins");
        for inside in ["", "-", "1-", "-2", "1-2-3", "a-b", "1 - 2", "+1-2", "99999999999"] {
            check(&format!("10.0.3.[{inside}]:5555"), "is no range");
        }
        check("10.0.3.[1-2]", "has no port");
        check("[::1]", "has no port");
        check("10.0.3.[250-256]:5555", "10.0.3.256:5555 is no address: an IPv4 address has");
        check("10.0.3:5555", "an IPv4 address has");
        check("10.0.3.1:[65535-65536]", "10.0.3.1:65536 is no address: a port is");
        check("10.0.3.1:0", "a port is");
        check(":5555", "it has no host");
        check("a b:5555", "it has no host");
        check("10.0.[0-255].[0-255]:[5555-5556]", "more than 65536 addresses");
        check("[0-4294967295].[0-4294967295].[0-4294967295].1:1", "more than 65536");
    }
}
