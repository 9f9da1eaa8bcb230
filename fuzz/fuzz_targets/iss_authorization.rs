//! A client's bytes as the signature of an ISS call, in the header `Authorization` and in the
//! query, and as what else stands in its head: a query, a request's id.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    api::fuzzing::iss_authorization(bytes);
    api::fuzzing::iss_query(bytes);
    api::fuzzing::iss_request_id(bytes);
});
