//! `Digest name=value, name="value"`: the shape that challenges and answers share.

use crate::sip::field;

/// The most parameters that a header is read with. RFC 7616 has a dozen.
const PARAMS_MAX: usize = 32;

/// Why a header is no digest challenge and no digest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Another scheme than Digest.
    #[error("the scheme is not Digest")]
    Scheme,
    /// No name, an open quote, or something after a closed one.
    #[error("a parameter is malformed")]
    Malformed,
    /// More parameters than are read.
    #[error("there are more than {PARAMS_MAX} parameters")]
    TooMany,
    /// A parameter that can be there only once is there twice.
    #[error("{0} is there twice")]
    Twice(&'static str),
    /// A parameter is missing, or empty where it can't be.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Neither MD5 nor SHA-256.
    #[error("the algorithm is not known")]
    Algorithm,
    /// Another quality of protection than `auth`.
    #[error("the qop is not auth")]
    Qop,
    /// No hexadecimal number of at most eight digits.
    #[error("nc is not a number")]
    Count,
    /// No hash of the algorithm.
    #[error("the response is not a hash in hex")]
    Response,
}

/// The parameters of one header.
#[derive(Debug, Default)]
pub(super) struct Params<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Params<'a> {
    /// Reads the scheme and all parameters. Quotes around values are taken off, escapes inside stay
    /// as they are: the sums are made over the text as it was sent.
    pub(super) fn parse(header: &'a [u8]) -> Result<Self, CredentialsError> {
        let header = field::trim(header);
        let (scheme, rest) = header.split_at_checked(6).ok_or(CredentialsError::Scheme)?;
        let parted = rest.first().is_some_and(|byte| field::is_blank(*byte));
        if !scheme.eq_ignore_ascii_case(b"Digest") || !parted {
            return Err(CredentialsError::Scheme);
        }
        let mut params = Vec::with_capacity(12);
        for param in field::list(rest).filter(|param| !param.is_empty()) {
            if params.len() == PARAMS_MAX {
                return Err(CredentialsError::TooMany);
            }
            params.push(Self::param(param)?);
        }
        Ok(Self(params))
    }

    /// Reads `name=value` or `name="value"`.
    fn param(param: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), CredentialsError> {
        let equals =
            param.iter().position(|byte| *byte == b'=').ok_or(CredentialsError::Malformed)?;
        let name = field::trim(param.get(..equals).unwrap_or_default());
        let value = field::trim(param.get(equals + 1..).unwrap_or_default());
        if name.is_empty() || !name.iter().all(|byte| field::is_token(*byte)) {
            return Err(CredentialsError::Malformed);
        }
        if value.first() != Some(&b'"') {
            return if value.contains(&b'"') {
                Err(CredentialsError::Malformed)
            } else {
                Ok((name, value))
            };
        }
        if field::quoted_end(value) != Some(value.len()) {
            return Err(CredentialsError::Malformed);
        }
        Ok((name, value.get(1..value.len() - 1).unwrap_or_default()))
    }

    /// The value of a parameter, if it is there.
    pub(super) fn get(&self, name: &'static str) -> Result<Option<&'a [u8]>, CredentialsError> {
        let named = |(found, _): &&(&[u8], &[u8])| found.eq_ignore_ascii_case(name.as_bytes());
        let mut found = self.0.iter().filter(named);
        let value = found.next().map(|(_, value)| *value);
        if found.next().is_some() { Err(CredentialsError::Twice(name)) } else { Ok(value) }
    }

    /// The value of a parameter that has to be there, and not be empty.
    pub(super) fn need(&self, name: &'static str) -> Result<&'a [u8], CredentialsError> {
        self.get(name)?.filter(|value| !value.is_empty()).ok_or(CredentialsError::Missing(name))
    }
}

/// Prints `Digest`, then parameters with commas and no blanks: some devices stumble over a blank.
#[derive(Debug)]
pub(super) struct Printer(Vec<u8>);

impl Printer {
    /// Begins with the scheme.
    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"Digest ");
        Self(bytes)
    }

    /// Adds `name="value"`. The value's own escapes stay; a quote without one gets one.
    pub(super) fn quoted(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        let mut escaped = false;
        for byte in value {
            if *byte == b'"' && !escaped {
                self.0.push(b'\\');
            }
            escaped = *byte == b'\\' && !escaped;
            self.0.push(*byte);
        }
        self.0.push(b'"');
    }

    /// Adds `name=value`.
    pub(super) fn plain(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.0.extend_from_slice(value);
    }

    /// The header's value.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Adds `name=`, after a comma if it is not the first.
    fn name(&mut self, name: &str) {
        if self.0.last() != Some(&b' ') {
            self.0.push(b',');
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
    }
}
