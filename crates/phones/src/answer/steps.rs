//! What an answer says of each step.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use engine::{Fault, Reached};
use fleet::Facts;
use fleet::catalogue::SetBy;

use super::facts;
use super::frame::{Record, words};
use crate::script::{NO_SETTING, Step};

/// Bytes of a program's complaint that are repeated.
const SAID_BYTES_MAX: usize = 256;

/// What one step showed.
enum Shown<'o> {
    /// What its program printed, and how it ended.
    Printed(&'o [u8], &'o str),
    /// It has none.
    None,
}

/// The records of one answer, by step.
#[derive(Default)]
struct Sorted<'o> {
    values: BTreeMap<usize, Shown<'o>>,
    effects: BTreeMap<usize, (&'o [u8], &'o str)>,
    /// What the phone said when it refused to set, and the user that asked it.
    refusals: BTreeMap<usize, (&'o [u8], &'o str)>,
    done: BTreeSet<usize>,
    facts: Option<Facts>,
    /// What `su` said when it did not give root's rights.
    su: Option<&'o [u8]>,
}

/// Reads the records behind the proof of identity; `None` if one is missing, doubled or makes no
/// sense.
pub(super) fn read(records: &[Record<'_>], steps: &[Step<'_>]) -> Option<Reached> {
    let sorted = sort(records, steps)?;
    let mut reached = Reached { facts: sorted.facts.clone(), ..Reached::default() };
    for (at, step) in steps.iter().enumerate() {
        if let Some((said, user)) = sorted.refusals.get(&at) {
            let fault = Fault::Refused(refused(step, said, user, sorted.su));
            reached.faults.insert(step.property.to_owned(), fault);
        }
        if let Some((effect, _)) = sorted.effects.get(&at) {
            let effect = String::from_utf8_lossy(effect).trim().to_owned();
            reached.effects.insert(step.property.to_owned(), effect);
        }
        if sorted.done.contains(&at) {
            reached.acknowledged.insert(step.property.to_owned());
        }
        let fault = match sorted.values.get(&at) {
            None => continue,
            Some(Shown::None) => {
                reached.shown.insert(step.property.to_owned(), None);
                None
            }
            Some(Shown::Printed(bytes, status)) => match value(step, bytes, status) {
                Ok(shown) => {
                    let fault = otherwise(step, shown.as_deref());
                    reached.shown.insert(step.property.to_owned(), shown);
                    fault
                }
                Err(why) => Some(Fault::Refused(why)),
            },
        };
        if let Some(fault) = fault {
            reached.faults.entry(step.property.to_owned()).or_insert(fault);
        }
    }
    Some(reached)
}

/// Sorts the records by step. Every step that can be shown is shown exactly once.
fn sort<'o>(records: &[Record<'o>], steps: &[Step<'_>]) -> Option<Sorted<'o>> {
    let mut sorted = Sorted::default();
    for (line, content) in records {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        match what {
            "fact" => {
                facts::add(sorted.facts.get_or_insert_default(), rest, content)?;
                continue;
            }
            "su" if rest.is_empty() => {
                sorted.su = Some(content);
                continue;
            }
            _ => {}
        }
        let (at, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let at = at.parse::<usize>().ok()?;
        let step = steps.get(at)?;
        let fits = match what {
            "value" => step.is_shown(),
            "none" => matches!(step.set_by, SetBy::File { .. }) && rest.is_empty(),
            "effect" => step.has_effect(),
            "done" => !step.is_shown() && rest.is_empty(),
            "fault" => step.value.is_some(),
            _ => false,
        };
        let new = match what {
            "value" => once(sorted.values.entry(at), Shown::Printed(content, rest)),
            "none" => once(sorted.values.entry(at), Shown::None),
            "effect" => once(sorted.effects.entry(at), (content, rest)),
            "done" => sorted.done.insert(at),
            _ => once(sorted.refusals.entry(at), (content, rest)),
        };
        if !fits || !new {
            return None;
        }
    }
    let shown = steps.iter().filter(|step| step.is_shown()).count();
    let effects = steps.iter().filter(|step| step.has_effect()).count();
    (sorted.values.len() == shown && sorted.effects.len() == effects).then_some(sorted)
}

/// Inserts what must not be there yet; whether it was not.
fn once<T>(entry: Entry<'_, usize, T>, value: T) -> bool {
    match entry {
        Entry::Vacant(place) => {
            place.insert(value);
            true
        }
        Entry::Occupied(_) => false,
    }
}

/// The value that a step's program printed; `Ok(None)` if the phone has none.
///
/// Android can't tell a property without a value from one that it does not have; nothing is taken
/// as the empty value, so that asking for the empty value can be fulfilled.
fn value(step: &Step<'_>, bytes: &[u8], status: &str) -> Result<Option<String>, String> {
    match status {
        "0" => {}
        "-" => return Err("it shows more than fits into an answer".to_owned()),
        status => {
            let program = match step.set_by {
                SetBy::Settings { .. } => "settings",
                SetBy::Command { get, .. } => get.first().map_or("its program", String::as_str),
                SetBy::File { .. } => "cat",
                _ => "getprop",
            };
            let status = words(status.as_bytes(), 8);
            return Err(format!("{program} ended with {status} when asked for the value"));
        }
    }
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| "it shows bytes that are not UTF-8".to_owned())?;
    let is_none = matches!(step.set_by, SetBy::Settings { .. }) && text == NO_SETTING;
    Ok((!is_none).then(|| text.to_owned()))
}

/// Why a value that shows otherwise than asked for can't be set at the moment, where the way of
/// setting tells.
fn otherwise(step: &Step<'_>, shown: Option<&str>) -> Option<Fault> {
    let (value, shown) = (step.value?, shown.unwrap_or_default());
    if value == shown {
        return None;
    }
    match step.set_by {
        SetBy::StartArgument { argument, .. } => {
            Some(Fault::NeedsRecreate(argument.replace("{value}", value)))
        }
        SetBy::SetpropOncePerBoot { name } if !shown.is_empty() => {
            let shown = words(shown.as_bytes(), SAID_BYTES_MAX);
            Some(Fault::Refused(format!(
                "{name} is set once a boot and holds {shown}: it takes the value at the next restart"
            )))
        }
        _ => None,
    }
}

/// What the phone said when it refused to set a step's value, with the remedy where root's rights
/// would have helped.
fn refused(step: &Step<'_>, said: &[u8], user: &str, su: Option<&[u8]>) -> String {
    let (program, takes_root) = match step.set_by {
        SetBy::Settings { .. } => ("settings", false),
        SetBy::Command { set, .. } => (set.first().map_or("its program", String::as_str), false),
        SetBy::File { .. } => ("writing the file", true),
        _ => ("setprop", true),
    };
    let said = words(said, SAID_BYTES_MAX);
    let said = if said.is_empty() { format!("{program} failed") } else { said };
    match needs_root(user, su) {
        Some(remedy) if takes_root => format!("{said} ({remedy})"),
        Some(_) => format!("{said} (as user {user})"),
        None => said,
    }
}

/// What to say to who was refused as this user; `None` if it is root, or is not known.
pub(super) fn needs_root(user: &str, su: Option<&[u8]>) -> Option<String> {
    let user = user.parse::<u32>().ok().filter(|user| *user != 0)?;
    Some(match su {
        None => format!(
            "needs root: commands run as user {user}; give its profile the privilege \"su\", or \
             use an image whose adbd runs as root"
        ),
        Some(su) => format!(
            "needs root: commands run as user {user}, since its profile's su gave no root ({}); \
             use a rooted image",
            words(su, 80)
        ),
    })
}
