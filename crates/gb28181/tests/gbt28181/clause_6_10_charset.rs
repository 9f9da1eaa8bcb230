//! 6.10: bodies are in GB2312; by the 2022 revision in GB18030. And what devices send instead.

use std::collections::BTreeMap;

use gb28181::charset::{CharsetError, Declared, TEXT_BYTES_MAX, decode, encode_gb18030};

/// What Python's codec, which shares no code with ours, makes of characters of all planes: lines
/// of `code point=bytes`, both in hexadecimal. Written by:
///
/// ```python
/// import sys
///
/// points = set()
/// points.update(range(0x00, 0x80, 5), range(0x80, 0x0500, 7), range(0x1E00, 0x2700, 17))
/// points.update(range(0x2E80, 0x3400, 5), range(0x3400, 0x4E00, 61), range(0x4E00, 0xA000, 19))
/// points.update(range(0xA000, 0xD800, 97), range(0xE000, 0xF900, 13), range(0xE760, 0xE870))
/// points.update(range(0xF900, 0xFE00, 23), range(0xFE00, 0xFE70), range(0xFF00, 0x10000, 3))
/// points.update(range(0x9FB4, 0x9FBC), [0xE7C7])
/// for plane in range(1, 17):
///     points.update(range(plane << 16, (plane + 1) << 16, 1543))
///     points.update([(plane << 16) + 0xFFFE, (plane << 16) + 0xFFFF])
/// points.update(map(ord, "\u1e3f萳𠮷😀€·联通东门\ue5e5\ufffd\ufeff"))
/// points = sorted(points)
/// print("# python", sys.version.split()[0])
/// for start in range(0, len(points), 8):
///     row = points[start:start + 8]
///     print(" ".join(f"{point:x}={chr(point).encode('gb18030').hex()}" for point in row))
/// ```
const BY_PYTHON: &str = include_str!("gb18030-by-python.txt");

/// Where Python, which has the GB18030 of 2000, and we, who have that of 2022, differ: the bytes
/// that stood for the first, a character of the private use area, stand for the second, which
/// Unicode had no place for then. (The last is no change of the standard's: the web has it so.)
const GIVEN_ANOTHER_CHARACTER: &[(u32, u32)] = &[
    (0xe78d, 0xfe10),
    (0xe78e, 0xfe12),
    (0xe78f, 0xfe11),
    (0xe790, 0xfe13),
    (0xe791, 0xfe14),
    (0xe792, 0xfe15),
    (0xe793, 0xfe16),
    (0xe794, 0xfe17),
    (0xe795, 0xfe18),
    (0xe796, 0xfe19),
    (0xe7c7, 0x1e3f),
    (0xe81e, 0x9fb4),
    (0xe826, 0x9fb5),
    (0xe82b, 0x9fb6),
    (0xe82c, 0x9fb7),
    (0xe832, 0x9fb8),
    (0xe843, 0x9fb9),
    (0xe854, 0x9fba),
    (0xe864, 0x9fbb),
    (0xe5e5, 0x3000),
];

/// The table by code point.
fn by_python() -> BTreeMap<u32, Vec<u8>> {
    let lines = BY_PYTHON.lines().filter(|line| !line.starts_with('#'));
    let entry = |text: &str| {
        let (point, bytes) = text.split_once('=').unwrap();
        (u32::from_str_radix(point, 16).unwrap(), bytes_of(bytes))
    };
    lines.flat_map(str::split_whitespace).map(entry).collect()
}

/// The bytes that a hexadecimal text says.
fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A character as a text.
fn text_of(point: u32) -> String {
    char::from_u32(point).unwrap().to_string()
}

/// What is read of bytes in a body that declares a charset, and in which no other is possible:
/// 萳 makes it no UTF-8.
fn read_declared(bytes: &[u8], label: &str) -> String {
    let declaration = format!("<?xml version=\"1.0\" encoding=\"{label}\"?>");
    let body = [declaration.as_bytes(), bytes, b"<\xc8\x6c"].concat();
    let (text, declared) = decode(&body).unwrap();
    assert_eq!(declared, Declared::Gb18030);
    text.strip_prefix(&declaration).unwrap().strip_suffix("<萳").unwrap().to_owned()
}

#[test]
fn bytes_written_are_those_that_python_writes() {
    let table = by_python();
    assert!(table.len() >= 2_000, "{} characters", table.len());
    for (point, bytes) in &table {
        let was = GIVEN_ANOTHER_CHARACTER.iter().find(|(old, new)| new == point && *old != 0xe5e5);
        let expected = match was {
            Some((old, _)) => &table[old],
            // The web gave U+E7C7 the bytes that U+1E3F left.
            None if *point == 0xe7c7 => &table[&0x1e3f],
            None => bytes,
        };
        assert_eq!(&encode_gb18030(&text_of(*point)), expected, "U+{point:04X}");
    }
}

#[test]
fn bytes_that_python_writes_are_read_as_it_reads_them() {
    for (point, bytes) in &by_python() {
        let now = GIVEN_ANOTHER_CHARACTER.iter().find(|(old, _)| old == point);
        let expected = match now {
            Some((_, new)) => *new,
            None if *point == 0x1e3f => 0xe7c7,
            None => *point,
        };
        assert_eq!(read_declared(bytes, "GB18030"), text_of(expected), "U+{point:04X}");
    }
}

#[test]
fn the_names_of_gb_charsets_in_any_case_are_gb18030() {
    let names = ["GB2312", "gb2312", "Gb2312", "GB_2312-80", "GB 2312", "GBK", "gbk", "x-gbk"];
    for name in names.into_iter().chain(["GB18030", "gb18030-2022", "CP936", "windows-936"]) {
        assert_eq!(read_declared(b"\xb6\xab\xc3\xc5-1", name), "东门-1", "{name}");
    }
}

#[test]
fn what_gb2312_lacks_is_read_though_gb2312_is_declared() {
    // GBK, four bytes outside the basic plane, and an emoji.
    for (bytes, text) in
        [(&b"\xc8\x6c"[..], "萳"), (b"\x95\x34\xb2\x35", "𠮷"), (b"\x94\x39\xfc\x36", "😀")]
    {
        assert_eq!(read_declared(bytes, "GB2312"), text);
        assert_eq!(encode_gb18030(text), bytes);
    }
}

/// What becomes of a body.
fn check(body: &[u8], text: &str, declared: Declared) {
    assert_eq!(decode(body).unwrap(), (text.to_owned(), declared), "{}", body.escape_ascii());
}

#[test]
fn undeclared_bytes_are_told_apart() {
    check("<Name>东门</Name>".as_bytes(), "<Name>东门</Name>", Declared::Nothing);
    check(b"<Name>\xb6\xab\xc3\xc5</Name>", "<Name>东门</Name>", Declared::Nothing);
    check("<Name>Straße</Name>".as_bytes(), "<Name>Straße</Name>", Declared::Nothing);
    check(b"<Name>gate</Name>", "<Name>gate</Name>", Declared::Nothing);
    check(b"", "", Declared::Nothing);
    // 模 in GB2312 is also ģ in UTF-8, which no camera is called.
    check(b"<Name>\xc4\xa3</Name>", "<Name>模</Name>", Declared::Nothing);
    let declaration = "<?xml version='1.0'?>";
    check(format!("{declaration}东").as_bytes(), &format!("{declaration}东"), Declared::Nothing);
    let ascii = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>东";
    check(ascii.as_bytes(), ascii, Declared::Nothing);
}

#[test]
fn utf8_that_declares_gb2312_is_read_as_utf8() {
    // An odd number of characters of three bytes is broken GB18030, an even one is not.
    for name in ["东门口", "东门", "东门·1", "𠮷", "😀 gate"] {
        let text = format!("<?xml version=\"1.0\" encoding=\"GB2312\"?><Name>{name}</Name>");
        check(text.as_bytes(), &text, Declared::Gb18030);
    }
}

#[test]
fn gb2312_that_happens_to_be_valid_utf8_is_read_as_declared() {
    let declaration = "<?xml version=\"1.0\" encoding=\"GB2312\"?>";
    // In UTF-8 the first is one character of two bytes, and the second two of three: 䰰䱲.
    for name in ["模", "浒颁辈"] {
        let bytes = encode_gb18030(&format!("{declaration}{name}"));
        check(&bytes, &format!("{declaration}{name}"), Declared::Gb18030);
    }
}

#[test]
fn gb18030_that_declares_utf8_is_read_as_gb18030() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Name>东门</Name>";
    check(&encode_gb18030(text), text, Declared::Utf8);
    check(text.as_bytes(), text, Declared::Utf8);
    check(
        &text.replace("UTF-8", "utf8").into_bytes(),
        &text.replace("UTF-8", "utf8"),
        Declared::Utf8,
    );
}

#[test]
fn a_byte_order_mark_decides_and_is_taken_off() {
    let text = "<?xml version=\"1.0\" encoding=\"GB2312\"?>模";
    check(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), text, Declared::Gb18030);
    check(&encode_gb18030(&format!("\u{feff}{text}")), text, Declared::Gb18030);
}

#[test]
fn utf16_is_refused() {
    for body in [&b"\xff\xfe<\0"[..], b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?"] {
        assert_eq!(decode(body), Err(CharsetError::Utf16));
    }
    // Bytes that are none, under a declaration that can't be true.
    let body = b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>";
    assert_eq!(decode(body), Err(CharsetError::Unsupported));
}

#[test]
fn other_charsets_are_refused() {
    for label in ["Big5", "Shift_JIS", "EUC-KR", "hz-gb-2312", "nonsense"] {
        let body = format!("<?xml version=\"1.0\" encoding=\"{label}\"?><a/>");
        assert_eq!(decode(body.as_bytes()), Err(CharsetError::Unsupported), "{label}");
    }
}

#[test]
fn half_a_character_at_the_end_of_a_name_takes_nothing_with_it() {
    // A name cut to a number of bytes, in each of the charsets.
    check(b"<Name>\xb6\xab\xc3</Name>", "<Name>东\u{fffd}</Name>", Declared::Nothing);
    let utf8 = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><N>\xe4\xb8\x9c\xe9\x97</N>";
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><N>东\u{fffd}</N>";
    check(utf8, expected, Declared::Utf8);
}

#[test]
fn only_the_first_128_bytes_declare_anything() {
    let near = format!("{}<?xml version='1.0' encoding='Big5'?>", " ".repeat(80));
    assert_eq!(decode(near.as_bytes()), Err(CharsetError::Unsupported));
    let far = format!("{}<?xml version='1.0' encoding='Big5'?>", " ".repeat(110));
    assert_eq!(decode(far.as_bytes()).unwrap().1, Declared::Nothing);
    let inside = "<a>encoding='Big5'</a>";
    assert_eq!(decode(inside.as_bytes()).unwrap().1, Declared::Nothing);
}

#[test]
fn a_text_may_be_as_long_as_the_bound_and_no_longer() {
    assert!(decode(&vec![b'a'; TEXT_BYTES_MAX]).is_ok());
    assert_eq!(decode(&vec![b'a'; TEXT_BYTES_MAX + 1]), Err(CharsetError::TooLong));
}
