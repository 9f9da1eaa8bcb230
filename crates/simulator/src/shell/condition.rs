//! `test` and `[`: strings, integers, files (POSIX.1-2017, `test`).

use super::{FileKind, System};

/// Answers a `test` with its arguments (without the command's name and a closing `]`): 0 for
/// true, 1 for false; a message for one that makes no sense (status 2).
pub fn test(system: &dyn System, args: &[&[u8]]) -> Result<bool, String> {
    let mut reader = Reader { system, args, at: 0 };
    if args.is_empty() {
        return Ok(false);
    }
    let value = reader.either()?;
    match args.get(reader.at) {
        None => Ok(value),
        Some(extra) => Err(format!("{}: unexpected operator", String::from_utf8_lossy(extra))),
    }
}

/// What is left of the arguments.
struct Reader<'a> {
    system: &'a dyn System,
    args: &'a [&'a [u8]],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The argument `ahead` places on.
    fn peek(&self, ahead: usize) -> Option<&'a [u8]> {
        self.args.get(self.at + ahead).copied()
    }

    /// How many arguments are left.
    fn left(&self) -> usize {
        self.args.len().saturating_sub(self.at)
    }

    /// `a -o b`.
    fn either(&mut self) -> Result<bool, String> {
        let mut value = self.both()?;
        while self.peek(0) == Some(b"-o") {
            self.at += 1;
            let right = self.both()?;
            value = value || right;
        }
        Ok(value)
    }

    /// `a -a b`.
    fn both(&mut self) -> Result<bool, String> {
        let mut value = self.one()?;
        while self.peek(0) == Some(b"-a") {
            self.at += 1;
            let right = self.one()?;
            value = value && right;
        }
        Ok(value)
    }

    /// One primary. A binary operator in second place wins over everything, so that operands
    /// which look like operators are taken as text.
    fn one(&mut self) -> Result<bool, String> {
        if let (Some(left), Some(operator), Some(right)) =
            (self.peek(0), self.peek(1), self.peek(2))
            && let Some(value) = binary(left, operator, right)
        {
            self.at += 3;
            return value;
        }
        let Some(first) = self.peek(0) else { return Err("argument expected".to_owned()) };
        if first == b"!" && self.left() > 1 {
            self.at += 1;
            return Ok(!self.one()?);
        }
        if first == b"(" && self.left() > 2 {
            self.at += 1;
            let value = self.either()?;
            if self.peek(0) != Some(b")") {
                return Err("closing paren expected".to_owned());
            }
            self.at += 1;
            return Ok(value);
        }
        if let ([b'-', letter], Some(operand)) = (first, self.peek(1))
            && let Some(value) = self.unary(*letter, operand)
        {
            self.at += 2;
            return Ok(value);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }

    /// A unary operator, when `letter` is one.
    fn unary(&self, letter: u8, operand: &[u8]) -> Option<bool> {
        let stat = || self.system.stat(operand);
        Some(match letter {
            b'n' => !operand.is_empty(),
            b'z' => operand.is_empty(),
            b'e' => stat().is_some(),
            b'r' => stat().is_some_and(|stat| stat.readable),
            b'w' => stat().is_some_and(|stat| stat.writable),
            b'f' => stat().is_some_and(|stat| stat.kind == FileKind::File),
            b'd' => stat().is_some_and(|stat| stat.kind == FileKind::Directory),
            b'x' => stat().is_some_and(|stat| stat.kind == FileKind::Directory),
            b's' => stat().is_some_and(|stat| stat.bytes > 0),
            // No descriptor of an adb command is a terminal.
            b't' => false,
            _ => return None,
        })
    }
}

/// A binary operator, when `operator` is one.
fn binary(left: &[u8], operator: &[u8], right: &[u8]) -> Option<Result<bool, String>> {
    match operator {
        b"=" | b"==" => return Some(Ok(left == right)),
        b"!=" => return Some(Ok(left != right)),
        b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" => {}
        _ => return None,
    }
    let numbers = number(left).and_then(|left| Ok((left, number(right)?)));
    Some(numbers.map(|(left, right)| match operator {
        b"-eq" => left == right,
        b"-ne" => left != right,
        b"-lt" => left < right,
        b"-le" => left <= right,
        b"-gt" => left > right,
        _ => left >= right,
    }))
}

/// An integer operand.
fn number(text: &[u8]) -> Result<i64, String> {
    let text = String::from_utf8_lossy(text);
    text.trim().parse().map_err(|_| format!("Illegal number: {text}"))
}
