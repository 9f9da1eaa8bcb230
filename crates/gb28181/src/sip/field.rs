//! The small pieces that header values are made of: numbers, parameters, lists, quoted strings.

use std::str;

/// Spaces and tabs, and the line ends of a folded value.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The value without the white space around it.
pub fn trim(value: &[u8]) -> &[u8] {
    let start = value.iter().position(|byte| !is_blank(*byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// Whether a byte may stand in a token (RFC 3261 25.1).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// A decimal number below 2^32; leading zeros are fine, a sign, blanks inside and nothing are not.
pub fn number(value: &[u8]) -> Option<u32> {
    let digits = trim(value);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// A CSeq: its number, which is below 2^31, and its method (RFC 3261 8.1.1.5).
pub fn cseq(value: &[u8]) -> Option<(u32, &[u8])> {
    let value = trim(value);
    let gap = value.iter().position(|byte| is_blank(*byte))?;
    let (digits, method) = value.split_at_checked(gap)?;
    let method = trim(method);
    let sequence = number(digits).filter(|number| *number < 1 << 31)?;
    (!method.is_empty() && method.iter().all(|byte| is_token(*byte))).then_some((sequence, method))
}

/// Where the quoted string at the start of `value` ends, past its closing quote; none if it does
/// not start with a quote or is never closed.
///
/// A GBK character's second byte can be a backslash. So the string is read in two ways, each byte
/// alone and a byte of 0x81 and more together with the next where the two can be one character; up
/// to where the first of them ends it, being UTF-8 or not decides. Nothing past the end that is
/// given is looked at: a value of many strings is read in time that is in proportion to its length.
pub(crate) fn quoted_end(value: &[u8]) -> Option<usize> {
    if value.first() != Some(&b'"') {
        return None;
    }
    let (mut single, mut paired) = (1, 1);
    let (mut at, pairs) = loop {
        let at = single.min(paired);
        if *value.get(at)? == b'"' {
            if single == paired {
                return Some(at + 1);
            }
            let pairs = str::from_utf8(value.get(..at)?).is_err();
            break (if pairs { paired } else { single }, pairs);
        }
        if single == at {
            single = after(value, at, false);
        }
        if paired == at {
            paired = after(value, at, true);
        }
    };
    while *value.get(at)? != b'"' {
        at = after(value, at, pairs);
    }
    Some(at + 1)
}

/// The next byte to look at in a quoted string, after the one at `at`: an escape takes the next
/// with it, and so does the first byte of a GBK character if `pairs`.
fn after(value: &[u8], at: usize, pairs: bool) -> usize {
    let second = || matches!(value.get(at + 1), Some(0x40..=0xfe));
    match value.get(at) {
        Some(b'\\') => at + 2,
        Some(0x81..=0xfe) if pairs && second() => at + 2,
        _ => at + 1,
    }
}

/// Cuts a value at the first `separator` that is neither in a quoted string nor between `<` and
/// `>`: what is before it, and what is after it if there is one. A quote that is never closed takes
/// all the rest with it.
pub(crate) fn cut(value: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut at = 0;
    let mut bracket = false;
    while let Some(byte) = value.get(at).copied() {
        match byte {
            b'"' => {
                let rest = value.get(at..).unwrap_or_default();
                at += quoted_end(rest).unwrap_or(rest.len());
                continue;
            }
            b'<' => bracket = true,
            b'>' => bracket = false,
            _ if byte == separator && !bracket => {
                return (value.get(..at).unwrap_or_default(), value.get(at + 1..));
            }
            _ => {}
        }
        at += 1;
    }
    (value, None)
}

/// The values of a comma-separated header line (RFC 3261 7.3.1), each trimmed. Empty ones are
/// given too: whether they matter is for the reader to say.
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let (first, after) = cut(rest?, b',');
        rest = after;
        Some(trim(first))
    })
}

/// Parameters after a value: `a=1;b;c="x y"`, without the first semicolon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a>(&'a [u8]);

impl<'a> Params<'a> {
    /// Takes the text after the first semicolon.
    pub fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// Each parameter's name and, where it has one, its value: quotes and all, trimmed.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = (!self.0.is_empty()).then_some(self.0);
        std::iter::from_fn(move || {
            let (first, after) = cut(rest?, b';');
            rest = after;
            let (name, value) = cut(first, b'=');
            Some((trim(name), value.map(trim)))
        })
    }

    /// The value of the first parameter of this name, in whatever case: empty if it has none.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        let of_name = |found: &&'a [u8]| found.eq_ignore_ascii_case(name.as_bytes());
        self.iter().find(|(found, _)| of_name(found)).map(|(_, value)| value.unwrap_or_default())
    }

    /// Whether each has a name and closed quotes. One empty parameter at the end is let pass: some
    /// devices end with a semicolon.
    pub(crate) fn are_sound(self) -> bool {
        let mut empty = false;
        for (name, value) in self.iter() {
            if empty || (name.is_empty() && value.is_some()) {
                return false;
            }
            empty = name.is_empty();
            let quoted = value.filter(|value| value.contains(&b'"'));
            if quoted.is_some_and(|value| quoted_end(value) != Some(value.len())) {
                return false;
            }
        }
        true
    }

    /// The text as it stands.
    pub fn text(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, list, quoted_end};

    #[test]
    fn a_quoted_string_is_judged_by_its_own_bytes_and_by_nothing_after_its_end() {
        // In UTF-8 the backslash is an escape; it would be half of a character in GBK.
        let utf8 = "\"\u{8bf5}\\\" x\"".as_bytes();
        // 誠 in GBK has a backslash for its second byte, right before the closing quote.
        let gbk = b"\"\xd5\x5c\"";
        // Read in pairs this one goes on, and read as UTF-8 it is over at once.
        let shorter = "\"\u{8bf5}\\\\\"".as_bytes();
        for string in [utf8, gbk, shorter, b"\"\"", b"\"a\\\"b\"", b"\"\xff\x80\""] {
            for tail in [&b""[..], b";a=b", b"\xff", b"\xd5\x5c\"", b"\\\"", "é\"é".as_bytes()] {
                let value = [string, tail].concat();
                assert_eq!(quoted_end(&value), Some(string.len()), "{}", value.escape_ascii());
            }
        }
        for open in
            [&b"\""[..], b"\"a", b"\"a\\", b"\"a\\\"", b"\"\xd5", "\"é".as_bytes(), b"a\"\""]
        {
            assert_eq!(quoted_end(open), None, "{}", open.escape_ascii());
        }
    }

    /// Each string is looked at as far as its end: the ends follow each other, whatever comes last.
    #[test]
    fn a_value_of_as_many_strings_as_fit_is_read_string_by_string() {
        for item in ["a=\"é\"".as_bytes(), b"a=\"\xd5\x5c\"", "a=\\\"\u{8bf5}\\\"\"".as_bytes()] {
            let mut value = [item, b","].concat().repeat(96 * 1024 / (item.len() + 1));
            value.extend_from_slice(b"\xff");
            let (parts, rest) = list(&value).fold((0, &b""[..]), |(sum, _), part| (sum + 1, part));
            assert_eq!((parts, rest), (96 * 1024 / (item.len() + 1) + 1, &b"\xff"[..]));
            assert_eq!(cut(&value, b',').0, item);
        }
    }
}
