//! XML of strangers: decoded, bounded, and asked for the values of its elements.

use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    ATTRIBUTES_MAX, BODY_BYTES_MAX, DEPTH_MAX, ITEMS_MAX, NAMESPACES_MAX, NODES_MAX,
    VALUE_BYTES_MAX,
};
use crate::charset::{self, CharsetError};

/// Why a body is not read. No text of the body is in it: it may hold a password, and whoever sent
/// it may be anybody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManscdpError {
    /// The body is longer than [`BODY_BYTES_MAX`].
    #[error("body is longer than {BODY_BYTES_MAX} bytes")]
    BodyTooLong,
    /// The bytes could not be made text.
    #[error("body could not be decoded")]
    Charset(#[source] CharsetError),
    /// The body has a document type, which MANSCDP has no use for and attackers have.
    #[error("body has a document type")]
    DocumentType,
    /// The text is no well-formed XML, or has characters that XML 1.0 forbids.
    #[error("body is no well-formed XML: line {line}, column {column}")]
    Malformed {
        /// Line after the XML declaration, from 1.
        line: u32,
        /// Character of that line, from 1.
        column: u32,
    },
    /// The body has more than [`NODES_MAX`] nodes.
    #[error("body has more than {NODES_MAX} XML nodes")]
    TooManyNodes,
    /// Elements are nested deeper than [`DEPTH_MAX`].
    #[error("body nests elements deeper than {DEPTH_MAX}")]
    TooDeep,
    /// The body mentions `xmlns` more than [`NAMESPACES_MAX`] times.
    #[error("body has more than {NAMESPACES_MAX} namespaces")]
    TooManyNamespaces,
    /// An element has more than [`ATTRIBUTES_MAX`] attributes.
    #[error("body has an element of more than {ATTRIBUTES_MAX} attributes")]
    TooManyAttributes,
    /// A list has more than [`ITEMS_MAX`] items.
    #[error("body has a list of more than {ITEMS_MAX} items")]
    TooManyItems,
    /// A value is longer than [`VALUE_BYTES_MAX`].
    #[error("{element} is longer than {VALUE_BYTES_MAX} bytes")]
    ValueTooLong {
        /// The element.
        element: &'static str,
    },
    /// The outermost element is none of the four that MANSCDP has.
    #[error("body is no Notify, Response, Query or Control")]
    UnknownRoot,
    /// An element that every command of its kind has is not there, or is empty.
    #[error("{element} is missing")]
    Missing {
        /// The element.
        element: &'static str,
    },
    /// An element that must be a number is none, or is beyond 32 bits.
    #[error("{element} is no number")]
    NotANumber {
        /// The element.
        element: &'static str,
    },
}

/// The text of a body after its XML declaration. It is wiped when it is dropped, since it may hold
/// a password.
pub(super) struct Body(Zeroizing<String>);

impl Body {
    /// Makes the bytes of a body text.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ManscdpError> {
        if bytes.len() > BODY_BYTES_MAX {
            return Err(ManscdpError::BodyTooLong);
        }
        let (text, _) = charset::decode(bytes).map_err(ManscdpError::Charset)?;
        Ok(Self(Zeroizing::new(text)))
    }

    /// The tree of the body's elements.
    pub(super) fn document(&self) -> Result<Document<'_>, ManscdpError> {
        let text = without_declaration(&self.0);
        check_parser_work(text)?;
        let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document =
            Document::parse_with_options(text, options).map_err(|error| refusal(&error))?;
        check_depth(document.root())?;
        Ok(document)
    }
}

/// The text without its XML declaration, what stands around it, and the NULs that devices written
/// in C send after the end. The declaration has done its work, and some are not well-formed.
fn without_declaration(text: &str) -> &str {
    let text = text.trim_end_matches('\0').trim();
    let Some(declaration) = text.strip_prefix("<?xml") else { return text };
    declaration.split_once("?>").map_or(text, |(_, rest)| rest)
}

/// Refuses text that would cost the parser more than time in proportion to its length: it compares
/// the namespaces of nested elements in cubic time, and the attributes of an element in quadratic
/// time, before any bound of ours can be looked at in the tree. Depth and nodes cost it nothing
/// beyond their number, and are bounded by [`check_depth`] and the parser itself.
fn check_parser_work(text: &str) -> Result<(), ManscdpError> {
    if text.matches("xmlns").nth(NAMESPACES_MAX).is_some() {
        return Err(ManscdpError::TooManyNamespaces);
    }
    // An attribute's value can't hold a `<` (XML 1.0, 2.3): so all of an element's attributes, one
    // `=` each, lie between its `<` and the next, and before the last `>` there. Comments, CDATA
    // and closing tags have none.
    let tags = text.split('<').skip(1).filter(|part| !part.starts_with(['!', '?', '/']));
    for tag in tags {
        let inside = tag.rsplit_once('>').map_or(tag, |(inside, _)| inside);
        if inside.matches('=').nth(ATTRIBUTES_MAX).is_some() {
            return Err(ManscdpError::TooManyAttributes);
        }
    }
    Ok(())
}

/// The parser's complaint, without the names that it quotes.
fn refusal(error: &roxmltree::Error) -> ManscdpError {
    match error {
        roxmltree::Error::DtdDetected => ManscdpError::DocumentType,
        roxmltree::Error::NodesLimitReached => ManscdpError::TooManyNodes,
        other => {
            let at = other.pos();
            ManscdpError::Malformed { line: at.row, column: at.col }
        }
    }
}

/// Refuses a tree that is deeper than the bound. It walks without recursion: the tree may be as
/// deep as its text is long.
fn check_depth(root: Node<'_, '_>) -> Result<(), ManscdpError> {
    let mut depth = 0;
    let mut node = root;
    loop {
        if let Some(child) = node.first_child() {
            node = child;
            depth += 1;
            // An element at the bound may still have text.
            if depth > DEPTH_MAX && node.is_element() {
                return Err(ManscdpError::TooDeep);
            }
            continue;
        }
        loop {
            if let Some(sibling) = node.next_sibling() {
                if depth > DEPTH_MAX && sibling.is_element() {
                    return Err(ManscdpError::TooDeep);
                }
                node = sibling;
                break;
            }
            let Some(parent) = node.parent() else { return Ok(()) };
            node = parent;
            depth -= 1;
        }
    }
}

/// An element, asked for what it holds. Namespaces are passed over: the standard has none.
#[derive(Clone, Copy)]
pub(super) struct Element<'a, 'text>(Node<'a, 'text>);

impl<'a, 'text> Element<'a, 'text> {
    /// The outermost element.
    pub(super) fn root_of(document: &'a Document<'text>) -> Self {
        Self(document.root_element())
    }

    /// Its name.
    pub(super) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    /// The elements in it.
    pub(super) fn all_children(self) -> impl Iterator<Item = Self> {
        self.0.children().filter(Node::is_element).map(Self)
    }

    /// The elements of a name in it.
    pub(super) fn children(self, name: &str) -> impl Iterator<Item = Self> {
        self.all_children().filter(move |child| child.name() == name)
    }

    /// The first element of a name in it.
    pub(super) fn child(self, name: &str) -> Option<Self> {
        self.children(name).next()
    }

    /// The text of the first element of a name, without white space around it; nothing if there is
    /// no such element or it is empty. Only XML's white space counts: a name may end in U+3000.
    pub(super) fn text(self, name: &'static str) -> Result<Option<String>, ManscdpError> {
        let Some(child) = self.child(name) else { return Ok(None) };
        let texts = || child.0.children().filter(Node::is_text).filter_map(|node| node.text());
        // Measured first, so that a password is never left behind in a string that grew.
        let mut text = String::with_capacity(texts().map(str::len).sum());
        texts().for_each(|part| text.push_str(part));
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        if trimmed.len() > VALUE_BYTES_MAX {
            return Err(ManscdpError::ValueTooLong { element: name });
        }
        if trimmed.len() < text.len() {
            let trimmed = trimmed.to_owned();
            drop(Zeroizing::new(text));
            text = trimmed;
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The text of an element that must be there.
    pub(super) fn required(self, name: &'static str) -> Result<String, ManscdpError> {
        self.text(name)?.ok_or(ManscdpError::Missing { element: name })
    }

    /// The number in the first element of a name; nothing if it holds none.
    pub(super) fn number(self, name: &'static str) -> Result<Option<u32>, ManscdpError> {
        Ok(self.text(name)?.and_then(|text| text.parse().ok()))
    }
}
