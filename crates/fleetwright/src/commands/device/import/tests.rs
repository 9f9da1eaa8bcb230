use super::*;

const GOOD: &str = r#"{"kind":"phone","project":"p","id":"a","name":"n","server":"s","address":"127.0.0.1:1","profile":"android"}"#;

fn all(text: &str) -> Result<Vec<Piece>, Error> {
    let mut pieces = Pieces::new("phones.jsonl", text.as_bytes());
    let mut found = Vec::new();
    while let Some(piece) = pieces.next()? {
        found.push(piece);
    }
    Ok(found)
}

#[test]
fn lines_become_devices_and_empty_ones_are_passed_over() {
    let found = all(&format!("\n{GOOD}\r\n\n  \n{GOOD}")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].part, found[0].devices.len()), ("lines 2 to 5", 2));
    let sent = serde_json::to_string(&found[0].devices[0]).unwrap();
    assert_eq!(sent, GOOD, "a device goes to the server as it stood in the file");
    assert!(all("").unwrap().is_empty());
}

#[test]
fn a_bad_line_is_named_with_its_reason() {
    let check = |line: &str, expected: &str| {
        let error = all(&format!("{GOOD}\n{line}\n{GOOD}\n")).unwrap_err().to_string();
        assert!(error.starts_with("phones.jsonl:2: "), "{error}");
        assert!(error.contains(expected), "{line}\ngives\n{error}\nnot\n{expected}");
    };
    check("{", "EOF while parsing");
    check("x", "expected value (column 1)");
    check(&GOOD.replace("\"name\"", "\"nmae\""), "unknown field `nmae`, expected one of `kind`");
    check(&GOOD.replace("\"profile\":\"android\"", "\"id\":\"b\""), "duplicate field `id`");
    check(&GOOD.replace(",\"profile\":\"android\"", ""), "a phone needs `profile`");
    check(&GOOD.replace("\"phone\"", "\"toaster\""), "unknown variant `toaster`");
    check(&GOOD.replace("\"id\":\"a\"", "\"id\":\"\""), "device id is empty");
    check(&GOOD.replace("\"a\"", &format!("\"{}\"", "a".repeat(33))), "at most 32");
    check(&GOOD.replace("\"p\"", "\"a/b\""), "project id has a character");
    check(&GOOD.replace("\"n\"", "7"), "invalid type");
    check(&format!("{GOOD}{GOOD}"), "trailing characters");
    check(&"x".repeat(LINE_BYTES_MAX + 1), "longer than");
}

#[test]
fn a_large_file_comes_in_pieces_with_the_lines_they_are_from() {
    let text = format!("{GOOD}\n").repeat(DEVICES_PER_IMPORT_MAX + 5);
    let found = all(&text).unwrap();
    let shape: Vec<_> = found.iter().map(|piece| (&*piece.part, piece.devices.len())).collect();
    assert_eq!(shape, [("lines 1 to 10000", 10_000), ("lines 10001 to 10005", 5)]);
}

const CAMERA: &str = r#"{"kind":"camera","project":"p","id":"34020000001320000001","name":"东门","user":"34020000001320000001","password":"a b","channels":[{"id":"34020000001310000001","name":"c"}]}"#;

#[test]
fn a_camera_goes_to_the_server_as_it_stood_and_its_password_is_seen_nowhere_else() {
    let found = all(CAMERA).unwrap();
    let sent = serde_json::to_string(&found[0].devices[0]).unwrap();
    assert_eq!(sent, CAMERA);
    assert!(!format!("{:?}", found[0]).contains("a b"));
    let least = r#"{"kind":"camera","project":"p","id":"34020000001320000001","name":"n"}"#;
    let found = all(least).unwrap();
    assert_eq!(serde_json::to_string(&found[0].devices[0]).unwrap(), least);
}

#[test]
fn what_a_kind_of_device_has_not_is_named() {
    let check = |line: &str, expected: &str| {
        let error = all(line).unwrap_err().to_string();
        assert_eq!(error, format!("phones.jsonl:1: {expected}"));
    };
    let with = |line: &str, more: &str| line.replacen("\"name\"", &format!("{more},\"name\""), 1);
    check(&with(CAMERA, "\"address\":\"x:1\""), "a camera has no `address`: it comes to us");
    check(&with(CAMERA, "\"server\":\"x\""), "a camera has no `server`: it comes to us");
    check(&with(GOOD, "\"password\":\"x\""), "a phone has no `password`");
    check(&with(GOOD, "\"channels\":[{\"id\":\"1\",\"name\":\"n\"}]"), "a phone has no `channels`");
    check(&GOOD.replace("\"address\":\"127.0.0.1:1\",", ""), "a phone needs `address`");
    let short = CAMERA.replace("\"id\":\"34020000001320000001\"", "\"id\":\"3402\"");
    check(&short, "id: \"3402\" is not 20 digits");
    let short = CAMERA.replace("34020000001310000001", "34020000001310000x01");
    check(&short, "channel id: \"34020000001310000x01\" is not 20 digits");
    let number = CAMERA.replace("\"a b\"", "123456");
    let error = all(&number).unwrap_err().to_string();
    assert!(error.contains("password is not a text") && !error.contains("123456"), "{error}");
}

#[test]
fn a_list_is_read_like_lines() {
    let list = format!("\n [\n{GOOD},\n{CAMERA}\n]\n");
    let found = all(&list).unwrap();
    assert_eq!((&*found[0].part, found[0].devices.len()), ("devices 1 to 2", 2));
    let sent = serde_json::to_string(&found[0].devices[1]).unwrap();
    assert_eq!(sent, CAMERA);
    assert!(all("[]").unwrap().is_empty());
    let error = all(&list.replace("\"address\"", "\"adress\"")).unwrap_err().to_string();
    assert!(error.starts_with("phones.jsonl:3: unknown field `adress`"), "{error}");
    let error = all(&list.replace("\"address\":\"127.0.0.1:1\",", "")).unwrap_err().to_string();
    assert_eq!(error, "phones.jsonl:2: device 1: a phone needs `address`");
    let many = format!("[{}]", vec![GOOD; DEVICES_PER_IMPORT_MAX + 1].join(","));
    let found = all(&many).unwrap();
    let shape: Vec<_> = found.iter().map(|piece| (&*piece.part, piece.devices.len())).collect();
    assert_eq!(shape, [("devices 1 to 10000", 10_000), ("devices 10001 to 10001", 1)]);
}
