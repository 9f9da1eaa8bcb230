//! A client's bytes as the bodies of the CPH calls: those about many phones with all that is read
//! of each entry, those about one thing, and a sign-in.
//!
//! What is taken must be JSON to another reader too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|bytes: &[u8]| {
    let taken = [
        api::fuzzing::cph_batch_body(bytes),
        api::fuzzing::cph_phone_ids_body(bytes),
        api::fuzzing::cph_small_bodies(bytes),
    ];
    if taken.contains(&true) {
        let read = serde_json::from_slice::<IgnoredAny>(bytes);
        assert!(read.is_ok(), "taken, and no JSON: {read:?}");
    }
});
