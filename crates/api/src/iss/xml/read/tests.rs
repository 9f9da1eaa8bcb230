use std::fmt::Write as _;

use super::*;

/// The fault of a document and where it is.
fn refused(text: impl AsRef<[u8]>) -> (u32, u32, Fault) {
    let XmlError { line, column, what } = read(text.as_ref()).unwrap_err();
    (line, column, what)
}

/// The document's outermost element.
fn taken(text: &str) -> Element {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_document_becomes_a_tree_with_places() {
    let text = "\u{feff}<?xml version=\"1.0\" encoding='UTF-8'?>\n<!-- = < -->\r\n\
        <Request a=\"1\">\n  <x:Devicelist xmlns:x=\"u\"><Name>东门&#45;<![CDATA[<1>]]>&amp;</Name>\
        <Ip/></x:Devicelist> stray\n</Request>\n";
    let root = taken(text);
    assert!(root.is("request") && &*root.name == "Request");
    assert_eq!((root.line, root.column, root.text()), (3, 1, ""), "no text beside elements");
    let list = root.child("DEVICELIST").unwrap();
    assert_eq!((list.line, list.column), (4, 3));
    let name = list.child("Name").unwrap();
    assert_eq!((name.text(), name.line, name.column), ("东门-<1>&", 4, 29));
    let ip = list.child("ip").unwrap();
    assert_eq!((ip.text(), ip.children().len(), ip.column), ("", 0, 69));
    assert!(list.child("Nam").is_none());
    assert_eq!(taken("<a> \n</a>").text(), " \n", "as it stands");
}

#[test]
fn what_is_not_well_formed_is_named_where_it_is() {
    for (text, line, column) in [
        ("<a><b></a></b>", 1, 7),
        ("<a>\n<b c=1/></a>", 2, 6),
        ("<a>\n\n &nbsp;</a>", 3, 2),
        ("<a>\u{1}</a>", 1, 4),
        ("<a>x & y</a>", 1, 6),
        ("<a>]]></a>", 1, 7),
        ("<a b='1' b='2'/>", 1, 10),
        ("<a b='<'/>", 1, 7),
        ("<a/><b/>", 1, 5),
        ("<a/>text", 1, 5),
        ("text", 1, 1),
        ("<1/>", 1, 2),
        ("<a><!-- -- --></a>", 1, 4),
        ("<a><?xml version='1.0'?></a>", 1, 4),
        ("<x:a/>", 1, 2),
        ("{\"Request\":{}}", 1, 1),
    ] {
        let (at_line, at_column, what) = refused(text);
        assert!(matches!(what, Fault::Malformed(_)), "{text}: {what:?}");
        assert_eq!((at_line, at_column), (line, column), "{text}: {what}");
        assert!(!what.to_string().contains(" at "), "the place stands once: {what}");
    }
    for (text, line, column) in [("<a>\n<b></b>", 2, 8), ("<a", 1, 3)] {
        assert_eq!(refused(text), (line, column, Fault::Unfinished), "{text}");
    }
    for (text, line, column) in [("", 1, 1), (" \n", 2, 1), ("<!-- -->", 1, 9)] {
        assert_eq!(refused(text), (line, column, Fault::Empty), "{text:?}");
    }
    let long = format!("<{}>\n</b>", "a".repeat(9_000));
    let (_, _, what) = refused(long);
    assert!(what.to_string().len() <= COMPLAINT_BYTES_MAX, "{what}");
}

#[test]
fn a_reference_is_to_a_character_of_xml() {
    for number in [
        "0",
        "8",
        "11",
        "31",
        "xB",
        "xd800",
        "xDFFF",
        "55296",
        "xFFFE",
        "xffff",
        "x110000",
        "1114112",
        "4294967361",
        "x100000041",
        "99999999999999999999",
    ] {
        let text = format!("<a>\n<b c='x'/>x&#{number};</a>");
        assert_eq!(refused(&text), (2, 12, Fault::Reference), "{text}");
        let text = format!("<a b='&#{number};'/>");
        assert_eq!(refused(&text), (1, 7, Fault::Reference), "{text}");
        // No references, where they stand.
        let literal = format!("<!--&#{number};--><?p &#{number};?><a><![CDATA[&#{number};]]></a>");
        assert_eq!(taken(&literal).text(), format!("&#{number};"));
    }
    for (number, text) in
        [("9", "\t"), ("x20", " "), ("65", "A"), ("x1F3A5", "🎥"), ("xfffd", "\u{fffd}")]
    {
        assert_eq!(taken(&format!("<a>&#{number};</a>")).text(), text);
    }
    for malformed in ["&#;", "&#x;", "&#xg;", "&#1a;", "&#65", "&# 65;", "&#X41;", "&#-1;"] {
        let (line, column, what) = refused(format!("<a>{malformed}</a>"));
        assert!((line, column) == (1, 4) && matches!(what, Fault::Malformed(_)), "{malformed}");
    }
}

#[test]
fn no_document_type_is_taken_whatever_is_in_it() {
    let laughs = "<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>";
    for (text, line, column) in [
        ("<!DOCTYPE a><a/>".to_owned(), 1, 1),
        ("<!DOCTYPE a []><a/>".to_owned(), 1, 1),
        (format!("<?xml version='1.0'?>\n <!DOCTYPE a [{laughs}]><a>&c;</a>"), 2, 2),
        ("<!-- <!DOCTYPE b> -->\n<?p ?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>".into(), 2, 7),
        ("<!DOCTYPE a [<!ENTITY x SYSTEM 'http://127.0.0.1:1/'>]><a>&x;</a>".into(), 1, 1),
        ("\u{feff}<!DOCTYPE a><a/>".to_owned(), 1, 1),
    ] {
        assert_eq!(refused(&text), (line, column, Fault::DocumentType), "{text}");
    }
    assert_eq!(taken("<a>&lt;!DOCTYPE a></a>").text(), "<!DOCTYPE a>");
}

#[test]
fn other_encodings_are_refused_in_words() {
    let encoding = |name: &str| Fault::Encoding(name.to_owned());
    for (bytes, fault) in [
        (&b"<?xml version=\"1.0\" encoding=\"GBK\"?><a>\xb6\xab</a>"[..], encoding("GBK")),
        (b"<?xml version='1.0' encoding = 'gb18030' ?><a/>", encoding("gb18030")),
        (b"<?xml version='1.0' encoding='UTF-16'?><a/>", encoding("UTF-16")),
        (b"\xff\xfe<\0a\0/\0>\0", encoding("UTF-16")),
        (b"\xfe\xff\0<\0a\0/\0>", encoding("UTF-16")),
    ] {
        let (line, column, what) = refused(bytes);
        assert_eq!((line, column, &what), (1, 1, &fault));
        assert!(what.to_string().contains("only UTF-8 is taken"), "{what}");
    }
    assert_eq!(refused(b"<a>\n\xe4\xb8\x9c\xb6</a>"), (2, 2, Fault::NotUtf8));
    assert_eq!(refused(b"<a>\xc0\xbc</a>"), (1, 4, Fault::NotUtf8), "an overlong <");
    for declared in ["utf-8", "UTF-8", "Utf-8"] {
        assert!(taken(&format!("<?xml version='1.0' encoding='{declared}'?><a/>")).is("a"));
    }
}

/// `<a>` so many times, one in the other.
fn nested(depth: usize) -> String {
    format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth))
}

#[test]
fn each_bound_is_met_and_not_passed() {
    taken(&nested(DEPTH_MAX));
    let column = u32::try_from(DEPTH_MAX * 3 + 1).unwrap();
    assert_eq!(refused(nested(DEPTH_MAX + 1)), (1, column, Fault::TooDeep));

    let list = |count: usize, item: &str| format!("<a>{}</a>", item.repeat(count));
    // Two tags are the outermost element's; the node that is more is the document itself.
    taken(&list((TAGS_MAX - 2) / 2, "<b></b>"));
    assert_eq!(refused(list(TAGS_MAX / 2, "<b></b>")).2, Fault::TooManyTags);
    let nodes = usize::try_from(NODES_MAX).unwrap();
    taken(&list(nodes - 2, "<b/>"));
    assert_eq!(refused(list(nodes, "<b/>")).2, Fault::TooManyNodes);

    let attributes = |count: usize| {
        let all = (0..count).fold(String::new(), |mut all, n| {
            write!(all, " a{n}='='").unwrap();
            all
        });
        format!("<a{all}>===</a>")
    };
    taken(&attributes(ATTRIBUTES_MAX / 2));
    assert_eq!(refused(attributes(ATTRIBUTES_MAX + 1)).2, Fault::TooManyAttributes);
    let spaces = |count: usize| list(count, "<b xmlns:b='b'/>");
    taken(&spaces(NAMESPACES_MAX));
    assert_eq!(refused(spaces(NAMESPACES_MAX + 1)).2, Fault::TooManyNamespaces);

    let text = |bytes: usize| format!("<a>\n{}</a>", "x".repeat(bytes - 1));
    assert_eq!(taken(&text(TEXT_BYTES_MAX)).text().len(), TEXT_BYTES_MAX);
    assert_eq!(refused(text(TEXT_BYTES_MAX + 1)), (1, 1, Fault::TextTooLong));
    let equals = |count: usize| format!("<a><!--{}--></a>", "=".repeat(count));
    taken(&equals(EQUALS_MAX));
    assert_eq!(refused(equals(EQUALS_MAX + 1)).2, Fault::TooManyEquals);
    let whole = |bytes: usize| format!("<a/>{}", "\n".repeat(bytes - 4));
    taken(&whole(BYTES_MAX));
    let line = u32::try_from(BYTES_MAX - 4 + 1).unwrap();
    assert_eq!(refused(whole(BYTES_MAX + 1)), (line, 1, Fault::TooLong));
}

#[test]
fn what_is_made_to_cost_much_is_refused_before_it_does() {
    let filled = |item: &str| item.repeat(BYTES_MAX / item.len());
    for (item, fault) in [
        ("<a>", Fault::TooManyTags),
        ("<", Fault::TooManyTags),
        ("<a/>", Fault::TooManyTags),
        ("=", Fault::TooManyEquals),
        ("<!---->", Fault::TooManyTags),
        ("xmlns:a", Fault::TooManyNamespaces),
        ("&#xd800", Fault::Reference),
    ] {
        assert_eq!(refused(filled(item)).2, fault, "{item}");
    }
    let attributes = format!("<a {}/>", "b=''".repeat(1_000));
    assert_eq!(refused(attributes).2, Fault::TooManyAttributes);
    // Each of them to be looked at, none of them ended.
    assert!(matches!(refused(filled("&#")).2, Fault::Malformed(_)));
    assert!(matches!(refused(filled("&#65")).2, Fault::Malformed(_)));
    // One text of many nodes, and one name as long as may be.
    assert_eq!(refused(format!("<a>{}</a>", "&lt;".repeat(8_193))).2, Fault::TextTooLong);
    let name = "n".repeat(BYTES_MAX / 2 - 10);
    assert_eq!(taken(&format!("<{name}></{name}>")).name.len(), name.len());
    // The elements that are kept stay below 128 bytes each, so that a tree has at most 2 MiB.
    assert!(size_of::<Element>() <= 72);
}
