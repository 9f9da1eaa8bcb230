//! The Via header: who sent a request, and under which branch (RFC 3261 20.42, RFC 3581).

use std::net::{IpAddr, Ipv6Addr};
use std::str;

use super::field::{self, Params, trim};

/// What every branch made by RFC 3261's rules begins with (8.1.1.7). One without comes from an
/// RFC 2543 sender and need not be unique.
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// One value of a Via header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP` or whatever else stands there.
    pub transport: &'a [u8],
    /// The host of sent-by, an IPv6 address in its brackets.
    pub host: &'a [u8],
    /// The port of sent-by, if it has one.
    pub port: Option<u16>,
    /// What follows.
    pub params: Params<'a>,
}

/// A Via that breaks its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Via is malformed")]
pub struct ViaError;

impl<'a> Via<'a> {
    /// Reads the first value of a Via line, and gives what follows its comma.
    ///
    /// The version is not looked at: a request of another version has to be answered too.
    ///
    /// # Errors
    ///
    /// [`ViaError`].
    pub fn parse(line: &'a [u8]) -> Result<(Self, Option<&'a [u8]>), ViaError> {
        let (value, rest) = field::cut(line, b',');
        let (sent, params) = field::cut(value, b';');
        let mut parts = sent.splitn(3, |byte| *byte == b'/');
        let name = trim(parts.next().ok_or(ViaError)?);
        let version = trim(parts.next().ok_or(ViaError)?);
        let protocol = trim(parts.next().ok_or(ViaError)?);
        let gap = protocol.iter().position(|byte| field::is_blank(*byte)).ok_or(ViaError)?;
        let (transport, sent_by) = protocol.split_at_checked(gap).ok_or(ViaError)?;
        let tokens = [name, version, transport];
        let sound = |token: &[u8]| !token.is_empty() && token.iter().all(|b| field::is_token(*b));
        let params = Params::new(params.unwrap_or_default());
        if !tokens.into_iter().all(sound) || !params.are_sound() {
            return Err(ViaError);
        }
        let (host, port) = host_and_port(trim(sent_by)).ok_or(ViaError)?;
        Ok((Self { transport, host, port, params }, rest))
    }

    /// Whether every value of a Via line is sound.
    pub fn is_sound_line(line: &[u8]) -> bool {
        let mut rest = Some(line);
        while let Some(left) = rest {
            match Via::parse(left) {
                Ok((_, after)) => rest = after,
                Err(ViaError) => return false,
            }
        }
        true
    }

    /// The host of sent-by, if it is an address and no name.
    pub fn host_address(&self) -> Option<IpAddr> {
        let inner = self.host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
        str::from_utf8(inner.unwrap_or(self.host)).ok()?.parse().ok()
    }

    /// The branch, if there is one.
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }
}

/// Reads `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; blanks may stand around the colon.
pub(crate) fn host_and_port(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let host_end = if text.first() == Some(&b'[') {
        text.iter().position(|byte| *byte == b']')? + 1
    } else {
        text.iter().position(|byte| *byte == b':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at_checked(host_end)?;
    let host = trim(host);
    if !is_host(host) {
        return None;
    }
    match trim(rest).split_first() {
        None => Some((host, None)),
        Some((b':', port)) => {
            let port = field::number(port).and_then(|port| u16::try_from(port).ok())?;
            Some((host, Some(port)))
        }
        Some(_) => None,
    }
}

/// Whether this is an IPv6 address. RFC 3261's grammar also makes three colons before an IPv4
/// address, which RFC 5118 4.10 has everybody put up with.
fn is_ipv6(text: &str) -> bool {
    let one_too_many = || text.contains('.').then(|| text.replacen(":::", "::", 1));
    text.parse::<Ipv6Addr>().is_ok()
        || one_too_many().is_some_and(|fewer| fewer.parse::<Ipv6Addr>().is_ok())
}

/// Whether this is a host: an IPv6 address in brackets, or what names and IPv4 addresses are made
/// of. A domain of digits alone is one: GB/T 28181-2016 6.1.2 makes them of the centre's code.
fn is_host(host: &[u8]) -> bool {
    if let Some(address) = host.strip_prefix(b"[") {
        let inner = address.strip_suffix(b"]").and_then(|inner| str::from_utf8(inner).ok());
        return inner.is_some_and(is_ipv6);
    }
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    !host.is_empty() && host.iter().all(of_name)
}
