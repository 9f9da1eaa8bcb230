//! 19.1 URIs, 20.10 addresses.

use gb28181::sip::uri::{Address, Uri, UriError};

#[test]
fn the_parts_of_a_uri() {
    let uri =
        Uri::parse(b"sip:34020000001320000001:pw@[2001:db8::1]:5061;transport=tcp;lr?a=b").unwrap();
    assert_eq!(uri.user, Some(&b"34020000001320000001"[..]));
    assert_eq!((uri.host, uri.port), (&b"[2001:db8::1]"[..], Some(5061)));
    assert_eq!(uri.params.get("TRANSPORT"), Some(&b"tcp"[..]));
    assert_eq!((uri.params.get("lr"), uri.params.get("x")), (Some(&b""[..]), None));
    assert_eq!(uri.headers, b"a=b");
    let domain = Uri::parse(b"SIPS:3402000000").unwrap();
    assert_eq!((domain.user, domain.host, domain.port), (None, &b"3402000000"[..], None));
    assert!(domain.is_sip());
    let semicolon = Uri::parse(b"sip:user;par=u%40example.net@example.com").unwrap();
    assert_eq!(semicolon.user, Some(&b"user;par=u%40example.net"[..]));
    let other = Uri::parse(b"tel:+86-10;x").unwrap();
    assert_eq!((other.is_sip(), other.scheme, other.host), (false, &b"tel"[..], &b""[..]));
}

#[test]
fn escapes_in_a_user() {
    let user = |uri| Uri::parse(uri).unwrap().user_unescaped().unwrap().into_owned();
    assert_eq!(user(b"sip:%33402@h"), b"3402");
    assert_eq!(user(b"sip:100%@h"), b"100%");
    assert_eq!(user(b"sip:%zz%0@h"), b"%zz%0");
    assert_eq!(user(b"sip:a%00@h"), b"a\0");
}

#[test]
fn what_is_no_uri() {
    let cases: [(&[u8], UriError); 13] = [
        (b"", UriError::Scheme),
        (b"host", UriError::Scheme),
        (b":x", UriError::Scheme),
        (b"1x:y", UriError::Scheme),
        (b"sip:a b", UriError::Byte),
        (b"sip:a<b", UriError::Byte),
        (b"sip:", UriError::Host),
        (b"sip:@h", UriError::User),
        (b"sip:a@", UriError::Host),
        (b"sip:a@h:", UriError::Host),
        (b"sip:a@h:65536", UriError::Host),
        (b"sip:a@[::g]", UriError::Host),
        (b"sip:a@h;;;x", UriError::Params),
    ];
    for (text, expected) in cases {
        assert_eq!(Uri::parse(text), Err(expected), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn the_parts_of_an_address() {
    let bracketed = Address::parse(br#" "a \"<;,>" <sip:u@h;p>;tag=t;x="1;2" "#).unwrap();
    assert_eq!(bracketed.display, br#""a \"<;,>""#);
    assert_eq!(bracketed.uri.params.get("p"), Some(&b""[..]));
    assert_eq!(
        (bracketed.tag(), bracketed.params.get("x")),
        (Some(&b"t"[..]), Some(&b"\"1;2\""[..]))
    );
    let bare = Address::parse(b"sip:u@h;tag=t").unwrap();
    assert_eq!(
        (bare.tag(), bare.uri.params.text()),
        (Some(&b"t"[..]), &b""[..]),
        "its parameters are the header's"
    );
    assert_eq!(Address::parse(b"A B<sip:u@h>").unwrap().display, b"A B");
}

#[test]
fn what_is_no_address() {
    let cases: [(&[u8], UriError); 8] = [
        (b"\"a <sip:u@h>", UriError::Display),
        (b"a, b <sip:u@h>", UriError::Display),
        (b"\"a\" b <sip:u@h>", UriError::Display),
        (b"\"a\" sip:u@h", UriError::Brackets),
        (b"<sip:u@h", UriError::Brackets),
        (b"<sip:u@h> x", UriError::Brackets),
        (b"sip:u@h?x=y", UriError::Bare),
        (b"<sip:u@h>;;x", UriError::Params),
    ];
    for (text, expected) in cases {
        assert_eq!(Address::parse(text), Err(expected), "{}", String::from_utf8_lossy(text));
    }
}
