//! Branches, tags and Call-IDs (RFC 3261 19.3): not to be guessed, and the same again for the same
//! seed.

use std::fmt;

use sha2::{Digest, Sha256};

/// 64 bits in hex.
pub(super) type Token = [u8; 16];

/// Makes them from a secret.
pub(super) struct Tokens {
    /// The hash over the secret, from which each token goes on.
    begun: Sha256,
    count: u64,
}

impl Tokens {
    /// Begins with a secret.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { begun: Sha256::new().chain_update(seed), count: 0 }
    }

    /// A token that never came before.
    pub(super) fn fresh(&mut self) -> Token {
        self.count += 1;
        self.of(b"fresh", &[&self.count.to_be_bytes()])
    }

    /// The token of these parts: always the same.
    pub(super) fn of(&self, label: &[u8], parts: &[&[u8]]) -> Token {
        let mut hash = self.begun.clone();
        hash.update(label);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut token = [0; 16];
        let short = digest.first_chunk::<8>().copied().unwrap_or_default();
        // Twice as many digits as bytes always fit.
        let _ = hex::encode_to_slice(short, &mut token);
        token
    }
}

impl fmt::Debug for Tokens {
    /// Nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("count", &self.count).finish_non_exhaustive()
    }
}
