//! Signed requests with one bit turned over: none is taken.

use std::net::Ipv4Addr;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::state::{assert_unchanged, state};
use crate::harness::cameras::{record, server};
use crate::harness::iss::{Signing, content_md5, entry, request, with_xml};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::wire::Connection;
use crate::harness::{Key, Request, Start};

/// Turned bits.
const FLIPS: u32 = 2_000;

/// Turned bits from one address: a fifth wrong signature would lock it out, and the rest would
/// prove nothing.
const FLIPS_EACH: u32 = 4;

/// The camera that every request would change.
const ID: &str = "34020000001320000001";

/// UpdateDevice as a strict key signs it: all that can be signed is.
fn signed(key: &Key, host: &str) -> Request {
    let fields = [("Name", "changed"), ("Pwd", "87654321"), ("Desc", "changed")];
    let body = request(PROJECT, &[entry(ID, &fields)]);
    let digest = content_md5(body.as_bytes());
    let target = "/device?note=%E9%97%A8";
    let request = with_xml("PUT", target, body).header("content-md5", digest);
    let signing = Signing { with_port: true, ..Signing::new(key) };
    signing.sign(request, host).header("connection", "keep-alive")
}

/// The parts of a request whose bits are turned.
const PARTS: usize = 7;

/// Turns one bit over of what a signature covers. Gives what was done, and `None` in place of the
/// request if that is the same to any reader: a letter's case in a name that has none.
fn flipped(request: &Request, random: &mut StdRng) -> (String, Option<Request>) {
    let mut request = request.clone();
    let header = |request: &mut Request, name: &str| {
        request.headers.iter().position(|(own, _)| own == name).expect("a header of it")
    };
    let part = random.random_range(0..PARTS);
    let (what, bytes): (&str, &mut Vec<u8>) = match part {
        0 => ("body", &mut request.body),
        1 | 2 => {
            let mut bytes = if part == 1 { request.method.clone() } else { request.target.clone() }
                .into_bytes();
            let (at, bit) = turn(&mut bytes, random);
            let what = if part == 1 { "method" } else { "target" };
            // A target that is no text can't be held in one; its bytes would not get further.
            let Ok(text) = String::from_utf8(bytes) else { return (String::new(), None) };
            let is_case = bit == 5 && part == 2 && same_name(&text, &request.target);
            *(if part == 1 { &mut request.method } else { &mut request.target }) = text;
            let told = format!("{what}, byte {at}, bit {bit}");
            return (told, (!is_case).then_some(request));
        }
        n => {
            let name = ["authorization", "authorization", "content-md5", "content-type"][n - 3];
            let at = header(&mut request, name);
            (name, &mut request.headers[at].1)
        }
    };
    let before = bytes.clone();
    let (at, bit) = turn(bytes, random);
    // The names in the lists have no case, and are signed in lower case.
    let is_case = what == "authorization" && bit == 5 && in_lists(&before, at);
    (format!("{what}, byte {at}, bit {bit}"), (!is_case).then_some(request))
}

/// Turns a bit; gives which.
fn turn(bytes: &mut [u8], random: &mut StdRng) -> (usize, u8) {
    let (at, bit) = (random.random_range(0..bytes.len()), random.random_range(0..8));
    bytes[at] ^= 1 << bit;
    (at, bit)
}

/// Whether two targets differ in no more than the case of a parameter's name or of an encoding.
fn same_name(one: &str, other: &str) -> bool {
    let names = |target: &str| {
        let (path, query) = target.split_once('?')?;
        Some((path.to_owned(), query.to_lowercase()))
    };
    names(one) == names(other)
}

/// Whether this byte of an `Authorization` is a letter of a name in one of its lists.
fn in_lists(value: &[u8], at: usize) -> bool {
    let text = String::from_utf8_lossy(value).into_owned();
    let lists = ["q-header-list=", "q-url-param-list="];
    lists.iter().any(|list| {
        let start = text.find(list).expect("a list") + list.len();
        let end = start + text[start..].find('&').expect("a part behind it");
        (start..end).contains(&at) && text.as_bytes()[at].is_ascii_alphabetic()
    })
}

#[test]
fn no_request_with_a_bit_turned_over_is_taken() {
    let (server, native) = server(&Start::with_cameras());
    import(&native, &[record(ID, "12345678")]);
    let strict = native.new_key(PROJECT, true);
    let address = server.address();
    let host = address.to_string();
    let before = state(&native);
    let mut random = StdRng::seed_from_u64(12);
    let (mut sent, mut statuses) = (0, std::collections::BTreeMap::<u16, u32>::new());
    let request = signed(&strict, &host);
    while sent < FLIPS {
        let [.., high, low] = (sent / FLIPS_EACH).to_be_bytes();
        let from = Ipv4Addr::new(127, 12, high, low);
        let mut kept: Option<Connection> = None;
        for _ in 0..FLIPS_EACH {
            let (what, request) = loop {
                if let (what, Some(request)) = flipped(&request, &mut random) {
                    break (what, request);
                }
            };
            sent += 1;
            let mut connection = kept
                .take()
                .unwrap_or_else(|| Connection::open(from, address).expect("a connection"));
            // A head that is no HTTP ends the connection, with an answer or without.
            let Ok(answer) = connection.exchange(&request.bytes(&host)) else { continue };
            assert!(answer.status >= 400, "{what} was taken: {answer:?}");
            assert!(answer.status < 500, "{what}: {answer:?}");
            assert!(!answer.text.contains("locked for your address"), "{what} proves nothing");
            *statuses.entry(answer.status).or_default() += 1;
            if answer.headers.get("connection").is_none_or(|value| value != "close") {
                kept = Some(connection);
            }
        }
    }
    println!("{sent} bits turned over: {statuses:?}");
    assert!(statuses.get(&403).is_some_and(|count| *count > FLIPS / 2), "{statuses:?}");
    assert_unchanged(&native, &before);
    // And as it was, it is taken, once.
    let mut connection = Connection::open(Ipv4Addr::LOCALHOST, address).expect("a connection");
    let bytes = signed(&strict, &host).bytes(&host);
    let answer = connection.exchange(&bytes).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(native.device(ID)["name"], "changed");
    let again = connection.exchange(&bytes).expect("an answer");
    assert_eq!(again.status, 403, "a replay: {}", again.text);
}
