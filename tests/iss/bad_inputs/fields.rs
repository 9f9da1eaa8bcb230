//! Each field of a device, beyond each of its bounds, and at them.

use super::bed::{Bed, CAMERA, OF_OPTIONAL, OF_PUBLIC, PASSWORD};
use super::{Entry, Rows};
use crate::harness::{Key, Request};

/// The fields that are names, with the code of each.
const NAMES: [(&str, &str); 4] = [
    ("Name", "InvalidName"),
    ("Desc", "InvalidDesc"),
    ("User", "InvalidUser"),
    ("Manufacturer", "InvalidManufacturer"),
];

/// What no name may have. The vendor allows Chinese, Latin letters, digits, `_`, `-` and `*`.
const ODD: [(&str, &str); 27] = [
    ("a blank", "a b"),
    ("a blank in front", " a"),
    ("a blank at the end", "a "),
    ("a line's end around it", "\n  a\n  "),
    ("a blank of Chinese width", "东\u{3000}门"),
    ("a blank that does not break", "a\u{a0}b"),
    ("a blank of no width", "a\u{200b}b"),
    ("a tab", "a&#9;b"),
    ("a line feed", "a&#10;b"),
    ("a full stop", "a.b"),
    ("a slash", "a/b"),
    ("a backslash", "a\\b"),
    ("an at sign", "a@b"),
    ("a colon", "a:b"),
    ("brackets", "东门(1)"),
    ("brackets of Chinese width", "东门（1）"),
    ("a Chinese full stop", "东门。"),
    ("fullwidth letters", "Ａ"),
    ("a letter with an accent", "café"),
    ("a Cyrillic letter", "А"),
    ("a Greek letter", "α"),
    ("Hangul", "문"),
    ("Katakana", "ドア"),
    ("a face", "😀"),
    ("markup that was escaped", "&lt;b&gt;"),
    ("a quote", "a\"b"),
    ("what turns the text round", "a\u{202e}b"),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for (field, code) in NAMES {
        for (what, value) in ODD {
            let request = bed.fields(&format!("<{field}>{value}</{field}>"));
            rows.add(format!("{field}: {what}"), request, Entry(code));
        }
        for (what, value) in [
            ("65 Latin letters", "x".repeat(65)),
            ("65 Chinese characters", "门".repeat(65)),
            ("65 characters of four bytes", "𠮷".repeat(65)),
            ("65 characters as references", "&#19996;".repeat(65)),
            ("65 characters in CDATA", format!("<![CDATA[{}]]>", "x".repeat(65))),
            ("8,000 letters", "x".repeat(8_000)),
        ] {
            let request = bed.fields(&format!("<{field}>{value}</{field}>"));
            rows.add(format!("{field}: {what}"), request, Entry(code));
        }
    }
    passwords(rows, bed);
    addresses(rows, bed);
    ports(rows, bed);
    words(rows, bed);
    organizations(rows, bed);
}

/// `Pwd`, by both pages. What is refused is never shown.
fn passwords(rows: &mut Rows, bed: &Bed) {
    let by = |key: &Key, id: &str, password: &str| {
        bed.entry_by(key, &format!("<Gbid>{id}</Gbid><Pwd>{password}</Pwd>"))
    };
    let digits = "9713".repeat(17);
    for (what, password) in [
        ("5 digits", "97531"),
        ("1 digit", "7"),
        ("65 digits", &digits[..65]),
        ("8,000 digits", &"9713".repeat(2_000)),
        ("letters", "secretly"),
        ("a letter among digits", "97531a97531"),
        ("a blank among digits", "97531 97531"),
        ("a sign in front", "-97531975"),
        ("a point", "97531.975"),
        ("fullwidth digits", "９７５３１９７５"),
        ("Arabic digits", "٩٧٥٣١٩٧٥"),
        ("digits of Chinese", "一二三四五六七八"),
        ("a line feed behind the digits", "97531975&#10;97531"),
        ("asterisks, as a masked answer shows", "******"),
    ] {
        let request = by(&bed.key, CAMERA, password);
        let row = rows.add(format!("Pwd: {what}"), request, Entry("InvalidPwd"));
        if password.len() > 5 {
            password.clone_into(&mut row.hidden);
        }
    }
    for (what, fields) in [("missing", ""), ("empty", "<Pwd></Pwd>"), ("self-closed", "<Pwd/>")] {
        let request = bed.entry(&format!("<Gbid>{CAMERA}</Gbid><Name>x</Name>{fields}"));
        rows.add(format!("Pwd: {what}"), request, Entry("MissingPwd"));
    }
    let long = "sëcret_".repeat(10);
    let long: String = long.chars().take(65).collect();
    for (what, password) in [
        ("65 characters", long.as_str()),
        ("a control character", "secret&#10;secret"),
        ("a tab", "secret&#9;secret"),
    ] {
        let request = by(&bed.optional, OF_OPTIONAL, password);
        let row = rows.add(format!("Pwd by 1344: {what}"), request, Entry("InvalidPwd"));
        "secret".clone_into(&mut row.hidden);
        if what == "65 characters" {
            long.clone_into(&mut row.hidden);
        }
    }
}

/// `Ip`.
fn addresses(rows: &mut Rows, bed: &Bed) {
    for (what, value) in [
        ("words", "here"),
        ("a host's name", "camera.example.com"),
        ("three numbers", "203.0.113"),
        ("five numbers", "203.0.113.7.1"),
        ("a number beyond a byte", "203.0.113.256"),
        ("a negative number", "203.0.113.-7"),
        ("leading zeroes", "203.000.113.007"),
        ("hexadecimal", "0xcb007107"),
        ("one number", "3405803783"),
        ("with a port", "203.0.113.7:5060"),
        ("with a prefix", "203.0.113.0/24"),
        ("a URL", "http://203.0.113.7/"),
        ("in brackets", "[2001:db8::7]"),
        ("with a zone", "fe80::1%eth0"),
        ("two runs of colons", "2001::db8::7"),
        ("a blank within", "203.0. 113.7"),
        ("fullwidth digits", "２０３.0.113.7"),
    ] {
        let request = bed.fields(&format!("<Ip>{value}</Ip>"));
        rows.add(format!("Ip: {what}"), request, Entry("InvalidIp"));
    }
    for (what, value) in [
        ("10/8", "10.1.2.3"),
        ("172.16/12", "172.31.255.255"),
        ("192.168/16", "192.168.0.1"),
        ("the loopback", "127.0.0.1"),
        ("this network", "0.0.0.0"),
        ("link-local", "169.254.1.1"),
        ("shared by carriers", "100.64.0.1"),
        ("broadcast", "255.255.255.255"),
        ("multicast", "224.0.0.1"),
        ("the loopback of IPv6", "::1"),
        ("unique local", "fd00::1"),
        ("link-local of IPv6", "fe80::1"),
        ("10/8 within IPv6", "::ffff:10.1.2.3"),
    ] {
        let fields = format!("<Gbid>{OF_PUBLIC}</Gbid><Pwd>{PASSWORD}</Pwd><Ip>{value}</Ip>");
        let request = bed.entry_by(&bed.public, &fields);
        rows.add(
            format!("Ip where private ones are not taken: {what}"),
            request,
            Entry("InvalidIp"),
        );
    }
}

/// `Port`.
fn ports(rows: &mut Rows, bed: &Bed) {
    for value in [
        "1024",
        "65536",
        "0",
        "-1",
        "1",
        "80",
        "99999999999999999999",
        "5060.0",
        "5060.5",
        "+5060",
        "05060",
        "0x13c4",
        "5e3",
        "５０６０",
        "sip",
        "5060 5061",
        "5060,5061",
        "5,060",
        "NaN",
    ] {
        let request = bed.fields(&format!("<Port>{value}</Port>"));
        rows.add(format!("Port: {value}"), request, Entry("InvalidPort"));
    }
}

/// `Type`, of which there is one.
fn words(rows: &mut Rows, bed: &Bed) {
    for value in ["Nvr", "IPCam", "Ip c", "132", "Ipc Ipc", "网络摄像机", "*"] {
        let request = bed.fields(&format!("<Type>{value}</Type>"));
        rows.add(format!("Type: {value}"), request, Entry("InvalidType"));
    }
}

/// `Organization`.
fn organizations(rows: &mut Rows, bed: &Bed) {
    let filed = |inner: &str| bed.fields(&format!("<Organization>{inner}</Organization>"));
    for level in ["5", "-1", "01", "1.0", "+1", "one", "１", "0 ", "10", "99999999999999999999"] {
        let inner = format!("<Level>{level}</Level><L1>a</L1>");
        rows.add(format!("Level: {level:?}"), filed(&inner), Entry("InvalidLevel"));
    }
    rows.add("Level: missing", filed("<L1>a</L1>"), Entry("InvalidLevel"));
    rows.add("Level: empty", filed("<Level/><L1>a</L1>"), Entry("InvalidLevel"));
    let names = ["<L1>a</L1>", "<L2>b</L2>", "<L3>c</L3>", "<L4>d</L4>"];
    for level in 1..=4 {
        for lacking in 1..=level {
            let given: String =
                (1..=level).filter(|n| *n != lacking).map(|n| names[n - 1]).collect();
            let inner = format!("<Level>{level}</Level>{given}");
            let rule = format!("Level {level}: L{lacking} missing");
            rows.add(rule, filed(&inner), Entry("InvalidLevel"));
        }
        let empty = format!("<Level>{level}</Level>{}<L{level}/>", names[..level - 1].concat());
        rows.add(format!("Level {level}: L{level} empty"), filed(&empty), Entry("InvalidLevel"));
    }
    for level in 0..4 {
        let inner = format!("<Level>{level}</Level>{}", names[..=level].concat());
        let rule = format!("Level {level}: L{} besides", level + 1);
        rows.add(rule, filed(&inner), Entry("InvalidLevel"));
    }
    for number in 1..=4 {
        for (what, name) in [
            ("65 characters", "门".repeat(65)),
            ("a slash", "a/b".to_owned()),
            ("a blank", "a b".to_owned()),
        ] {
            let inner = format!("<Level>4</Level>{}", names.concat());
            let own = names[number - 1];
            let inner = inner.replace(own, &format!("<L{number}>{name}</L{number}>"));
            rows.add(format!("L{number}: {what}"), filed(&inner), Entry("InvalidOrganization"));
        }
    }
    let organization = &bed.organization;
    let long = "o".repeat(65);
    for (what, inner) in [
        ("unknown", "<OrganizationId>none</OrganizationId><Level>1</Level><L1>新</L1>".to_owned()),
        (
            "of another path",
            format!("<OrganizationId>{organization}</OrganizationId><Level>1</Level><L1>上海</L1>"),
        ),
        (
            "of a longer path",
            format!("<OrganizationId>{organization}</OrganizationId><Level>1</Level><L1>北京</L1>"),
        ),
        (
            "beside Level 0",
            format!("<OrganizationId>{organization}</OrganizationId><Level>0</Level>"),
        ),
        (
            "of 65 characters",
            format!("<OrganizationId>{long}</OrganizationId><Level>1</Level><L1>新</L1>"),
        ),
        (
            "with a comma",
            "<OrganizationId>a,b</OrganizationId><Level>1</Level><L1>新</L1>".to_owned(),
        ),
        (
            "in Chinese",
            "<OrganizationId>组织</OrganizationId><Level>1</Level><L1>新</L1>".to_owned(),
        ),
    ] {
        rows.add(format!("OrganizationId: {what}"), filed(&inner), Entry("InvalidOrganization"));
    }
}

/// What the bounds allow, with the rule: each must be taken.
pub fn allowed(bed: &Bed) -> Vec<(String, Request)> {
    let mut all = Vec::new();
    for (field, _) in NAMES {
        for (what, value) in [
            ("1 letter", "x".to_owned()),
            ("1 Chinese character", "门".to_owned()),
            ("64 letters", "x".repeat(64)),
            ("64 Chinese characters", "门".repeat(64)),
            ("64 characters of four bytes", "𠮷".repeat(64)),
            ("all sorts", "东门-1_b*9Zz".to_owned()),
            ("CDATA", "<![CDATA[东门]]>".to_owned()),
            ("references", "&#19996;&#x95e8;".to_owned()),
            ("nothing, which changes nothing", String::new()),
        ] {
            let request = bed.fields(&format!("<{field}>{value}</{field}>"));
            all.push((format!("{field}: {what}"), request));
        }
    }
    let by = |key: &Key, id: &str, fields: &str| {
        bed.entry_by(key, &format!("<Gbid>{id}</Gbid>{fields}"))
    };
    for password in ["123456", &"1".repeat(64)] {
        let request = by(&bed.key, CAMERA, &format!("<Pwd>{password}</Pwd>"));
        all.push((format!("Pwd: {} digits", password.len()), request));
    }
    for (what, password) in [("1 character", "x".to_owned()), ("64 characters", "ß".repeat(64))] {
        let request = by(&bed.optional, OF_OPTIONAL, &format!("<Pwd>{password}</Pwd>"));
        all.push((format!("Pwd by 1344: {what}"), request));
    }
    let request = by(&bed.optional, OF_OPTIONAL, "<Name>x</Name>");
    all.push(("Pwd by 1344: none".to_owned(), request));
    for port in ["1025", "65535"] {
        all.push((format!("Port: {port}"), bed.fields(&format!("<Port>{port}</Port>"))));
    }
    for ip in ["10.1.2.3", "203.0.113.7", "2001:db8::7", "fd00::1"] {
        all.push((format!("Ip: {ip}"), bed.fields(&format!("<Ip>{ip}</Ip>"))));
    }
    let fields = format!("<Pwd>{PASSWORD}</Pwd><Ip>8.8.8.8</Ip>");
    all.push(("Ip: a public one".to_owned(), by(&bed.public, OF_PUBLIC, &fields)));
    for word in ["Ipc", "IPC", "ipc"] {
        all.push((format!("Type: {word}"), bed.fields(&format!("<Type>{word}</Type>"))));
    }
    let names = ["<L1>北京</L1>", "<L2>海淀</L2>", "<L3>x</L3>", "<L4>5-1_*</L4>"];
    for level in 0..=4 {
        let inner = format!("<Level>{level}</Level>{}", names[..level].concat());
        let request = bed.fields(&format!("<Organization>{inner}</Organization>"));
        all.push((format!("Level: {level}"), request));
    }
    let own = format!(
        "<Organization><OrganizationId>{}</OrganizationId><Level>2</Level><L1>北京</L1>\
         <L2>海淀</L2></Organization>",
        bed.organization
    );
    all.push(("OrganizationId: its own".to_owned(), bed.fields(&own)));
    let empty = "<Organization><OrganizationId/><Level/><L1/><L2/><L3/><L4/></Organization>";
    all.push(("Organization: empty, as the skeleton prints it".to_owned(), bed.fields(empty)));
    all
}
