//! The sums.

use md5::Md5;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// The hash of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// What nearly all devices use, and what a header without `algorithm` means.
    Md5,
    /// RFC 7616.
    Sha256,
}

impl Algorithm {
    /// As it stands in a header.
    pub fn text(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The algorithm of this text, in whatever case; `SHA256` is taken for `SHA-256`. The `-sess`
    /// forms are not known.
    pub fn of(text: &[u8]) -> Option<Self> {
        match text {
            text if text.eq_ignore_ascii_case(b"MD5") => Some(Self::Md5),
            text if text.eq_ignore_ascii_case(b"SHA-256") => Some(Self::Sha256),
            text if text.eq_ignore_ascii_case(b"SHA256") => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The hash of the parts with a colon between each two.
    fn join(self, parts: &[&[u8]]) -> Sum {
        match self {
            Self::Md5 => Sum::of::<Md5>(parts),
            Self::Sha256 => Sum::of::<Sha256>(parts),
        }
    }
}

/// A hash in lower-case hex. It is wiped when it goes: one over a password is as good as that.
struct Sum {
    text: Zeroizing<[u8; 64]>,
    digits: usize,
}

impl Sum {
    /// Hashes the parts with a colon between each two.
    fn of<D: Digest>(parts: &[&[u8]]) -> Self {
        let mut hash = D::new();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                hash.update(b":");
            }
            hash.update(part);
        }
        let mut sum = hash.finalize();
        let mut text = Zeroizing::new([0; 64]);
        let digits = (2 * sum.len()).min(text.len());
        // The slice is as long as the digits: this can't fail.
        let _ = hex::encode_to_slice(&sum, text.get_mut(..digits).unwrap_or_default());
        sum.iter_mut().for_each(Zeroize::zeroize);
        Self { text, digits }
    }

    /// The digits.
    fn text(&self) -> &[u8] {
        self.text.get(..self.digits).unwrap_or_default()
    }
}

/// What of an answer goes into its hash beside the user, the password and the method.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The nonce of the challenge.
    pub nonce: &'a [u8],
    /// The digest URI, which need not be the Request-URI.
    pub uri: &'a [u8],
    /// None in the form of RFC 2069.
    pub qop: Option<Qop<'a>>,
}

/// What `qop=auth` adds.
#[derive(Debug, Clone, Copy)]
pub struct Qop<'a> {
    /// The qop as received, `auth`.
    pub qop: &'a [u8],
    /// The count as received: its case and its zeros matter.
    pub nc: &'a [u8],
    /// The client's nonce.
    pub cnonce: &'a [u8],
}

/// The `response` of an answer, in lower-case hex (RFC 7616 3.4.1; without qop RFC 2069 2.1.2).
///
/// ```
/// use gb28181::digest::{Algorithm, Parts, response};
///
/// let parts = Parts { nonce: b"8f4c2b1e7d3a49d0a1b2c3d4e5f60718",
///                     uri: b"sip:34020000002000000001@3402000000", qop: None };
/// let user = b"34020000001320000001";
/// let answer = response(Algorithm::Md5, user, b"3402000000", b"12345678", b"REGISTER", &parts);
/// assert_eq!(answer, "4df7410a4f23e0a46801bda60cf66fbc");
/// ```
pub fn response(
    algorithm: Algorithm,
    username: &[u8],
    realm: &[u8],
    password: &[u8],
    method: &[u8],
    parts: &Parts<'_>,
) -> String {
    let secret = algorithm.join(&[username, realm, password]);
    let request = algorithm.join(&[method, parts.uri]);
    let (secret, request) = (secret.text(), request.text());
    let sum = match parts.qop {
        Some(Qop { qop, nc, cnonce }) => {
            algorithm.join(&[secret, parts.nonce, nc, cnonce, qop, request])
        }
        None => algorithm.join(&[secret, parts.nonce, request]),
    };
    String::from_utf8_lossy(sum.text()).into_owned()
}
