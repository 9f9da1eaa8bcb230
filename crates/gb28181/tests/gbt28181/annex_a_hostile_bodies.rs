//! Annex A does not say what to do with bodies that mean harm. Each is refused by name.

use gb28181::charset::CharsetError;
use gb28181::manscdp::{BODY_BYTES_MAX, Incoming, ManscdpError};

/// A keepalive with this in it, and with this before it.
fn keepalive(before: &str, inside: &str) -> String {
    format!("{before}<Notify><CmdType>Keepalive</CmdType><DeviceID>1</DeviceID>{inside}</Notify>")
}

/// Checks that a body is refused.
fn check(body: &str, expected: ManscdpError) {
    assert_eq!(
        Incoming::parse(body.as_bytes()),
        Err(expected),
        "{}",
        body.get(..80).unwrap_or(body)
    );
}

/// Checks that a body is refused as no XML.
fn check_malformed(body: &[u8]) {
    let read = Incoming::parse(body);
    assert!(
        matches!(read, Err(ManscdpError::Malformed { .. })),
        "{}: {read:?}",
        body.escape_ascii()
    );
}

#[test]
fn document_types_are_refused() {
    let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>";
    for before in [laughs, "<!DOCTYPE Notify>", "<!DOCTYPE Notify SYSTEM \"file:///etc/passwd\">"] {
        check(&keepalive(before, "&b;"), ManscdpError::DocumentType);
    }
}

#[test]
fn broken_xml_is_refused() {
    for body in ["", " ", "Keepalive", "<Notify>", "<Notify></Query>", "<a/><b/>", "<a", "<?xml ?>"]
    {
        check_malformed(body.as_bytes());
    }
    for inside in
        ["&b;", "&", "<", "<a b=c/>", "<a b='1' b='2'/>", "]]>", "<![CDATA[", "<!-- -- -->"]
    {
        check_malformed(keepalive("", inside).as_bytes());
    }
    check_malformed(b"\x00\x01\x02\x03");
}

#[test]
fn characters_that_xml_forbids_are_refused() {
    for character in ["\0", "\u{1}", "\u{8}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        check_malformed(keepalive("", &format!("<A>{character}</A>")).as_bytes());
    }
    for reference in ["&#0;", "&#x1;", "&#xFFFE;", "&#;"] {
        check_malformed(keepalive("", &format!("<A>{reference}</A>")).as_bytes());
    }
}

#[test]
fn references_to_what_is_no_character_become_the_replacement_character() {
    for reference in ["&#xD800;", "&#x110000;"] {
        let body = keepalive("", &format!("<Status>{reference}</Status>"));
        let Ok(Incoming::Keepalive(heard)) = Incoming::parse(body.as_bytes()) else {
            panic!("a keepalive was sent")
        };
        assert_eq!(heard.status.as_str(), "\u{fffd}");
    }
}

#[test]
fn a_body_may_be_as_long_as_the_bound_and_no_longer() {
    let space = BODY_BYTES_MAX - keepalive("", "").len();
    let longest = keepalive("", &" ".repeat(space));
    assert!(Incoming::parse(longest.as_bytes()).is_ok());
    check(&keepalive("", &" ".repeat(space + 1)), ManscdpError::BodyTooLong);
}

#[test]
fn a_body_may_be_as_deep_as_the_bound_and_no_deeper() {
    let nested =
        |depth: usize| keepalive("", &format!("{}x{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    assert!(Incoming::parse(nested(15).as_bytes()).is_ok());
    check(&nested(16), ManscdpError::TooDeep);
    check(
        &keepalive("", &format!("{}<b/>{}<c/>", "<a>".repeat(15), "</a>".repeat(15))),
        ManscdpError::TooDeep,
    );
    // A sibling that comes after is as deep.
    let late = format!("{}x<b/>{}", "<a>".repeat(15), "</a>".repeat(15));
    check(&keepalive("", &late), ManscdpError::TooDeep);
    check(&nested(9_000), ManscdpError::TooDeep);
}

#[test]
fn a_body_has_a_bound_of_nodes_and_one_of_items() {
    check(&keepalive("", &"<a/>".repeat(12_300)), ManscdpError::TooManyNodes);
    let head = "<Response><CmdType>Catalog</CmdType><SN>1</SN><DeviceID>1</DeviceID><DeviceList>";
    let list = |items: usize| format!("{head}{}</DeviceList></Response>", "<Item/>".repeat(items));
    assert!(Incoming::parse(list(512).as_bytes()).is_ok());
    check(&list(513), ManscdpError::TooManyItems);
    let types =
        head.replace("Catalog", "ConfigDownload").replace("<DeviceList>", &"<a/>".repeat(513));
    check(&format!("{types}</Response>"), ManscdpError::TooManyItems);
}

#[test]
fn a_value_may_be_as_long_as_the_bound_and_no_longer() {
    let status =
        |length: usize| keepalive("", &format!("<Status> {} </Status>", "x".repeat(length)));
    assert!(Incoming::parse(status(1024).as_bytes()).is_ok());
    check(&status(1025), ManscdpError::ValueTooLong { element: "Status" });
}

#[test]
fn what_is_no_command_is_refused() {
    check("<Envelope/>", ManscdpError::UnknownRoot);
    check("<notify/>", ManscdpError::UnknownRoot);
    check("<Notify/>", ManscdpError::Missing { element: "CmdType" });
    // Element names have one spelling in all revisions.
    let lower = keepalive("", "").replace("CmdType", "cmdType");
    check(&lower, ManscdpError::Missing { element: "CmdType" });
    let nobody = keepalive("", "").replace("<DeviceID>1</DeviceID>", "<DeviceID> </DeviceID>");
    check(&nobody, ManscdpError::Missing { element: "DeviceID" });
}

#[test]
fn a_body_that_is_no_text_is_refused() {
    let refused = Err(ManscdpError::Charset(CharsetError::Utf16));
    assert_eq!(Incoming::parse(b"\xff\xfe<\0N\0"), refused);
}

#[test]
fn what_stands_around_a_body_does_no_harm() {
    let plain = Incoming::parse(keepalive("", "").as_bytes());
    assert!(plain.is_ok());
    for (before, after) in [
        ("\r\n\r\n", "\r\n"),
        ("<?xml version=\"1.0\" encoding=\"GB2312\"?>", "\0"),
        ("\u{feff}<?xml version=\"1.0\"?>\n", "\r\n\0\0\0"),
        (" <?xml encoding=\"gb2312\" version=\"1.0\" ?>", ""),
        ("<?xml version=\"1.0\" encoding=\"GB2312\" standalone=\"yes\" ?>", "<!-- end -->"),
    ] {
        let body = format!("{before}{}{after}", keepalive("", ""));
        assert_eq!(Incoming::parse(body.as_bytes()), plain, "{body}");
    }
}

#[test]
fn a_namespace_does_no_harm() {
    let body = keepalive("", "").replace("<Notify>", "<Notify xmlns=\"urn:x\" a=\"1\">");
    assert!(matches!(Incoming::parse(body.as_bytes()), Ok(Incoming::Keepalive(_))));
}

/// The parser's work grows with the cube of nested declarations and the square of an element's
/// attributes. Text over the bound never reaches it: it would call these broken.
#[test]
fn what_costs_the_parser_more_than_its_length_is_refused_before_it_is_parsed() {
    let nested: String = (0..3_000).map(|level| format!("<a xmlns:n{level}=\"\">")).collect();
    check(&nested, ManscdpError::TooManyNamespaces);
    let attributes: String = (0..6_000).map(|which| format!(" a{which}=\"\"")).collect();
    check(&format!("<Notify{attributes}"), ManscdpError::TooManyAttributes);
    let brackets: String = (0..33).map(|which| format!(" a{which}=\">\"")).collect();
    check(&keepalive("", &format!("<A{brackets}/></B>")), ManscdpError::TooManyAttributes);
}

#[test]
fn a_body_has_a_bound_of_namespaces_and_an_element_one_of_attributes() {
    let namespaces =
        |count: usize| (0..count).map(|n| format!(" xmlns:n{n}='urn:{n}'")).collect::<String>();
    assert!(Incoming::parse(keepalive("", &format!("<A{}/>", namespaces(8))).as_bytes()).is_ok());
    check(&keepalive("", &format!("<A{}/>", namespaces(9))), ManscdpError::TooManyNamespaces);
    let element = |count: usize| {
        let attributes: String = (0..count).map(|which| format!(" a{which}='>'")).collect();
        format!("<A{attributes}>{}</A>", "=".repeat(100))
    };
    // Each element has its own; texts, comments and CDATA have none.
    let inside = format!("<!-- {0}> -->{1}{1}<![CDATA[{0}>]]>", "=".repeat(100), element(32));
    assert!(Incoming::parse(keepalive("", &inside).as_bytes()).is_ok());
    check(&keepalive("", &element(33)), ManscdpError::TooManyAttributes);
}
