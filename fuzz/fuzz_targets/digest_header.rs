//! A stranger's bytes as an Authorization header, and as the challenge before it.
//!
//! What is taken says the same when it is printed again, as long as nothing in it needs an escape;
//! and nobody has the empty password.

#![no_main]

use gb28181::digest::{Challenge, Credentials};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let plain = bytes.is_ascii() && !bytes.contains(&b'\\');
    if let Ok(credentials) = Credentials::parse(bytes) {
        let printed = credentials.to_header();
        if plain {
            assert_eq!(Credentials::parse(&printed).as_ref(), Ok(&credentials));
        }
        assert!(!credentials.answers(b"", b"REGISTER"), "forged: {credentials:?}");
    }
    if let Ok(challenge) = Challenge::parse(bytes) {
        let printed = challenge.to_header();
        if plain {
            assert_eq!(Challenge::parse(&printed).as_ref(), Ok(&challenge));
        }
    }
});
