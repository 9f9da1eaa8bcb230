//! Secrets at rest: sealed under one master key, each tied to its place.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): its 192-bit nonce may be drawn at random for as
//! many secrets as ever will be. A sealed secret is
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version of this form: 1 |
//! | 8 | id of the master key |
//! | 24 | nonce |
//! | the rest | the secret, encrypted, with its 16-byte tag |
//!
//! What it is tied to (the project, the thing, the field) is authenticated and not stored: in any
//! other place, and under any other name, it does not open.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use fleet::Secret;
use sha2::{Digest, Sha256};

/// The version byte of the form above.
const VERSION: u8 = 1;
/// Bytes of a key's id.
const KEY_ID_BYTES: usize = 8;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;

/// Why a secret could not be sealed or opened. Never says what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The secret is longer than the cipher takes (256 GiB).
    #[error("the secret is too long to be sealed")]
    TooLong,
    /// What was given is too short to be a sealed secret.
    #[error("the sealed secret has {bytes} bytes, too few for one")]
    Truncated {
        /// How many there are.
        bytes: usize,
    },
    /// It was sealed by a newer version of this program, or is not a sealed secret.
    #[error("the sealed secret has the unknown version {0}")]
    Version(u8),
    /// It was sealed with another master key.
    #[error("the secret was sealed with master key {sealed_with}, and this is {this}")]
    WrongKey {
        /// The id of the key that it was sealed with.
        sealed_with: String,
        /// The id of the key at hand.
        this: String,
    },
    /// It was changed since, or it belongs to another place.
    #[error("the sealed secret is damaged, or belongs to another place")]
    Damaged,
}

/// The key that seals the server's secrets. Wiped when dropped, and shows only its id.
pub struct MasterKey {
    key: Secret<[u8; 32]>,
    id: [u8; KEY_ID_BYTES],
    /// Opens what it has sealed, and seals nothing; see [`Self::beside`].
    other: Option<Box<MasterKey>>,
}

impl MasterKey {
    /// The key of these 32 bytes, which must be random. The caller wipes its own copy.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"fleetwright master key id");
        hash.update(bytes);
        let digest: [u8; 32] = hash.finalize().into();
        let id = digest.first_chunk().copied().unwrap_or_default();
        Self { key: Secret::new(bytes), id, other: None }
    }

    /// The same key, that opens what `other` has sealed too: for as long as one is changed for the
    /// other.
    pub fn beside(self, other: Self) -> Self {
        Self { other: Some(Box::new(other)), ..self }
    }

    /// Whether this very key has sealed this, as far as can be told without opening it.
    pub fn has_sealed(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID_BYTES) == Some(self.id.as_slice())
    }

    /// The key's id: says which key it is and nothing of the key.
    pub fn id(&self) -> String {
        hex::encode(self.id)
    }

    /// A key for another use, the same wherever the master key is: SHA-256 over a label, the key
    /// and `purpose`. It says nothing of the master key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"fleetwright derived key");
        hash.update(self.key.expose());
        hash.update(purpose);
        hash.finalize().into()
    }

    /// Seals `plain`, tied to `place`: the project's id, the thing's id, the field's name. `nonce`
    /// must be random, and drawn anew each time.
    pub fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        place: &[&str],
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let data = self.associated_data(place);
        let payload = Payload { msg: plain, aad: &data };
        let encrypted =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::TooLong)?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID_BYTES + NONCE_BYTES + encrypted.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&encrypted);
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] gave, for the same place. The caller wipes the secret when done.
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let truncated = || SealError::Truncated { bytes: sealed.len() };
        let (version, rest) = sealed.split_first().ok_or_else(truncated)?;
        if *version != VERSION {
            return Err(SealError::Version(*version));
        }
        let (id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>().ok_or_else(truncated)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(truncated)?;
        if let Some(other) = self.other.as_deref().filter(|other| *id == other.id) {
            return other.open(place, sealed);
        }
        if *id != self.id {
            return Err(SealError::WrongKey { sealed_with: hex::encode(id), this: self.id() });
        }
        let data = self.associated_data(place);
        let payload = Payload { msg: encrypted, aad: &data };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Damaged)
    }

    /// The cipher under this key; it wipes its copy when dropped.
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key.expose()))
    }

    /// What is authenticated beside the secret: the head of the form, and the place with each
    /// part's length before it, so that no two places read the same.
    fn associated_data(&self, place: &[&str]) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend_from_slice(&self.id);
        data.extend_from_slice(&(place.len() as u64).to_le_bytes());
        for part in place {
            data.extend_from_slice(&(part.len() as u64).to_le_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &[&str] = &["project", "AK1", "access key secret"];

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    fn sealed() -> Vec<u8> {
        key(1).seal([9; 24], PLACE, b"hunter2").unwrap()
    }

    #[test]
    fn what_was_sealed_opens_in_its_place() {
        let sealed = sealed();
        assert_eq!(sealed.len(), 1 + 8 + 24 + 7 + 16);
        assert_eq!(key(1).open(PLACE, &sealed).unwrap(), b"hunter2");
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        let empty = key(1).seal([9; 24], &[], b"").unwrap();
        assert_eq!(key(1).open(&[], &empty).unwrap(), b"");
    }

    #[test]
    fn another_place_does_not_open_it() {
        for place in [
            &["project2", "AK1", "access key secret"][..],
            &["project", "AK2", "access key secret"],
            &["project", "AK1", "password"],
            &["projectA", "K1", "access key secret"],
            &["project", "AK1"],
            &["project", "AK1", "access key secret", ""],
            &["projectAK1access key secret"],
            &[],
        ] {
            assert_eq!(key(1).open(place, &sealed()), Err(SealError::Damaged), "{place:?}");
        }
    }

    #[test]
    fn any_flipped_bit_is_seen() {
        let sealed = sealed();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = key(1).open(PLACE, &flipped).unwrap_err();
            match bit / 8 {
                0 => assert!(matches!(error, SealError::Version(_)), "bit {bit}: {error}"),
                1..=8 => assert!(matches!(error, SealError::WrongKey { .. }), "bit {bit}: {error}"),
                _ => assert_eq!(error, SealError::Damaged, "bit {bit}"),
            }
        }
    }

    #[test]
    fn a_wrong_key_is_named_and_a_short_text_refused() {
        let error = key(2).open(PLACE, &sealed()).unwrap_err();
        let (one, two) = (key(1).id(), key(2).id());
        assert_eq!(error, SealError::WrongKey { sealed_with: one, this: two });
        for bytes in 0..33 {
            let error = key(1).open(PLACE, &sealed()[..bytes]).unwrap_err();
            assert_eq!(error, SealError::Truncated { bytes });
        }
        for bytes in 33..sealed().len() {
            assert_eq!(key(1).open(PLACE, &sealed()[..bytes]), Err(SealError::Damaged));
        }
    }

    #[test]
    fn a_key_beside_another_opens_what_either_has_sealed_and_seals_by_itself() {
        let both = key(2).beside(key(1));
        assert_eq!(both.open(PLACE, &sealed()).unwrap(), b"hunter2");
        assert_eq!(both.open(&[], &sealed()), Err(SealError::Damaged));
        let own = both.seal([9; 24], PLACE, b"hunter3").unwrap();
        assert_eq!(key(2).open(PLACE, &own).unwrap(), b"hunter3");
        assert_eq!(both.open(PLACE, &own).unwrap(), b"hunter3");
        assert!(both.has_sealed(&own) && !both.has_sealed(&sealed()));
        assert!(key(1).has_sealed(&sealed()));
        let (two, three) = (key(2).id(), key(3).id());
        let third = key(3).seal([9; 24], PLACE, b"").unwrap();
        let wrong = SealError::WrongKey { sealed_with: three, this: two };
        assert_eq!(both.open(PLACE, &third), Err(wrong));
        assert_eq!((both.id(), both.derive("x")), (key(2).id(), key(2).derive("x")));
        assert!(!key(1).has_sealed(b""));
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let shown = format!("{:?}", MasterKey::from_bytes([0xab; 32]));
        assert_eq!(shown, format!("MasterKey({})", MasterKey::from_bytes([0xab; 32]).id()));
        assert!(!shown.contains("abab"), "{shown}");
    }
}
