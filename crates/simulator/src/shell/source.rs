//! A cursor over a script, and the word grammar: quotes, backslashes, `$`.

use std::sync::Arc;

use super::ast::{Missing, Name, Op, Parameter, Part, Word};
use super::parser;

/// How deep quotes, substitutions and compound commands may nest, so that no script can use up
/// the stack.
pub const NESTING_MAX: u32 = 40;

/// A script that the shell does not understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// A token where the grammar has none.
    #[error("syntax error: line {line}: '{token}' unexpected")]
    Unexpected {
        /// The offending token.
        token: String,
        /// The line it stands on, from 1.
        line: usize,
    },
    /// A form of the shell language that the simulated shell does not have.
    #[error("syntax error: line {line}: '{token}' is not supported here")]
    Unsupported {
        /// The form's opening token.
        token: String,
        /// The line it stands on, from 1.
        line: usize,
    },
    /// More than [`NESTING_MAX`] levels.
    #[error("syntax error: line {line}: nested too deeply")]
    Nesting {
        /// The line where it became too much, from 1.
        line: usize,
    },
}

/// The parser's place in a script.
pub struct Source<'s> {
    bytes: &'s [u8],
    at: usize,
    depth: u32,
}

impl<'s> Source<'s> {
    /// Starts at the first byte.
    pub fn new(bytes: &'s [u8]) -> Self {
        Source { bytes, at: 0, depth: 0 }
    }

    /// The byte `ahead` places on, without taking it.
    pub fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// The next byte, without taking it.
    pub fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    /// Takes the next byte.
    pub fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `text` when it comes next.
    pub fn eat(&mut self, text: &[u8]) -> bool {
        let found = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if found {
            self.at += text.len();
        }
        found
    }

    /// A mark to come back to with [`Source::rewind`].
    pub fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a mark.
    pub fn rewind(&mut self, mark: usize) {
        self.at = mark;
    }

    /// The line of the cursor, from 1.
    pub fn line(&self) -> usize {
        1 + self.bytes.iter().take(self.at).filter(|byte| **byte == b'\n').count()
    }

    /// An error that names whatever stands at the cursor.
    pub fn unexpected(&self) -> SyntaxError {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let operator = rest.iter().take_while(|byte| b"&|;<>()".contains(byte)).count().min(2);
        let plain = rest.iter().take_while(|byte| !b" \t\n&|;<>()".contains(byte)).count().min(40);
        let token = match rest.first() {
            None => "end of file".to_owned(),
            Some(b'\n') => "newline".to_owned(),
            _ => {
                let token = rest.get(..operator.max(plain).max(1)).unwrap_or_default();
                String::from_utf8_lossy(token).into_owned()
            }
        };
        SyntaxError::Unexpected { token, line: self.line() }
    }

    /// An error that names a form we do not have.
    pub fn unsupported(&self, token: &str) -> SyntaxError {
        SyntaxError::Unsupported { token: token.to_owned(), line: self.line() }
    }

    /// Runs `parse` one level deeper, within [`NESTING_MAX`].
    pub fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth >= NESTING_MAX {
            return Err(SyntaxError::Nesting { line: self.line() });
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Skips blanks, continued lines and a comment; stops before a newline.
    pub fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.at += 2,
                Some(b'#') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Takes a name (letter or `_`, then letters, digits, `_`); empty when none is there.
    pub fn name(&mut self) -> Vec<u8> {
        let mut name = Vec::new();
        while let Some(byte) = self.peek() {
            let digit = byte.is_ascii_digit() && !name.is_empty();
            if !(byte.is_ascii_alphabetic() || byte == b'_' || digit) {
                break;
            }
            name.push(byte);
            self.at += 1;
        }
        name
    }

    /// Takes a word of the command grammar; none when an operator, newline or the end comes.
    pub fn word(&mut self) -> Result<Option<Word>, SyntaxError> {
        let ends = |byte: u8| b" \t\r\n&|;<>()".contains(&byte);
        let word = self.deeper(|source| source.parts(ends))?;
        Ok(if word.0.is_empty() { None } else { Some(word) })
    }

    /// Takes unquoted parts until `ends` holds for an unquoted byte.
    fn parts(&mut self, ends: impl Fn(u8) -> bool) -> Result<Word, SyntaxError> {
        let mut parts = Vec::new();
        while let Some(byte) = self.peek() {
            if ends(byte) {
                break;
            }
            match byte {
                b'\'' => parts.push(Part::Quoted(self.single_quoted()?)),
                b'"' => {
                    self.at += 1;
                    parts.push(Part::Double(self.deeper(|source| source.double_quoted())?));
                }
                b'\\' => {
                    self.at += 1;
                    match self.take() {
                        Some(b'\n') => {}
                        Some(escaped) => parts.push(Part::Quoted(vec![escaped])),
                        None => push_literal(&mut parts, b'\\'),
                    }
                }
                b'$' => self.dollar(&mut parts, false)?,
                b'`' => return Err(self.unsupported("`")),
                _ => {
                    self.at += 1;
                    push_literal(&mut parts, byte);
                }
            }
        }
        Ok(Word(parts))
    }

    /// Takes `'...'`.
    fn single_quoted(&mut self) -> Result<Vec<u8>, SyntaxError> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.take() {
                Some(b'\'') => return Ok(text),
                Some(byte) => text.push(byte),
                None => return Err(self.unexpected()),
            }
        }
    }

    /// Takes the inside of `"..."` and the closing quote.
    fn double_quoted(&mut self) -> Result<Vec<Part>, SyntaxError> {
        let parts = self.double_quoted_until(b'"')?;
        if self.take().is_none() {
            return Err(self.unexpected());
        }
        Ok(parts)
    }

    /// Takes text by the rules inside double quotes, up to an unescaped `end` (not taken).
    fn double_quoted_until(&mut self, end: u8) -> Result<Vec<Part>, SyntaxError> {
        let mut parts = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.unexpected()),
                Some(byte) if byte == end => return Ok(parts),
                Some(b'\\') => {
                    self.at += 1;
                    match self.take() {
                        Some(b'\n') => {}
                        Some(byte) if b"$`\"\\".contains(&byte) || byte == end => {
                            push_quoted(&mut parts, byte);
                        }
                        Some(byte) => {
                            push_quoted(&mut parts, b'\\');
                            push_quoted(&mut parts, byte);
                        }
                        None => return Err(self.unexpected()),
                    }
                }
                Some(b'$') => self.dollar(&mut parts, true)?,
                Some(b'`') => return Err(self.unsupported("`")),
                Some(b'"') => return Err(self.unsupported("\"${x-\"\"}\"")),
                Some(byte) => {
                    self.at += 1;
                    push_quoted(&mut parts, byte);
                }
            }
        }
    }

    /// Takes what a `$` begins.
    fn dollar(&mut self, parts: &mut Vec<Part>, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        // A line may go on anywhere, even here.
        while self.eat(b"\\\n") {}
        if self.eat(b"((") {
            let inside = self.deeper(|source| source.arithmetic())?;
            parts.push(Part::Arithmetic(inside));
        } else if self.eat(b"(") {
            let list = self.deeper(|source| parser::list(source))?;
            if !self.eat(b")") {
                return Err(self.unexpected());
            }
            parts.push(Part::Substitution(Arc::new(list)));
        } else if self.eat(b"{") {
            let parameter = self.deeper(|source| source.braced(quoted))?;
            parts.push(Part::Parameter(parameter));
        } else {
            match self.plain_name() {
                Some(name) => parts.push(Part::Parameter(Parameter { name, op: Op::Plain })),
                None if quoted => push_quoted(parts, b'$'),
                None => push_literal(parts, b'$'),
            }
        }
        Ok(())
    }

    /// Takes the inside of `$((...))` and its end. Inside, `)` must balance.
    fn arithmetic(&mut self) -> Result<Word, SyntaxError> {
        let mut parts = Vec::new();
        let mut open = 0_u32;
        loop {
            match self.peek() {
                None => return Err(self.unexpected()),
                Some(b')') if open == 0 => {
                    if self.eat(b"))") {
                        return Ok(Word(parts));
                    }
                    return Err(self.unexpected());
                }
                Some(b'$') => self.dollar(&mut parts, true)?,
                Some(byte) => {
                    match byte {
                        b'(' => open += 1,
                        b')' => open -= 1,
                        _ => {}
                    }
                    self.at += 1;
                    push_quoted(&mut parts, byte);
                }
            }
        }
    }

    /// Takes the name behind a bare `$`: one digit, one special byte, or a variable's name.
    fn plain_name(&mut self) -> Option<Name> {
        let byte = self.peek()?;
        if byte.is_ascii_digit() {
            self.at += 1;
            return Some(Name::Positional(usize::from(byte - b'0')));
        }
        if b"?#@*$!-".contains(&byte) {
            self.at += 1;
            return Some(Name::Special(byte));
        }
        let name = self.name();
        if name.is_empty() { None } else { Some(Name::Variable(name)) }
    }

    /// Takes the inside of `${...}` and its closing brace.
    fn braced(&mut self, quoted: bool) -> Result<Parameter, SyntaxError> {
        let length = self.peek() == Some(b'#') && self.peek_at(1) != Some(b'}');
        if length {
            self.at += 1;
        }
        let name = self.braced_name()?;
        if self.eat(b"}") {
            return Ok(Parameter { name, op: if length { Op::Length } else { Op::Plain } });
        }
        if length {
            return Err(self.unexpected());
        }
        let op = self.operation(quoted)?;
        if !self.eat(b"}") {
            return Err(self.unexpected());
        }
        Ok(Parameter { name, op })
    }

    /// Takes the name inside braces, where a number may have several digits.
    fn braced_name(&mut self) -> Result<Name, SyntaxError> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let next = number.unwrap_or(0_usize).saturating_mul(10);
            number = Some(next.saturating_add(usize::from(digit - b'0')));
            self.at += 1;
        }
        match number {
            Some(number) => Ok(Name::Positional(number)),
            None => self.plain_name().ok_or_else(|| self.unexpected()),
        }
    }

    /// Takes the operator behind a braced name, and its word.
    fn operation(&mut self, quoted: bool) -> Result<Op, SyntaxError> {
        for suffix in [false, true] {
            let mark: u8 = if suffix { b'%' } else { b'#' };
            if self.eat(&[mark]) {
                let longest = self.eat(&[mark]);
                // A pattern keeps its own quoting, whether or not the whole stands in quotes.
                let pattern = self.parts(|byte| byte == b'}')?;
                return Ok(Op::Trim { suffix, longest, pattern });
            }
        }
        let colon = self.eat(b":");
        let kind = match self.peek() {
            Some(b'-') => Missing::Default,
            Some(b'=') => Missing::Assign,
            Some(b'?') => Missing::Fail,
            Some(b'+') => Missing::Alternative,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        let word = if quoted {
            Word(vec![Part::Double(self.double_quoted_until(b'}')?)])
        } else {
            self.parts(|byte| byte == b'}')?
        };
        Ok(Op::Missing { kind, colon, word })
    }
}

/// Adds an unquoted byte to the last literal part.
fn push_literal(parts: &mut Vec<Part>, byte: u8) {
    match parts.last_mut() {
        Some(Part::Literal(text)) => text.push(byte),
        _ => parts.push(Part::Literal(vec![byte])),
    }
}

/// Adds a byte to the last quoted part.
fn push_quoted(parts: &mut Vec<Part>, byte: u8) {
    match parts.last_mut() {
        Some(Part::Quoted(text)) => text.push(byte),
        _ => parts.push(Part::Quoted(vec![byte])),
    }
}
