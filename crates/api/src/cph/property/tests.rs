//! What `property` and `custom_property` may hold, as text in and values or a refusal out.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

/// Reads both; `custom` is JSON.
fn read_both(property: &str, custom: Option<&str>) -> Result<Patch, Refusal> {
    let raw: Option<&RawValue> = custom.map(|json| serde_json::from_str(json).unwrap());
    let custom_property = raw.map_or(Raw::Absent, Raw::Json);
    let property = Given::Text(Cow::Borrowed(property));
    patch(&Entry { property, custom_property, ..Entry::default() }, Need::Required)
}

/// The values of both together.
fn read(property: &str, custom: Option<&str>) -> Result<Values, Refusal> {
    let Patch { mut properties, mut custom } = read_both(property, custom)?;
    properties.append(&mut custom);
    Ok(properties)
}

fn pairs(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The sentence of a malformed property.
fn malformed(outcome: Result<Values, Refusal>) -> String {
    match outcome {
        Err(Refusal::PropertiesInvalid { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

/// The name and the sentence of an invalid value.
fn invalid(outcome: Result<Values, Refusal>) -> (String, String) {
    match outcome {
        Err(Refusal::PropertyInvalid { name, detail }) => (name, detail),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_become_text() {
    let check = |json: &str, expected: &[(&str, &str)]| {
        assert_eq!(read(json, None).unwrap(), pairs(expected), "{json}");
    };
    check("{}", &[]);
    check(" {\n}\t", &[]);
    check(r#"{"a":"x"}"#, &[("a", "x")]);
    check(r#"{"b":"","a":"x"}"#, &[("a", "x"), ("b", "")]);
    check(
        r#"{"a":0,"b":-7,"c":true,"d":false}"#,
        &[("a", "0"), ("b", "-7"), ("c", "1"), ("d", "0")],
    );
    check(r#"{"a":123456789012345678901234567890}"#, &[("a", "123456789012345678901234567890")]);
    check(r#"{"\u0061":"\u624b\ud83d\ude00\n"}"#, &[("a", "手😀\n")]);
    check(r#"{"":"x"}"#, &[("", "x")]);
}

#[test]
fn what_is_no_object_is_malformed() {
    for json in [
        "",
        " ",
        "[]",
        "null",
        "7",
        "\"x\"",
        "true",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"b}",
        "{\"a\":[}",
        "{1:2}",
        "\u{feff}{}",
    ] {
        malformed(read(json, None));
    }
}

#[test]
fn the_sentence_says_where_the_vendors_own_sample_stops_being_json() {
    let sample = include_str!("../../../tests/data/cph-seed-update.json");
    let body: serde_json::Value = serde_json::from_str(sample).unwrap();
    let property = body["phones"][0]["property"].as_str().unwrap();
    let sentence = malformed(read(property, None));
    assert!(sentence.contains("line 1 column 80"), "{sentence}");
    assert_eq!(read(body["phones"][1]["property"].as_str().unwrap(), None).unwrap().len(), 3);
}

#[test]
fn bad_values_are_named() {
    for value in [
        "null",
        "[]",
        "{}",
        "[\"a\"]",
        "{\"a\":\"b\"}",
        "1.0",
        "1e3",
        "1E3",
        "-0",
        "0.5",
        "-0.0",
        "\"\\ud800\"",
    ] {
        let (name, _) = invalid(read(&format!(r#"{{"good":1,"bad":{value},"later":null}}"#), None));
        assert_eq!(name, "bad", "{value}");
    }
    let (name, sentence) = invalid(read(r#"{"a":"1","b":"2","a":"1"}"#, None));
    assert_eq!((name.as_str(), sentence.as_str()), ("a", "it stands there more than once"));
    let (name, _) = invalid(read(r#"{"\u0061":"1","a":"1"}"#, None));
    assert_eq!(name, "a", "the same key in two spellings");
}

#[test]
fn what_is_wrong_with_the_whole_comes_before_what_is_wrong_with_a_value() {
    malformed(read(r#"{"a":null,"b":"#, None));
    malformed(read(r#"{"a":null}"#, Some("[]")));
    invalid(read(r#"{"a":null}"#, Some("{}")));
}

#[test]
fn what_is_no_text_is_malformed() {
    let given = |property, need| {
        let patch = patch(&Entry { property, ..Entry::default() }, need);
        patch.map(|patch| patch.properties)
    };
    for property in [Given::Absent, Given::Twice, Given::Other("an object"), Given::Other("null")] {
        malformed(given(property, Need::Required));
    }
    for property in [Given::Twice, Given::Other("an object"), Given::Other("a boolean")] {
        malformed(given(property, Need::Optional));
    }
    for property in [Given::Absent, Given::Other("null")] {
        assert_eq!(given(property, Need::Optional), Ok(Values::new()));
    }
}

#[test]
fn the_bounds_count_characters_alone_and_bytes_with_custom_property() {
    let of_length = |characters: usize, filler: &str| {
        let frame = r#"{"a":""}"#;
        let fill = filler.repeat(characters - frame.len());
        frame.replace("\"\"", &format!("\"{fill}\""))
    };
    for filler in ["x", "手"] {
        assert!(read(&of_length(8_096, filler), None).is_ok());
        assert!(malformed(read(&of_length(8_097, filler), None)).contains("8096 characters"));
    }
    // `{"c":"d"}` has 9 bytes, however it is spaced.
    for custom in [r#"{"c":"d"}"#, r#" { "c" : "d" } "#, r#"{"\u0063":"d"}"#] {
        assert!(read(&of_length(7_791, "x"), Some(custom)).is_ok(), "{custom}");
        let sentence = malformed(read(&of_length(7_792, "x"), Some(custom)));
        assert!(sentence.contains("7801 bytes"), "{sentence}");
    }
    let bytes = r#"{"c":"手","d":"\n"}"#.len();
    let custom = r#"{"c":"手", "d":"\n"}"#;
    assert!(read(&of_length(7_800 - bytes, "x"), Some(custom)).is_ok());
    malformed(read(&of_length(7_801 - bytes, "x"), Some(custom)));
}

#[test]
fn custom_property_is_an_object_of_texts() {
    let values = read(r#"{"a":1}"#, Some(r#"{"c":"d","b":""}"#)).unwrap();
    assert_eq!(values, pairs(&[("a", "1"), ("b", ""), ("c", "d")]));
    assert_eq!(read("{}", Some("{}")).unwrap(), pairs(&[]));
    for custom in ["[]", "\"{}\"", "7", "true", "{\"a\":1}", "{\"a\":null}", "{\"a\":{}}"] {
        malformed(read("{}", Some(custom)));
    }
    malformed(values_with_two_customs());
    assert_eq!(invalid(read("{}", Some(r#"{"a":"1","a":"1"}"#))).0, "a");
    assert_eq!(invalid(read(r#"{"a":"1"}"#, Some(r#"{"a":"1"}"#))).0, "a");
}

fn values_with_two_customs() -> Result<Values, Refusal> {
    let property = Given::Text(Cow::Borrowed("{}"));
    let entry = Entry { property, custom_property: Raw::Twice, ..Entry::default() };
    patch(&entry, Need::Required).map(|patch| patch.properties)
}

#[test]
fn the_two_kinds_of_values_are_kept_apart() {
    let both = read_both(r#"{"a":1}"#, Some(r#"{"b":"2"}"#)).unwrap();
    assert_eq!((both.properties, both.custom), (pairs(&[("a", "1")]), pairs(&[("b", "2")])));
}

#[test]
fn a_factory_reset_is_true_or_false() {
    let check = |json: &str, expected: Option<bool>| {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let entry = Entry { factory_reset_enabled: Raw::Json(raw), ..Entry::default() };
        assert_eq!(factory_reset(&entry).ok(), expected, "{json}");
    };
    check("true", Some(true));
    check("false", Some(false));
    for other in ["1", "0", "\"true\"", "[]", "{}", "\"\""] {
        check(other, None);
    }
    assert_eq!(factory_reset(&Entry::default()), Ok(false));
    let twice = Entry { factory_reset_enabled: Raw::Twice, ..Entry::default() };
    assert!(factory_reset(&twice).is_err());
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(4_000), "]".repeat(4_000));
    assert_eq!(invalid(read(&deep, None)).0, "a");
    malformed(read(&"[".repeat(8_000), None));
    malformed(read(&"{\"a\":".repeat(1_600), None));
}

proptest! {
    #[test]
    fn an_object_of_texts_comes_back_as_it_is(
        values in proptest::collection::btree_map(".{0,20}", ".{0,20}", 0..20)
    ) {
        let json = serde_json::to_string(&values).unwrap();
        prop_assert_eq!(&read(&json, None).unwrap(), &values);
        prop_assert_eq!(read("{}", Some(&json)).unwrap(), values);
    }

    #[test]
    fn any_text_gives_values_or_a_refusal(text in ".{0,64}") {
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        let is_malformed = matches!(read(&text, None), Err(Refusal::PropertiesInvalid { .. }));
        prop_assert_eq!(is_object.is_err(), is_malformed);
    }
}
