//! What is only seen from inside.

use super::*;

/// Characters whose bytes mean another one.
fn lost() -> Vec<char> {
    let all = (0..=0x10_ffff).filter_map(char::from_u32);
    all.filter(|character| {
        let text = character.to_string();
        lossy(GB18030, &encode_gb18030(&text)) != text
    })
    .collect()
}

#[test]
fn all_of_unicode_is_read_back_but_for_what_is_known_not_to_be() {
    let lost = lost();
    assert_eq!(lost.len(), 19);
    assert!(lost.contains(&UNENCODED));
    for character in (0..=0x10_ffff).filter_map(char::from_u32) {
        assert_eq!(reads_back(character), !lost.contains(&character), "{character:?}");
    }
}

#[test]
fn a_refused_character_does_not_take_its_neighbours_with_it() {
    let text = "东\u{e5e5}\u{e5e5}门";
    assert_eq!(encode_gb18030(text), b"\xb6\xab\xa3\xa0\xa3\xa0\xc3\xc5");
    assert_eq!(encode_gb18030(""), b"");
}

#[test]
fn a_declaration_is_found_however_it_is_written() {
    for (start, expected) in [
        ("<?xml version=\"1.0\" encoding=\"GB2312\"?>", Some("GB2312")),
        ("\r\n <?xml version='1.0' encoding = 'GBK' ?>", Some("GBK")),
        ("<?xml encoding=\"GB18030\"?>", Some("GB18030")),
        ("<?xml version=\"1.0\" encoding=\"\"?>", None),
        ("<?xml version=\"1.0\" encoding=GB2312?>", None),
        ("<?xml version=\"1.0\" encoding=\"GB2312?>", None),
        ("<?xml version=\"1.0\"?><a encoding=\"Big5\"/>", None),
        ("<a encoding=\"Big5\"/>", None),
    ] {
        assert_eq!(label(start), expected, "{start}");
    }
}

#[test]
fn gb2312_is_known_by_its_pairs() {
    assert!(is_gb2312(b"ab\xb6\xab\xc3\xc5-1"));
    for bytes in [&b"\xb6"[..], b"\xb6a", b"\xc8\x6c", b"\x81\x30\x81\x30", b"\xf8\xa1", b"\xff"] {
        assert!(!is_gb2312(bytes), "{bytes:x?}");
    }
}
