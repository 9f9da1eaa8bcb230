//! The frame of an answer, and words of a device.

use fleet::limits;

use crate::link::ShellOutput;
use crate::script::FORM;

/// One record: its name with what stands behind it in that line, and its content.
pub(super) type Record<'o> = (&'o str, &'o [u8]);

/// The records between the first and the last of an answer that is whole, at least one; else what
/// is wrong with it.
pub(super) fn records<'o>(output: &'o ShellOutput, nonce: &str) -> Result<Vec<Record<'o>>, String> {
    let mut records =
        cut(&output.stdout, nonce).ok_or_else(|| trouble("not in the expected form", output))?;
    if records.first() != Some(&(FORM, b"")) {
        return Err(trouble("it does not begin with its form", output));
    }
    records.remove(0);
    if records.pop() != Some(("end", b"")) {
        return Err(trouble("cut off", output));
    }
    if records.is_empty() {
        return Err(trouble("nothing between its beginning and its end", output));
    }
    Ok(records)
}

/// Cuts the answer into its records; `None` if it does not begin with one or one has no name.
fn cut<'o>(answer: &'o [u8], nonce: &str) -> Option<Vec<Record<'o>>> {
    let beginning = format!("\n{nonce} ");
    let beginning = beginning.as_bytes();
    let mut records = Vec::new();
    let mut rest = answer.strip_prefix(beginning)?;
    loop {
        let (record, behind) = match find(rest, beginning) {
            Some(at) => (rest.get(..at)?, rest.get(at + beginning.len()..)),
            None => (rest, None),
        };
        let line = record.iter().position(|byte| *byte == b'\n')?;
        let name = std::str::from_utf8(record.get(..line)?).ok()?;
        records.push((name, record.get(line + 1..)?));
        match behind {
            Some(behind) => rest = behind,
            None => return Some(records),
        }
    }
}

/// Where `needle`, which begins with a newline, first stands in `haystack`.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = haystack.get(from..)?;
        let at = from + rest.iter().position(|byte| *byte == b'\n')?;
        if haystack.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// What is wrong with an answer, with the first line of what the shell complained about.
pub(super) fn trouble(what: &str, output: &ShellOutput) -> String {
    let complaint = words(&output.stderr, limits::DETAIL_BYTES_MAX / 2);
    let code = output.exit_code;
    if complaint.is_empty() {
        format!("{what} (the shell ended with {code})")
    } else {
        format!("{what} (the shell ended with {code}: {complaint})")
    }
}

/// The first line of a device's words, without control characters, cut to `bytes_max` bytes.
pub(crate) fn words(said: &[u8], bytes_max: usize) -> String {
    let line = said.split(|byte| *byte == b'\n').find(|line| !line.is_empty()).unwrap_or_default();
    let mut words = String::new();
    for letter in String::from_utf8_lossy(line).chars().filter(|letter| !letter.is_control()) {
        if words.len() + letter.len_utf8() > bytes_max {
            break;
        }
        words.push(letter);
    }
    words
}
