//! XML as the standard's examples print it: an element to a line, each line ended by CRLF.

use std::fmt::Write;

use thiserror::Error;
use zeroize::Zeroizing;

use super::outgoing::Encoding;
use super::{BODY_BYTES_MAX, ITEMS_MAX, VALUE_BYTES_MAX};
use crate::charset;

/// Why a command is not written. It never shows the value that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// A value has a character that XML 1.0 has no way to say, such as a control character.
    #[error("{element} has a character that XML forbids")]
    ForbiddenCharacter {
        /// The element.
        element: &'static str,
    },
    /// The shape that was asked for has no such element, so the value would be lost.
    #[error("{element} is not in this shape of BasicParam")]
    NotInShape {
        /// The element.
        element: &'static str,
    },
    /// A value is longer than [`VALUE_BYTES_MAX`].
    #[error("{element} is longer than {VALUE_BYTES_MAX} bytes")]
    ValueTooLong {
        /// The element.
        element: &'static str,
    },
    /// There are more than [`ITEMS_MAX`] items: they go in several messages.
    #[error("message has more than {ITEMS_MAX} items")]
    TooManyItems,
    /// The body is longer than [`BODY_BYTES_MAX`]: its items go in several messages.
    #[error("body is longer than {BODY_BYTES_MAX} bytes")]
    BodyTooLong,
}

/// A body in the making. Its text is wiped when it is dropped, since it may hold a password.
pub(super) struct Printer {
    text: Zeroizing<String>,
    encoding: Encoding,
}

impl Printer {
    /// The XML declaration.
    pub(super) fn new(encoding: Encoding) -> Self {
        // Room for a whole configuration, so that no password is left in a string that grew.
        let mut text = String::with_capacity(2048);
        text.push_str("<?xml version=\"1.0\" encoding=\"");
        text.push_str(encoding.label());
        text.push_str("\"?>\r\n");
        Self { text: Zeroizing::new(text), encoding }
    }

    /// A line with the start of an element.
    pub(super) fn open(&mut self, name: &str) {
        self.tag("<", name);
    }

    /// A line with the start of a list of so many items.
    pub(super) fn open_list(&mut self, name: &str, items: usize) {
        // Writing to a string does not fail.
        let _ = write!(self.text, "<{name} Num=\"{items}\">\r\n");
    }

    /// A line with the end of an element.
    pub(super) fn close(&mut self, name: &str) {
        self.tag("</", name);
    }

    /// A line with an element and its value.
    pub(super) fn element(&mut self, name: &'static str, value: &str) -> Result<(), WriteError> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(WriteError::ValueTooLong { element: name });
        }
        let _ = write!(self.text, "<{name}>");
        for character in value.chars() {
            self.character(name, character)?;
        }
        self.tag("</", name);
        Ok(())
    }

    /// A line with an element, if there is a value.
    pub(super) fn optional(
        &mut self,
        name: &'static str,
        value: Option<&str>,
    ) -> Result<(), WriteError> {
        value.map_or(Ok(()), |value| self.element(name, value))
    }

    /// A line with an element, if there is a number.
    pub(super) fn number(&mut self, name: &'static str, value: Option<u32>) {
        if let Some(value) = value {
            let _ = write!(self.text, "<{name}>{value}</{name}>\r\n");
        }
    }

    /// The bytes of the body.
    pub(super) fn finish(self) -> Result<Vec<u8>, WriteError> {
        let bytes = match self.encoding {
            Encoding::Gb2312Label | Encoding::Gb18030 => charset::encode_gb18030(&self.text),
            Encoding::Utf8 => self.text.as_bytes().to_vec(),
        };
        if bytes.len() > BODY_BYTES_MAX { Err(WriteError::BodyTooLong) } else { Ok(bytes) }
    }

    /// A tag and the end of its line.
    fn tag(&mut self, start: &str, name: &str) {
        for part in [start, name, ">\r\n"] {
            self.text.push_str(part);
        }
    }

    /// A character of a value.
    fn character(&mut self, name: &'static str, character: char) -> Result<(), WriteError> {
        match character {
            '<' => self.text.push_str("&lt;"),
            '>' => self.text.push_str("&gt;"),
            '&' => self.text.push_str("&amp;"),
            // A bare one would be read as a line feed (XML 1.0, 2.11).
            '\r' => self.text.push_str("&#13;"),
            // XML 1.0, 2.2.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(WriteError::ForbiddenCharacter { element: name });
            }
            _ if self.encoding != Encoding::Utf8 && !charset::reads_back(character) => {
                let _ = write!(self.text, "&#{};", u32::from(character));
            }
            _ => self.text.push(character),
        }
        Ok(())
    }
}

/// Refuses more items than a message may have.
pub(super) fn check_items(items: usize) -> Result<(), WriteError> {
    if items > ITEMS_MAX { Err(WriteError::TooManyItems) } else { Ok(()) }
}
