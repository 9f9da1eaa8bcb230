//! The reasons for which a device, or one of its values, is not as it should be: a table, and what
//! picks from it. Pure. `docs/operate/why.md` has the same table for people.

use std::borrow::Cow;
use std::fmt;

use fleet::job::Ended;
use fleet::{
    Binding, Condition, CredentialsInUse, Device, DeviceId, DeviceState, End, Failure, Job,
    ProjectId, Refusal, Timestamp,
};
use store::{CameraState, WhyNot};

use crate::shell_word::{device_words, shell_word};
use crate::stands::ValueStands;

/// A reason for which something is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which, for programs.
    pub code: Code,
    /// The same in a sentence.
    pub why: String,
    /// What to do about it, with the command that does it where there is one.
    pub what_to_do: String,
}

/// Declares the reasons: of each its name, its word for programs, whether nothing is set on the
/// device because of it, and its two sentences. In those `{device}`, `{project}`, `{property}` and
/// `{detail}` stand for what is known, and `{target}` for the words by which a command of `device`
/// is told which one.
macro_rules! reasons {
    ($(
        $(#[$doc:meta])*
        $code:ident $word:literal $blocks:literal $why:literal $to_do:literal
    )*) => {
        /// Which reason.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All of them, those of a device before those of a value.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The word that stands for it in the API; it never changes.
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }

            /// Whether nothing is set on the device as long as it holds.
            pub fn blocks(self) -> bool {
                match self { $(Self::$code => $blocks,)* }
            }

            /// Its two sentences.
            fn sentences(self) -> (&'static str, &'static str) {
                match self { $(Self::$code => ($why, $to_do),)* }
            }
        }
    };
}

reasons! {
    /// The server is paused.
    ServerPaused "server_paused" true
        "the whole server is paused: nothing is done on any device"
        "let it go on: `fleetwright resume`"
    /// The project is paused.
    ProjectPaused "project_paused" true
        "the project is paused: nothing is done on its devices"
        "let it go on: `fleetwright resume --project {project}`"
    /// An operator has frozen it.
    Frozen "frozen" true
        "an operator has frozen the device: it takes no updates"
        "unfreeze it: `fleetwright device unfreeze {target}`"
    /// Another phone bears its marker.
    Copied "copy" true
        "a copy of this phone answers elsewhere, so nothing is set on either: {detail}"
        "stop the copy, or make it a device of its own by `fleetwright device adopt ID --project \
         {project} --replace-marker`, with the id of the record that the copy is at"
    /// A restart, reset or stop is going on.
    PowerUnderWay "power_under_way" true
        "a {detail} of the device was begun and is not over"
        "wait; if it does not come back, `fleetwright device check {target}` says why"
    /// It was stopped.
    Stopped "stopped" true
        "the device is stopped: values are stored until it runs again"
        "start it: `fleetwright device restart {target}`; if it was started by other means: \
         `fleetwright device mark-started {target}`"
    /// It was never reached.
    NeverReached "never_reached" true
        "the device was imported and not reached yet"
        "wait a moment; then `fleetwright device check {target}` says what is in the way"
    /// Nothing answers at its address.
    Unreachable "unreachable" true
        "the device does not answer: {detail}"
        "see that it runs and that nothing blocks the way to it: `fleetwright device check \
         {target}`; if it has moved: `fleetwright device discover --project {project}`"
    /// It does not let us in.
    Unauthorised "unauthorised" true
        "the device answers and does not let this server in: {detail}"
        "add the line in adb-host-key.pub, in the server's data directory, to the phone's \
         /data/misc/adb/adb_keys: `fleetwright device check {target}`"
    /// It is starting.
    Booting "booting" true
        "the device is still booting"
        "wait until it is up"
    /// It bears no marker, and is not given one.
    NotAdopted "not_adopted" true
        "the phone at the device's address bears no marker, and may not be given one unasked"
        "if it is the right one, adopt it: `fleetwright device adopt {target}`"
    /// Another one answers at its address.
    WrongDevice "wrong_device" true
        "another phone answers at the device's address: {detail}"
        "find where this one is: `fleetwright device discover --project {project}`; or, if that \
         phone took its place, `fleetwright device adopt {target} --replace-marker`"
    /// It can't be given a marker.
    Unmarkable "unmarkable" true
        "the phone can't be given the marker by which it is known again: {detail}"
        "give the shell user the right to write under /data/local/tmp: `fleetwright device check \
         {target}`"
    /// What it answers makes no sense.
    Garbled "unexpected_answer" true
        "what answers at the device's address does not speak as such a device does: {detail}"
        "see what listens there: `fleetwright device check {target}`"
    /// Something else stands in the way.
    Trouble "trouble" true
        "the device can't be worked on: {detail}"
        "look at it step by step: `fleetwright device check {target}`"
    /// The camera never registered, and can't.
    NoPassword "no_password" true
        "the camera has no password on record, so it can't register"
        "give it one: `fleetwright device credentials {target} --password-file FILE`"
    /// The camera never registered.
    WaitingForRegistration "waiting_for_registration" true
        "the camera has never registered: what is asked of it waits for that"
        "set this server at the camera; what was refused and why: `fleetwright registrations`"
    /// The camera is not registered any more.
    NotRegistered "not_registered" true
        "the camera is not registered: {detail}"
        "see that it has power and a network; what was refused and why: `fleetwright registrations`"
    /// The camera uses what was replaced.
    OldCredentials "old_credentials" false
        "the camera registered with the user name and password from before they were \
         changed{detail}"
        "set those on record at the camera itself; who else: `fleetwright device list --project \
         {project} --kind camera --credentials old`"
    /// The camera has not shown the new password yet.
    CredentialsNotUsed "credentials_not_used" false
        "the user name or password was changed, and the camera has not registered since{detail}"
        "set those on record at the camera itself: its next registration must have them"
    /// The device holds it and has to restart.
    RestartPending "restart_pending" false
        "the device holds the value, and it acts after a restart"
        "restart it: `fleetwright device restart {target}`"
    /// Its container has to be made anew.
    NeedsRecreate "needs_recreate" false
        "{property} is fixed when the device's container starts{detail}"
        "make the container anew with what this prints: `fleetwright device start-args {target}`"
    /// The device refused it.
    Refused "refused" false
        "the device refused {property}: {detail}"
        "look at the device: `fleetwright device check {target}`; then ask again: `fleetwright \
         update --project {project} --device {device} --set {property}=VALUE`"
    /// The device took it and shows another.
    ReadBackDiffers "read_back_differs" false
        "the device said yes to {property} and shows {detail}"
        "see what else sets it on the device; then ask again: `fleetwright update --project \
         {project} --device {device} --set {property}=VALUE`"
    /// Its profile knows no way.
    Unsupported "unsupported" false
        "{property} can't be set on this make of device: {detail}"
        "see how each make takes it: `fleetwright catalogue show`"
    /// The restart that came with it failed.
    PowerFailed "power_failed" false
        "the update's {detail}"
        "try again: `fleetwright device restart {target}`"
    /// Its job ended without it.
    DeadlinePassed "deadline_passed" false
        "the job that asked for it ended before the device could be worked on: {detail}"
        "nothing: the value is asked for still, and is set when the device can be worked on"
    /// It can't be set as things are.
    Waits "waits" false
        "it waits, for this of the device: {detail}"
        "what is said there; it is set by itself then"
    /// It is about to be set.
    Pending "pending" false
        "it is to be set when its turn comes"
        "wait: `fleetwright device show {target}`"
    /// It changed on the device.
    Drift "drift" false
        "the device showed it once, or holds what was there before, and shows something else now"
        "ask again: `fleetwright update --project {project} --device {device} --set \
         {property}=VALUE`; to have it set again whenever it changes: `fleetwright project set \
         {project} --drift repair`"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Of what a reason speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// The device.
    pub(super) device: &'a Device,
    /// The property; empty if it is about none.
    pub(super) property: &'a str,
}

impl About<'_> {
    /// The reason of this code, with what else is known of it.
    pub(super) fn reason(self, code: Code, detail: &str) -> Reason {
        let (why, what_to_do) = code.sentences();
        let of = (&self.device.project_id, &self.device.id);
        let fill = |text: &str| filled(text, of, self.property, detail);
        Reason { code, why: fill(why), what_to_do: fill(what_to_do) }
    }
}

/// A sentence with what is known. In a command, which stands between backticks, that is a word of
/// the shell.
fn filled(
    text: &str,
    (project, device): (&ProjectId, &DeviceId),
    property: &str,
    detail: &str,
) -> String {
    // Once from the front to the back, so that nothing that is put in is taken for a place.
    let (mut told, mut is_command, mut rest) = (String::new(), false, text);
    while let Some((before, from)) = rest.split_once('{') {
        let Some((place, after)) = from.split_once('}') else { break };
        told.push_str(before);
        is_command ^= before.matches('`').count() % 2 == 1;
        let word = |known| if is_command { shell_word(known) } else { Cow::Borrowed(known) };
        told.push_str(&match place {
            "target" => Cow::Owned(device_words(project, device)),
            "project" => word(project.as_str()),
            "device" => word(device.as_str()),
            "property" => word(property),
            _ => word(detail),
        });
        rest = after;
    }
    told.push_str(rest);
    told
}

/// What to do about that for which jobs failed or devices were refused, a device of a project among
/// them; `None` where there is nothing to be said.
pub fn what_to_do(why: &WhyNot, project: &ProjectId, device: &DeviceId) -> Option<String> {
    let (code, property) = match why {
        WhyNot::Failed(failure) => match failure {
            Failure::Refused { name, .. } => (Code::Refused, name.as_str()),
            Failure::ReadBackDiffers { name, .. } => (Code::ReadBackDiffers, name.as_str()),
            Failure::Unsupported { name, .. } => (Code::Unsupported, name.as_str()),
            Failure::NeedsRecreate { name, .. } => (Code::NeedsRecreate, name.as_str()),
            Failure::PowerFailed { .. } => (Code::PowerFailed, ""),
            // What stood in the way says more than that there was a deadline.
            Failure::DeadlinePassed { trouble } => (code_of_trouble(trouble), ""),
            Failure::Deleted | Failure::Cancelled { .. } => return None,
        },
        WhyNot::Refused(Refusal::Frozen) => (Code::Frozen, ""),
        WhyNot::Refused(_) => return None,
    };
    let (_, to_do) = code.sentences();
    Some(filled(to_do, (project, device), property, ""))
}

/// What is known of a device as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// Its record.
    pub(super) device: &'a Device,
    /// Its state.
    pub(super) state: &'a DeviceState,
    /// What a GB device has besides; `None` for a phone.
    pub(super) camera: Option<&'a CameraState>,
    /// The device of the same project at whose address a copy of it was seen.
    pub(super) copy: Option<&'a Device>,
    /// Whether the server is paused, and its project.
    pub(super) paused: (bool, bool),
    /// Now.
    pub(super) now: Timestamp,
}

/// What stands in the way of a device, in the order of the table.
pub(super) fn of_device(known: Known<'_>) -> Vec<Reason> {
    let about = About { device: known.device, property: "" };
    let (server_paused, project_paused) = known.paused;
    let mut found = Vec::new();
    if server_paused {
        found.push(about.reason(Code::ServerPaused, ""));
    }
    if project_paused {
        found.push(about.reason(Code::ProjectPaused, ""));
    }
    if known.state.frozen {
        found.push(about.reason(Code::Frozen, ""));
    }
    if known.state.copy.is_some() {
        let of_another = || "a device of another project".to_owned();
        let at =
            known.copy.map_or_else(of_another, |copy| format!("{} at {}", copy.id, copy.address));
        found.push(about.reason(Code::Copied, &at));
    }
    match known.camera {
        None => found.extend(of_phone(about, known.state)),
        Some(camera) => found.extend(of_camera(about, known, camera)),
    }
    found
}

/// Why a phone can't be worked on, if it can't.
fn of_phone(about: About<'_>, state: &DeviceState) -> Option<Reason> {
    if state.condition == Condition::Stopped {
        return Some(about.reason(Code::Stopped, ""));
    }
    if let Some(power) = &state.power {
        return Some(about.reason(Code::PowerUnderWay, power.operation.name()));
    }
    if let Some(trouble) = &state.trouble {
        // Said already, and better.
        let is_copy = state.copy.is_some();
        return (!is_copy).then(|| of_trouble(about, trouble));
    }
    match state.condition {
        Condition::New => Some(about.reason(Code::NeverReached, "")),
        Condition::Abnormal => Some(about.reason(Code::Trouble, "it could not be reached")),
        Condition::Restarting => Some(about.reason(Code::PowerUnderWay, "restart")),
        Condition::Resetting => Some(about.reason(Code::PowerUnderWay, "reset")),
        Condition::Stopping => Some(about.reason(Code::PowerUnderWay, "stop")),
        Condition::Running | Condition::Awaited | Condition::Stopped => None,
    }
}

/// How the sentences begin by which a driver says why a device can't be worked on (see
/// [`crate::Away`]), and what they mean. The first that fits is it.
const TROUBLES: &[(&str, Code)] = &[
    ("not registered", Code::NotRegistered),
    ("unreachable", Code::Unreachable),
    ("not authorised", Code::Unauthorised),
    ("still booting", Code::Booting),
    ("another device answers at this address (it bears no marker", Code::NotAdopted),
    ("another device answers at this address", Code::WrongDevice),
    ("it takes no marker", Code::Unmarkable),
    ("unexpected answer", Code::Garbled),
];

/// Which reason a trouble is.
fn code_of_trouble(trouble: &str) -> Code {
    let code = TROUBLES.iter().find(|(begins, _)| trouble.starts_with(begins));
    code.map_or(Code::Trouble, |(_, code)| *code)
}

/// The reason that a trouble is.
fn of_trouble(about: About<'_>, trouble: &str) -> Reason {
    let code = code_of_trouble(trouble);
    let detail = trouble.split_once(": ").filter(|_| code != Code::Trouble);
    about.reason(code, detail.map_or(trouble, |(_, detail)| detail))
}

/// What stands in the way of a camera, and what of its credentials is not as it should be.
fn of_camera(about: About<'_>, known: Known<'_>, camera: &CameraState) -> Option<Reason> {
    let Some(binding) = &camera.binding else {
        let code =
            if camera.has_password { Code::WaitingForRegistration } else { Code::NoPassword };
        return Some(about.reason(code, ""));
    };
    if !binding.is_live(known.now) {
        return Some(about.reason(Code::NotRegistered, &ended(binding)));
    }
    if let Some(trouble) = &known.state.trouble {
        return Some(of_trouble(about, trouble));
    }
    of_credentials(about, camera, known.now)
}

/// Why a registration is over, and since when.
fn ended(binding: &Binding) -> String {
    match binding.ended {
        Some((at, why)) => format!("{why}, at {at}"),
        None => format!("its registration ran out, at {}", binding.expires_at),
    }
}

/// What of a camera's credentials is not as it should be.
pub(super) fn of_credentials(
    about: About<'_>,
    camera: &CameraState,
    now: Timestamp,
) -> Option<Reason> {
    let binding = camera.binding.as_ref().filter(|binding| binding.is_live(now))?;
    match camera.credentials_in_use(binding) {
        CredentialsInUse::Current => None,
        CredentialsInUse::Old => {
            let until = camera.overlap_until.filter(|until| *until > now);
            let detail = match until {
                Some(until) => format!(", which work until {until}"),
                None => ", which work no more".to_owned(),
            };
            Some(about.reason(Code::OldCredentials, &detail))
        }
        CredentialsInUse::NotRenewed => {
            let detail = format!("; its registration ends at {}", binding.expires_at);
            Some(about.reason(Code::CredentialsNotUsed, &detail))
        }
    }
}

/// One value, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    /// Where it stands.
    pub(super) stands: ValueStands,
    /// The job that asked for it, if that is known.
    pub(super) job: Option<&'a Job>,
    /// The argument of its container that would give it to the device; empty if there is none.
    pub(super) argument: &'a str,
    /// What stands in the way of the device.
    pub(super) device: &'a [Reason],
}

/// Why a value is not as it should be.
pub(super) fn of_value(about: About<'_>, value: Value<'_>) -> Vec<Reason> {
    match value.stands {
        ValueStands::Shown | ValueStands::Recorded | ValueStands::Acknowledged => Vec::new(),
        ValueStands::RestartPending => vec![about.reason(Code::RestartPending, "")],
        ValueStands::NeedsRecreate => vec![needs_recreate(about, value.argument)],
        ValueStands::Pending => {
            let failed = of_failure(about, value.job);
            let blocked = value.device.iter().find(|reason| reason.code.blocks());
            let waits = match blocked {
                Some(reason) => about.reason(Code::Waits, &reason.why),
                None => about.reason(Code::Pending, ""),
            };
            failed.into_iter().chain([waits]).collect()
        }
        ValueStands::Drift => {
            vec![of_failure(about, value.job).unwrap_or_else(|| about.reason(Code::Drift, ""))]
        }
    }
}

/// A value that is fixed when the container starts.
fn needs_recreate(about: About<'_>, argument: &str) -> Reason {
    let by = if argument.is_empty() { String::new() } else { format!(", by {argument}") };
    about.reason(Code::NeedsRecreate, &by)
}

/// Why the job that asked for a value failed, as far as it is about this value.
fn of_failure(about: About<'_>, job: Option<&Job>) -> Option<Reason> {
    let Some(Ended { end: End::Failed { failure }, .. }) = job?.end.as_ref() else { return None };
    let is_it = |name: &String| name == about.property;
    Some(match failure {
        Failure::Refused { name, detail } if is_it(name) => about.reason(Code::Refused, detail),
        Failure::ReadBackDiffers { name, shown } if is_it(name) => {
            let shown = shown.as_ref().map(|shown| format!("{shown:?}"));
            about.reason(Code::ReadBackDiffers, shown.as_deref().unwrap_or("nothing"))
        }
        Failure::Unsupported { name, detail } if is_it(name) => {
            about.reason(Code::Unsupported, detail)
        }
        Failure::NeedsRecreate { name, argument } if is_it(name) => needs_recreate(about, argument),
        Failure::DeadlinePassed { trouble } => about.reason(Code::DeadlinePassed, trouble),
        Failure::PowerFailed { operation, detail } => {
            about.reason(Code::PowerFailed, &format!("{} failed: {detail}", operation.name()))
        }
        // Those of other properties, and ends after which nothing is asked for any more.
        Failure::Refused { .. }
        | Failure::ReadBackDiffers { .. }
        | Failure::Unsupported { .. }
        | Failure::NeedsRecreate { .. }
        | Failure::Deleted
        | Failure::Cancelled { .. } => return None,
    })
}

#[cfg(test)]
mod tests;
