//! A client's bytes in the head of a request: as the header `Authorization`, as `X-Forwarded-For`
//! of a trusted proxy, and as what follows `?`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if api::fuzzing::authorization(bytes) {
        let text = std::str::from_utf8(bytes).expect("text");
        assert!(text.starts_with("SDK-HMAC-SHA256 "), "taken: {text:?}");
        for part in ["Access=", "SignedHeaders=", "Signature="] {
            assert!(text.contains(part), "taken without {part}: {text:?}");
        }
    }
    api::fuzzing::forwarded_for(bytes);
    api::fuzzing::cph_query(bytes);
});
