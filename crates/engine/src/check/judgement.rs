//! What the findings of a check mean. Pure.

use std::collections::BTreeSet;

use fleet::catalogue::Privilege;
use fleet::{Catalogue, Condition, Device, DeviceState, Facts, Kind, Timestamp};

use store::CameraState;

use super::{Check, CheckItem, CheckResult, camera, named, route};
use crate::driver::{Away, Examination};
use crate::shell_word::{device_words, shell_word};

/// How far a device's clock may be from ours, in seconds: beyond it, certificates and the times in
/// its logs begin to mislead.
const CLOCK_SECONDS_MAX: i64 = 60;

/// All that was gathered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Findings<'a> {
    pub(super) device: &'a Device,
    pub(super) state: &'a DeviceState,
    /// What a GB device has besides; `None` for a phone.
    pub(super) camera: Option<&'a CameraState>,
    /// What a look at it found.
    pub(super) examination: &'a Examination,
    /// The device of the same project that was given the marker which was seen, if it is another.
    pub(super) bears_marker_of: Option<&'a Device>,
    /// The device of the same project at whose address a copy of this one was seen.
    pub(super) copy: Option<&'a Device>,
    pub(super) catalogue: &'a Catalogue,
    /// The properties to name the routes of.
    pub(super) names: &'a BTreeSet<&'a str>,
    pub(super) now: Timestamp,
}

/// What was found of one thing.
pub(super) struct Finding {
    result: CheckResult,
    detail: String,
}

#[cfg(test)]
impl Finding {
    pub(super) fn result(&self) -> &CheckResult {
        &self.result
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

pub(super) fn passed(detail: impl Into<String>) -> Finding {
    Finding { result: CheckResult::Passed, detail: detail.into() }
}

pub(super) fn failed(detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { result: CheckResult::Failed { remedy: remedy.into() }, detail: detail.into() }
}

pub(super) fn not_reached() -> Finding {
    Finding { result: CheckResult::NotReached, detail: String::new() }
}

/// Judges all that was gathered.
pub(super) fn judge(findings: &Findings<'_>) -> Check {
    let about_the_device = match findings.device.kind {
        Kind::Phone => about_a_phone(findings),
        Kind::Camera => camera::judge(findings),
    };
    let properties = findings.names.iter().map(|name| (*name, property(findings, name)));
    let items = about_the_device.into_iter().chain(properties).map(|(name, finding)| CheckItem {
        name: name.to_owned(),
        result: finding.result,
        detail: finding.detail,
    });
    Check { items: items.collect() }
}

fn about_a_phone(findings: &Findings<'_>) -> Vec<(&'static str, Finding)> {
    vec![
        ("reachable", reachable(findings)),
        ("authenticated", authenticated(findings)),
        ("right phone", right_phone(findings)),
        ("rights", rights(findings)),
        ("boot identity", boot_identity(findings)),
        ("clock", clock(findings)),
    ]
}

fn reachable(findings: &Findings<'_>) -> Finding {
    let device = findings.device;
    let address = &device.address;
    match &findings.examination.away {
        Some(Away::Unreachable(why) | Away::NotRegistered(why)) => {
            let remedy = if findings.state.condition == Condition::Stopped {
                format!(
                    "it was stopped: start it, by `fleetwright device restart {}` if its profile \
                     has a command for that",
                    device_words(&device.project_id, &device.id)
                )
            } else {
                format!(
                    "see that the phone runs, that adbd listens on TCP there and that nothing on \
                     the way blocks {address}; if it has moved, `fleetwright device discover \
                     --project {}` or an import with the new address follows it",
                    shell_word(device.project_id.as_str())
                )
            };
            failed(format!("{address}: {why}"), remedy)
        }
        Some(Away::Garbled(what)) => failed(
            format!("{address}: {what}"),
            "see that adbd with a working shell is what listens there, and not another service or \
             another version of one",
        ),
        _ => passed(format!("an ADB service answers at {address}")),
    }
}

fn authenticated(findings: &Findings<'_>) -> Finding {
    match &findings.examination.away {
        Some(Away::Unreachable(_) | Away::NotRegistered(_) | Away::Garbled(_)) => not_reached(),
        Some(Away::Unauthorised(why)) => failed(
            why,
            "add the line in adb-host-key.pub, in the server's data directory, to the phone's \
             /data/misc/adb/adb_keys, and restart its adbd",
        ),
        _ => passed("the phone lets this server in"),
    }
}

fn right_phone(findings: &Findings<'_>) -> Finding {
    let device = findings.device;
    let words = device_words(&device.project_id, &device.id);
    let adopt = format!("fleetwright device adopt {words}");
    match &findings.examination.away {
        None | Some(Away::Booting | Away::WrongDevice { .. }) => {}
        Some(Away::Unmarkable(why)) => {
            return failed(
                format!("it can't be given a marker: {why}"),
                "give the shell user the right to write under /data/local/tmp, or give the device \
                 a profile that has root's rights",
            );
        }
        Some(Away::Copied(what)) => return failed(what, remedy_for_copies(&adopt)),
        Some(_) => return not_reached(),
    }
    if let Some(copy) = findings.copy {
        let detail = format!("the phone of {} bears the same marker: it is a copy", named(copy));
        return failed(detail, remedy_for_copies(&adopt));
    }
    match (findings.examination.marker.as_deref(), findings.bears_marker_of) {
        (None, _) => not_reached(),
        (Some(marker), _) if marker == device.marker => passed("it bears the record's marker"),
        (Some(""), _) if findings.state.adopted => failed(
            "it bears no marker, and the phone on record did",
            format!(
                "if this is the same phone after a reset, or one in its place, take it for this \
                 device by `{adopt}`; else correct the address"
            ),
        ),
        (Some(""), _) => failed(
            "it bears no marker yet",
            format!("adopt it by `{adopt}`, or wait if the project's policy adopts such phones"),
        ),
        (Some(_), Some(other)) => failed(
            format!("it bears the marker of {}", named(other)),
            format!(
                "correct the address of either record; if this phone is a copy, stop the other and \
                 run `{adopt} --replace-marker`"
            ),
        ),
        (Some(marker), None) => failed(
            format!("it bears the marker {marker}, which no device of this project was given"),
            format!(
                "correct the address, or, if no other server or project has this phone, take it by \
                 `{adopt} --replace-marker`"
            ),
        ),
    }
}

fn remedy_for_copies(adopt: &str) -> String {
    format!(
        "stop the copy, or make it a device of its own: `{adopt} --replace-marker`, with the id of \
         the record that the copy is at"
    )
}

fn rights(findings: &Findings<'_>) -> Finding {
    let name = &findings.device.profile;
    let Some(profile) = findings.catalogue.profile(name) else {
        return failed(
            format!("there is no profile {name}"),
            "bring the profile's file back and reload the catalogue, or import the device with \
             another profile",
        );
    };
    let facts = &findings.examination.facts;
    let user = facts.get(Facts::USER).map_or_else(String::new, |user| format!(", as user {user}"));
    let seen = facts.get(Facts::RIGHTS);
    match (profile.privilege, seen) {
        (_, None) if findings.examination.away.is_some() => not_reached(),
        (Privilege::None, _) => {
            passed(format!("profile {name} needs none but the shell's own{user}"))
        }
        (Privilege::Su | Privilege::RootShell, Some("root")) => {
            passed(format!("root's, as profile {name} needs{user}"))
        }
        (Privilege::Su, seen) => failed(
            format!("profile {name} needs root by su; seen: {}{user}", seen.unwrap_or("nothing")),
            "install an su on the phone that lets the shell user become root without asking, or \
             give the device a profile that needs no root",
        ),
        (Privilege::RootShell, seen) => failed(
            format!("profile {name} needs a root shell; seen: {}{user}", seen.unwrap_or("nothing")),
            "run adbd as root on the phone (an image of type userdebug or eng whose \
             service.adb.root is 1), or give the device a profile that needs no root",
        ),
    }
}

fn boot_identity(findings: &Findings<'_>) -> Finding {
    let examination = findings.examination;
    if examination.away == Some(Away::Booting) {
        return failed(
            "the phone is still booting",
            "wait until it is up and check again; if it never gets there, its own log (logcat) \
             says why",
        );
    }
    match (&examination.boot, &findings.state.boot) {
        (Some(seen), Some(known)) if seen != known => {
            passed(format!("{seen}: it has restarted since it was last worked on"))
        }
        (Some(seen), _) => passed(seen.to_string()),
        (None, _) if examination.away.is_some() => not_reached(),
        (None, _) => failed(
            "it does not say which boot it is in, so a restart can't be told",
            "let the shell user read /proc/sys/kernel/random/boot_id and /proc/1/stat on the phone",
        ),
    }
}

fn clock(findings: &Findings<'_>) -> Finding {
    let Some(theirs) = findings.examination.clock_seconds else {
        if findings.examination.away.is_some() {
            return not_reached();
        }
        return failed(
            "it does not say what time it is",
            "see that `date +%s` prints the time in the phone's shell",
        );
    };
    // Whole seconds, as the phone says them.
    let ours = findings.now.0.div_euclid(1_000);
    let ahead = theirs.saturating_sub(ours);
    let seen = match ahead {
        0 => "equal to this server's".to_owned(),
        1.. => format!("{ahead} s ahead of this server's"),
        _ => format!("{} s behind this server's", ahead.unsigned_abs()),
    };
    if ahead.unsigned_abs() <= CLOCK_SECONDS_MAX.unsigned_abs() {
        return passed(seen);
    }
    failed(
        seen,
        "set the phone's clock (a container has its server's), by `settings put global auto_time \
         1` where it can reach a time server; if the phone is right, set this server's",
    )
}

fn property(findings: &Findings<'_>, name: &str) -> Finding {
    match route::in_words(findings.catalogue, &findings.device.profile, name) {
        Ok(words) => passed(words),
        Err(reason) => Finding { result: CheckResult::Unsupported, detail: reason },
    }
}

#[cfg(test)]
mod tests;
