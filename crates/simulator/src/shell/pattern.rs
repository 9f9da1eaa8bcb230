//! Patterns: `*`, `?`, `[...]` (POSIX.1-2017, Shell Command Language, section 2.13), on bytes.

/// One byte of an expanded word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub byte: u8,
    /// Quoted: never part of a pattern.
    pub quoted: bool,
}

/// Drops the marks.
pub fn text(units: &[Unit]) -> Vec<u8> {
    units.iter().map(|unit| unit.byte).collect()
}

/// Whether an unquoted pattern byte is among `units`.
pub fn has_pattern(units: &[Unit]) -> bool {
    units.iter().any(|unit| !unit.quoted && b"*?[".contains(&unit.byte))
}

/// A pattern, ready to match.
#[derive(Debug)]
pub struct Pattern(Vec<Token>);

/// One element of a pattern.
#[derive(Debug)]
enum Token {
    Star,
    Any,
    Byte(u8),
    /// Ranges of bytes, ends included.
    Class {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
}

impl Token {
    /// Whether the element takes this one byte; a star is the matcher's own business.
    fn takes(&self, byte: u8) -> bool {
        match self {
            Token::Star => false,
            Token::Any => true,
            Token::Byte(own) => *own == byte,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
        }
    }
}

impl Pattern {
    /// Reads a pattern; a `[` without its `]` stands for itself.
    pub fn new(units: &[Unit]) -> Self {
        let mut tokens = Vec::new();
        let mut rest = units;
        while let Some((unit, behind)) = rest.split_first() {
            rest = behind;
            let token = match unit.byte {
                b'*' if !unit.quoted => Token::Star,
                b'?' if !unit.quoted => Token::Any,
                b'\\' if !unit.quoted => match rest.split_first() {
                    Some((escaped, behind)) => {
                        rest = behind;
                        Token::Byte(escaped.byte)
                    }
                    None => Token::Byte(b'\\'),
                },
                b'[' if !unit.quoted => match class(rest) {
                    Some((token, behind)) => {
                        rest = behind;
                        token
                    }
                    None => Token::Byte(b'['),
                },
                byte => Token::Byte(byte),
            };
            tokens.push(token);
        }
        Pattern(tokens)
    }

    /// Whether the whole of `text` matches. Linear but for stars, which retry one at a time.
    pub fn matches(&self, text: &[u8]) -> bool {
        let (mut token, mut byte) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(token), text.get(byte)) {
                (Some(Token::Star), _) => {
                    star = Some((token, byte));
                    token += 1;
                    continue;
                }
                (Some(own), Some(given)) if own.takes(*given) => {
                    token += 1;
                    byte += 1;
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            match star {
                Some((at, from)) if from < text.len() => {
                    star = Some((at, from + 1));
                    token = at + 1;
                    byte = from + 1;
                }
                _ => return false,
            }
        }
    }

    /// How many bytes at the start (or, with `suffix`, at the end) of `text` match: the fewest,
    /// or the most with `longest`.
    pub fn trim(&self, text: &[u8], suffix: bool, longest: bool) -> usize {
        let matches = |length: &usize| {
            let piece = if suffix { text.get(text.len() - length..) } else { text.get(..*length) };
            piece.is_some_and(|piece| self.matches(piece))
        };
        let mut lengths = 0..=text.len();
        let found = if longest { lengths.rfind(matches) } else { lengths.find(matches) };
        found.unwrap_or(0)
    }
}

/// Reads a class behind its `[`; none when it has no end.
fn class(units: &[Unit]) -> Option<(Token, &[Unit])> {
    let mut rest = units;
    let negated = rest.first().is_some_and(|unit| !unit.quoted && b"!^".contains(&unit.byte));
    if negated {
        rest = rest.get(1..)?;
    }
    let mut ranges = Vec::new();
    loop {
        let (unit, behind) = rest.split_first()?;
        rest = behind;
        if unit.byte == b']' && !unit.quoted && !ranges.is_empty() {
            return Some((Token::Class { negated, ranges }, rest));
        }
        let high = match rest {
            [dash, high, ..] if dash.byte == b'-' && !dash.quoted && high.byte != b']' => {
                rest = rest.get(2..)?;
                high.byte
            }
            _ => unit.byte,
        };
        ranges.push((unit.byte, high));
    }
}
