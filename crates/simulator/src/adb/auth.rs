//! RSA authentication (AOSP `protocol.txt`, "AUTH"; key form: `libs/libcrypto_utils`
//! `android_pubkey`).
//!
//! The phone sends 20 random bytes; the client signs them as if they were a SHA-1 digest
//! (PKCS#1 v1.5). A client none of whose keys is known offers its public key for the phone's
//! user to accept; a simulated phone has no user, so that client waits in vain.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha1::Sha1;

/// Bytes in the token.
pub(crate) const TOKEN_BYTES: usize = 20;
/// 32-bit words in the modulus of every ADB key.
const MODULUS_WORDS: u32 = 64;
/// Bytes in the modulus: RSA-2048.
const MODULUS_BYTES: usize = 256;
/// Bytes in the binary form: length word, n0inv, modulus, rr, exponent.
const KEY_BYTES: usize = 4 + 4 + 2 * MODULUS_BYTES + 4;

/// A line that is no ADB public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base64.
    #[error("an ADB public key is base64")]
    Encoding,
    /// Not the binary form of an RSA-2048 key.
    #[error("not an Android RSA-2048 public key")]
    Form,
}

/// Who may connect.
#[derive(Debug)]
pub(crate) enum Door {
    /// Anybody.
    Open,
    /// Who has the private half of one of these.
    Keys(Vec<RsaPublicKey>),
}

impl Door {
    /// A door that these keys open: lines as in `adbkey.pub`.
    pub(crate) fn keys(lines: &[String]) -> Result<Self, KeyError> {
        lines.iter().map(|line| parse(line)).collect::<Result<_, _>>().map(Door::Keys)
    }

    /// Whether one of the keys made this signature of `token`.
    pub(crate) fn accepts(&self, token: &[u8; TOKEN_BYTES], signature: &[u8]) -> bool {
        let Door::Keys(keys) = self else { return true };
        keys.iter().any(|key| key.verify(Pkcs1v15Sign::new::<Sha1>(), token, signature).is_ok())
    }
}

/// Reads a line `BASE64 [comment]`.
fn parse(line: &str) -> Result<RsaPublicKey, KeyError> {
    let encoded = line.split_whitespace().next().unwrap_or_default();
    let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Encoding)?;
    let bytes: &[u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError::Form)?;
    let (words, rest) = bytes.split_first_chunk::<4>().ok_or(KeyError::Form)?;
    let (_n0inv, rest) = rest.split_first_chunk::<4>().ok_or(KeyError::Form)?;
    let (modulus, rest) = rest.split_first_chunk::<MODULUS_BYTES>().ok_or(KeyError::Form)?;
    let exponent = rest.last_chunk::<4>().ok_or(KeyError::Form)?;
    if u32::from_le_bytes(*words) != MODULUS_WORDS {
        return Err(KeyError::Form);
    }
    let exponent = BigUint::from(u32::from_le_bytes(*exponent));
    RsaPublicKey::new(BigUint::from_bytes_le(modulus), exponent).map_err(|_| KeyError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_android_keys_are_read() {
        let short = STANDARD.encode([1; 100]);
        let wrong = STANDARD.encode([1; KEY_BYTES]);
        for (line, error) in [
            ("", KeyError::Form),
            ("not base64!", KeyError::Encoding),
            (short.as_str(), KeyError::Form),
            (wrong.as_str(), KeyError::Form),
        ] {
            let lines = [line.to_owned()];
            assert_eq!(Door::keys(&lines).map(|_| ()), Err(error), "{line}");
        }
        // What `adb keygen` writes is read in tests/adb.rs.
    }
}
