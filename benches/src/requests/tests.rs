//! Requests are signed as the servers check them.

use std::collections::HashSet;

use serde_json::Value;

use super::*;

fn signer() -> Signer {
    Signer::new(([127, 0, 0, 1], 8080).into(), "bench", "AK", "SK")
}

fn updates(asks: Asks, devices: &[String], count: usize) -> Updates<'_> {
    Updates { asks, devices, per_request: 2, first: 2, count }
}

/// The ids of three devices.
fn devices() -> [String; 3] {
    ["a", "b", "c"].map(str::to_owned)
}

/// A request's head as the server reads it, and its body.
fn parse(request: &[u8]) -> (http::request::Parts, String) {
    let text = std::str::from_utf8(request).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let mut builder = http::Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        builder = builder.header(name, value);
    }
    (builder.body(()).unwrap().into_parts().0, body.to_owned())
}

/// Checks a request of CPH's as the server does; gives its body.
fn verify_cph(request: &[u8], sk: &str) -> Result<String, huawei::Refusal> {
    let (parts, body) = parse(request);
    let signed = huawei::Signed::parse(huawei::Head::of(&parts), clock::date())?;
    assert_eq!(signed.access_key(), "AK");
    signed.verify(sk.as_bytes(), body.as_bytes(), &[])?;
    Ok(body)
}

/// The same for one of ISS's.
fn verify_iss(request: &[u8], sk: &str) -> Result<String, tencent::Refusal> {
    let (parts, body) = parse(request);
    let signed = tencent::Signed::parse(tencent::Head::of(&parts), clock::date())?;
    assert_eq!(signed.access_key(), "AK");
    signed.verify(sk.as_bytes(), &[])?;
    Ok(body)
}

#[test]
fn every_update_is_signed_and_takes_the_next_phones() {
    let devices = devices();
    let requests = signer().updates(updates(Asks::Properties, &devices, 5)).unwrap();
    let ids: Vec<String> = requests
        .iter()
        .map(|request| {
            let body: Value = serde_json::from_str(&verify_cph(request, "SK").unwrap()).unwrap();
            let phones = body["phones"].as_array().unwrap();
            phones.iter().map(|phone| phone["phone_id"].as_str().unwrap()).collect()
        })
        .collect();
    assert_eq!(ids, ["ca", "bc", "ab", "ca", "bc"]);
    let bodies: HashSet<_> = requests.iter().collect();
    assert_eq!(bodies.len(), 5, "all are distinct");
}

#[test]
fn every_update_is_signed_and_takes_the_next_cameras() {
    let devices = devices();
    let requests = signer().updates(updates(Asks::Records, &devices, 5)).unwrap();
    let ids: Vec<String> = requests
        .iter()
        .map(|request| {
            let body = verify_iss(request, "SK").unwrap();
            let ids = body.split("<Gbid>").skip(1);
            ids.map(|rest| rest.split('<').next().unwrap()).collect()
        })
        .collect();
    assert_eq!(ids, ["ca", "bc", "ab", "ca", "bc"]);
    let bodies: HashSet<_> = requests.iter().collect();
    assert_eq!(bodies.len(), 5, "all are distinct");
}

#[test]
fn another_secret_fails() {
    let devices = devices();
    let of_phones = signer().updates(updates(Asks::Properties, &devices, 1)).unwrap();
    assert!(verify_cph(&of_phones[0], "other").is_err());
    let of_cameras = signer().updates(updates(Asks::RecordsAndName, &devices, 1)).unwrap();
    assert!(verify_iss(&of_cameras[0], "other").is_err());
}

#[test]
fn unsigned_requests_are_the_same_without_the_signature() {
    let devices = devices();
    for asks in [Asks::Properties, Asks::Records] {
        let signed = signer().updates(updates(asks, &devices, 1)).unwrap();
        let unsigned = signer().unsigned().updates(updates(asks, &devices, 1)).unwrap();
        let ((mut signed, body), (unsigned, same_body)) = (parse(&signed[0]), parse(&unsigned[0]));
        signed.headers.remove("x-sdk-date");
        assert!(signed.headers.remove("authorization").is_some());
        assert_eq!((signed.headers, body), (unsigned.headers, same_body));
        assert_eq!((signed.method, signed.uri), (unsigned.method, unsigned.uri));
    }
}

#[test]
fn a_query_is_signed_too() {
    let request = signer().list_jobs(&["a", "b"], 100).unwrap();
    verify_cph(&request, "SK").unwrap();
    let line = "GET /v1/bench/cloud-phone/jobs?request_ids=a%2Cb&offset=100&limit=100 HTTP/1.1";
    assert!(request.starts_with(line.as_bytes()));
}
