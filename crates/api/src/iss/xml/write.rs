//! XML out, exact to the byte: no declaration, no white space between elements, empty elements in
//! the form that the vendor prints for each.

use std::fmt::Write as _;

/// Stands for a character that XML 1.0 can't carry, not even as a reference (section 2.2, `Char`).
const NO_XML_CHARACTER: char = char::REPLACEMENT_CHARACTER;

/// A document that is being written.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// An empty document.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The declaration, on a line of its own: `<?xml version="1.0" encoding="UTF-8"?>`. What stands
    /// before anything else, if it is there.
    pub(crate) fn declaration(&mut self, encoding: &str) -> &mut Self {
        self.tag("<?xml version=\"1.0\" encoding=\"", encoding, "\"?>\n")
    }

    /// `<name>`.
    pub(crate) fn open(&mut self, name: &str) -> &mut Self {
        self.tag("<", name, ">")
    }

    /// `</name>`.
    pub(crate) fn close(&mut self, name: &str) -> &mut Self {
        self.tag("</", name, ">")
    }

    /// `<name/>`.
    pub(crate) fn empty(&mut self, name: &str) -> &mut Self {
        self.tag("<", name, "/>")
    }

    /// `<name>value</name>`, an empty value included: `<name></name>`.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.open(name);
        escape(&mut self.text, value);
        self.close(name)
    }

    /// `<name>value</name>`, or `<name/>` for an empty value.
    pub(crate) fn short(&mut self, name: &str, value: &str) -> &mut Self {
        if value.is_empty() { self.empty(name) } else { self.text(name, value) }
    }

    /// The document.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn tag(&mut self, before: &str, name: &str, after: &str) -> &mut Self {
        for part in [before, name, after] {
            self.text.push_str(part);
        }
        self
    }
}

/// Adds the value as character data that any reader takes for what it is: `]]>` among it, and
/// carriage returns, which readers drop unless they are references (XML 1.0, 2.4 and 2.11).
fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\t' | '\n' => text.push(character),
            '\r' | '\u{7f}'..='\u{9f}' => {
                // Writing to a string can't fail.
                let _ = write!(text, "&#{};", u32::from(character));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push(NO_XML_CHARACTER),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_is_told_and_no_white_space() {
        let mut xml = Writer::new();
        xml.open("Response").text("Gbid", "").short("Ip", "").short("Name", "东门").empty("Msg");
        xml.close("Response");
        assert_eq!(xml.finish(), "<Response><Gbid></Gbid><Ip/><Name>东门</Name><Msg/></Response>");
        let mut xml = Writer::new();
        xml.declaration("utf-8").empty("a");
        assert_eq!(xml.finish(), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a/>");
    }

    #[test]
    fn every_text_is_read_back_as_it_was_but_for_what_xml_lacks() {
        for (value, written) in [
            ("a&b<c>]]>\"'", "a&amp;b&lt;c&gt;]]&gt;\"'"),
            ("\t\n\r", "\t\n&#13;"),
            ("\u{7f}\u{85}", "&#127;&#133;"),
            ("\0\u{1f}\u{ffff}", "\u{fffd}\u{fffd}\u{fffd}"),
            ("&amp;", "&amp;amp;"),
        ] {
            let mut xml = Writer::new();
            xml.text("a", value);
            let xml = xml.finish();
            assert_eq!(xml, format!("<a>{written}</a>"));
            let read = super::super::read(xml.as_bytes()).unwrap();
            let is_xml = |c: char| (' '..'\u{fffe}').contains(&c) || "\t\n\r".contains(c);
            let expected = value.replace(|c| !is_xml(c), "\u{fffd}");
            assert_eq!(read.text(), expected, "{value:?}");
        }
    }
}
