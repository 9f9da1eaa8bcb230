//! The bodies of the tag calls: what they ask for, and each rule with its code.

use serde_json::json;

use super::*;

/// The object of a body.
fn object(body: Value) -> Object {
    match body {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

/// A body that puts one tag on a thing.
fn create(key: &str, value: &str) -> Value {
    json!({ "action": "create", "tags": [{ "key": key, "value": value }] })
}

#[test]
fn changes_are_read() {
    let read = |body| change(&object(body)).unwrap();
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let body = json!({ "action": "create", "extra": 1,
        "tags": [{ "key": "Env 1", "value": "a_.:=+-@b", "x": 1 }, { "key": "中文é", "value": "ひ" }] });
    assert_eq!(read(body), Change::Put(vec![tag("Env 1", "a_.:=+-@b"), tag("中文é", "ひ")]));
    let body = json!({ "action": "delete",
        "tags": [{ "key": "a" }, { "key": "b", "value": null }, { "key": "c", "value": "d" }] });
    let taken = [("a", None), ("b", None), ("c", Some("d"))];
    let taken = taken.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
    assert_eq!(read(body), Change::Take(taken.to_vec()));
    for (key, value) in [("k".repeat(127), "v".repeat(255)), ("手".repeat(127), "手".repeat(255))]
    {
        assert_eq!(read(create(&key, &value)), Change::Put(vec![tag(&key, &value)]));
    }
}

#[test]
fn changes_are_refused_by_rule() {
    let tags = |tags: Value| json!({ "action": "create", "tags": tags });
    let eleven: Vec<Value> =
        (0..11).map(|n| json!({ "key": n.to_string(), "value": "v" })).collect();
    let broken = [
        ("tags may not be missing", json!({ "action": "create" })),
        ("tags may not be null", tags(Value::Null)),
        ("tags may not be an object", tags(json!({}))),
        ("tags may not be empty", tags(json!([]))),
        ("at most ten tags", tags(json!(eleven))),
        ("a tag is an object", tags(json!(["a"]))),
        ("a tag has a key", tags(json!([{ "value": "v" }]))),
        ("a key is a text", tags(json!([{ "key": 1, "value": "v" }]))),
        ("a new tag has a value", tags(json!([{ "key": "k" }]))),
        ("a value is a text", tags(json!([{ "key": "k", "value": 1 }]))),
        (
            "a key stands there once",
            tags(json!([{ "key": "k", "value": "v" }, { "key": "k", "value": "w" }])),
        ),
        ("a key is not empty", create("", "v")),
        ("a key has at most 127 characters", create(&"k".repeat(128), "v")),
        ("a key is none of the system's", create("_sys_a", "v")),
        ("a key does not start with a space", create(" k", "v")),
        ("a key does not end with a space", create("k ", "v")),
        ("a key has no other characters", create("k/", "v")),
        ("a key has no control characters", create("k\n", "v")),
        ("a value is not empty", create("k", "")),
        ("a value has at most 255 characters", create("k", &"v".repeat(256))),
        ("a value does not start with a space", create("k", " v")),
        ("a value has no other characters", create("k", "v,")),
        (
            "a value to delete keeps the rule too",
            json!({ "action": "delete", "tags": [{ "key": "k", "value": "" }] }),
        ),
    ];
    for (rule, body) in broken {
        assert_eq!(change(&object(body)).unwrap_err().code, Code::RequestBroken, "{rule}");
    }
    for action in [json!("filter"), json!("Create"), json!(1), Value::Null, json!("")] {
        let body = json!({ "action": action, "tags": [{ "key": "k", "value": "v" }] });
        assert_eq!(change(&object(body)).unwrap_err().code, Code::ActionInvalid);
    }
    assert_eq!(change(&object(json!({}))).unwrap_err().code, Code::ActionInvalid);
}

#[test]
fn searches_are_read() {
    let read = |body| search(&object(body)).unwrap();
    let all = read(json!({ "action": "filter" }));
    assert_eq!((all.filter, all.counts_only), (TagFilter::default(), false));
    assert_eq!(all.page, Page { offset: 0, limit: 1000 });
    let found = read(json!({ "action": "filter", "offset": "5", "limit": "1",
        "tags": [{ "key": "k", "values": ["b", "a"] }, { "key": "l", "values": [] }, { "key": "m" }],
        "matches": [{ "key": "resource_name", "value": "server 1" }] }));
    let tags = [("k", vec!["a", "b"]), ("l", vec![]), ("m", vec![])];
    let tags = tags.map(|(key, values)| {
        (key.to_owned(), values.iter().map(|v: &&str| (*v).to_owned()).collect())
    });
    assert_eq!(found.filter.tags, tags);
    assert_eq!(found.filter.name.as_deref(), Some("server 1"));
    assert_eq!(found.page, Page { offset: 5, limit: 1 });
    assert_eq!(read(json!({ "action": "filter", "limit": 7 })).page.limit, 7);
    let count = read(json!({ "action": "count", "limit": "x" }));
    assert!(count.counts_only, "which has no page");
    let bare =
        read(json!({ "action": "filter", "without_any_tag": true, "tags": [{ "key": "k" }] }));
    assert!(bare.filter.without_any && bare.filter.tags.is_empty());
}

#[test]
fn searches_are_refused_by_rule() {
    let with = |key: &str, value: Value| json!({ "action": "filter", key: value });
    let keys: Vec<Value> = (0..11).map(|n| json!({ "key": n.to_string() })).collect();
    let values: Vec<String> = (0..11).map(|n| n.to_string()).collect();
    let broken = [
        ("tags are a list", with("tags", json!("a"))),
        ("at most ten keys", with("tags", json!(keys))),
        ("a key is not empty", with("tags", json!([{ "key": "" }]))),
        ("a key stands there once", with("tags", json!([{ "key": "k" }, { "key": "k" }]))),
        ("values are a list", with("tags", json!([{ "key": "k", "values": "v" }]))),
        ("at most ten values", with("tags", json!([{ "key": "k", "values": values }]))),
        ("a value is a text", with("tags", json!([{ "key": "k", "values": [1] }]))),
        ("a value stands there once", with("tags", json!([{ "key": "k", "values": ["v", "v"] }]))),
        ("matches are a list", with("matches", json!({}))),
        ("a match is of a name", with("matches", json!([{ "key": "resource_id", "value": "a" }]))),
        ("a match has a value", with("matches", json!([{ "key": "resource_name" }]))),
        (
            "a match's value has at most 255 characters",
            with("matches", json!([{ "key": "resource_name", "value": "v".repeat(256) }])),
        ),
        ("a match is no text", with("matches", json!(["a"]))),
        (
            "one match",
            with(
                "matches",
                json!([{ "key": "resource_name", "value": "a" }, { "key": "resource_name", "value": "b" }]),
            ),
        ),
        ("without_any_tag is a boolean", with("without_any_tag", json!("true"))),
    ];
    for (rule, body) in broken {
        assert_eq!(search(&object(body)).unwrap_err().code, Code::RequestBroken, "{rule}");
    }
    for (key, value) in [
        ("limit", json!("0")),
        ("limit", json!("1001")),
        ("limit", json!("-1")),
        ("limit", json!("")),
        ("limit", json!([])),
        ("limit", json!(1.5)),
        ("offset", json!("-1")),
        ("offset", json!("2147483648")),
        ("offset", json!("x")),
    ] {
        let body = with(key, value.clone());
        assert_eq!(search(&object(body)).unwrap_err().code, Code::PagingInvalid, "{key} {value}");
    }
    for body in [json!({}), json!({ "action": "create" }), json!({ "action": 1 })] {
        assert_eq!(search(&object(body)).unwrap_err().code, Code::ActionInvalid);
    }
}
