//! A client's bytes as the body of an ISS call about devices: the XML, the devices in whichever
//! form they stand, and every field of each by either profile.
//!
//! What is taken is UTF-8 without a document type.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if api::fuzzing::iss_request(bytes) {
        let text = std::str::from_utf8(bytes);
        assert!(text.is_ok(), "taken, and no UTF-8: {text:?}");
    }
});
