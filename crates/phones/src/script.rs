//! One action as POSIX shell scripts: what a phone is asked to do, in one exchange where it fits.
//!
//! Pure. A script runs under Android's mksh, under dash, and in the simulator's shell. In this
//! order it asks whether the phone has booted, names the boot, proves its identity (leaving the
//! marker where that is allowed), lets the phone say what it is if the boot is another than the
//! known one, sets what differs, and reads every property back. Nothing is set before identity is
//! proved. [`crate::answer`] reads what it prints.
//!
//! # The frame
//!
//! Every record begins with a newline, the nonce, a blank, the record's name, a newline; what
//! follows up to the next such beginning is its content, bytes as they are. The nonce is random and
//! new for every script, so that nothing stored on a phone beforehand can hold one.
//!
//! # Names
//!
//! Whatever a profile's own programs are called, the functions of a script are none of them: theirs
//! begin with `_`.

mod opening;
mod power;
mod quote;
mod root;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use engine::{Action, Fault};
use fleet::catalogue::{Privilege, SetBy};
use fleet::{Catalogue, Device};

use opening::{CLOSING, FACTS, Opening};
pub use opening::{FORM, MARKER_FILE, MARKER_PROPERTY};
pub use power::{Deed, look, power};
#[cfg(test)]
pub(crate) use power::{look_with, power_with};
pub use quote::quote;
use root::Rights;
pub(crate) use step::NO_SETTING;
pub use step::Step;
use step::{FUNCTIONS, STEPS};

/// Bytes of one script. The kernel takes 128 KiB as one argument of `sh -c` (`MAX_ARG_STRLEN`,
/// execve(2)), and what a script prints stays below [`crate::link::OUTPUT_BYTES_MAX`].
pub const SCRIPT_BYTES_MAX: usize = 40 * 1024;

/// Properties of one script: each costs a phone one to three processes, and one answer of up to 91
/// bytes even where the script holds only its name.
const STEPS_MAX: usize = 128;

/// No script without its steps is longer: some 3,000 bytes of its own, and the marker up to five
/// times.
const AROUND_STEPS_BYTES_MAX: usize = 8 * 1024;

/// An action, ready to be put into scripts.
#[derive(Debug)]
pub struct Plan<'a> {
    device: &'a Device,
    action: &'a Action,
    rights: Rights,
    /// What the phone is asked, in the order in which it is asked.
    pub steps: Vec<Step<'a>>,
    /// What the phone is not even asked, and why.
    pub faults: BTreeMap<String, Fault>,
    /// What is a record of ours, which no phone is asked for.
    pub recorded: BTreeSet<String>,
}

/// One script, and which steps of its plan it takes.
#[derive(Debug)]
pub struct Script<'p, 'a> {
    /// What to hand to the phone's shell.
    pub text: String,
    /// The steps of this script; records name them by their position here.
    pub steps: &'p [Step<'a>],
}

/// What scripts for a make with this way to root's rights need.
fn rights(privilege: Privilege) -> Rights {
    match privilege {
        Privilege::None | Privilege::RootShell => Rights::Shell,
        Privilege::Su => Rights::Su,
    }
}

impl<'a> Plan<'a> {
    /// Looks up how each property of `action` is applied on this make of device. A property named
    /// twice is set once: `set` before `set_after_boot` before `read`.
    pub fn new(catalogue: &'a Catalogue, device: &'a Device, action: &'a Action) -> Self {
        let privilege = catalogue.profile(&device.profile).map(|profile| profile.privilege);
        let mut plan = Self {
            device,
            action,
            rights: rights(privilege.unwrap_or(Privilege::None)),
            steps: Vec::new(),
            faults: BTreeMap::new(),
            recorded: BTreeSet::new(),
        };
        let after =
            action.set_after_boot.iter().filter(|(name, _)| !action.set.contains_key(*name));
        for (property, value) in &action.set {
            plan.add(catalogue, property, Some(value), false);
        }
        for (property, value) in after {
            plan.add(catalogue, property, Some(value), true);
        }
        let read: BTreeSet<&String> = action.read.iter().collect();
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
        match route.set_by {
            SetBy::Unsupported { reason } => {
                return self.fault(property, Fault::Unsupported(reason.to_owned()));
            }
            // The catalogue takes no phone profile that says so: the device's is one of cameras.
            SetBy::BasicParam => {
                let reason = format!("the profile {profile} is for cameras, not for phones");
                return self.fault(property, Fault::Unsupported(reason));
            }
            SetBy::Stored => {
                self.recorded.insert(property.to_owned());
                return;
            }
            _ => {}
        }
        let step = Step::new(property, &route, value, after_boot);
        let fault = step.impossible(route.value_bytes_max()).or_else(|| self.too_long(&step));
        match fault {
            Some(fault) => self.fault(property, fault),
            None => self.steps.push(step),
        }
    }

    /// Whether a step has no room even in a script of its own.
    fn too_long(&self, step: &Step<'_>) -> Option<Fault> {
        let lines = step.lines(0);
        let bytes = self.rights.bytes(&lines.set) + self.rights.bytes(&lines.show);
        let value = step.value.map_or(0, str::len);
        (bytes > SCRIPT_BYTES_MAX - AROUND_STEPS_BYTES_MAX)
            .then(|| Fault::Unsupported(format!("{value} bytes are too many for one command")))
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
        let opening = Opening {
            nonce,
            marker: &self.device.marker,
            marker_file,
            adopt: self.action.adopt,
            known_boot: self.action.known_boot.as_ref(),
            rights: self.rights,
        };
        let mut text = opening.proof();
        if from == 0 {
            text.push_str(&format!("if [ -n \"$anew\" ];then\n{FACTS}fi\n"));
        }
        let left = self.steps.get(from..).unwrap_or_default();
        if !left.is_empty() {
            text.push_str(STEPS);
        }
        let steps = self.fit(&mut text, left);
        text.push_str(CLOSING);
        Script { text: self.rights.wrap(text, nonce), steps }
    }

    /// Puts as many of `left` into a script as it has room for, with the functions they need, and
    /// gives them.
    fn fit<'p>(&self, text: &mut String, left: &'p [Step<'a>]) -> &'p [Step<'a>] {
        let mut bytes = self.rights.bytes(text) + self.rights.bytes_around() + CLOSING.len();
        let (mut sets, mut shows, mut count) = (String::new(), String::new(), 0);
        let mut needed = BTreeSet::new();
        for (at, step) in left.iter().enumerate().take(STEPS_MAX) {
            let lines = step.lines(at);
            bytes += self.rights.bytes(&lines.set) + self.rights.bytes(&lines.show);
            let new = step.needs().iter().copied().filter(|function| needed.insert(*function));
            bytes += functions(new).map(|function| self.rights.bytes(function)).sum::<usize>();
            if count > 0 && bytes > SCRIPT_BYTES_MAX {
                break;
            }
            sets.push_str(&lines.set);
            shows.push_str(&lines.show);
            count = at + 1;
        }
        text.extend(functions(needed));
        text.push_str(&sets);
        text.push_str(&shows);
        left.get(..count).unwrap_or_default()
    }
}

/// The functions at these positions.
fn functions(positions: impl IntoIterator<Item = usize>) -> impl Iterator<Item = &'static str> {
    positions.into_iter().filter_map(|position| FUNCTIONS.get(position).copied())
}

#[cfg(test)]
mod tests;
