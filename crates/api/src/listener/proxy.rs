//! Who a client is where its requests come through proxies of the operator's.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName};

/// Where proxies write down whom they had a request from, each after those before it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A proxy, or a network of proxies, that is believed when it says where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy {
    /// The network's address, host bits cleared.
    network: IpAddr,
    /// How many leading bits of it count.
    prefix_bits: u8,
}

/// Why a text names no proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not an address.
    #[error("{text:?} is neither an IP address nor a network, as in 10.0.0.0/8")]
    Address {
        /// What was given.
        text: String,
    },
    /// A prefix that such an address can't have.
    #[error("{text:?} must have a prefix of 0 to {bits_max} bits")]
    Prefix {
        /// What was given.
        text: String,
        /// How many bits the address has.
        bits_max: u8,
    },
}

impl FromStr for TrustedProxy {
    type Err = ProxyError;

    /// Reads an address, or a network in the notation of RFC 4632, section 3.1 (CIDR). Host bits
    /// that are set are passed over.
    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr =
            address.parse().map_err(|_| ProxyError::Address { text: text.to_owned() })?;
        let bits_max = bits(address);
        let plain = |prefix: &&str| prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix_bits = match prefix {
            None => Some(bits_max),
            Some(prefix) => Some(prefix).filter(plain).and_then(|prefix| prefix.parse().ok()),
        };
        let prefix_bits = prefix_bits.filter(|bits| *bits <= bits_max);
        let refused = || ProxyError::Prefix { text: text.to_owned(), bits_max };
        Ok(Self::new(address, prefix_bits.ok_or_else(refused)?))
    }
}

impl TrustedProxy {
    /// The network of the first `prefix_bits` of `address`. IPv4 in IPv6's clothes is IPv4, as a
    /// peer's address is.
    fn new(address: IpAddr, prefix_bits: u8) -> Self {
        let canonical = address.to_canonical();
        let hidden_bits = bits(address) - bits(canonical);
        let (network, prefix_bits) = match prefix_bits.checked_sub(hidden_bits) {
            Some(left) => (canonical, left),
            None => (address, prefix_bits),
        };
        Self { network: masked(network, prefix_bits), prefix_bits }
    }

    /// Whether `address` is in it.
    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits(address) == bits(self.network) && masked(address, self.prefix_bits) == self.network
    }
}

/// How many bits an address has.
fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first `prefix_bits` cleared.
fn masked(address: IpAddr, prefix_bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix_bits.min(128))).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

/// The address of the client of a request that came from `peer`: the peer itself, or where that is
/// one of `trusted`, the rightmost address of `X-Forwarded-For` that is none of them. What stands
/// further left, anybody may have written. An entry that is no address ends the search: the last
/// proxy that could be believed is then all that is known.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[TrustedProxy]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|proxy| proxy.has(address));
    let mut client = peer.to_canonical();
    for value in headers.get_all(FORWARDED_FOR).iter().rev() {
        // Text or not, what is no address is seen to be none.
        for entry in value.as_bytes().rsplit(|byte| *byte == b',') {
            if !is_trusted(client) {
                return client;
            }
            let entry = std::str::from_utf8(entry).ok().and_then(address);
            let Some(before) = entry else { return client };
            client = before;
        }
    }
    client
}

/// The address that an entry names: alone, in brackets, or with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().or_else(|_| entry.parse().map(|with: SocketAddr| with.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(texts: &[&str]) -> Vec<TrustedProxy> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn networks_have_what_their_prefix_says() {
        let check = |network: &str, address: &str, expected: bool| {
            let proxy: TrustedProxy = network.parse().unwrap();
            assert_eq!(proxy.has(address.parse().unwrap()), expected, "{network} {address}");
        };
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.4", false);
        check("10.0.0.0/8", "10.255.255.255", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.9.9.9/8", "10.1.1.1", true);
        check("192.0.2.128/25", "192.0.2.127", false);
        check("0.0.0.0/0", "255.255.255.255", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::/0", "2001:db8::1", true);
        check("::1", "::1", true);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("::ffff:10.0.0.0/104", "10.0.0.1", true);
    }

    #[test]
    fn what_names_no_proxy_is_refused() {
        for text in ["", "proxy.example.com", "10.0.0", "10.0.0.1:80", "[::1]", "/8", " 10.0.0.1"] {
            let error = text.parse::<TrustedProxy>().unwrap_err();
            assert!(matches!(error, ProxyError::Address { .. }), "{text:?}: {error}");
        }
        for text in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "::/x"] {
            let error = text.parse::<TrustedProxy>().unwrap_err();
            assert!(matches!(error, ProxyError::Prefix { .. }), "{text:?}: {error}");
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let check = |peer: &str, forwarded: &[&'static str], expected: &str| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            let trusted = proxies(&["10.0.0.0/8", "2001:db8::/32"]);
            let client = client_address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        };
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.1"], "192.0.2.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9, 198.51.100.1,10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9", "198.51.100.1 , 10.2.0.2"], "198.51.100.1");
        check("10.0.0.1", &["198.51.100.1", "10.2.0.2"], "198.51.100.1");
        check("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3");
        check("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &["198.51.100.1,"], "10.0.0.1");
        check("10.0.0.1", &[""], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("2001:db8::1", &["[2001:db9::7]:4711"], "2001:db9::7");
        check("2001:db8::1", &["[2001:db9::7]"], "2001:db9::7");
        check("2001:db8::1", &["2001:db9::7"], "2001:db9::7");
        check("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    }
}
