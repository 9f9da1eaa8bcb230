//! What a device answers.

use std::fmt;

use subtle::ConstantTimeEq;

use super::challenge::Challenge;
use super::hash::{Algorithm, Parts, Qop, response};
use super::params::{CredentialsError, Params, Printer};
use crate::sip::field;

/// The value of an Authorization header. All texts are as they were sent, without the quotes around
/// them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose password it is: in GB/T 28181 mostly the device's id.
    pub username: Vec<u8>,
    /// The realm, which has to be the challenge's.
    pub realm: Vec<u8>,
    /// The nonce, which has to be one that was given out.
    pub nonce: Vec<u8>,
    /// The digest URI. It need not be the Request-URI: SIPp, baresip and Hikvision's devices each
    /// write something else.
    pub uri: Vec<u8>,
    /// The answer: a hash in hex.
    pub response: Vec<u8>,
    /// The hash; none if the header names none, which means MD5.
    pub algorithm: Option<Algorithm>,
    /// `auth` as it was sent, or none in the form of RFC 2069.
    pub qop: Option<Vec<u8>>,
    /// The count as it was sent: its case and its zeros are part of the sum. Empty without qop.
    pub nc: Vec<u8>,
    /// The count.
    pub nc_number: Option<u32>,
    /// The client's nonce. Empty without qop.
    pub cnonce: Vec<u8>,
    /// What the challenge had as opaque.
    pub opaque: Option<Vec<u8>>,
}

/// Which sum an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Without qop, count and client nonce.
    Rfc2069,
    /// With `qop=auth`.
    QopAuth,
}

impl Credentials {
    /// Reads a header's value.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]: also for a parameter that is there twice, and for a qop without count
    /// and client nonce.
    pub fn parse(header: &[u8]) -> Result<Self, CredentialsError> {
        let params = Params::parse(header)?;
        let algorithm = match params.get("algorithm")? {
            Some(text) => Some(Algorithm::of(text).ok_or(CredentialsError::Algorithm)?),
            None => None,
        };
        let answer = params.need("response")?;
        let digits = match algorithm.unwrap_or(Algorithm::Md5) {
            Algorithm::Md5 => 32,
            Algorithm::Sha256 => 64,
        };
        if answer.len() != digits || !answer.iter().all(u8::is_ascii_hexdigit) {
            return Err(CredentialsError::Response);
        }
        let (qop, nc, cnonce): (_, &[u8], &[u8]) = match params.get("qop")? {
            Some(qop) if field::trim(qop).eq_ignore_ascii_case(b"auth") => {
                (Some(qop.to_vec()), params.need("nc")?, params.need("cnonce")?)
            }
            Some(_) => return Err(CredentialsError::Qop),
            None => (None, b"", b""),
        };
        let nc_number = if qop.is_some() { Some(count(nc)?) } else { None };
        Ok(Self {
            username: params.need("username")?.to_vec(),
            realm: params.get("realm")?.ok_or(CredentialsError::Missing("realm"))?.to_vec(),
            nonce: params.need("nonce")?.to_vec(),
            uri: params.need("uri")?.to_vec(),
            response: answer.to_vec(),
            algorithm,
            qop,
            nc: nc.to_vec(),
            nc_number,
            cnonce: cnonce.to_vec(),
            opaque: params.get("opaque")?.map(<[u8]>::to_vec),
        })
    }

    /// A client's answer to a challenge. `nc` is the count of answers with this nonce, from 1; it
    /// and `cnonce` go only into [`Form::QopAuth`].
    #[expect(clippy::too_many_arguments, reason = "these are what RFC 7616 3.4.1 takes")]
    pub fn create(
        challenge: &Challenge<'_>,
        username: &[u8],
        password: &[u8],
        method: &[u8],
        uri: &[u8],
        cnonce: &[u8],
        nc: u32,
        form: Form,
    ) -> Self {
        let with_qop = form == Form::QopAuth;
        let mut made = Self {
            username: username.to_vec(),
            realm: challenge.realm.to_vec(),
            nonce: challenge.nonce.to_vec(),
            uri: uri.to_vec(),
            response: Vec::new(),
            algorithm: Some(challenge.algorithm),
            qop: with_qop.then(|| b"auth".to_vec()),
            nc: if with_qop { format!("{nc:08x}").into_bytes() } else { Vec::new() },
            nc_number: with_qop.then_some(nc),
            cnonce: if with_qop { cnonce.to_vec() } else { Vec::new() },
            opaque: challenge.opaque.as_deref().map(<[u8]>::to_vec),
        };
        made.response = made.sum(password, method).into_bytes();
        made
    }

    /// Whether this is the answer that somebody with this password gives to a request of this
    /// method. The time does not depend on where a wrong answer differs.
    ///
    /// It says nothing about the nonce, the count and the realm: see the module.
    pub fn answers(&self, password: &[u8], method: &[u8]) -> bool {
        let expected = self.sum(password, method);
        let given = self.response.to_ascii_lowercase();
        expected.as_bytes().ct_eq(&given).into()
    }

    /// Which sum it is.
    pub fn form(&self) -> Form {
        if self.qop.is_some() { Form::QopAuth } else { Form::Rfc2069 }
    }

    /// The header's value.
    pub fn to_header(&self) -> Vec<u8> {
        let mut printer = Printer::new();
        printer.quoted("username", &self.username);
        printer.quoted("realm", &self.realm);
        printer.quoted("nonce", &self.nonce);
        printer.quoted("uri", &self.uri);
        printer.quoted("response", &self.response);
        if let Some(algorithm) = self.algorithm {
            printer.plain("algorithm", algorithm.text().as_bytes());
        }
        if let Some(qop) = &self.qop {
            printer.plain("qop", qop);
            printer.plain("nc", &self.nc);
            printer.quoted("cnonce", &self.cnonce);
        }
        if let Some(opaque) = &self.opaque {
            printer.quoted("opaque", opaque);
        }
        printer.finish()
    }

    /// The right answer for this password.
    fn sum(&self, password: &[u8], method: &[u8]) -> String {
        let qop = self.qop.as_deref();
        let qop = qop.map(|qop| Qop { qop, nc: &self.nc, cnonce: &self.cnonce });
        let parts = Parts { nonce: &self.nonce, uri: &self.uri, qop };
        let algorithm = self.algorithm.unwrap_or(Algorithm::Md5);
        response(algorithm, &self.username, &self.realm, password, method, &parts)
    }
}

/// Reads a count: one to eight hexadecimal digits.
fn count(nc: &[u8]) -> Result<u32, CredentialsError> {
    let digits = std::str::from_utf8(nc).ok().filter(|digits| digits.len() <= 8);
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(CredentialsError::Count)
}

impl fmt::Debug for Credentials {
    /// All but what a password could be guessed from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        f.debug_struct("Credentials")
            .field("username", &text(&self.username))
            .field("realm", &text(&self.realm))
            .field("uri", &text(&self.uri))
            .field("algorithm", &self.algorithm)
            .field("form", &self.form())
            .field("nc", &self.nc_number)
            .finish_non_exhaustive()
    }
}
