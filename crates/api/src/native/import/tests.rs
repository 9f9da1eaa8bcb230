use encoding_rs::GB18030;
use fleet::NewDevice;
use fleet::limits::{IMPORT_COLUMNS_MAX, IMPORT_ERRORS_MAX};
use proptest::prelude::*;

use super::line::Meant;
use super::read::{Read, TooMany};
use super::report::{LineError, Report, Taken};
use super::*;

mod round_trip;

const HEADER: &str = "kind,project,id,name,server,address,container,profile\n";
const PHONE: &str = "phone,p,a,n,s,127.0.0.1:1,c,android\n";
const CAMERA: &str = r#"{"kind":"camera","project":"p","id":"34020000001320000001","name":"东门","user":"east","password":"a b","channels":[{"id":"34020000001310000001","name":"c"}]}"#;

fn csv(text: &str) -> Read {
    sheet::read(text.as_bytes(), None, None, false).unwrap()
}

fn json(text: &str) -> Read {
    json_lines::read(text.as_bytes(), 1).unwrap()
}

/// The devices that the lines mean, given that each means one.
fn devices(read: Read) -> Vec<NewDevice> {
    assert!(read.errors.is_empty(), "{:?}", read.errors);
    let meant = read.good.into_iter().map(|line| match line.meant(None) {
        Ok(Meant::Device(entry)) => entry.device,
        Ok(Meant::Channel { .. }) => panic!("a channel"),
        Err(error) => panic!("{error:?}"),
    });
    meant.collect()
}

/// What is wrong with a file: line, field, code, and a part of the sentence.
fn check(read: Read, expected: &[(usize, &str, &str, &str)]) {
    let mut errors = read.errors;
    errors.extend(read.good.into_iter().filter_map(|line| line.meant(None).err()));
    let found: Vec<(usize, &str, &str)> = errors
        .iter()
        .map(|error| (error.line(), error.field().unwrap_or_default(), error.code()))
        .collect();
    let wanted: Vec<(usize, &str, &str)> =
        expected.iter().map(|(line, field, code, _)| (*line, *field, *code)).collect();
    assert_eq!(found, wanted, "{errors:?}");
    for (error, (_, _, _, part)) in errors.iter().zip(expected) {
        assert!(error.detail().contains(part), "{error:?} does not say {part:?}");
    }
}

#[test]
fn the_content_type_says_how_devices_are_named() {
    for (text, format) in [
        ("", Format::List),
        ("application/json", Format::List),
        ("text/plain", Format::List),
        ("application/x-ndjson", Format::JsonLines),
        ("Application/X-NDJSON; charset=utf-8", Format::JsonLines),
        ("text/csv", Format::Csv(None)),
        ("text/csv; header=present; Charset=\"GB18030\"", Format::Csv(Some("GB18030"))),
    ] {
        assert_eq!(Format::of(text), format, "{text}");
    }
}

#[test]
fn columns_stand_in_any_order() {
    let found = devices(csv(&format!("{HEADER}{PHONE}")));
    let swapped = "name;profile;status;kind;id;project;address;\nn;android;running;phone;a;p;x:1\n";
    let other = devices(csv(swapped));
    assert_eq!((found.len(), other.len()), (1, 1));
    assert_eq!((&*found[0].server, &*found[0].container), ("s", "c"));
    assert_eq!((&*other[0].server, &*other[0].container), ("", ""));
    for device in [&found[0], &other[0]] {
        assert_eq!((device.id.as_str(), &*device.name, &*device.profile), ("a", "n", "android"));
        assert!(device.camera.is_none());
    }
}

#[test]
fn what_spreadsheets_write_is_read() {
    let text = format!("\u{feff}{HEADER}phone,p,a,\"东,\"\"门\"\"\",s,x:1,c,android\n");
    for text in [text.clone(), text.replace('\n', "\r\n"), text.replace(',', "\t")] {
        let name = devices(csv(&text)).remove(0).name;
        assert!(name.starts_with("东") && name.ends_with("\"门\""), "{name}");
    }
    let bytes = GB18030.encode(text.trim_start_matches('\u{feff}')).0.into_owned();
    for charset in [None, Some("gbk")] {
        let read = sheet::read(&bytes, charset, None, false).unwrap();
        assert_eq!(read.encoding, Some("gb18030"));
        assert_eq!(devices(read).remove(0).name, "东,\"门\"");
    }
    // Cells at the end that are empty are left out, or are more than the header has.
    let rows = "phone,p,a,n,s,x:1,c,android,, \n\n,, ,,\n \n#,,\ncamera,p,34020000001320000001,n\n";
    let found = devices(csv(&format!("{HEADER}{rows}")));
    assert_eq!(
        found.iter().map(|device| device.kind).collect::<Vec<_>>(),
        [Kind::Phone, Kind::Camera]
    );
}

#[test]
fn what_keeps_ids_from_becoming_numbers_is_taken_off() {
    let (camera, channel) = ("34020000001320000001", "34020000001310000001");
    let text = format!(
        "\u{feff}sep=;\r\n Kind ;PROJECT;=\"Parent\";Id;name\r\n\
         Camera;p;;=\"{camera}\";\"=\"\"0012\"\"\"\r\n\
         CHANNEL;p;\"{camera}\t\";\t{channel} ;'=gate\r\n"
    );
    for text in [text.clone(), text.replace("\r\n", "\r"), text.replace("sep=;", "\"sep=;\"")] {
        let read = csv(&text);
        assert_eq!((read.encoding, read.lines), (Some("utf-8"), 2));
        let mut meant = read.good.into_iter().map(|line| line.meant(None));
        let Some(Ok(Meant::Device(entry))) = meant.next() else { panic!("no camera: {text}") };
        assert_eq!((entry.device.id.as_str(), &*entry.device.name), (camera, "0012"));
        let Some(Ok(Meant::Channel { parent, channel: meant, .. })) = meant.next() else {
            panic!("no channel: {text}")
        };
        assert_eq!((parent.as_str(), meant.id.as_str()), (camera, channel));
        assert_eq!(meant.name, "=gate");
    }
    // Its line counts.
    check(
        csv("sep=;\nkind;nmae\n"),
        &[
            (2, "nmae", "unknown_column", "`name`"),
            (2, "id", "missing_column", "`id`"),
            (2, "name", "missing_column", "`name`"),
            (2, "project", "missing_column", "`project`"),
        ],
    );
    check(
        csv(&format!("sep=,\n{HEADER}{}", PHONE.replace("phone", "toaster"))),
        &[(3, "kind", "invalid", "toaster")],
    );
}

#[test]
fn a_password_that_became_a_number_is_refused_and_not_shown() {
    let header = "kind,project,id,name,user,password\n";
    for (cells, field, code) in [
        ("3.402E+19,x", "user", "invalid"),
        ("x,1.23457E+13", "password", "invalid"),
        ("x,\"1,23457E+13\"", "password", "invalid"),
        ("x,=12345", "password", "formula"),
    ] {
        let read = csv(&format!("{header}camera,p,34020000001320000001,n,{cells}\n"));
        let shown = format!("{:?}", read.errors);
        assert!(!shown.contains("2345"), "{shown}");
        check(read, &[(2, field, code, "")]);
    }
    let read = csv(&format!("{header}camera,p,34020000001320000001,n,1E+5,=\"0012\"\n"));
    let camera = devices(read).remove(0).camera.unwrap();
    assert_eq!(camera.user.as_deref(), Some("1E+5"));
    assert_eq!(camera.password.map(|password| password.expose().clone()).as_deref(), Some("0012"));
}

#[test]
fn what_is_wrong_with_a_header_is_named() {
    check(csv(""), &[(1, "", "missing_column", "no header")]);
    check(
        csv(&HEADER.replace("name", "nmae")),
        &[
            (1, "nmae", "unknown_column", "the nearest known is `name`"),
            (1, "name", "missing_column", "`name`"),
        ],
    );
    check(
        csv(&HEADER.replace("server", "tag:floor")),
        &[(1, "tag:floor", "unknown_column", "unknown column \"tag:floor\"")],
    );
    check(csv(&HEADER.replace("server", "id")), &[(1, "id", "repeated_column", "twice")]);
    check(
        csv(&format!("\n{}", HEADER.replace("project,", ""))),
        &[(2, "project", "missing_column", "`project`")],
    );
    let given = sheet::read(HEADER.replace("project,", "").as_bytes(), None, None, true).unwrap();
    assert!(given.errors.is_empty());
    check(sheet::read(b"\xff\xfe", None, None, false).unwrap(), &[(1, "", "unreadable", "UTF-16")]);
}

#[test]
fn a_header_has_so_many_columns_and_no_more() {
    let with = |columns: usize| {
        let more = ",status".repeat(columns - HEADER.split(',').count());
        csv(&HEADER.replace('\n', &format!("{more}\n{PHONE}")))
    };
    assert_eq!(devices(with(IMPORT_COLUMNS_MAX)).len(), 1);
    let why = "has 301 columns; at most 300 are allowed";
    check(with(IMPORT_COLUMNS_MAX + 1), &[(1, "", "unreadable", why)]);
    // What a body may have of them: none is looked at.
    let why = "has 6000001 columns";
    check(csv(&format!("{}\n", "x,".repeat(6_000_000))), &[(1, "", "unreadable", why)]);
}

#[test]
fn a_bad_row_is_named_with_its_field() {
    let rows = [
        (PHONE.replace("phone", "toaster"), "kind", "invalid", "\"toaster\" is none of"),
        (PHONE.replace("phone", ""), "kind", "missing", "`kind`"),
        (PHONE.replace("127.0.0.1:1", ""), "address", "missing", "a phone needs `address`"),
        (PHONE.replace("android", ""), "profile", "missing", "a phone needs `profile`"),
        (PHONE.replace(",p,", ",,"), "project", "missing", "a phone needs `project`"),
        (PHONE.replace(",p,", ",a/b,"), "project", "invalid", "project id has a character"),
        (PHONE.replace(",a,", &format!(",{},", "a".repeat(33))), "id", "invalid", "at most 32"),
        (PHONE.replace(",a,", ",..,"), "id", "invalid", "must not be . or .."),
        (PHONE.replace(",a,", ",export,"), "id", "invalid", "\"export\" stands for something else"),
        (PHONE.replace("phone", "camera"), "server", "not_of_kind", "it comes to us"),
        (PHONE.replace('\n', ",x\n"), "", "unreadable", "has 9 cells, and the header 8"),
        ("camera,p,3.402E+19,n\n".to_owned(), "id", "invalid", "its last digits are lost"),
        ("camera,p,3402e19,n\n".to_owned(), "id", "invalid", "its last digits are lost"),
        (PHONE.replace(",a,", ",1.23E+15,"), "id", "invalid", "its last digits are lost"),
        (PHONE.replace(",n,", ",=A1,"), "name", "formula", "an apostrophe before it"),
        (PHONE.replace(",n,", ",\"=\"\"n\"\"&1\","), "name", "formula", "put its value there"),
    ];
    for (row, field, code, part) in rows {
        let text = format!("{HEADER}{PHONE}\n\"phone\",p,b,\"n\nm\",,x:1,,android\n{row}");
        check(csv(&text), &[(6, field, code, part)]);
    }
    let text = "kind,project,id,name,\nphone,p,a,n,x\n";
    check(csv(text), &[(2, "", "unreadable", "no name")]);
}

#[test]
fn no_device_has_an_id_that_is_a_word_of_the_paths() {
    let (_, document) = crate::native::guarded().split_for_parts();
    let of_devices = document.paths.paths.keys().filter_map(|path| path.strip_prefix("/devices/"));
    let words = of_devices.filter_map(|rest| rest.split('/').next());
    let words: std::collections::BTreeSet<&str> =
        words.filter(|word| !word.starts_with('{')).collect();
    assert_eq!(words, std::collections::BTreeSet::from(line::WORDS_OF_PATHS));
}

#[test]
fn a_part_of_a_file_keeps_its_line_numbers() {
    let text = format!("{HEADER}\n{PHONE}\n{}", PHONE.replace("phone", "toaster"));
    let read = sheet::read(text.as_bytes(), None, Some(10_003), false).unwrap();
    check(read, &[(10_005, "kind", "invalid", "toaster")]);
    let read = json_lines::read(b"\n\nx\n", 7).unwrap();
    check(read, &[(9, "", "unreadable", "is not a JSON object")]);
}

#[test]
fn a_bad_object_is_named_with_its_reason() {
    let good =
        r#"{"kind":"phone","project":"p","id":"a","name":"n","address":"x:1","profile":"android"}"#;
    let objects = [
        ("{".to_owned(), "", "unreadable", "EOF while parsing"),
        ("x".to_owned(), "", "unreadable", "is not a JSON object"),
        (good.replace("\"name\"", "\"nmae\""), "nmae", "unknown_column", "known is `name`"),
        (good.replace("\"name\"", "\"id\""), "", "unreadable", "field \"id\" twice"),
        (good.replace("\"n\"", "7"), "name", "invalid", "name is not a text"),
        (good.replace("\"n\"", "null"), "name", "missing", "a phone needs `name`"),
        (format!("{good}{good}"), "", "unreadable", "trailing characters"),
        (good.replace("\"address\"", "\"password\""), "password", "not_of_kind", "a phone has no"),
        (CAMERA.replace("\"name\":\"c\"", "\"n\":1"), "channels", "invalid", "unknown field"),
        (CAMERA.replace("\"user\"", "\"address\""), "address", "not_of_kind", "it comes to us"),
    ];
    for (object, field, code, part) in objects {
        check(json(&format!("{good}\n# a comment\n{object}\n")), &[(3, field, code, part)]);
    }
}

#[test]
fn a_camera_is_read_with_its_channels_and_its_password_is_in_no_error() {
    let found = devices(json(CAMERA)).remove(0);
    let camera = found.camera.unwrap();
    assert_eq!(camera.user.as_deref(), Some("east"));
    assert_eq!(camera.password.map(|password| password.expose().clone()).as_deref(), Some("a b"));
    assert_eq!((camera.channels.len(), &*camera.channels[0].name), (1, "c"));
    for text in [
        CAMERA.replace("\"a b\"", "12345678"),
        CAMERA.replace("\"a b\"", "[\"12345678\"]"),
        CAMERA.replace("\"a b\"", "\"12345678"),
        "\"12345678\"".to_owned(),
        "12345678".to_owned(),
    ] {
        let errors = json(&text).errors;
        assert_eq!(errors.len(), 1, "{text}");
        assert!(!errors[0].detail().contains("12345678"), "{errors:?}");
    }
    let sheet = "kind,project,id,name,password\ncamera,p,34020000001320000001,,12345678\n";
    for line in csv(sheet).good {
        let error = line.meant(None).err().unwrap();
        assert!(!format!("{error:?}").contains("12345678"), "{error:?}");
    }
}

#[test]
fn a_channel_has_a_line_of_its_own() {
    let header = "kind,project,parent,id,name\n";
    let channel = "channel,p,34020000001320000001,34020000001310000001,gate\n";
    let line = csv(&format!("{header}{channel}")).good.remove(0);
    let Ok(Meant::Channel { project, parent, channel: meant }) = line.meant(None) else {
        panic!("no channel")
    };
    assert_eq!((project.as_str(), parent.as_str()), ("p", "34020000001320000001"));
    assert_eq!((meant.id.as_str(), &*meant.name), ("34020000001310000001", "gate"));
    for (from, to, field, part) in [
        ("34020000001310000001", "3402", "id", "is not 20 digits"),
        ("34020000001320000001", "", "parent", "a channel needs `parent`"),
        ("gate", "", "name", "a channel needs `name`"),
        ("gate", "\"a\tb\"", "name", "has a control character"),
    ] {
        let read = csv(&format!("{header}{}", channel.replace(from, to)));
        let code = if to.is_empty() { "missing" } else { "invalid" };
        check(read, &[(2, field, code, part)]);
    }
}

#[test]
fn no_more_lines_are_taken_than_one_call_may_have() {
    let most = DEVICES_PER_IMPORT_MAX;
    let sheet_of = |count: usize| {
        let text = format!("{HEADER}{}\n,,\n# more\n", PHONE.repeat(count));
        sheet::read(text.as_bytes(), None, None, false).map(|read| read.lines)
    };
    assert_eq!((sheet_of(most), sheet_of(most + 1)), (Ok(most), Err(TooMany)));
    let lines_of = |count: usize| {
        let text = format!("{}\n#\n\n", "{}\n".repeat(count));
        json_lines::read(text.as_bytes(), 1).map(|read| read.lines)
    };
    assert_eq!((lines_of(most), lines_of(most + 1)), (Ok(most), Err(TooMany)));
}

#[test]
fn a_report_lists_a_thousand_faults_and_counts_the_others() {
    let errors = (0..IMPORT_ERRORS_MAX + 7).rev();
    let errors = errors.map(|line| LineError::new(line, "invalid", "x")).collect();
    let report = Report::new(false, (5_000, None), Taken { new: 1, ..Taken::default() }, errors);
    let shown = serde_json::to_value(&report).unwrap();
    let listed = shown["errors"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["line"]), (IMPORT_ERRORS_MAX, &0.into()));
    assert_eq!((&shown["failed"], &shown["more"]), (&(IMPORT_ERRORS_MAX + 7).into(), &7.into()));
    assert!(matches!(report.answer(), Answer::Done(_)));
}

#[test]
fn nothing_in_is_a_problem_and_nothing_to_do_is_none() {
    let error = LineError::new(2, "invalid", "x").of("name");
    let report = Report::new(false, (1, None), Taken::default(), vec![error.clone(), error]);
    assert!(matches!(report.answer(), Answer::Nothing(_)));
    let report = Report::new(false, (0, None), Taken::default(), Vec::new());
    assert!(matches!(report.answer(), Answer::Done(_)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(
        bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'{'), Just(b'}')],
            0..400,
        ),
        begin in prop_oneof![Just(""), Just(HEADER), Just("{\"kind\":\"phone\",\"id\":")],
    ) {
        let mut text = begin.as_bytes().to_vec();
        text.extend(bytes);
        let sheet = sheet::read(&text, None, Some(usize::MAX), false);
        for read in [sheet, json_lines::read(&text, 9)] {
            let read = read.unwrap();
            prop_assert!(read.good.len() <= read.lines);
            for line in read.good {
                let _ = line.meant(None);
            }
        }
    }
}
