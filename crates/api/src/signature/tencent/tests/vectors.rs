//! Signatures that others made: `CosS3Auth` of cos-python-sdk-v5 1.9.44 (the first, third and
//! fourth byte for byte also cos-nodejs-sdk-v5 3.0.0), and the two samples of the vendor's page
//! that are right.

use super::*;

/// A request of these clients: its headers are those that are signed, and `Host` always.
struct Vector {
    method: Method,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    lists: (&'static str, &'static str),
    /// SHA-1 of what is signed.
    hash: &'static str,
    signature: &'static str,
}

const XML: (&str, &str) = ("content-type", "application/xml");

const VECTORS: [Vector; 8] = [
    Vector {
        method: Method::PUT,
        target: "/device",
        headers: &[],
        lists: ("", ""),
        hash: "6fca4a0449f478b7e64f23ecd9882f3677506c4f",
        signature: "c423b5940bd8753d7d31544bb39c310016cd3caf",
    },
    Vector {
        method: Method::PUT,
        target: "/device",
        headers: &[("host", HOST)],
        lists: ("host", ""),
        hash: "aef6fae0809edc148b070aadc54263babd7467e4",
        signature: "d1308f6c60f73a3dbf487cff1f234c1ac0460ab4",
    },
    Vector {
        method: Method::PUT,
        target: "/device",
        headers: &[XML, ("host", HOST)],
        lists: ("content-type;host", ""),
        hash: "35d761c67b01a5f0b6402c7afabd2431fc49f7aa",
        signature: "442a3cde3db8841a5bff382d2d195a9d96da239c",
    },
    Vector {
        method: Method::PUT,
        target: "/device?status=on",
        headers: &[("host", HOST)],
        lists: ("host", "status"),
        hash: "ec34f00a196020d15dc0b53842602aba88139125",
        signature: "d5f667da83f6daa91ca1f6c5a98c55d480e964ea",
    },
    Vector {
        method: Method::PUT,
        target: "/device?transport",
        headers: &[("host", HOST)],
        lists: ("host", "transport"),
        hash: "fa22583c2027ee05b6485dc45ae1d56117456ea5",
        signature: "fefd960bc977173002cb373f3c8d7ff87489361c",
    },
    Vector {
        method: Method::PUT,
        target: "/device",
        headers: &[XML, ("host", "127.0.0.1:18080")],
        lists: ("content-type;host", ""),
        hash: "a0b0afdefd745224768b0b06a14abf344773ab35",
        signature: "197bdf0e3ae8644a04a20eb4d2d23aa06ab98f1a",
    },
    Vector {
        method: Method::PUT,
        target: "/device",
        headers: &[("content-length", "139"), XML, ("host", HOST)],
        lists: ("content-length;content-type;host", ""),
        hash: "bf0238eedc206a4f93994a55bd46a91d40b484d9",
        signature: "b4ffef85594dd07fe7a2b00578ded38db537cffb",
    },
    Vector {
        method: Method::GET,
        target: "/device?projectId=%E9%A1%B9%E7%9B%AE%201%2F%2A&gbid=44010300001320000024",
        headers: &[],
        lists: ("", "gbid;projectid"),
        hash: "8893bd40b1c7420f247be61300945718cc226f62",
        signature: "9da3467626e3087a8cd7b80d7e955265a4e60db1",
    },
];

impl Vector {
    /// As its client sends it.
    fn wire(&self) -> Wire {
        let mut wire = Wire::new(self.method.clone(), self.target);
        for (name, value) in self.headers {
            wire = wire.with(name, value);
        }
        if !wire.headers.contains_key("host") {
            wire = wire.with("host", HOST);
        }
        wire.claiming(self.lists.0, self.lists.1, self.signature)
    }
}

/// SHA-1 of what is signed.
fn hash_of(wire: &Wire, host: &str, values: Values) -> String {
    let signed = wire.parse_at(TIMES.0).unwrap();
    let text = signed.canonical().text(host.as_bytes(), values);
    hex::encode(Sha1::digest(text))
}

#[test]
fn all_of_the_clients_signatures_pass() {
    for (number, vector) in (1..).zip(&VECTORS) {
        let wire = vector.wire();
        let host = wire.headers["host"].to_str().unwrap().to_owned();
        assert_eq!(hash_of(&wire, &host, Values::Encoded), vector.hash, "V{number}");
        assert_eq!(wire.verify(), Ok(()), "V{number}");
    }
}

#[test]
fn ours_are_the_same_as_the_clients() {
    assert_eq!(
        signing_key(SK.as_bytes(), "1497530202;1497610262"),
        "a1a6efc5dbbf2ba810ab9add211596516206bcbb"
    );
    for (number, vector) in (1..).zip(&VECTORS) {
        let mut wire = vector.wire();
        if vector.headers.is_empty() {
            wire.headers.remove("host");
        }
        let expected = wire.headers["authorization"].clone();
        assert_eq!(wire.signed().headers["authorization"], expected, "V{number}");
    }
}

#[test]
fn flags_and_spaces_sign_alike_however_they_are_sent() {
    let wire = VECTORS[4].wire();
    for query in ["transport=", "&transport&", "Transport"] {
        let same = Wire { query: Some(query.to_owned()), ..wire.clone() };
        assert_eq!(same.verify(), Ok(()), "{query}");
    }
    let wire = VECTORS[7].wire();
    let plus = "gbid=44010300001320000024&projectId=%e9%a1%b9%e7%9b%ae+1/*";
    let same = Wire { query: Some(plus.to_owned()), ..wire };
    assert_eq!(same.verify(), Ok(()));
}

#[test]
fn the_vendors_two_samples_hold() {
    let list = Wire::new(
        Method::GET,
        "/ivc/urm/resource/getUserResources?OrganizationId=0&PageNumber=1&PageSize=20",
    )
    .with("host", "ivc.myqcloud.com")
    .with("content-type", "application/json")
    .claiming("content-type;host", "organizationid;pagenumber;pagesize", &"0".repeat(40));
    let add = Wire::new(Method::POST, "/ivc/cms/device/add")
        .with("host", "ivc.myqcloud.com")
        .with("content-type", "application/json")
        .claiming("content-type;host", "", &"0".repeat(40));
    for (wire, values, times, key, hash, signature) in [
        (
            list,
            Values::Encoded,
            "1671038349;1671041949",
            "003e121ce6c3862a770c74eab3b13d90935104aa",
            "2cc1a7b1fa5b6c7ca3d2e0f70f46c6f7c96cb175",
            "8d9a6c73ff78900b3875a78df2b63790644b8c3d",
        ),
        (
            add,
            Values::Raw,
            "1671039836;1671043436",
            "82f0e7ee09b1070dc6f3a37c41b01bc2eaf43ced",
            "d5c37ed1e8f7fd51d14853f8e9e81869f32fdc54",
            "2fab8f7909236046e789b4ea483330ec6df91331",
        ),
    ] {
        assert_eq!(hash_of(&wire, "ivc.myqcloud.com", values), hash);
        let signed = wire.parse_at(TIMES.0).unwrap();
        let text = signed.canonical().text(b"ivc.myqcloud.com", values);
        assert_eq!(hex::encode(signature_of(key, times, &text).unwrap()), signature);
    }
}

/// The Python SDK signs the host of its URL, and sends the port besides.
#[test]
fn the_host_may_be_signed_without_its_port() {
    let signed_as = |signed: &str, sent: &str| {
        let wire = Wire::new(Method::PUT, "/device").with("host", signed).signed();
        wire.set("host", sent)
    };
    for (signed, sent, passes) in [
        ("127.0.0.1", "127.0.0.1:18080", true),
        ("127.0.0.1:18080", "127.0.0.1:18080", true),
        ("[2001:db8::1]", "[2001:db8::1]:18080", true),
        ("2001:db8:", "2001:db8::1", false),
        ("127.0.0.1:18080", "127.0.0.1", false),
        ("127.0.0.1:1", "127.0.0.1:18080", false),
        ("a.example", "b.example", false),
        ("a", "a:b", false),
    ] {
        assert_eq!(signed_as(signed, sent).verify().is_ok(), passes, "{signed} {sent}");
    }
    let behind_a_proxy = signed_as("iss.example.com", "10.0.0.1:8080");
    assert!(behind_a_proxy.verify().is_err());
    assert_eq!(behind_a_proxy.verify_with(&["x", "iss.example.com:8443"]), Ok(()));
    let mut many = vec!["x"; PUBLIC_HOSTS_MAX];
    many.push("iss.example.com");
    assert!(behind_a_proxy.verify_with(&many).is_err(), "the ninth is not tried");
    let unsigned = Wire::new(Method::PUT, "/device").signed().with("host", "b");
    assert_eq!(unsigned.verify(), Ok(()));
}

/// One of the vendor's own samples signs `application/json` as it is.
#[test]
fn the_values_of_headers_may_be_signed_raw() {
    let wire = Wire::new(Method::PUT, "/device")
        .with("content-type", "application/xml; charset=utf-8")
        .with("host", "127.0.0.1:18080");
    let key = signing_key(SK.as_bytes(), "1497530202;1497610262");
    for (text, passes) in [
        ("put\n/device\n\ncontent-type=application/xml; charset=utf-8&host=127.0.0.1\n", true),
        (
            "put\n/device\n\ncontent-type=application/xml; charset=utf-8&host=127.0.0.1:18080\n",
            true,
        ),
        (
            "put\n/device\n\ncontent-type=application%2Fxml%3B%20charset%3Dutf-8&host=127.0.0.1\n",
            true,
        ),
        ("put\n/device\n\ncontent-type=application%2fxml&host=127.0.0.1\n", false),
        ("PUT\n/device\n\ncontent-type=application/xml; charset=utf-8&host=127.0.0.1\n", false),
    ] {
        let signature = signature_of(&key, "1497530202;1497610262", text.as_bytes()).unwrap();
        let wire = wire.clone().claiming("content-type;host", "", &hex::encode(signature));
        assert_eq!(wire.verify().is_ok(), passes, "{text}");
    }
}

/// Names stand in what is signed as they stand in the list, whatever the order.
#[test]
fn the_order_is_that_of_the_list() {
    let text = "put\n/a b/项\nb=2&a=1\nhost=h&content-type=x\n";
    let key = signing_key(SK.as_bytes(), "1497530202;1497610262");
    let signature = signature_of(&key, "1497530202;1497610262", text.as_bytes()).unwrap();
    let wire = Wire::new(Method::PUT, "/a%20b/%E9%A1%B9?A=1&c=3&B=2")
        .with("host", "h")
        .with("content-type", "x")
        .claiming("Host;Content-Type", "B;A", &hex::encode(signature));
    assert_eq!(wire.verify(), Ok(()));
}

/// What a presigned address looks like.
#[test]
fn the_signature_may_stand_in_the_query() {
    let wire = Wire::new(Method::GET, "/device?projectId=p&gbid=1").with("host", HOST).signed();
    let authorization = wire.headers["authorization"].to_str().unwrap().replace(';', "%3B");
    let mut presigned = wire;
    presigned.headers.remove("authorization");
    presigned.query = Some(format!("projectId=p&{authorization}&gbid=1"));
    assert_eq!(presigned.verify(), Ok(()));
    presigned.query = Some(format!("projectId=p&{authorization}&gbid=2"));
    assert!(matches!(presigned.verify(), Err(Refusal::Mismatch { .. })));
}

#[test]
fn an_authority_stands_for_a_host_that_is_not_there() {
    let mut wire = Wire::new(Method::PUT, "/device").with("host", "h:8080").signed();
    wire.headers.remove("host");
    let head = Head { authority: Some("h:8080"), ..wire.head() };
    let signed = Signed::parse(head, Timestamp(TIMES.0 * 1000)).unwrap();
    assert_eq!(signed.verify(SK.as_bytes(), &[]), Ok(()));
}

/// What is left out of the lists is not signed: this is the vendor's scheme, and why there is a
/// strict mode.
#[test]
fn empty_lists_leave_everything_but_method_and_path_open() {
    let wire = VECTORS[0].wire();
    let other = Wire { query: Some("status=off".to_owned()), ..wire.clone() };
    assert_eq!(other.set("host", "elsewhere").verify(), Ok(()));
    assert!(Wire { method: Method::DELETE, ..wire.clone() }.verify().is_err());
    assert!(Wire { path: "/project".to_owned(), ..wire }.verify().is_err());
}
