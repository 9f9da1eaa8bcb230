//! `printf` and `echo` (POSIX.1-2017; `echo` interprets backslashes, as Android's mksh does).

use super::Outcome;

/// What one pass over a format gives.
struct Output {
    bytes: Vec<u8>,
    /// The format makes no sense; the output ends here.
    error: Option<String>,
    /// An argument is no number; 0 stands for it.
    wrong: Option<String>,
    /// `\c`: nothing more.
    stopped: bool,
}

/// `printf FORMAT ARG...`: the format repeats while it takes arguments. Output ends at
/// `bytes_max`.
pub fn printf(args: &[&[u8]], bytes_max: usize) -> Outcome {
    let args = args.strip_prefix(&[b"--".as_slice()]).unwrap_or(args);
    let Some((format, mut rest)) = args.split_first() else {
        return Outcome::error(2, "printf: usage: printf format [arg ...]\n");
    };
    let mut output = Output { bytes: Vec::new(), error: None, wrong: None, stopped: false };
    loop {
        let before = rest.len();
        pass(format, &mut rest, &mut output);
        let idle = rest.len() == before || rest.is_empty();
        if idle || output.stopped || output.error.is_some() || output.bytes.len() > bytes_max {
            break;
        }
    }
    match output.error.or(output.wrong) {
        Some(error) => Outcome {
            status: 1,
            stdout: output.bytes,
            stderr: format!("printf: {error}\n").into_bytes(),
        },
        None => Outcome::text(output.bytes),
    }
}

/// `echo [-n] ARG...`.
pub fn echo(args: &[&[u8]]) -> Outcome {
    let bare = args.strip_prefix(&[b"-n".as_slice()]);
    let mut output = Output { bytes: Vec::new(), error: None, wrong: None, stopped: false };
    for (at, arg) in bare.unwrap_or(args).iter().enumerate() {
        if at > 0 {
            output.bytes.push(b' ');
        }
        unescape(arg, true, &mut output);
        if output.stopped {
            return Outcome::text(output.bytes);
        }
    }
    if bare.is_none() {
        output.bytes.push(b'\n');
    }
    Outcome::text(output.bytes)
}

/// One pass over the format; takes what it needs from `rest`.
fn pass(format: &[u8], rest: &mut &[&[u8]], output: &mut Output) {
    let mut format = format;
    while let Some((byte, behind)) = format.split_first() {
        format = match byte {
            b'\\' => escape(behind, false, output),
            b'%' => match behind.split_first() {
                Some((b'%', behind)) => {
                    output.bytes.push(b'%');
                    behind
                }
                _ => conversion(behind, rest, output),
            },
            byte => {
                output.bytes.push(*byte);
                behind
            }
        };
        if output.stopped || output.error.is_some() {
            return;
        }
    }
}

/// Flags, width and precision of a conversion.
#[derive(Default)]
struct Shape {
    left: bool,
    zero: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

/// One conversion behind its `%`; gives the format behind it.
fn conversion<'f>(format: &'f [u8], rest: &mut &[&[u8]], output: &mut Output) -> &'f [u8] {
    let mut shape = Shape::default();
    let mut format = format;
    while let Some((flag, behind)) = format.split_first() {
        match flag {
            b'-' => shape.left = true,
            b'0' => shape.zero = true,
            b'+' => shape.plus = true,
            b' ' | b'#' => {}
            _ => break,
        }
        format = behind;
    }
    (shape.width, format) = digits(format);
    if let Some((b'.', behind)) = format.split_first() {
        let (precision, behind) = digits(behind);
        shape.precision = Some(precision);
        format = behind;
    }
    let Some((kind, behind)) = format.split_first() else {
        output.error = Some("missing format character".to_owned());
        return format;
    };
    let arg: &[u8] = match rest.split_first() {
        Some((arg, behind)) => {
            *rest = behind;
            arg
        }
        None => b"",
    };
    match kind {
        b's' => text(arg, &shape, output),
        b'c' => text(arg.get(..1).unwrap_or_default(), &shape, output),
        b'b' => {
            let mut inner = Output { bytes: Vec::new(), error: None, wrong: None, stopped: false };
            unescape(arg, true, &mut inner);
            text(&inner.bytes, &shape, output);
            output.stopped = inner.stopped;
        }
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => integer(*kind, arg, &shape, output),
        other => output.error = Some(format!("%{}: invalid directive", *other as char)),
    }
    behind
}

/// Takes a decimal number, at most 9,999.
fn digits(format: &[u8]) -> (usize, &[u8]) {
    let mut value = 0_usize;
    let mut format = format;
    while let Some((digit @ b'0'..=b'9', behind)) = format.split_first() {
        value = (value * 10 + usize::from(digit - b'0')).min(9_999);
        format = behind;
    }
    (value, format)
}

/// Pads and cuts text.
fn text(text: &[u8], shape: &Shape, output: &mut Output) {
    let text = shape.precision.and_then(|most| text.get(..most)).unwrap_or(text);
    pad(text, shape, b' ', output);
}

/// Pads to the width.
fn pad(text: &[u8], shape: &Shape, fill: u8, output: &mut Output) {
    let gap = shape.width.saturating_sub(text.len());
    let blanks = std::iter::repeat_n(fill, gap);
    if shape.left {
        output.bytes.extend_from_slice(text);
        output.bytes.extend(blanks);
    } else {
        output.bytes.extend(blanks);
        output.bytes.extend_from_slice(text);
    }
}

/// Converts an integer: decimal, 0 octal, 0x, or a quote and a character.
fn integer(kind: u8, arg: &[u8], shape: &Shape, output: &mut Output) {
    let value = read_integer(arg).unwrap_or_else(|| {
        output.wrong = Some(format!("{}: expected numeric value", String::from_utf8_lossy(arg)));
        0
    });
    let (sign, mut digits) = match kind {
        b'o' => ("", format!("{value:o}")),
        b'x' => ("", format!("{value:x}")),
        b'X' => ("", format!("{value:X}")),
        b'u' => ("", value.cast_unsigned().to_string()),
        _ if value < 0 => ("-", value.unsigned_abs().to_string()),
        _ => (if shape.plus { "+" } else { "" }, value.to_string()),
    };
    let zeros = match shape.precision {
        Some(precision) => precision,
        None if shape.zero && !shape.left => shape.width.saturating_sub(sign.len()),
        None => 0,
    };
    if digits.len() < zeros {
        digits.insert_str(0, &"0".repeat(zeros - digits.len()));
    }
    pad(format!("{sign}{digits}").as_bytes(), shape, b' ', output);
}

/// An integer argument; an empty one is 0.
fn read_integer(arg: &[u8]) -> Option<i64> {
    if let [b'\'' | b'"', byte, ..] = arg {
        return Some(i64::from(*byte));
    }
    let text = std::str::from_utf8(arg).ok()?.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let octal = digits.strip_prefix('0').filter(|digits| !digits.is_empty());
    let value = match (hex, octal) {
        (Some(digits), _) => i64::from_str_radix(digits, 16).ok()?,
        (None, Some(digits)) => i64::from_str_radix(digits, 8).ok()?,
        (None, None) if text.is_empty() => 0,
        (None, None) => digits.parse().ok()?,
    };
    Some(if negative { value.wrapping_neg() } else { value })
}

/// Interprets every backslash in `text`.
fn unescape(text: &[u8], zero_octal: bool, output: &mut Output) {
    let mut text = text;
    while let Some((byte, behind)) = text.split_first() {
        text = if *byte == b'\\' {
            escape(behind, zero_octal, output)
        } else {
            output.bytes.push(*byte);
            behind
        };
        if output.stopped {
            return;
        }
    }
}

/// One escape behind its backslash; gives the text behind it. Octal is `\NNN`, and in arguments
/// (`zero_octal`) also `\0NNN` and `\c`.
fn escape<'t>(text: &'t [u8], zero_octal: bool, output: &mut Output) -> &'t [u8] {
    let Some((byte, behind)) = text.split_first() else {
        output.bytes.push(b'\\');
        return text;
    };
    let plain = match byte {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        b'c' if zero_octal => {
            output.stopped = true;
            return behind;
        }
        b'0'..=b'7' => {
            let skip = usize::from(zero_octal && *byte == b'0');
            let digits = text.get(skip..).unwrap_or_default();
            let count = digits.iter().take(3).take_while(|b| (b'0'..=b'7').contains(*b)).count();
            let (digits, behind) = digits.split_at_checked(count).unwrap_or_default();
            let value = digits.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
            output.bytes.push(value.to_le_bytes()[0]);
            return behind;
        }
        other => {
            output.bytes.push(b'\\');
            *other
        }
    };
    output.bytes.push(plain);
    behind
}
