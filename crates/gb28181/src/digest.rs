//! Digest authentication (RFC 7616, RFC 2617, RFC 2069), both sides.
//!
//! [`Challenge`] is what a registrar asks, [`Credentials`] what a device answers. MD5 and SHA-256,
//! with `qop=auth` and without: devices use all of these, whatever was asked.
//!
//! What is checked is whether an answer is right for a password. Whether its nonce was ours and is
//! fresh, and whether its count is new, is for the caller to say: without that a captured answer
//! can be replayed for ever.

mod challenge;
mod credentials;
mod hash;
mod params;

pub use challenge::Challenge;
pub use credentials::{Credentials, Form};
pub use hash::{Algorithm, Parts, Qop, response};
pub use params::CredentialsError;

#[cfg(test)]
mod tests;
