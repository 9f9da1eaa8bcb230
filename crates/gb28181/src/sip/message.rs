//! One message: its bytes, and where each part lies in them.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::field;
use super::{Method, Name};

/// The most bytes that a message may have: a head and a body at [`super::StreamLimits`]'s defaults,
/// and more than any datagram.
pub const MESSAGE_BYTES_MAX: usize = 96 * 1024;

/// The most lines in a head after the first, those included that are folded onto others. RFC 4475's
/// longest has 45.
const LINES_MAX: usize = 256;

/// The longest value of one header, in bytes, with what was folded onto it. RFC 4475's longest has
/// a few hundred, and digest credentials have less than one thousand.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Header lines that most messages have at most: room for them is made at once.
const LINES_USUAL: usize = 16;

/// One SIP message, owned. Cloning shares the bytes.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    start: StartLine,
    lines: Vec<Line>,
    body: Span,
}

/// What a message's first line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A request.
    Request {
        /// Its method.
        method: Method,
        /// The method as it stands, for those that have no name here.
        method_text: &'a [u8],
        /// The Request-URI as it stands.
        uri: &'a [u8],
    },
    /// A response.
    Response {
        /// 100 to 699.
        status: u16,
        /// The words beside it; may be empty, may be any bytes.
        reason: &'a [u8],
    },
}

/// Why bytes are no message that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Longer than [`MESSAGE_BYTES_MAX`].
    #[error("the message is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// The first line is neither a request's nor a response's.
    #[error("the first line is not one of SIP")]
    NotSip,
    /// More header lines than are read, folded ones included.
    #[error("the message has more than {LINES_MAX} header lines")]
    TooManyLines,
    /// A message of SIP, and a broken one.
    #[error("the message is malformed")]
    Faulty(#[from] Fault),
}

/// What is wrong with a message whose parts can still be told apart, so that a request with it can
/// be answered: 505 for the version, 400 for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// White space where the start line has none, or too little of it (RFC 3261 7.1, 7.2).
    #[error("the start line is malformed")]
    StartLine,
    /// Another version than SIP/2.0.
    #[error("the version of SIP is not 2.0")]
    Version,
    /// A line without a colon.
    #[error("a header line has no colon")]
    HeaderLine,
    /// A header's value is longer than is read.
    #[error("a header is longer than {VALUE_BYTES_MAX} bytes")]
    HeaderTooLong,
    /// The last header line has no end.
    #[error("the head is cut short")]
    HeadCut,
    /// Not a number, two that differ, or more than there is.
    #[error("the Content-Length is wrong")]
    ContentLength,
}

/// Part of a message's bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// The start line, by place.
#[derive(Debug, Clone, Copy)]
enum StartLine {
    Request { method: Method, text: Span, uri: Span },
    Response { status: u16, reason: Span },
}

/// One header line, with what was folded onto it.
#[derive(Debug, Clone, Copy)]
struct Line {
    name: Name,
    folded: bool,
    text: Span,
    value: Span,
}

impl Message {
    /// Reads a datagram, or one whole message of a stream.
    ///
    /// Line ends may be LF alone. Empty lines before the message are skipped. Without a
    /// Content-Length the body is all that is left; with a smaller one, what is left over is
    /// dropped (RFC 3261 18.3).
    ///
    /// # Errors
    ///
    /// [`ParseError`], also for what [`Message::parse_leniently`] would give along with a message.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        match Self::parse_leniently(bytes)? {
            (message, None) => Ok(message),
            (_, Some(fault)) => Err(fault.into()),
        }
    }

    /// Reads a message as [`Message::parse`] does, and gives a broken one too as long as its
    /// headers can be told apart: whoever sent it can be told so.
    ///
    /// # Errors
    ///
    /// [`ParseError`] for what can't be answered.
    pub fn parse_leniently(bytes: Bytes) -> Result<(Self, Option<Fault>), ParseError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(ParseError::TooLong);
        }
        let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
        let mut reader = Reader { bytes: &bytes, at: begin.ok_or(ParseError::NotSip)? };
        let first = reader.line().ok_or(ParseError::NotSip)?;
        let (start, fault) = start_line(&bytes, first)?;
        let (lines, head_fault) = header_lines(&mut reader)?;
        let head_end = reader.at;
        let (body, body_fault) = body_span(&bytes, &lines, head_end);
        let fault = fault.or(head_fault).or(body_fault);
        Ok((Self { bytes, start, lines, body }, fault))
    }

    /// What the first line says.
    pub fn start(&self) -> Start<'_> {
        match self.start {
            StartLine::Request { method, text, uri } => Start::Request {
                method,
                method_text: text.of(&self.bytes),
                uri: uri.of(&self.bytes),
            },
            StartLine::Response { status, reason } => {
                Start::Response { status, reason: reason.of(&self.bytes) }
            }
        }
    }

    /// The request's method; none for a response.
    pub fn method(&self) -> Option<Method> {
        match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        }
    }

    /// The response's status; none for a request.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    /// The first header of this name, unfolded and trimmed.
    pub fn header(&self, name: Name) -> Option<Cow<'_, [u8]>> {
        self.headers(name).next()
    }

    /// Every header line of this name in its order, each unfolded and trimmed. One line can hold
    /// several values: [`field::list`] tells them apart.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = Cow<'_, [u8]>> {
        self.lines.iter().filter(move |line| line.name == name).map(|line| self.value(*line))
    }

    /// The first header of a name that [`Name`] does not have, in whatever case.
    pub fn header_named(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let named = |line: &&Line| line.text.of(&self.bytes).eq_ignore_ascii_case(name.as_bytes());
        self.lines.iter().find(named).map(|line| self.value(*line))
    }

    /// Every header line: its name as it stands, and its value unfolded and trimmed.
    pub fn header_lines(&self) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        self.lines.iter().map(|line| (line.text.of(&self.bytes), self.value(*line)))
    }

    /// The body: as many bytes as the Content-Length says.
    pub fn body(&self) -> &[u8] {
        self.body.of(&self.bytes)
    }

    /// All bytes that the message was read from.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// A line's value; only a folded one costs a copy.
    fn value(&self, line: Line) -> Cow<'_, [u8]> {
        let value = line.value.of(&self.bytes);
        if line.folded { Cow::Owned(unfolded(value)) } else { Cow::Borrowed(value) }
    }
}

impl fmt::Debug for Message {
    /// What it is and how long, and none of its bytes: they may hold credentials or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        match self.start {
            StartLine::Request { method, .. } => shown.field("method", &method),
            StartLine::Response { status, .. } => shown.field("status", &status),
        };
        shown
            .field("header_lines", &self.lines.len())
            .field("body_bytes", &self.body().len())
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Span {
    /// A span; a message is too short for the numbers to be cut.
    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes that it names.
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// How many bytes.
    fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Without the blanks around.
    fn trimmed(self, bytes: &[u8]) -> Self {
        let whole = self.of(bytes);
        let blank = |byte: &u8| !field::is_blank(*byte);
        let start = whole.iter().position(blank).unwrap_or(whole.len());
        let end = whole.iter().rposition(blank).map_or(start, |last| last + 1);
        Self::new(self.start as usize + start, self.start as usize + end)
    }
}

impl Line {
    /// Adds a line that is folded onto it, without the blanks around. Only that line is looked at:
    /// to look at all of the value anew for each would be quadratic work.
    fn fold(&mut self, part: Span) {
        self.folded = true;
        if part.len() == 0 {
            return;
        }
        if self.value.len() == 0 {
            self.value.start = part.start;
        }
        self.value.end = part.end;
    }

    /// What is wrong with it as far as it has been read.
    fn fault(&self) -> Option<Fault> {
        (self.value.len() > VALUE_BYTES_MAX).then_some(Fault::HeaderTooLong)
    }
}

/// Goes through the lines of a message.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next line without its end, or none if there is no whole line left.
    fn line(&mut self) -> Option<Span> {
        let rest = self.bytes.get(self.at..)?;
        let feed = rest.iter().position(|byte| *byte == b'\n')?;
        let start = self.at;
        self.at = start + feed + 1;
        let carriage = feed > 0 && rest.get(feed - 1) == Some(&b'\r');
        Some(Span::new(start, start + feed - usize::from(carriage)))
    }

    /// What is left, as if it were a line: of a head that was cut short.
    fn cut_line(&mut self) -> Option<Span> {
        let start = self.at;
        self.at = self.bytes.len();
        (start < self.at).then(|| Span::new(start, self.at))
    }
}

/// Reads the start line. One that is off by white space still gives its parts.
fn start_line(bytes: &[u8], line: Span) -> Result<(StartLine, Option<Fault>), ParseError> {
    let text = line.of(bytes);
    let at =
        |from: usize, to: usize| Span::new(line.start as usize + from, line.start as usize + to);
    if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/")) {
        return status_line(text, at);
    }
    let method_end = text.iter().position(|byte| *byte == b' ').ok_or(ParseError::NotSip)?;
    let last = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
    let end = last.ok_or(ParseError::NotSip)? + 1;
    let head = text.get(..end).unwrap_or_default();
    let gap = head.iter().rposition(|byte| *byte == b' ').ok_or(ParseError::NotSip)?;
    let version = text.get(gap + 1..end).unwrap_or_default();
    let method = text.get(..method_end).unwrap_or_default();
    let is_sip = version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
    if !is_sip || method.is_empty() || !method.iter().all(|byte| field::is_token(*byte)) {
        return Err(ParseError::NotSip);
    }
    // One space between the parts and none in the URI (RFC 3261 7.1).
    let uri = text.get(method_end + 1..gap).unwrap_or_default();
    let odd = uri.is_empty() || uri.iter().any(|byte| field::is_blank(*byte)) || end != text.len();
    let fault = if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        Some(Fault::Version)
    } else {
        odd.then_some(Fault::StartLine)
    };
    let start = StartLine::Request {
        method: Method::of(method),
        text: at(0, method_end),
        uri: at(method_end + 1, gap.max(method_end + 1)).trimmed(bytes),
    };
    Ok((start, fault))
}

/// Reads a response's first line: version, status, reason (RFC 3261 7.2).
fn status_line(
    text: &[u8],
    at: impl Fn(usize, usize) -> Span,
) -> Result<(StartLine, Option<Fault>), ParseError> {
    let gap = text.iter().position(|byte| *byte == b' ').ok_or(ParseError::NotSip)?;
    let rest = text.get(gap + 1..).unwrap_or_default();
    let digits = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    let code = rest.get(..digits).filter(|code| code.len() == 3).and_then(field::number);
    let status = code.filter(|code| (100..700).contains(code)).ok_or(ParseError::NotSip)?;
    let version = text.get(..gap).unwrap_or_default();
    let fault = (!version.eq_ignore_ascii_case(b"SIP/2.0")).then_some(Fault::Version);
    let reason = at((gap + 1 + digits + 1).min(text.len()), text.len());
    Ok((StartLine::Response { status: status as u16, reason }, fault))
}

/// Reads the header lines up to the empty one. A head that ends with the bytes, after a whole line,
/// is taken as ended: some devices leave the empty line out.
fn header_lines(reader: &mut Reader<'_>) -> Result<(Vec<Line>, Option<Fault>), ParseError> {
    let mut lines: Vec<Line> = Vec::with_capacity(LINES_USUAL);
    let mut fault = None;
    let mut lines_read = 0;
    loop {
        let line = match reader.line() {
            Some(line) if line.start == line.end => return Ok((lines, fault)),
            Some(line) => line,
            None => match reader.cut_line() {
                Some(rest) => {
                    fault = fault.or(Some(Fault::HeadCut));
                    rest
                }
                None => return Ok((lines, fault)),
            },
        };
        lines_read += 1;
        if lines_read > LINES_MAX {
            return Err(ParseError::TooManyLines);
        }
        let text = line.of(reader.bytes);
        if text.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            match lines.last_mut() {
                Some(last) => {
                    last.fold(line.trimmed(reader.bytes));
                    fault = fault.or_else(|| last.fault());
                }
                None => fault = fault.or(Some(Fault::HeaderLine)),
            }
            continue;
        }
        let Some(colon) = text.iter().position(|byte| *byte == b':') else {
            fault = fault.or(Some(Fault::HeaderLine));
            continue;
        };
        let colon = line.start as usize + colon;
        let name = Span::new(line.start as usize, colon).trimmed(reader.bytes);
        let line = Line {
            name: Name::of(name.of(reader.bytes)),
            folded: false,
            text: name,
            value: Span::new(colon + 1, line.end as usize).trimmed(reader.bytes),
        };
        fault = fault.or_else(|| line.fault());
        lines.push(line);
    }
}

/// Where the body lies, by the Content-Length if there is one.
fn body_span(bytes: &[u8], lines: &[Line], head_end: usize) -> (Span, Option<Fault>) {
    let available = bytes.len().saturating_sub(head_end);
    let rest = Span::new(head_end, bytes.len());
    let mut given = lines.iter().filter(|line| line.name == Name::ContentLength);
    let Some(first) = given.next() else { return (rest, None) };
    let length = |line: &Line| field::number(line.value.of(bytes)).map(|number| number as usize);
    let length_of_first = length(first);
    match length_of_first {
        Some(length_bytes)
            if length_bytes <= available && given.all(|other| length(other) == length_of_first) =>
        {
            (Span::new(head_end, head_end + length_bytes), None)
        }
        _ => (rest, Some(Fault::ContentLength)),
    }
}

/// A folded value on one line: each fold, with the blanks around it, is one space (RFC 3261 7.3.1).
fn unfolded(value: &[u8]) -> Vec<u8> {
    let mut one_line = Vec::with_capacity(value.len());
    for (index, part) in value.split(|byte| *byte == b'\n').enumerate() {
        let part = field::trim(part);
        if index > 0 && !part.is_empty() && !one_line.is_empty() {
            one_line.push(b' ');
        }
        one_line.extend_from_slice(part);
    }
    one_line
}
