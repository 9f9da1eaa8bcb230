//! 20 header fields: numbers, lists, parameters, CSeq and Via.

use gb28181::sip::field::{Params, cseq, list, number, trim};
use gb28181::sip::via::Via;

#[test]
fn numbers() {
    let cases: [(&[u8], Option<u32>); 9] = [
        (b"0", Some(0)),
        (b" 0070 ", Some(70)),
        (b"4294967295", Some(u32::MAX)),
        (b"4294967296", None),
        (b"", None),
        (b"-1", None),
        (b"+1", None),
        (b"1 2", None),
        (b"1e3", None),
    ];
    for (text, expected) in cases {
        assert_eq!(number(text), expected, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn section_20_16_cseq() {
    assert_eq!(cseq(b" 0009 \t INVITE "), Some((9, &b"INVITE"[..])));
    assert_eq!(cseq(b"2147483647 X"), Some((2_147_483_647, &b"X"[..])));
    for wrong in [&b"2147483648 X"[..], b"9", b"INVITE", b"9 ", b"9 A B", b"9INVITE"] {
        assert_eq!(cseq(wrong), None, "{}", String::from_utf8_lossy(wrong));
    }
}

#[test]
fn lists_and_parameters_heed_quotes_and_brackets() {
    let all: Vec<_> = list(br#""a,b" <sip:x,y>;z, second ,,"#).collect();
    assert_eq!(all, [&br#""a,b" <sip:x,y>;z"#[..], b"second", b"", b""]);
    let params: Vec<_> = Params::new(br#" a = 1 ;b;c="x;\"y" "#).iter().collect();
    assert_eq!(params, [(&b"a"[..], Some(&b"1"[..])), (b"b", None), (b"c", Some(br#""x;\"y""#))]);
    assert_eq!(trim(b" \t\r\n"), b"");
}

#[test]
fn section_20_42_via() {
    let (via, rest) =
        Via::parse(b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1, SIP/2.0/TCP b").unwrap();
    assert_eq!((via.transport, via.host, via.port), (&b"UDP"[..], &b"192.0.2.1"[..], Some(5060)));
    assert_eq!(via.branch(), Some(&b"z9hG4bK1"[..]));
    assert_eq!(Via::parse(rest.unwrap()).unwrap().0.host, b"b");
    let wrong: [&[u8]; 9] = [
        b"",
        b"SIP/2.0/UDP",
        b"SIP/2.0 h",
        b"SIP/2.0/ h",
        b"SIP/2.0/UDP h:x",
        b"SIP/2.0/UDP h i",
        b"SIP/2.0/UDP h;;x",
        b"SIP/2.0/UDP [::1",
        b"SIP/2.0/UDP \xc9\xe3",
    ];
    for text in wrong {
        assert!(Via::parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        assert!(!Via::is_sound_line(text));
    }
    assert!(!Via::is_sound_line(b"SIP/2.0/UDP h, "), "nothing after a comma");
}
