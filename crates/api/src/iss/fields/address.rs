//! Which addresses are not of the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the address is one of the special-purpose ones that no router of the public internet
/// knows (RFC 6890 and its registries; of those the ones that somebody could take for a device's).
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(embedded) => is_private_v4(embedded),
            None => is_private_v6(address),
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // "This network", loopback, multicast, reserved and broadcast (RFC 1122, RFC 5771).
        [0 | 127 | 224..=255, ..] => true,
        // RFC 1918.
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Shared by carriers (RFC 6598), link-local (RFC 3927), benchmarks (RFC 2544).
        [100, 64..=127, ..] | [169, 254, ..] | [198, 18..=19, ..] => true,
        // Protocol assignments (RFC 6890) and documentation (RFC 5737).
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped or compatible (RFC 4291, 2.5.5),
/// translated (RFC 6052) or 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let pair = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // Unspecified and loopback.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(pair(high, low))
        }
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Unspecified and loopback (RFC 4291).
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => true,
        // Unique local (RFC 4193), link-local, once site-local, multicast (RFC 4291).
        [0xfc00..=0xfdff | 0xfe80..=0xfebf | 0xfec0..=0xfeff | 0xff00..=0xffff, ..] => true,
        // Documentation (RFC 3849) and what is to be discarded (RFC 6666).
        [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_private_range_begins_and_ends_where_its_rfc_says() {
        for (address, expected) in [
            ("0.0.0.0", true),
            ("1.0.0.0", false),
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("100.63.255.255", false),
            ("100.64.0.0", true),
            ("100.127.255.255", true),
            ("100.128.0.0", false),
            ("127.0.0.1", true),
            ("128.0.0.0", false),
            ("169.253.255.255", false),
            ("169.254.0.1", true),
            ("172.15.255.255", false),
            ("172.16.0.0", true),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("192.167.255.255", false),
            ("192.168.0.0", true),
            ("192.169.0.0", false),
            ("198.17.255.255", false),
            ("198.18.0.0", true),
            ("198.20.0.0", false),
            ("192.0.0.1", true),
            ("192.0.1.0", false),
            ("192.0.2.1", true),
            ("198.51.100.7", true),
            ("203.0.113.9", true),
            ("203.0.114.0", false),
            ("223.255.255.255", false),
            ("224.0.0.1", true),
            ("255.255.255.255", true),
            ("::", true),
            ("::1", true),
            ("::2", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("2400:3200::1", false),
            ("100::1", true),
            ("100:0:0:1::1", false),
            ("::10.0.0.1", true),
            ("::8.8.8.8", false),
            ("64:ff9b::10.0.0.1", true),
            ("64:ff9b::8.8.8.8", false),
            ("2002:a00:1::", true),
            ("2002:808:808::", false),
            ("fbff::1", false),
            ("fc00::", true),
            ("fdff::1", true),
            ("fe00::1", false),
            ("fe80::1", true),
            ("feff::1", true),
            ("ff02::1", true),
            ("::ffff:10.0.0.1", true),
            ("::ffff:8.8.8.8", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
