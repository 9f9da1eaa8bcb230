//! Bodies that are not UTF-8, or say that they are something else, or hold what XML can't.

use super::bed::{Bed, CAMERA, PASSWORD};
use super::{MALFORMED, Rows};
use crate::harness::phones::PROJECT;

/// A body whose name is these bytes.
fn named(name: &[u8]) -> Vec<u8> {
    let head = format!("<Request><Devicelist><Gbid>{CAMERA}</Gbid><Pwd>{PASSWORD}</Pwd><Name>");
    let tail = format!("</Name></Devicelist><ProjectId>{PROJECT}</ProjectId></Request>");
    [head.as_bytes(), name, tail.as_bytes()].concat()
}

/// A body that says how it is encoded.
fn declared(encoding: &str, name: &[u8]) -> Vec<u8> {
    let head = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>");
    [head.as_bytes(), &named(name)].concat()
}

/// A text in UTF-16 or UTF-32, a unit of so many bytes, the low ones first or last.
fn wide(text: &str, bytes: usize, low_first: bool) -> Vec<u8> {
    let unit = |unit: u32| {
        let all = if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() };
        if low_first { all[..bytes].to_vec() } else { all[4 - bytes..].to_vec() }
    };
    text.chars().flat_map(|c| unit(u32::from(c))).collect()
}

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let text = String::from_utf8(named(b"x")).expect("ASCII");
    let marked = format!("\u{feff}{text}");
    let saying = |encoding: &str| {
        let text = String::from_utf8(declared(encoding, b"x")).expect("ASCII");
        format!("\u{feff}{text}")
    };
    // "东门" in GB18030 and Big5, "é" in Latin-1 and Windows-1252's euro sign.
    let (gbk, big5, latin) = (b"\xb6\xab\xc3\xc5", b"\xaa\x46\xaa\xf9", b"caf\xe9");
    for (what, body) in [
        ("UTF-16, low byte first", wide(&marked, 2, true)),
        ("UTF-16, high byte first", wide(&marked, 2, false)),
        ("UTF-16 without a mark, low byte first", wide(&text, 2, true)),
        ("UTF-16 without a mark, high byte first", wide(&text, 2, false)),
        ("UTF-16 that says so", wide(&saying("UTF-16"), 2, true)),
        ("UTF-16 that says UTF-8", wide(&saying("UTF-8"), 2, false)),
        ("UTF-32, low byte first", wide(&marked, 4, true)),
        ("UTF-32, high byte first", wide(&marked, 4, false)),
        ("UTF-8 that says UTF-16", declared("UTF-16", b"x")),
        ("ASCII that says GBK", declared("GBK", b"x")),
        ("ASCII that says GB2312", declared("gb2312", b"x")),
        ("ASCII that says ISO-8859-1", declared("ISO-8859-1", b"x")),
        ("ASCII that says UTF-7", declared("UTF-7", b"+AG4-")),
        ("ASCII that says an unknown encoding", declared("KLINGON", b"x")),
        ("UTF-8 that says Windows-1252", declared("windows-1252", "é".as_bytes())),
        ("GBK that says so", declared("GBK", gbk)),
        ("GB18030 that says so", declared("GB18030", gbk)),
        ("GBK that says UTF-8", declared("UTF-8", gbk)),
        ("GBK that says nothing", named(gbk)),
        ("Big5 that says nothing", named(big5)),
        ("Big5 that says so", declared("Big5", big5)),
        ("Latin-1 that says nothing", named(latin)),
        ("Latin-1 that says so", declared("iso-8859-1", latin)),
        ("Windows-1252 that says nothing", named(b"\x80")),
        ("a byte that begins nothing", named(b"\x80x")),
        ("a byte that UTF-8 has not", named(b"\xff")),
        ("a character that is cut off", named(b"\xe4\xb8")),
        ("a character that is cut off at the end", [&named(b"x")[..], b"\xe4"].concat()),
        ("NUL in two bytes", named(b"\xc0\x80")),
        ("a less-than in two bytes", named(b"\xc0\xbc")),
        ("a slash in three bytes", named(b"\xe0\x80\xaf")),
        ("a slash in four bytes", named(b"\xf0\x80\x80\xaf")),
        ("half of a pair", named(b"\xed\xa0\x80")),
        ("a pair in halves", named(b"\xed\xa0\xbd\xed\xb8\x80")),
        ("beyond Unicode", named(b"\xf4\x90\x80\x80")),
        ("a character of five bytes", named(b"\xf8\x88\x80\x80\x80")),
        ("a character of six bytes", named(b"\xfc\x84\x80\x80\x80\x80")),
        ("NUL", named(b"a\0b")),
        ("NUL in front", [b"\0", &named(b"x")[..]].concat()),
        ("NUL at the end", [&named(b"x")[..], b"\0"].concat()),
        ("NUL in a tag", [b"<Requ\0est>", &named(b"x")[9..]].concat()),
        ("a control character", named(b"a\x01b")),
        ("a bell", named(b"\x07")),
        ("a form feed", named(b"\x0c")),
        ("an escape", named(b"\x1b[2J")),
        ("U+FFFE", named("\u{fffe}".as_bytes())),
        ("U+FFFF", named("\u{ffff}".as_bytes())),
        ("random bytes", (0..=255).cycle().take(5_000).collect()),
        ("an image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
    ] {
        rows.add(format!("encoding: {what}"), bed.update(body), MALFORMED);
    }
}
