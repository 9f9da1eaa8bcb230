//! What a script printed, as the report of an action. Pure; [`crate::script`] says what it prints.
//!
//! The bytes come from a device that need not be the one it should be, and may be cut off anywhere.
//! Only an answer that is whole, from the first record to the last, is ever taken as success.

use std::collections::BTreeMap;

use engine::{Away, Fault, Reached};
use fleet::{BootIdentity, limits};

use crate::link::ShellOutput;
use crate::script::{FORM, Step};

/// Bytes of a found marker that are repeated to an operator.
const MARKER_BYTES_SHOWN: usize = 64;
/// Bytes of either half of a boot identity: a UUID has 36, a start time at most 20.
const BOOT_BYTES_MAX: usize = 64;

/// One record: its name with what stands behind it in that line, and its content.
type Record<'o> = (&'o str, &'o [u8]);

/// Reads the answer to the script that had `nonce` and `steps`.
pub fn read(output: &ShellOutput, nonce: &str, steps: &[Step<'_>]) -> Result<Reached, Away> {
    let records = records(&output.stdout, nonce)
        .ok_or_else(|| Away::Garbled(trouble("not in the expected form", output)))?;
    let Some(((FORM, b""), records)) = records.split_first() else {
        return Err(Away::Garbled(trouble("it does not begin with its form", output)));
    };
    let Some((("end", b""), records)) = records.split_last() else {
        return Err(Away::Garbled(trouble("cut off", output)));
    };
    let Some(((first, content), records)) = records.split_first() else {
        return Err(Away::Garbled(trouble("nothing between its beginning and its end", output)));
    };
    match *first {
        "boot" => reached(content, records, steps)
            .ok_or_else(|| Away::Garbled(trouble("a record is missing or makes no sense", output))),
        "booting" => Err(Away::Booting),
        "wrong" => Err(Away::WrongDevice(wrong(content))),
        "unmarked" => Err(Away::Unauthorised(unmarked(content))),
        _ => Err(Away::Garbled(trouble("an unknown record", output))),
    }
}

/// Cuts the answer into its records; `None` if it does not begin with one or one has no name.
fn records<'o>(answer: &'o [u8], nonce: &str) -> Option<Vec<Record<'o>>> {
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

/// The records behind `boot`: faults, then every step's value exactly once.
fn reached(boot: &[u8], records: &[Record<'_>], steps: &[Step<'_>]) -> Option<Reached> {
    let mut reached = Reached { boot: boot_identity(boot)?, ..Reached::default() };
    let mut shown = BTreeMap::new();
    for (line, content) in records {
        let mut words = line.split(' ');
        let (what, at) = (words.next()?, words.next()?.parse::<usize>().ok()?);
        let property = steps.get(at)?.property;
        match what {
            "fault" => {
                let fault = Fault::Refused(refused(content, words.next()));
                reached.faults.insert(property.to_owned(), fault);
            }
            "value" => {
                if shown.insert(at, *content).is_some() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    if shown.len() != steps.len() {
        return None;
    }
    for (step, (_, content)) in steps.iter().zip(shown) {
        // Android can't tell a property without a value from one that it does not have; nothing is
        // taken as the empty value, so that asking for the empty value can be fulfilled.
        match std::str::from_utf8(content) {
            Ok(text) => {
                reached.shown.insert(step.property.to_owned(), Some(text.to_owned()));
            }
            Err(_) => {
                let fault = Fault::Refused("it shows bytes that are not UTF-8".to_owned());
                reached.faults.entry(step.property.to_owned()).or_insert(fault);
            }
        }
    }
    Some(reached)
}

/// Two lines: the kernel's boot id and the start time of process 1, either of which a phone may
/// hide. `None` if they can't be these; `Some(None)` if both are hidden.
fn boot_identity(content: &[u8]) -> Option<Option<BootIdentity>> {
    let (kernel, init_start) = std::str::from_utf8(content).ok()?.split_once('\n')?;
    let plain = |text: &str| {
        text.len() <= BOOT_BYTES_MAX
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !plain(kernel) || !plain(init_start) {
        return None;
    }
    let hidden = kernel.is_empty() && init_start.is_empty();
    Some(
        (!hidden)
            .then(|| BootIdentity { kernel: kernel.to_owned(), init_start: init_start.to_owned() }),
    )
}

/// What to say of a marker that is not the device's.
fn wrong(marker: &[u8]) -> String {
    if marker.is_empty() {
        return "it bears no marker".to_owned();
    }
    format!("its marker is {:?}", words(marker, MARKER_BYTES_SHOWN))
}

/// What to say of a phone that keeps no marker.
fn unmarked(setprop: &[u8]) -> String {
    let said = words(setprop, limits::DETAIL_BYTES_MAX / 2);
    let reason = if said.is_empty() { "setprop had no effect".to_owned() } else { said };
    format!(
        "the phone keeps no marker, neither as a property nor as a file under /data/local/tmp: \
         {reason}"
    )
}

/// What `setprop` said, with the remedy where the shell is not root.
fn refused(said: &[u8], uid: Option<&str>) -> String {
    const ROOM_FOR_REMEDY: usize = 64;
    let said = words(said, limits::DETAIL_BYTES_MAX - ROOM_FOR_REMEDY);
    let said = if said.is_empty() { "setprop failed".to_owned() } else { said };
    match uid.and_then(|uid| uid.parse::<u32>().ok()) {
        Some(0) | None => said,
        Some(uid) => format!("{said} (needs root: the shell runs as user {uid})"),
    }
}

/// What is wrong with an answer, with the first line of what the shell complained about.
fn trouble(what: &str, output: &ShellOutput) -> String {
    let complaint = words(&output.stderr, limits::DETAIL_BYTES_MAX / 2);
    let code = output.exit_code;
    if complaint.is_empty() {
        format!("{what} (the shell ended with {code})")
    } else {
        format!("{what} (the shell ended with {code}: {complaint})")
    }
}

/// The first line of a device's words, without control characters, cut to `bytes_max` bytes.
fn words(said: &[u8], bytes_max: usize) -> String {
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

#[cfg(test)]
mod tests;
