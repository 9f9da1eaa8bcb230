//! XML in: bytes of strangers become a tree of bounded size, or the exact place where they break a
//! rule is named.
//!
//! The parser (`roxmltree`) works without recursion and resolves nothing from outside. What it
//! would pay for in memory or time before its own bounds apply is counted first: it reserves a
//! place for each `<` and each `=` of the text, and compares the attributes of an element in
//! quadratic and the namespaces of nested elements in cubic time.

use std::fmt;

use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;

use crate::printable::printable;

/// Bytes of a body. 100 devices with every field at its bound, each character a reference of eight
/// bytes, have some 600,000.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;
/// How deep elements may be nested. The deepest of a request is `L1`: Request, DeviceList, Device,
/// Organization, L1.
const DEPTH_MAX: usize = 8;
/// `<` in a document: some 80 bytes of memory each. 100 devices with every field have 4,000.
const TAGS_MAX: usize = 20_480;
/// Elements, texts between them, comments and instructions: some 200 bytes of memory each. 100
/// devices with every field, indented, have 6,500.
const NODES_MAX: u32 = 16_384;
/// `=` in a document: some 90 bytes of memory each. Passwords may have some.
const EQUALS_MAX: usize = 16_384;
/// Attributes of one element. No request of the API has any.
const ATTRIBUTES_MAX: usize = 16;
/// How often a document may say `xmlns`.
const NAMESPACES_MAX: usize = 16;
/// Bytes of the text of one element. No value of the API has more than 64 characters.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of what the parser says of an error: it quotes names of the document.
const COMPLAINT_BYTES_MAX: usize = 200;

/// Why bytes are no document that is taken, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {what}")]
pub(crate) struct XmlError {
    /// The line, from 1.
    pub(crate) line: u32,
    /// The character of that line, from 1.
    pub(crate) column: u32,
    /// What is wrong there.
    pub(crate) what: Fault,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// More than [`BYTES_MAX`] bytes.
    #[error("a body has at most {BYTES_MAX} bytes")]
    TooLong,
    /// It says that it has another encoding than UTF-8.
    #[error("the document says that it is encoded as {0}; only UTF-8 is taken")]
    Encoding(String),
    /// It is not UTF-8.
    #[error("this is not UTF-8; no other encoding is taken")]
    NotUtf8,
    /// It has a document type.
    #[error("a document type (DTD) is not taken")]
    DocumentType,
    /// Elements are nested too deep.
    #[error("elements may be nested {DEPTH_MAX} deep")]
    TooDeep,
    /// Too many tags.
    #[error("a body has at most {TAGS_MAX} tags")]
    TooManyTags,
    /// Too many elements and texts.
    #[error("a body has at most {NODES_MAX} elements and texts between them")]
    TooManyNodes,
    /// Too many `=`.
    #[error("a body has at most {EQUALS_MAX} equals signs")]
    TooManyEquals,
    /// Too many attributes.
    #[error("an element has at most {ATTRIBUTES_MAX} attributes")]
    TooManyAttributes,
    /// Too many namespaces.
    #[error("a body says xmlns at most {NAMESPACES_MAX} times")]
    TooManyNamespaces,
    /// The text of an element is too long.
    #[error("the text of an element has at most {TEXT_BYTES_MAX} bytes")]
    TextTooLong,
    /// A reference is to no character that XML has: one that the parser would replace.
    #[error("this reference is to no character of XML")]
    Reference,
    /// It ends before its outermost element does.
    #[error("the document ends here, before its outermost element does")]
    Unfinished,
    /// It has no element.
    #[error("the document has no element")]
    Empty,
    /// It is not well-formed; in the parser's words.
    #[error("{0}")]
    Malformed(String),
}

/// An element of a document. Attributes, comments and instructions are passed over, and so is the
/// namespace of its name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name.
    pub(crate) name: Box<str>,
    /// The line that it begins at, from 1.
    pub(crate) line: u32,
    /// The character of that line, from 1.
    pub(crate) column: u32,
    text: Box<str>,
    children: Vec<Element>,
}

/// Without texts: one of them may be a password.
impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, line, column, text: _, children } = self;
        let mut shown = f.debug_struct("Element");
        shown.field("name", name).field("line", line).field("column", column);
        shown.field("children", children).finish_non_exhaustive()
    }
}

impl Element {
    /// Whether it has this name, whatever the case of ASCII letters.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its text as it stands, with any white space; empty if it has elements in it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The elements in it.
    pub(crate) fn children(&self) -> &[Element] {
        &self.children
    }

    /// The elements of this name in it, whatever the case of ASCII letters.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.is(name))
    }

    /// The first of those.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.named(name).next()
    }
}

/// Reads a document: its outermost element.
///
/// Errors: the first fault, and where it is.
pub(crate) fn read(bytes: &[u8]) -> Result<Element, XmlError> {
    check_declaration(bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (whole, _) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
        let whole = std::str::from_utf8(whole).unwrap_or_default();
        Place::of(whole, whole.len()).fault(Fault::NotUtf8)
    })?;
    if let Some(beyond) = bytes.len().checked_sub(BYTES_MAX).filter(|beyond| *beyond > 0) {
        return Err(Place::of(text, bytes.len() - beyond).fault(Fault::TooLong));
    }
    check_parser_work(text)?;
    check_references(text)?;
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| complaint(&error, text))?;
    let mut place = Place::of(text, 0);
    element(document.root_element(), 1, text, &mut place)
}

/// Refuses a document that says, in its XML declaration, that it is not UTF-8. Looked at before the
/// bytes are: they may then be anything.
fn check_declaration(bytes: &[u8]) -> Result<(), XmlError> {
    let first = Place { at: 0, line: 1, column: 1 };
    for (mark, name) in [(&b"\xff\xfe"[..], "UTF-16"), (&b"\xfe\xff"[..], "UTF-16")] {
        if bytes.starts_with(mark) {
            return Err(first.fault(Fault::Encoding(name.to_owned())));
        }
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = bytes.get(..bytes.len().min(COMPLAINT_BYTES_MAX)).unwrap_or_default();
    let head = head.split(|byte| *byte == b'>').next().unwrap_or_default();
    let Some(declaration) = std::str::from_utf8(head).ok().and_then(|h| h.strip_prefix("<?xml"))
    else {
        return Ok(());
    };
    let Some((_, value)) = declaration.split_once("encoding") else { return Ok(()) };
    let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '=');
    let encoding = value.split(['"', '\'']).nth(1).unwrap_or_default();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("utf-8") {
        // One that is malformed is the parser's to name.
        return Ok(());
    }
    Err(first.fault(Fault::Encoding(encoding.to_owned())))
}

/// Refuses text that would cost the parser more than its length deserves.
fn check_parser_work(text: &str) -> Result<(), XmlError> {
    let at = |offset: usize, fault| Err(Place::of(text, offset).fault(fault));
    if let Some((offset, _)) = text.match_indices('<').nth(TAGS_MAX) {
        return at(offset, Fault::TooManyTags);
    }
    if let Some((offset, _)) = text.match_indices('=').nth(EQUALS_MAX) {
        return at(offset, Fault::TooManyEquals);
    }
    if let Some((offset, _)) = text.match_indices("xmlns").nth(NAMESPACES_MAX) {
        return at(offset, Fault::TooManyNamespaces);
    }
    // An attribute's value can't hold a `<` (XML 1.0, 2.3): so all of an element's attributes, one
    // `=` each, lie between its `<` and the next, and before the first `>` there that is in no
    // value. Comments, CDATA and closing tags have none.
    for (offset, _) in text.match_indices('<') {
        let tag = text.get(offset + 1..).unwrap_or_default();
        if tag.starts_with(['!', '?', '/']) {
            continue;
        }
        let tag = tag.split('<').next().unwrap_or_default();
        let inside = tag.get(..tag_end(tag)).unwrap_or_default();
        if inside.matches('=').nth(ATTRIBUTES_MAX).is_some() {
            return at(offset, Fault::TooManyAttributes);
        }
    }
    Ok(())
}

/// Where a tag ends: at the first `>` that stands outside quotes, or with the text.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// Refuses a reference to what is no character of XML (XML 1.0, 4.1, "Legal Character"), half of a
/// surrogate pair say: the parser puts another character in its place, and a password would not be
/// the one that was sent. One that is malformed is the parser's to name.
fn check_references(text: &str) -> Result<(), XmlError> {
    let mut rest = text;
    while let Some(start) = rest.find(['&', '<']) {
        let (_, found) = rest.split_at_checked(start).unwrap_or_default();
        let end_of = |end: &str| found.split_once(end).map_or("", |(_, behind)| behind);
        // What stands in these is no reference.
        rest = if found.starts_with("<!--") {
            end_of("-->")
        } else if found.starts_with("<![CDATA[") {
            end_of("]]>")
        } else if found.starts_with("<?") {
            end_of("?>")
        } else if let Some(reference) = found.strip_prefix("&#") {
            // Not up to the next semicolon, which may be far for each of many.
            let number = reference.split(|c: char| !c.is_ascii_alphanumeric()).next();
            let number = number.unwrap_or_default();
            if !is_character(number) {
                let place = Place::of(text, text.len() - found.len());
                return Err(place.fault(Fault::Reference));
            }
            reference
        } else {
            found.get(1..).unwrap_or_default()
        };
    }
    Ok(())
}

/// Whether the number of a reference, `x` before it if it is hexadecimal, is that of a character of
/// XML (XML 1.0, 2.2, `Char`); true for what is no number.
fn is_character(number: &str) -> bool {
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return true;
    }
    let character = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    character.is_some_and(|character| match character {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    })
}

/// The parser's error, with the place where it has none.
fn complaint(error: &roxmltree::Error, text: &str) -> XmlError {
    use roxmltree::Error;
    let (offset, what) = match error {
        Error::DtdDetected => (prolog_end(text), Fault::DocumentType),
        Error::NoRootNode if prolog_end(text) == text.len() => (text.len(), Fault::Empty),
        Error::NoRootNode | Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            (text.len(), Fault::Unfinished)
        }
        Error::NodesLimitReached => (text.len(), Fault::TooManyNodes),
        other => {
            let position = other.pos();
            let what = Fault::Malformed(printable(&words(other), COMPLAINT_BYTES_MAX));
            return XmlError { line: position.row, column: position.col, what };
        }
    };
    Place::of(text, offset).fault(what)
}

/// What the parser says, but nothing of what the document says: that may be a part of a password.
fn words(error: &roxmltree::Error) -> String {
    use roxmltree::Error;
    let words = match error {
        Error::UnexpectedCloseTag(..) => "a closing tag is not that of the element that is open",
        Error::UnknownEntityReference(..) => "a reference to an entity that there is none of",
        Error::DuplicatedAttribute(..) => "an attribute stands twice in one tag",
        Error::UnknownNamespace(..) => "a name has a prefix of no namespace",
        Error::DuplicatedNamespace(..) => "a namespace is declared twice in one tag",
        Error::NonXmlChar(..) => "a character that XML does not allow",
        Error::InvalidChar(..) | Error::InvalidChar2(..) => "an unexpected character",
        other => return other.to_string().replace(&format!(" at {}", other.pos()), ""),
    };
    words.to_owned()
}

/// Where the document type begins, or else the outermost element: behind the declaration, comments
/// and instructions.
fn prolog_end(text: &str) -> usize {
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else {
            return text.len() - rest.len();
        };
        let Some((_, behind)) = rest.split_once(end) else { return text.len() - rest.len() };
        rest = behind;
    }
}

/// A node of the parser's as an element of ours. `place` is at an earlier one, so that a document
/// is gone through once for all of them.
fn element(
    node: Node<'_, '_>,
    depth: usize,
    text: &str,
    place: &mut Place,
) -> Result<Element, XmlError> {
    place.advance(text, node.range().start);
    if depth > DEPTH_MAX {
        return Err(place.fault(Fault::TooDeep));
    }
    let (line, column) = (place.line, place.column);
    let mut children = Vec::new();
    for child in node.children().filter(Node::is_element) {
        children.push(element(child, depth + 1, text, place)?);
    }
    let texts = || node.children().filter(Node::is_text).filter_map(|node| node.text());
    let bytes = if children.is_empty() { texts().map(str::len).sum() } else { 0 };
    if bytes > TEXT_BYTES_MAX {
        return Err(XmlError { line, column, what: Fault::TextTooLong });
    }
    // Measured first, so that a password is never left behind in a string that grew.
    let mut whole = String::with_capacity(bytes);
    if bytes > 0 {
        texts().for_each(|part| whole.push_str(part));
    }
    let name = node.tag_name().name().into();
    Ok(Element { name, line, column, text: whole.into(), children })
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Bytes before it.
    at: usize,
    line: u32,
    column: u32,
}

impl Place {
    /// The place with so many bytes before it.
    fn of(text: &str, offset: usize) -> Self {
        let mut place = Self { at: 0, line: 1, column: 1 };
        place.advance(text, offset);
        place
    }

    /// Goes on to where there are so many bytes before it.
    fn advance(&mut self, text: &str, offset: usize) {
        for character in text.get(self.at..offset).unwrap_or_default().chars() {
            if character == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else if character != '\u{feff}' || self.at > 0 {
                self.column = self.column.saturating_add(1);
            }
            self.at += character.len_utf8();
        }
    }

    /// The fault, here.
    fn fault(self, what: Fault) -> XmlError {
        XmlError { line: self.line, column: self.column, what }
    }
}

#[cfg(test)]
mod tests;
