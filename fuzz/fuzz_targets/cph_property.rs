//! The JSON inside the JSON: a client's bytes as the text of `property`.
//!
//! What is taken must be an object to another reader too, each of whose values is plain.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|bytes: &[u8]| {
    if api::fuzzing::cph_property(bytes) {
        let object: Map<String, Value> = serde_json::from_slice(bytes).expect("an object");
        let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        assert!(object.values().all(plain), "taken: {object:?}");
    }
});
