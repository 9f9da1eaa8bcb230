//! Nonces that tell by themselves whether they are ours and fresh: nothing is kept of a challenge,
//! and any node with the same key can check one.
//!
//! A nonce is its issue time in microseconds since 1970, and an HMAC-SHA256 of that, of the address
//! and of the id that were challenged, cut to 128 bits (RFC 7616, 5.4, has a server choose its own
//! form).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use fleet::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How long a nonce may be answered: a device answers a challenge at once, so this only has to
/// cover the repetitions of a lossy network (RFC 3261, timer F: 32 s).
pub(crate) const NONCE_LIFETIME: Duration = Duration::from_secs(60);

const TIME_DIGITS: usize = 16;
const TAG_BYTES: usize = 16;
/// Hexadecimal digits of a nonce.
pub(crate) const NONCE_DIGITS: usize = TIME_DIGITS + 2 * TAG_BYTES;

/// Why a nonce is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stale {
    /// It is not ours, or it was given to another address or for another id.
    Foreign,
    /// It is too old, or of an earlier start of a server that is the only one.
    Old,
}

/// Issues and checks nonces.
///
/// Their time is that of the wall clock when they began, and goes on by the clock that does not
/// jump: whatever happens to the wall clock, nonces grow, and live as long as they should.
pub(crate) struct Nonces {
    key: Hmac<Sha256>,
    /// Microseconds since 1970 at `began_at`.
    first: i64,
    began_at: Instant,
    /// None from before is taken: what an earlier process accepted, this one may not know. `None`
    /// where whatever is accepted is on disk before it is answered.
    not_before: Option<i64>,
    /// Microseconds since 1970 of the last one: each has a time of its own.
    last: i64,
}

impl Nonces {
    /// Nonces by this key, none of which is from before `wall`, which is now.
    pub(crate) fn new(key: &[u8; 32], now: Instant, wall: Timestamp) -> Self {
        // HMAC takes a key of any length, so this does not fail.
        let key = Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
        let first = wall.0.saturating_mul(1_000);
        Self { key, first, began_at: now, not_before: Some(first), last: first }
    }

    /// The same, and those that other nodes issue by this key, or have issued before, are taken
    /// too.
    pub(crate) fn of_several_nodes(key: &[u8; 32], now: Instant, wall: Timestamp) -> Self {
        Self { not_before: None, ..Self::new(key, now, wall) }
    }

    /// A nonce with this issue time was accepted by an earlier process, or by another node: what is
    /// issued from now on is later, even if the wall clock has gone back since, or theirs is ahead
    /// of ours.
    pub(crate) fn begin_after(&mut self, now: Instant, issued_at: i64) {
        let behind = issued_at.saturating_sub(self.time(now)).max(0);
        self.first = self.first.saturating_add(behind);
        self.not_before = self.not_before.map(|first| first.max(issued_at));
        self.last = self.last.max(issued_at);
    }

    /// Microseconds since 1970, as nonces count them.
    pub(crate) fn time(&self, now: Instant) -> i64 {
        let since = now.saturating_duration_since(self.began_at).as_micros();
        self.first.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// A nonce for the peer at this address that is to register this id, the user of To.
    pub(crate) fn issue(&mut self, now: Instant, peer: IpAddr, id: &[u8]) -> [u8; NONCE_DIGITS] {
        self.last = self.time(now).max(self.last.saturating_add(1));
        let mut nonce = [0; NONCE_DIGITS];
        let (time, tag) = nonce.split_at_mut(TIME_DIGITS);
        print_hex(&self.last.to_be_bytes(), time);
        print_hex(&self.tag(self.last, peer, id), tag);
        nonce
    }

    /// When a nonce was issued, in microseconds since 1970, if it is ours, was given to this
    /// address for this id, and may still be answered.
    pub(crate) fn check(
        &self,
        nonce: &[u8],
        now: Instant,
        peer: IpAddr,
        id: &[u8],
    ) -> Result<i64, Stale> {
        let (time, tag) = nonce
            .split_at_checked(TIME_DIGITS)
            .filter(|_| nonce.len() == NONCE_DIGITS)
            .ok_or(Stale::Foreign)?;
        let (mut issued_at, mut given) = ([0; 8], [0; TAG_BYTES]);
        read_hex(time, &mut issued_at).ok_or(Stale::Foreign)?;
        read_hex(tag, &mut given).ok_or(Stale::Foreign)?;
        let issued_at = i64::from_be_bytes(issued_at);
        if !bool::from(self.tag(issued_at, peer, id).ct_eq(&given)) {
            return Err(Stale::Foreign);
        }
        let age = self.time(now).saturating_sub(issued_at);
        let lifetime = i64::try_from(NONCE_LIFETIME.as_micros()).unwrap_or(i64::MAX);
        // Another node's clock may be a little ahead of ours.
        let is_early = self.not_before.is_some_and(|first| issued_at <= first);
        if is_early || age > lifetime || age < -lifetime {
            return Err(Stale::Old);
        }
        Ok(issued_at)
    }

    fn tag(&self, issued_at: i64, peer: IpAddr, id: &[u8]) -> [u8; TAG_BYTES] {
        let mut mac = self.key.clone();
        mac.update(&issued_at.to_be_bytes());
        // An address is always 16 bytes, so that what follows it can't pass for a part of it.
        let peer = match peer {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        mac.update(&peer.octets());
        mac.update(id);
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        tag
    }
}

/// Prints each byte as two digits.
fn print_hex(bytes: &[u8], out: &mut [u8]) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' - 10 + value };
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
}

/// Reads lower-case digits only, so that every nonce has one form.
fn read_hex(text: &[u8], out: &mut [u8]) -> Option<()> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    for (pair, byte) in text.chunks_exact(2).zip(out) {
        let [high, low] = pair else { return None };
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10));

    const ID: &[u8] = b"34020000001320000001";
    const WALL: Timestamp = Timestamp(1_000);

    fn nonces(now: Instant) -> Nonces {
        Nonces::new(&[7; 32], now, WALL)
    }

    fn began() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_nonce_holds_for_its_address_and_a_minute() {
        let now = began();
        let mut nonces = nonces(now);
        let nonce = nonces.issue(now + SECOND, PEER, ID);
        assert_eq!(nonces.check(&nonce, now + SECOND, PEER, ID), Ok(2_000_000));
        assert_eq!(nonces.check(&nonce, now + 61 * SECOND, PEER, ID), Ok(2_000_000));
        let late = now + 61 * SECOND + Duration::from_micros(1);
        assert_eq!(nonces.check(&nonce, late, PEER, ID), Err(Stale::Old));
        let mapped: IpAddr = "::ffff:192.0.2.10".parse().unwrap();
        assert_eq!(nonces.check(&nonce, now, mapped, ID), Ok(2_000_000));
        let other: IpAddr = "192.0.2.11".parse().unwrap();
        assert_eq!(nonces.check(&nonce, now, other, ID), Err(Stale::Foreign));
        let other = b"34020000001320000002";
        assert_eq!(nonces.check(&nonce, now, PEER, other), Err(Stale::Foreign));
        assert_eq!(nonces.check(&nonce, now, PEER, &ID[..19]), Err(Stale::Foreign));
    }

    #[test]
    fn no_two_are_alike_and_later_ones_are_greater() {
        let now = began();
        let mut nonces = nonces(now);
        let mut last = nonces.issue(now, PEER, ID);
        for _ in 0..3_000 {
            let next = nonces.issue(now, PEER, ID);
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn one_from_before_the_start_or_by_another_key_is_none() {
        let now = began();
        let nonce = Nonces::new(&[7; 32], now, Timestamp(900)).issue(now, PEER, ID);
        assert_eq!(nonces(now).check(&nonce, now, PEER, ID), Err(Stale::Old));
        let nonce = Nonces::new(&[8; 32], now, WALL).issue(now + SECOND, PEER, ID);
        assert_eq!(nonces(now).check(&nonce, now + SECOND, PEER, ID), Err(Stale::Foreign));
    }

    #[test]
    fn a_wall_clock_that_went_back_between_two_starts_changes_nothing() {
        let now = began();
        let mut nonces = nonces(now);
        nonces.begin_after(now, 5_000_000_000);
        let nonce = nonces.issue(now, PEER, ID);
        assert_eq!(nonces.check(&nonce, now + SECOND, PEER, ID), Ok(5_000_000_001));
    }

    #[test]
    fn one_of_another_node_is_taken_whenever_it_was_issued() {
        let now = began();
        let nonce = Nonces::new(&[7; 32], now, Timestamp(900)).issue(now, PEER, ID);
        let mut nonces = Nonces::of_several_nodes(&[7; 32], now, WALL);
        assert_eq!(nonces.check(&nonce, now, PEER, ID), Ok(900_001));
        // One that another node has accepted, by a clock 30 s ahead: ours go on after it.
        nonces.begin_after(now + SECOND, 31_000_000);
        assert_eq!(nonces.time(now + SECOND), 31_000_000);
        let ours = nonces.issue(now + SECOND, PEER, ID);
        assert_eq!(nonces.check(&ours, now + 2 * SECOND, PEER, ID), Ok(31_000_001));
        // One behind changes nothing.
        nonces.begin_after(now + 2 * SECOND, 5_000_000);
        assert_eq!(nonces.time(now + 2 * SECOND), 32_000_000);
        let early = now + NONCE_LIFETIME;
        assert_eq!(nonces.check(&nonce, early, PEER, ID), Err(Stale::Old));
    }

    #[test]
    fn every_bit_counts() {
        let now = began();
        let mut nonces = nonces(now);
        let nonce = nonces.issue(now, PEER, ID);
        for position in 0..nonce.len() {
            for bit in 0..8 {
                let mut changed = nonce;
                changed[position] ^= 1 << bit;
                assert!(nonces.check(&changed, now, PEER, ID).is_err());
            }
        }
        assert!(nonces.check(&nonce.to_ascii_uppercase(), now, PEER, ID).is_err());
        assert!(nonces.check(&nonce[..47], now, PEER, ID).is_err());
        assert!(nonces.check(b"", now, PEER, ID).is_err());
    }
}
