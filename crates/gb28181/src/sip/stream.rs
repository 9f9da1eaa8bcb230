//! Cuts the bytes of a TCP connection into messages.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::Name;
use super::field;

/// How much of a stream is held for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Start line and headers, with the empty line.
    pub head_bytes_max: usize,
    /// The body, as the Content-Length says.
    pub body_bytes_max: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { head_bytes_max: 32 * 1024, body_bytes_max: 64 * 1024 }
    }
}

/// Why no further message can be found in a stream. The connection has to be closed.
///
/// Where there is a head, handing it to [`crate::endpoint::Endpoint::receive`] before that has its
/// sender told: it is answered 400, since the body that it speaks of is missing.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// No end of a head within the limit.
    #[error("a head is longer than {head_bytes_max} bytes")]
    HeadTooLong {
        /// The limit.
        head_bytes_max: usize,
    },
    /// A body over the limit.
    #[error("a body is longer than {body_bytes_max} bytes")]
    BodyTooLong {
        /// The limit.
        body_bytes_max: usize,
        /// The message up to its body.
        head: Bytes,
    },
    /// A Content-Length that is no number, or two that differ: where the next message begins can't
    /// be known.
    #[error("a Content-Length is not to be understood")]
    ContentLength {
        /// The message up to its body.
        head: Bytes,
    },
}

/// Splits a TCP byte stream into messages by their Content-Length (RFC 3261 18.3). A message
/// without one has no body.
///
/// Empty lines between messages are eaten; each CRLFCRLF among them, the ping of RFC 5626 4.4.1,
/// is counted. It holds nothing while no message is under way.
pub struct StreamDecoder {
    limits: StreamLimits,
    held: BytesMut,
    /// Bytes at the front of `held` that are known not to end a head.
    searched: usize,
    /// How long the message at the front is, once its head is whole.
    message_bytes: Option<usize>,
    /// Line feeds eaten since the last message or ping.
    feeds: u32,
    pings: u32,
    failed: Option<StreamError>,
}

impl fmt::Debug for StreamError {
    /// The words of the error, and none of the head's bytes: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamError({self})")
    }
}

impl fmt::Debug for StreamDecoder {
    /// How much is held, and none of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamDecoder")
            .field("limits", &self.limits)
            .field("held_bytes", &self.held.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl StreamDecoder {
    /// A decoder for one connection.
    pub fn new(limits: StreamLimits) -> Self {
        Self {
            limits,
            held: BytesMut::new(),
            searched: 0,
            message_bytes: None,
            feeds: 0,
            pings: 0,
            failed: None,
        }
    }

    /// Takes what was read. Take all messages with [`StreamDecoder::next`] before the next push:
    /// then no more than one message at its limits, and one push, is ever held.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.held.extend_from_slice(bytes);
        }
    }

    /// The next whole message, or none until more is pushed.
    ///
    /// # Errors
    ///
    /// [`StreamError`], and the same again from then on.
    #[expect(clippy::should_implement_trait, reason = "an iterator ends; a stream has more later")]
    pub fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        match self.cut() {
            Ok(message) => Ok(message),
            Err(error) => {
                self.held = BytesMut::new();
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// How many pings have come since this was last asked. Each wants a CRLF back (RFC 5626 4.4.1).
    pub fn pings(&mut self) -> u32 {
        std::mem::take(&mut self.pings)
    }

    /// Bytes that are held for a message under way.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Cuts off one message, if it is there.
    fn cut(&mut self) -> Result<Option<Bytes>, StreamError> {
        if self.message_bytes.is_none() {
            self.eat_empty_lines();
            let Some(head_bytes) = self.head_end() else {
                return self.unfinished();
            };
            self.message_bytes = Some(self.length(head_bytes)?);
        }
        match self.message_bytes {
            Some(length) if length <= self.held.len() => {
                let message = self.held.split_to(length).freeze();
                (self.message_bytes, self.searched, self.feeds) = (None, 0, 0);
                self.give_back();
                Ok(Some(message))
            }
            _ => Ok(None),
        }
    }

    /// No end of a head yet: fine within the limit.
    fn unfinished(&mut self) -> Result<Option<Bytes>, StreamError> {
        let head_bytes_max = self.limits.head_bytes_max;
        if self.held.len() > head_bytes_max {
            return Err(StreamError::HeadTooLong { head_bytes_max });
        }
        self.give_back();
        Ok(None)
    }

    /// Eats line ends before a message, counting pings.
    fn eat_empty_lines(&mut self) {
        if self.searched > 0 {
            return;
        }
        while let Some(byte @ (b'\r' | b'\n')) = self.held.first().copied() {
            self.held.advance(1);
            if byte == b'\n' {
                self.feeds += 1;
            }
            if self.feeds == 2 {
                self.feeds = 0;
                self.pings = self.pings.saturating_add(1);
            }
        }
    }

    /// Where the head ends, past its empty line. What was looked at is not looked at again.
    fn head_end(&mut self) -> Option<usize> {
        let mut from = self.searched;
        loop {
            let rest = self.held.get(from..)?;
            let Some(feed) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.held.len();
                return None;
            };
            let after = from + feed + 1;
            match (self.held.get(after), self.held.get(after + 1)) {
                (Some(b'\n'), _) => return self.within(after + 1),
                (Some(b'\r'), Some(b'\n')) => return self.within(after + 2),
                (None, _) | (Some(b'\r'), None) => {
                    self.searched = from + feed;
                    return None;
                }
                _ => {
                    from = after;
                    self.searched = from;
                }
            }
        }
    }

    /// A head's end, if the head is within its limit.
    fn within(&self, head_bytes: usize) -> Option<usize> {
        (head_bytes <= self.limits.head_bytes_max).then_some(head_bytes)
    }

    /// The length of the message whose head has ended.
    fn length(&self, head_bytes: usize) -> Result<usize, StreamError> {
        let head = self.held.get(..head_bytes).unwrap_or_default();
        let copy = || Bytes::copy_from_slice(head);
        let body_bytes_max = self.limits.body_bytes_max;
        match content_length(head) {
            Ok(body) if body <= body_bytes_max => Ok(head_bytes + body),
            Ok(_) => Err(StreamError::BodyTooLong { body_bytes_max, head: copy() }),
            Err(Unreadable) => Err(StreamError::ContentLength { head: copy() }),
        }
    }

    /// An idle connection must cost nothing: an empty buffer's memory goes back.
    fn give_back(&mut self) {
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}

/// A Content-Length that is no number, or two that differ.
struct Unreadable;

/// The Content-Length in a head; 0 if there is none. A value may be folded onto the next line.
fn content_length(head: &[u8]) -> Result<usize, Unreadable> {
    let mut found: Option<u32> = None;
    let mut lines = head.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if folded || Name::of(field::trim(name)) != Name::ContentLength {
            continue;
        }
        let mut value = value.get(1..).unwrap_or_default().to_vec();
        while let Some(next) = lines.next_if(|next| matches!(next.first(), Some(b' ' | b'\t'))) {
            value.extend_from_slice(next);
        }
        let number = field::number(&value).ok_or(Unreadable)?;
        if found.is_some_and(|other| other != number) {
            return Err(Unreadable);
        }
        found = Some(number);
    }
    Ok(found.unwrap_or_default() as usize)
}
