//! Who we are to devices: our id, domain and realm, and the address that a device can reach us at.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use crate::Settings;

/// Hosts of documentation's own networks (RFC 5737, RFC 3849), which are nobody's: the way to them
/// is the one to the world, where there is one.
const ANYWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Tells which address of ours faces a peer.
pub(crate) type Towards = fn(IpAddr) -> Option<IpAddr>;

/// Who we are to devices.
#[derive(Debug)]
pub struct Identity {
    id: String,
    domain: String,
    realm: String,
    advertise: Vec<Advertise>,
    socket: RwLock<Option<Socket>>,
}

/// Where we listen.
#[derive(Debug, Clone, Copy)]
struct Socket {
    address: SocketAddr,
    towards: Option<Towards>,
}

/// An address that devices are told: `NETWORK=HOST:PORT`, or `HOST[:PORT]` for every network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertise {
    /// The network that it is for, and how many leading bits tell it.
    network: Option<(IpAddr, u8)>,
    host: String,
    /// The port that we listen on if none is given.
    port: Option<u16>,
}

/// Why a text is no address to advertise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdvertiseError {
    /// What is before `=`.
    #[error("{0:?} is no network: write one such as 10.0.0.0/8")]
    Network(String),
    /// What is after `=`, or all of it.
    #[error("{0:?} is no HOST:PORT")]
    Host(String),
    /// A wildcard address.
    #[error("{0} is no address that a device can reach")]
    Wildcard(String),
}

impl FromStr for Advertise {
    type Err = AdvertiseError;

    fn from_str(text: &str) -> Result<Self, AdvertiseError> {
        let (network, address) = match text.split_once('=') {
            Some((network, address)) => (Some(parse_network(network)?), address),
            None => (None, text),
        };
        let (host, port) = parse_host(address)?;
        if parse_ip(&host).is_some_and(|ip| ip.is_unspecified()) {
            return Err(AdvertiseError::Wildcard(host));
        }
        Ok(Self { network, host, port })
    }
}

/// Reads `10.0.0.0/8`, or an address alone for one host.
fn parse_network(text: &str) -> Result<(IpAddr, u8), AdvertiseError> {
    let refused = || AdvertiseError::Network(text.to_owned());
    let (ip, bits) = match text.split_once('/') {
        Some((ip, bits)) => (ip, Some(bits.parse::<u8>().map_err(|_| refused())?)),
        None => (text, None),
    };
    let ip: IpAddr = ip.parse().map_err(|_| refused())?;
    let bits_max = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(bits_max);
    if bits > bits_max { Err(refused()) } else { Ok((ip, bits)) }
}

/// Reads `HOST`, `HOST:PORT`, `[IPv6]` or `[IPv6]:PORT`. A bare IPv6 address is taken as one.
fn parse_host(text: &str) -> Result<(String, Option<u16>), AdvertiseError> {
    let refused = || AdvertiseError::Host(text.to_owned());
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok((host_of(ip), None));
    }
    if let Some(ip) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return ip.parse().map(|ip| (host_of(ip), None)).map_err(|_| refused());
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((host_of(address.ip()), Some(address.port())));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| refused())?)),
        None => (text, None),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if host.is_empty() || host.len() > 253 || !host.chars().all(allowed) || port == Some(0) {
        return Err(refused());
    }
    Ok((host.to_owned(), port))
}

/// An address as it stands in a URI: IPv6 in brackets (RFC 3261, 25.1).
fn host_of(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The address that a host is, if it is one.
fn parse_ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// How many bits of the network `ip` is in; `None` if it is not.
fn matching_bits((network, bits): (IpAddr, u8), ip: IpAddr) -> Option<u8> {
    let same = match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let differing = u32::from(network) ^ u32::from(ip);
            differing.checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let differing = u128::from(network) ^ u128::from(ip);
            differing.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
        }
        _ => false,
    };
    same.then_some(bits)
}

impl Identity {
    /// From the settings; it listens nowhere yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            id: settings.id.clone(),
            domain: settings.domain.clone(),
            realm: settings.realm.clone(),
            advertise: settings.advertise.clone(),
            socket: RwLock::new(None),
        }
    }

    /// Where we listen, and what tells the address of ours that faces a peer.
    pub(crate) fn listens_at(&self, address: SocketAddr, towards: Option<Towards>) {
        let socket = Socket { address, towards };
        *self.socket.write().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }

    /// Our 20-digit id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Our domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The realm of our challenges.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Every host and port that a device somewhere may reach us at: all that is advertised, in its
    /// order; else where we listen; else, listening at all addresses, those of ours that face the
    /// world. Never a wildcard address. Empty until it listens, and if nothing is known.
    pub fn all_advertised(&self) -> Vec<(String, u16)> {
        let socket = *self.socket.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Socket { address, towards }) = socket else { return Vec::new() };
        let advertised = self.advertise.iter();
        let mut all: Vec<(String, u16)> = advertised
            .map(|it| (it.host.clone(), it.port.unwrap_or_else(|| address.port())))
            .collect();
        if all.is_empty() {
            let listening = address.ip().to_canonical();
            let ips = if listening.is_unspecified() {
                let facing = |ip| towards.and_then(|towards| towards(ip));
                let reached = ANYWHERE.into_iter().filter(|ip| listening.is_ipv6() || ip.is_ipv4());
                reached.filter_map(facing).filter(|ip| !ip.is_loopback()).collect()
            } else {
                vec![listening]
            };
            let ips = ips.into_iter().filter(|ip: &IpAddr| !ip.is_unspecified());
            all.extend(ips.map(|ip| (host_of(ip), address.port())));
        }
        let mut seen = HashSet::new();
        all.retain(|address| seen.insert(address.clone()));
        all
    }

    /// The host and port that the peer reaches us at: what is advertised to the narrowest network
    /// that it is in, else where we listen, else the address of ours that faces it. Never a
    /// wildcard address, and no loopback address for another host; `None` if nothing is left.
    pub fn advertised(&self, remote: IpAddr) -> Option<(String, u16)> {
        let socket = (*self.socket.read().unwrap_or_else(PoisonError::into_inner))?;
        let remote = remote.to_canonical();
        let reaches = |host: &str| {
            parse_ip(host).is_none_or(|ip| {
                !ip.is_unspecified() && (!ip.is_loopback() || remote.is_loopback())
            })
        };
        let narrowness = |advertise: &Advertise| match advertise.network {
            None => Some(0),
            Some(network) => matching_bits(network, remote).map(|bits| u16::from(bits) + 1),
        };
        let narrowest = self
            .advertise
            .iter()
            .filter(|advertise| reaches(&advertise.host))
            .filter_map(|advertise| Some((narrowness(advertise)?, advertise)))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        if let Some((_, advertise)) = narrowest {
            let port = advertise.port.unwrap_or_else(|| socket.address.port());
            return Some((advertise.host.clone(), port));
        }
        let facing = || socket.towards.and_then(|towards| towards(remote)).map(host_of);
        let listening = host_of(socket.address.ip().to_canonical());
        let host = Some(listening).filter(|host| reaches(host)).or_else(facing)?;
        reaches(&host).then_some((host, socket.address.port()))
    }
}

#[cfg(test)]
mod tests;
