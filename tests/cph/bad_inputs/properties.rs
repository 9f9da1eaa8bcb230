//! The JSON inside the JSON: `property` and `custom_property` of one entry.

use serde_json::json;

use super::Refusal::Entry;
use super::Rows;
use super::bed::Bed;

/// Texts of `property` that hold no object: CPS.0078.
const MALFORMED: &[(&str, &str)] = &[
    ("nothing", ""),
    ("blanks", "  \n"),
    ("a word", "on"),
    ("null", "null"),
    ("a boolean", "true"),
    ("a number", "1"),
    ("a text", r#""com.cph.mainkeys""#),
    ("a list", r#"[{"com.cph.mainkeys":1}]"#),
    ("an object that is cut off", r#"{"com.cph.mainkeys":1"#),
    (
        "a value without its closing quote",
        r#"{"sys.prop.writeimsi":"460021624617113,"com.cph.mainkeys":1}"#,
    ),
    ("a comma after the last key", r#"{"com.cph.mainkeys":1,}"#),
    ("a comma alone", "{,}"),
    ("no colon", r#"{"com.cph.mainkeys" 1}"#),
    ("no value", r#"{"com.cph.mainkeys":}"#),
    ("no comma", r#"{"com.cph.mainkeys":1 "disable.status.bar":1}"#),
    ("single quotes", r"{'com.cph.mainkeys':1}"),
    ("a key without quotes", r"{com.cph.mainkeys:1}"),
    ("a key that is a number", r#"{1:"com.cph.mainkeys"}"#),
    ("a second object", r#"{"com.cph.mainkeys":1}{"com.cph.mainkeys":1}"#),
    ("words behind the object", r#"{"com.cph.mainkeys":1};"#),
    ("a comment", r#"{"com.cph.mainkeys":1/**/}"#),
    ("NaN", r#"{"com.cph.mainkeys":NaN}"#),
    ("a leading zero", r#"{"com.cph.mainkeys":01}"#),
    ("a plus", r#"{"com.cph.mainkeys":+1}"#),
    ("hex", r#"{"com.cph.mainkeys":0x1}"#),
    ("True", r#"{"com.cph.mainkeys":True}"#),
    ("an unknown escape", r#"{"sys.prop.writewifissid":"a\qb"}"#),
    ("a raw line feed in a value", "{\"sys.prop.writewifissid\":\"a\nb\"}"),
    ("a raw NUL in a value", "{\"sys.prop.writewifissid\":\"a\0b\"}"),
    ("a byte order mark", "\u{feff}{\"com.cph.mainkeys\":1}"),
    ("JSON within JSON", r#""{\"com.cph.mainkeys\":1}""#),
    ("a form", "com.cph.mainkeys=1"),
    ("a shell's quotes", r#"'{"com.cph.mainkeys":1}'"#),
    ("full-width quotes", "{“com.cph.mainkeys”:1}"),
];

/// What stands at `property` instead of a text: CPS.0078.
const NO_TEXT: &[(&str, &str)] = &[
    ("null", "null"),
    ("a boolean", "true"),
    ("a number", "1"),
    ("a list", "[]"),
    ("an object", r#"{"com.cph.mainkeys":1}"#),
];

/// Objects of which one value is none: CPS.0164.
const NO_VALUE: &[(&str, &str)] = &[
    ("null", r#"{"com.cph.mainkeys":null}"#),
    ("an object", r#"{"com.cph.mainkeys":{"value":1}}"#),
    ("an empty object", r#"{"com.cph.mainkeys":{}}"#),
    ("a list", r#"{"com.cph.mainkeys":[1]}"#),
    ("an empty list", r#"{"com.cph.mainkeys":[]}"#),
    ("a fraction", r#"{"com.cph.mainkeys":1.5}"#),
    ("a fraction that is whole", r#"{"com.cph.mainkeys":1.0}"#),
    ("an exponent", r#"{"com.cph.mainkeys":1e0}"#),
    ("minus zero", r#"{"com.cph.mainkeys":-0}"#),
    ("half a surrogate pair", r#"{"sys.prop.writewifissid":"\ud83d"}"#),
    ("the same key twice", r#"{"com.cph.mainkeys":1,"com.cph.mainkeys":1}"#),
    ("the same key twice, once escaped", r#"{"com.cph.mainkeys":1,"com.cph.mainkey\u0073":0}"#),
    ("a key and its old name", r#"{"com.cph.mainkeys":1,"hide_navigate":0}"#),
];

/// Names that no phone takes: CPS.0163.
const UNKNOWN: &[(&str, &str)] = &[
    ("empty", ""),
    ("a blank", " "),
    ("of nobody", "com.example.nothing"),
    ("in capitals", "COM.CPH.MAINKEYS"),
    ("with a blank in front", " com.cph.mainkeys"),
    ("with a blank behind", "com.cph.mainkeys "),
    ("with a line feed behind", "com.cph.mainkeys\n"),
    ("with a NUL behind", "com.cph.mainkeys\0"),
    ("with a point behind", "com.cph.mainkeys."),
    ("an asterisk", "*"),
    ("a known beginning", "com.cph."),
    ("a known beginning and an asterisk", "com.cph.*"),
    ("a shell's command", "com.cph.mainkeys;reboot"),
    ("a substitution", "$(reboot)"),
    ("our own marker", "persist.fleetwright.id"),
    ("the boot's own", "sys.boot_completed"),
    ("adb's port", "service.adb.tcp.port"),
    ("with a letter of another script", "com.cph.m\u{0430}inkeys"),
    ("Chinese", "手机号"),
    ("ro.build.tags, which the vendor refuses", "ro.build.tags"),
    ("ro.build.type, which the vendor refuses", "ro.build.type"),
    ("ro.build.version.sdk, which the vendor refuses", "ro.build.version.sdk"),
    ("ro.product.cpu.abi, which the vendor refuses", "ro.product.cpu.abi"),
    ("ro.sf.lcd_density, which the vendor refuses", "ro.sf.lcd_density"),
    ("ro.serialno, an identity that the project does not allow", "ro.serialno"),
    ("ro.product.model, an identity that the project does not allow", "ro.product.model"),
];

/// `custom_property`, as it stands in JSON, that is no object of texts: CPS.0078.
const NO_CUSTOM: &[(&str, &str)] = &[
    ("a text", r#""{}""#),
    ("a number", "1"),
    ("a boolean", "true"),
    ("a list", "[]"),
    ("an object with a number", r#"{"custom.prop.a":1}"#),
    ("an object with a boolean", r#"{"custom.prop.a":true}"#),
    ("an object with null", r#"{"custom.prop.a":null}"#),
    ("an object with an object", r#"{"custom.prop.a":{}}"#),
    ("an object with a list", r#"{"custom.prop.a":[]}"#),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for (what, text) in MALFORMED {
        rows.add(format!("property: {what}"), bed.property(text), Entry("CPS.0078"));
    }
    let id = &bed.phone;
    for (what, value) in NO_TEXT {
        let entry = format!(r#"{{"phone_id":"{id}","property":{value}}}"#);
        rows.add(format!("property is no text but {what}"), bed.entry(&entry), Entry("CPS.0078"));
    }
    for (what, entry) in [
        ("missing", format!(r#"{{"phone_id":"{id}"}}"#)),
        ("there twice", format!(r#"{{"phone_id":"{id}","property":"{{}}","property":"{{}}"}}"#)),
        ("there as Property", format!(r#"{{"phone_id":"{id}","Property":"{{}}"}}"#)),
        (
            "missing beside custom_property",
            format!(r#"{{"phone_id":"{id}","custom_property":{{}}}}"#),
        ),
    ] {
        rows.add(format!("property is {what}"), bed.entry(&entry), Entry("CPS.0078"));
    }
    for (what, text) in NO_VALUE {
        rows.add(format!("a value in property: {what}"), bed.property(text), Entry("CPS.0164"));
    }
    for (what, name) in UNKNOWN {
        let text = json!({*name: "1"}).to_string();
        rows.add(format!("a property's name: {what}"), bed.property(&text), Entry("CPS.0163"));
    }
    let good_and_bad = r#"{"com.cph.mainkeys":1,"com.example.nothing":"1"}"#;
    rows.add("one unknown name among known ones", bed.property(good_and_bad), Entry("CPS.0163"));
    let good_and_bad = r#"{"com.cph.mainkeys":1,"disable.status.bar":2}"#;
    rows.add("one bad value among good ones", bed.property(good_and_bad), Entry("CPS.0164"));
    custom(rows, bed);
}

/// Those of `custom_property`.
fn custom(rows: &mut Rows, bed: &Bed) {
    let id = &bed.phone;
    let entry = |custom: &str| {
        bed.entry(&format!(r#"{{"phone_id":"{id}","property":"{{}}","custom_property":{custom}}}"#))
    };
    for (what, custom) in NO_CUSTOM {
        rows.add(format!("custom_property: {what}"), entry(custom), Entry("CPS.0078"));
    }
    let twice = r#"{"custom.prop.a":"1"},"custom_property":{"custom.prop.a":"1"}"#;
    rows.add("custom_property twice", entry(twice), Entry("CPS.0078"));
    let twice = r#"{"custom.prop.a":"1","custom.prop.a":"1"}"#;
    rows.add("the same key twice in custom_property", entry(twice), Entry("CPS.0164"));
    let both = format!(
        r#"{{"phone_id":"{id}","property":"{{\"com.cph.mainkeys\":1}}","custom_property":{{"com.cph.mainkeys":"1"}}}}"#
    );
    rows.add("the same key in property and custom_property", bed.entry(&both), Entry("CPS.0164"));
    for (what, name, code) in [
        ("a listed name's bad value", "com.cph.mainkeys", "CPS.0164"),
        ("an empty name", "", "CPS.0163"),
        ("a name with a blank", "custom prop", "CPS.0163"),
        ("a name with a slash", "custom/prop", "CPS.0163"),
        ("a name with a semicolon", "custom;reboot", "CPS.0163"),
        ("a name with a quote", "custom'prop", "CPS.0163"),
        ("a name with a line feed", "custom.prop\n", "CPS.0163"),
        ("a name in Chinese", "自定义", "CPS.0163"),
        ("our own marker", "persist.fleetwright.id", "CPS.0163"),
        ("the system's boot mark", "sys.boot_completed", "CPS.0163"),
        ("the system's power control", "sys.powerctl", "CPS.0163"),
        ("init's control", "ctl.start", "CPS.0163"),
    ] {
        let custom = json!({name: "on and off"}).to_string();
        rows.add(format!("custom_property: {what}"), entry(&custom), Entry(code));
    }
    let nul = r#"{"custom.prop.a":"a\u0000b"}"#;
    rows.add("a NUL in a value of custom_property", entry(nul), Entry("CPS.0164"));
}
