//! What a script printed, as the report of what it was for. Pure; [`crate::script`] says what it
//! prints.
//!
//! The bytes come from a device that need not be the one it should be, and may be cut off anywhere.
//! Only an answer that is whole, from the first record to the last, is ever taken as success.

mod facts;
mod frame;
mod steps;

use engine::{Away, Examination, PowerReport, Reached};
use fleet::{BootIdentity, limits};

pub(crate) use frame::words;
use frame::{Record, records, trouble};

use crate::link::ShellOutput;
use crate::script::Step;

/// Bytes of a found marker that are repeated to an operator: twice those of ours.
const MARKER_BYTES_MAX: usize = 64;
/// Bytes of either half of a boot identity: a UUID has 36, a start time at most 20.
const BOOT_BYTES_MAX: usize = 64;

/// Reads the answer to the script of an action that had `nonce` and `steps`.
pub fn read(output: &ShellOutput, nonce: &str, steps: &[Step<'_>]) -> Result<Reached, Away> {
    let records = records(output, nonce).map_err(Away::Garbled)?;
    let (boot, records) = proven(&records, output)?;
    let reached = steps::read(records, steps).ok_or_else(|| senseless(output))?;
    Ok(Reached { boot, ..reached })
}

/// Reads the answer to [`crate::script::power`].
pub fn power(output: &ShellOutput, nonce: &str) -> Result<PowerReport, Away> {
    let records = records(output, nonce).map_err(Away::Garbled)?;
    let (_, records) = proven(&records, output)?;
    let (su, records) = match records {
        [("su", said), records @ ..] => (Some(*said), records),
        records => (None, records),
    };
    match records {
        [] => Ok(PowerReport::Told),
        [("other", b"")] => Ok(PowerReport::OtherBoot),
        [(line, said)] => {
            let user = line.strip_prefix("refused ").ok_or_else(|| senseless(output))?;
            let said = words(said, limits::DETAIL_BYTES_MAX / 2);
            let said = if said.is_empty() { "it did not say why".to_owned() } else { said };
            Ok(PowerReport::Refused(match steps::needs_root(user, su) {
                Some(remedy) => format!("{said} ({remedy})"),
                None => said,
            }))
        }
        _ => Err(senseless(output)),
    }
}

/// Reads the answer to [`crate::script::look`].
pub fn examination(output: &ShellOutput, nonce: &str) -> Examination {
    let garbled = |why| Examination { away: Some(Away::Garbled(why)), ..Examination::default() };
    let records = match records(output, nonce) {
        Ok(records) => records,
        Err(why) => return garbled(why),
    };
    let mut examination = Examination::default();
    for (line, content) in records {
        let understood = match line.split_once(' ').unwrap_or((line, "")) {
            ("booting", "") => {
                examination.away = Some(Away::Booting);
                Some(())
            }
            ("boot", "") => boot_identity(content).map(|boot| examination.boot = boot),
            ("marker", "") => {
                examination.marker = Some(words(content, MARKER_BYTES_MAX));
                Some(())
            }
            ("fact", name) => facts::add(&mut examination.facts, name, content),
            // A phone may say no time that is one; then its clock is not known.
            ("clock", "") => {
                examination.clock_seconds = words(content, 20).parse().ok();
                Some(())
            }
            ("su", "") => Some(()),
            _ => None,
        };
        if understood.is_none() {
            return garbled(trouble("a record makes no sense", output));
        }
    }
    if examination.marker.is_none() {
        return garbled(trouble("it does not say its marker", output));
    }
    examination
}

/// The boot of the phone that proved to be the right one, and what it said besides.
fn proven<'r, 'o>(
    records: &'r [Record<'o>],
    output: &ShellOutput,
) -> Result<(Option<BootIdentity>, &'r [Record<'o>]), Away> {
    let boot = match records {
        [("booting", b"")] => return Err(Away::Booting),
        [("boot", boot), ..] => boot_identity(boot).ok_or_else(|| senseless(output))?,
        _ => return Err(senseless(output)),
    };
    match records.get(1..).unwrap_or_default() {
        [("wrong", marker)] => {
            Err(Away::WrongDevice { marker: words(marker, MARKER_BYTES_MAX), boot })
        }
        [("unmarked", said)] => Err(Away::Unmarkable(unmarked(said))),
        records => Ok((boot, records)),
    }
}

/// An answer in the right frame with the wrong content.
fn senseless(output: &ShellOutput) -> Away {
    Away::Garbled(trouble("a record is missing or makes no sense", output))
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

/// What to say of a phone that keeps no marker.
fn unmarked(setprop: &[u8]) -> String {
    let said = words(setprop, limits::DETAIL_BYTES_MAX / 2);
    let reason = if said.is_empty() { "setprop had no effect".to_owned() } else { said };
    format!("neither as a property nor as a file under /data/local/tmp: {reason}")
}

#[cfg(test)]
mod tests;
