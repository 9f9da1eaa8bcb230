//! What a registrar asks.

use std::borrow::Cow;

use super::hash::Algorithm;
use super::params::{CredentialsError, Params, Printer};
use crate::sip::field;

/// The value of a WWW-Authenticate header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Who asks: in GB/T 28181 the first ten digits of the server's id.
    pub realm: Cow<'a, [u8]>,
    /// What the answer is made over.
    pub nonce: Cow<'a, [u8]>,
    /// What the answer has to bring along.
    pub opaque: Option<Cow<'a, [u8]>>,
    /// Whether an answer with `qop=auth` is asked for. GB/T 28181-2016's sample challenge asks for
    /// none, and devices answer in either form.
    pub qop_auth: bool,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether the last answer was right but for its nonce.
    pub stale: bool,
}

impl<'a> Challenge<'a> {
    /// A challenge with `qop=auth` and MD5.
    pub fn new(realm: impl Into<Cow<'a, [u8]>>, nonce: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            realm: realm.into(),
            nonce: nonce.into(),
            opaque: None,
            qop_auth: true,
            algorithm: Algorithm::Md5,
            stale: false,
        }
    }

    /// The header's value.
    pub fn to_header(&self) -> Vec<u8> {
        let mut printer = Printer::new();
        printer.quoted("realm", &self.realm);
        printer.quoted("nonce", &self.nonce);
        if let Some(opaque) = &self.opaque {
            printer.quoted("opaque", opaque);
        }
        if self.qop_auth {
            printer.quoted("qop", b"auth");
        }
        if self.stale {
            printer.plain("stale", b"true");
        }
        printer.plain("algorithm", self.algorithm.text().as_bytes());
        printer.finish()
    }

    /// Reads a header's value.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]; a list of qops without `auth` among them is one.
    pub fn parse(header: &'a [u8]) -> Result<Self, CredentialsError> {
        let params = Params::parse(header)?;
        let algorithm = match params.get("algorithm")? {
            Some(text) => Algorithm::of(text).ok_or(CredentialsError::Algorithm)?,
            None => Algorithm::Md5,
        };
        let qop_auth = match params.get("qop")? {
            Some(qops) => {
                let auth = field::list(qops).any(|qop| qop.eq_ignore_ascii_case(b"auth"));
                if !auth {
                    return Err(CredentialsError::Qop);
                }
                true
            }
            None => false,
        };
        let realm = params.get("realm")?.ok_or(CredentialsError::Missing("realm"))?;
        let stale = params.get("stale")?.is_some_and(|text| text.eq_ignore_ascii_case(b"true"));
        Ok(Self {
            realm: Cow::Borrowed(realm),
            nonce: Cow::Borrowed(params.need("nonce")?),
            opaque: params.get("opaque")?.map(Cow::Borrowed),
            qop_auth,
            algorithm,
            stale,
        })
    }
}
