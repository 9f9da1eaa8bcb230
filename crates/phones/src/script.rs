//! One action as POSIX shell scripts: what a phone is asked to do, in one exchange where it fits.
//!
//! Pure. A script runs under Android's mksh, under dash, and in the simulator's shell. In this
//! order it asks whether the phone has booted, proves its identity (leaving the marker where that
//! is allowed), names the boot, sets what differs, and reads every property back. Nothing is set
//! before identity is proved. [`crate::answer`] reads what it prints.
//!
//! # The frame
//!
//! Every record begins with a newline, the nonce, a blank, the record's name, a newline; what
//! follows up to the next such beginning is its content, bytes as they are. The nonce is random and
//! new for every script, so that nothing stored on a phone beforehand can hold one.

use std::collections::BTreeMap;

use engine::{Action, Fault};
use fleet::catalogue::SetBy;
use fleet::{Catalogue, Device};

/// Bytes of one script. The kernel takes 128 KiB as one argument of `sh -c` (`MAX_ARG_STRLEN`,
/// execve(2)), and what a script prints stays below [`crate::link::OUTPUT_BYTES_MAX`].
pub const SCRIPT_BYTES_MAX: usize = 40 * 1024;

/// Properties of one script: each costs a phone one to three processes, and one answer of up to 91
/// bytes even where the script holds only its name.
const STEPS_MAX: usize = 128;

/// The property that holds the marker of an adopted phone.
pub const MARKER_PROPERTY: &str = "persist.fleetwright.id";

/// The file that holds the marker where the shell may not set the property: no root.
pub const MARKER_FILE: &str = "/data/local/tmp/.fleetwright-id";

/// What every script of this form says first, so that another form is never mistaken for it.
pub const FORM: &str = "fleetwright 1";

/// One property of an action, as the phone is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// Our name of it.
    pub property: &'a str,
    /// The phone's name of it.
    pub name: &'a str,
    /// The value to set where the phone shows another; `None` to read only.
    pub value: Option<&'a str>,
    /// Set only in another boot than the known one.
    pub after_boot: bool,
}

/// An action, ready to be put into scripts.
#[derive(Debug)]
pub struct Plan<'a> {
    device: &'a Device,
    action: &'a Action,
    /// What the phone is asked, in the order in which it is asked.
    pub steps: Vec<Step<'a>>,
    /// What the phone is not even asked, and why.
    pub faults: BTreeMap<String, Fault>,
}

/// One script, and which steps of its plan it takes.
#[derive(Debug)]
pub struct Script<'p, 'a> {
    /// What to hand to the phone's shell.
    pub text: String,
    /// The steps of this script; records name them by their position here.
    pub steps: &'p [Step<'a>],
}

impl<'a> Plan<'a> {
    /// Looks up how each property of `action` is applied on this make of device. A property named
    /// twice is set once: `set` before `set_after_boot` before `read`.
    pub fn new(catalogue: &'a Catalogue, device: &'a Device, action: &'a Action) -> Self {
        let mut plan = Self { device, action, steps: Vec::new(), faults: BTreeMap::new() };
        let after =
            action.set_after_boot.iter().filter(|(name, _)| !action.set.contains_key(*name));
        for (property, value) in &action.set {
            plan.add(catalogue, property, Some(value), false);
        }
        for (property, value) in after {
            plan.add(catalogue, property, Some(value), true);
        }
        let mut read: Vec<&String> = action.read.iter().collect();
        read.sort();
        read.dedup();
        for property in read {
            if !action.set.contains_key(property) && !action.set_after_boot.contains_key(property) {
                plan.add(catalogue, property, None, false);
            }
        }
        plan
    }

    fn add(
        &mut self,
        catalogue: &'a Catalogue,
        property: &'a str,
        value: Option<&'a str>,
        after_boot: bool,
    ) {
        let profile = &self.device.profile;
        let Some(route) = catalogue.route(profile, property) else {
            let reason = format!("the profile {profile} knows no way to set it");
            return self.fault(property, Fault::Unsupported(reason));
        };
        let name = match route.set_by {
            SetBy::Setprop { name } => name,
            SetBy::Unsupported { reason } => {
                return self.fault(property, Fault::Unsupported(reason.to_owned()));
            }
        };
        let step = Step { property, name, value, after_boot };
        match step.impossible(route.value_bytes_max()) {
            Some(fault) => self.fault(property, fault),
            None => self.steps.push(step),
        }
    }

    fn fault(&mut self, property: &str, fault: Fault) {
        self.faults.insert(property.to_owned(), fault);
    }

    /// The next script: the steps from `from` on, as many as fit into [`SCRIPT_BYTES_MAX`], at
    /// least one if there is one. A plan without steps has one script too, which proves identity.
    /// `nonce` holds letters and digits only.
    pub fn script<'p>(&'p self, from: usize, nonce: &str) -> Script<'p, 'a> {
        self.script_with(from, nonce, MARKER_FILE)
    }

    /// [`Self::script`] with another marker file, for tests on machines that are no phone.
    pub(crate) fn script_with<'p>(
        &'p self,
        from: usize,
        nonce: &str,
        marker_file: &str,
    ) -> Script<'p, 'a> {
        let mut text = self.opening(nonce, marker_file);
        let left = self.steps.get(from..).unwrap_or_default();
        let mut bytes = text.len().saturating_add(CLOSING.len());
        let mut count = 0;
        for step in left.iter().take(STEPS_MAX) {
            bytes = bytes.saturating_add(step.bytes());
            if count > 0 && bytes > SCRIPT_BYTES_MAX {
                break;
            }
            count += 1;
        }
        let steps = left.get(..count).unwrap_or_default();
        for (at, step) in steps.iter().enumerate() {
            if let Some(value) = step.value {
                let when = if step.after_boot { "[ -z \"$anew\" ]||" } else { "" };
                text.push_str(&format!("{when}put {at} {} {}\n", quote(step.name), quote(value)));
            }
        }
        for (at, step) in steps.iter().enumerate() {
            text.push_str(&format!("show {at} {}\n", quote(step.name)));
        }
        text.push_str(CLOSING);
        Script { text, steps }
    }

    /// What every script does first: booted, identity, boot.
    fn opening(&self, nonce: &str, marker_file: &str) -> String {
        let known = match &self.action.known_boot {
            Some(boot) => quote(&boot.to_string()),
            None => "''".to_owned(),
        };
        // The marker last: it is the only one of these texts that was not chosen here.
        OPENING
            .replace("@ADOPT@", if self.action.may_adopt { ADOPT } else { "" })
            .replace("@NONCE@", nonce)
            .replace("@FORM@", FORM)
            .replace("@PROPERTY@", MARKER_PROPERTY)
            .replace("@FILE@", &quote(marker_file))
            .replace("@KNOWN@", &known)
            .replace("@MARKER@", &quote(&self.device.marker))
    }
}

impl Step<'_> {
    /// Why the phone can't be asked for this at all; `bytes_max` is what the route takes.
    fn impossible(&self, bytes_max: Option<usize>) -> Option<Fault> {
        let value = self.value?;
        let bytes = value.len();
        if value.contains('\0') {
            return Some(Fault::Refused("no property can hold a NUL character".to_owned()));
        }
        if let Some(bytes_max) = bytes_max.filter(|bytes_max| bytes > *bytes_max) {
            return Some(Fault::Unsupported(format!(
                "Android takes at most {bytes_max} bytes as the value of {}, this one has {bytes}; \
                 the profile knows no other way",
                self.name
            )));
        }
        if self.bytes() > SCRIPT_BYTES_MAX - OPENING_BYTES_MAX {
            return Some(Fault::Unsupported(format!("{bytes} bytes are too many for one command")));
        }
        None
    }

    /// Bytes that this step takes of a script, or a few less than that.
    fn bytes(&self) -> usize {
        let value = self.value.map_or(0, |value| quoted_bytes(value) + quoted_bytes(self.name));
        LINES_BYTES + quoted_bytes(self.name) + value
    }
}

/// `text` as one word of the shell, whatever it holds: single quotes suspend everything but a
/// single quote, which stands outside of them behind a backslash (POSIX.1-2017, Shell Command
/// Language,
/// 2.2.2).
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(quoted_bytes(text));
    quoted.push('\'');
    for part in text.split_inclusive('\'') {
        match part.strip_suffix('\'') {
            Some(before) => {
                quoted.push_str(before);
                quoted.push_str("'\\''");
            }
            None => quoted.push_str(part),
        }
    }
    quoted.push('\'');
    quoted
}

/// Bytes of `quote(text)`.
fn quoted_bytes(text: &str) -> usize {
    text.len() + 2 + 3 * text.bytes().filter(|byte| *byte == b'\'').count()
}

/// The end of every script: an answer without it was cut off.
const CLOSING: &str = "quit\n";
/// Bytes of a step's two lines less the quoted words: `[ -z "$anew" ]||put 127  \nshow 127 \n`.
const LINES_BYTES: usize = 40;
/// No opening is longer: some 1,500 bytes of its own, and the marker up to four times.
const OPENING_BYTES_MAX: usize = 8 * 1024;

/// The start of every script. `@...@` stand for words that are quoted already.
///
/// The answer is put together in `o` and printed at once at the end: adbd sends every write as a
/// message of its own and waits for ours before the next.
///
/// `get` leaves a property's value in `v`: command substitution drops newlines at the end, so an
/// `x` is printed behind it and taken away again, and then the one newline that `getprop` adds
/// itself. `setprop --` is for makes whose `setprop` takes a leading `-` for an option (toybox);
/// others take `--` for a third argument and refuse, so it is tried second.
const OPENING: &str = r#"N=@NONCE@
L='
'
o=
rec(){ o=$o$L"$N $1"$L$2;}
get(){ v=$(getprop "$1";printf x);v=${v%x};v=${v%"$L"};}
quit(){ rec end;printf %s "$o";exit 0;}
put(){
get "$2"
if [ "x$v" = "x$3" ];then return 0;fi
e=$(setprop "$2" "$3" 2>&1)&&return 0
case $3 in -*)if setprop -- "$2" "$3" >/dev/null 2>&1;then return 0;fi;;esac
rec "fault $1 $(id -u)" "$(printf %.400s "$e")"
}
show(){ get "$2";rec "value $1" "$v";}
start(){ s=${20};}
rec '@FORM@'
get sys.boot_completed
if [ "x$v" != x1 ];then rec booting;quit;fi
get @PROPERTY@
m=$v
if [ -z "$m" ]&&[ -f @FILE@ ];then read -r m <@FILE@;fi
@ADOPT@if [ "x$m" != x@MARKER@ ];then rec wrong "$(printf %.400s "$m")";quit;fi
k=
s=
read -r k </proc/sys/kernel/random/boot_id
read -r t </proc/1/stat
start ${t##*)}
rec boot "$k$L$s"
anew=1
if [ "x$k/$s" = x@KNOWN@ ];then anew=;fi
"#;

/// Leaves the marker on a phone that has none, and looks whether it stayed.
const ADOPT: &str = r#"if [ -z "$m" ];then
e=$(setprop @PROPERTY@ @MARKER@ 2>&1)
get @PROPERTY@
m=$v
if [ -z "$m" ];then
printf '%s\n' @MARKER@ 2>/dev/null >@FILE@
if [ -f @FILE@ ];then read -r m <@FILE@;fi
fi
if [ -z "$m" ];then rec unmarked "$(printf %.400s "$e")";quit;fi
fi
"#;

#[cfg(test)]
mod tests;
