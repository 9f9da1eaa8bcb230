//! The JSON inside the JSON: a client's bytes as the text of `property`.
//!
//! What is taken must be an object to another reader too, each of whose values is plain.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|bytes: &[u8]| {
    if api::fuzzing::cph_property(bytes) {
        let object: Map<String, Value> = match serde_json::from_slice(bytes) {
            Ok(object) => object,
            // The other reader has to fit a number into its own; what a property takes is its
            // entry's business.
            Err(error) if error.to_string().starts_with("number out of range") => return,
            Err(error) => panic!("taken, and {error}"),
        };
        let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        assert!(object.values().all(plain), "taken: {object:?}");
    }
});
