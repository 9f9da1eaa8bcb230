use super::*;

const GOOD: &str = r#"{"kind":"phone","project":"p","id":"a","name":"n","server":"s","address":"127.0.0.1:1","profile":"android"}"#;

fn all(text: &[u8], format: Format) -> Result<Vec<Piece>, Error> {
    let mut pieces = Pieces::new("phones", text, format);
    let mut found = Vec::new();
    while let Some(piece) = pieces.next()? {
        found.push(piece);
    }
    assert_eq!(pieces.bytes(), text.len() as u64);
    Ok(found)
}

fn lines(text: &str) -> Result<Vec<Piece>, Error> {
    all(text.as_bytes(), Format::Jsonl)
}

/// Which part each piece is, and what the server calls its first line.
fn shape(pieces: &[Piece]) -> Vec<(&str, usize)> {
    pieces.iter().map(|piece| (&*piece.part, piece.first_line)).collect()
}

#[test]
fn lines_go_to_the_server_as_they_stand_and_keep_their_numbers() {
    let text = format!("{GOOD}\r\n\n  \n{GOOD}");
    let found = lines(&text).unwrap();
    assert_eq!(shape(&found), [("lines 1 to 4", 1)]);
    assert_eq!((found[0].content_type, &*found[0].body), (JSON_LINES, text.as_bytes()));
    // Blank lines before the first are passed over, and counted.
    assert_eq!(shape(&lines(&format!("\n\n{GOOD}\n")).unwrap()), [("lines 3 to 3", 3)]);
    assert!(lines("").unwrap().is_empty() && lines("\n \n").unwrap().is_empty());
    let error = lines(&format!("{GOOD}\n{}", "x".repeat(LINE_BYTES_MAX + 1))).unwrap_err();
    assert!(error.to_string().starts_with("phones:2: is longer than"), "{error}");
}

#[test]
fn a_large_file_comes_in_pieces_with_the_lines_they_are_from() {
    let found = lines(&format!("{GOOD}\n").repeat(DEVICES_PER_IMPORT_MAX + 5)).unwrap();
    assert_eq!(shape(&found), [("lines 1 to 10000", 1), ("lines 10001 to 10005", 10_001)]);
    let long = format!("{}\n", "x".repeat(LINE_BYTES_MAX - 1));
    let found = lines(&long.repeat(3)).unwrap();
    assert_eq!(shape(&found), [("lines 1 to 2", 1), ("lines 3 to 3", 3)]);
}

#[test]
fn a_list_becomes_lines() {
    let found = lines(&format!("\n [\n{GOOD},\n{{\n\"kind\":\r\n\"phone\"}}\n]\n")).unwrap();
    assert_eq!(shape(&found), [("devices 1 to 2", 1)]);
    let body = String::from_utf8(found[0].body.clone()).unwrap();
    let lines_of: Vec<&str> = body.lines().collect();
    assert_eq!(lines_of, [GOOD, "{ \"kind\":  \"phone\"}"]);
    assert!(lines("[]").unwrap().is_empty());
    let error = lines("\n[1,\nx]").unwrap_err().to_string();
    assert_eq!(error, "phones:3: expected value (column 1)");
    let many = format!("[{}]", vec![GOOD; DEVICES_PER_IMPORT_MAX + 1].join(","));
    let found = lines(&many).unwrap();
    assert_eq!(shape(&found), [("devices 1 to 10000", 1), ("devices 10001 to 10001", 10_001)]);
}

#[test]
fn each_piece_of_a_csv_file_has_the_header() {
    let row = "a,\"n\nm\"\r\n";
    let text = format!("\u{feff}id,name\r\n\r\n{}", row.repeat(DEVICES_PER_IMPORT_MAX + 1));
    let found = all(text.as_bytes(), Format::Csv).unwrap();
    let expected = [("lines 3 to 20001", 3), ("lines 20003 to 20003", 20_003)];
    assert_eq!(shape(&found), expected);
    let second = String::from_utf8(found[1].body.clone()).unwrap();
    assert_eq!(second, format!("\u{feff}id,name\r\n\r\n{row}"));
    let rows: usize = found.iter().map(|piece| piece.body.len()).sum();
    assert_eq!(rows, text.len() + "\u{feff}id,name\r\n\r\n".len());
    for text in ["", "id,name", "id,name\n"] {
        let found = all(text.as_bytes(), Format::Csv).unwrap();
        assert_eq!(shape(&found), [("the header", 1)]);
        assert_eq!(found[0].body, text.as_bytes());
    }
    let long = format!("id\n{}\n", "x".repeat(LINE_BYTES_MAX + 1));
    for text in [long.clone(), format!("{long}y\n")] {
        let error = all(text.as_bytes(), Format::Csv).unwrap_err().to_string();
        assert!(error.starts_with("phones:2: is longer than"), "{error}");
    }
}

#[test]
fn the_server_is_told_what_the_text_of_the_whole_file_is() {
    let of = |text: &[u8]| all(text, Format::Csv).unwrap()[0].content_type;
    assert_eq!(of("id\n东\n".as_bytes()), "text/csv; charset=utf-8");
    assert_eq!(of(b"id\n\xb6\xab\n"), "text/csv; charset=gb18030");
    // What it is said to be has to be sure.
    for (text, why) in [
        (&b"\xff\xfei\0d\0\n\0"[..], "this is UTF-16"),
        (b"id\n\xe9t\xe9s\n", "as GB18030 it is hardly Chinese"),
        ("id\nдом\n".as_bytes(), "as UTF-8 and as GB18030"),
        (b"id\n\xff\n", "neither UTF-8 nor GB18030"),
    ] {
        let error = all(text, Format::Csv).unwrap_err().to_string();
        assert!(error.starts_with("phones:1: ") && error.contains(why), "{error}");
    }
}

#[test]
fn a_file_is_csv_if_its_name_ends_so() {
    for (file, format) in [
        ("a.csv", Format::Csv),
        ("b/A.CSV", Format::Csv),
        ("a.jsonl", Format::Jsonl),
        ("csv", Format::Jsonl),
        ("-", Format::Jsonl),
    ] {
        assert_eq!(Format::of(file), format, "{file}");
    }
}
