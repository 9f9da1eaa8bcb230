//! Rules of a profile: how one make of device takes the properties that a rule names.

use regex_lite::Regex;

use super::profile::{Retention, Route, SetBy};
use super::property::Timing;

/// One rule, for one property or for all that a prefix stands for.
#[derive(Debug)]
pub(super) struct Rule {
    /// How they are set.
    pub(super) how: How,
    /// How long their values hold, where it is not as that way of setting has it.
    pub(super) retention: Option<Retention>,
    /// When their values begin to act, where it is not as the catalogue says.
    pub(super) timing: Option<Timing>,
    /// What prints a value's effect; empty if nothing does.
    pub(super) effect: Vec<String>,
    /// Which of the values that the catalogue allows this make takes, if not all of them.
    pub(super) narrow: Option<Narrow>,
    /// What a reader of the table should know besides.
    pub(super) note: Option<String>,
}

/// The values that a make takes.
#[derive(Debug)]
pub(super) struct Narrow {
    /// What the whole value must match.
    pub(super) pattern: Regex,
    /// The same in words.
    pub(super) allows: String,
}

/// How a rule sets a property. A name of the device's own stands here where it is not ours.
#[derive(Debug)]
pub(super) enum How {
    /// By `setprop`.
    Setprop {
        /// The device's name for the property, if it is not ours.
        property: Option<String>,
    },
    /// By `setprop`, once a boot.
    SetpropOncePerBoot {
        /// The device's name for the property, if it is not ours.
        property: Option<String>,
    },
    /// By `settings put`.
    Settings {
        /// `system`, `secure` or `global`.
        namespace: &'static str,
        /// The setting.
        key: String,
    },
    /// By a program on the device.
    Command {
        /// The program that sets the value, and its arguments.
        set: Vec<String>,
        /// The program that prints it, and its arguments; empty if there is none.
        get: Vec<String>,
    },
    /// By writing a file.
    File {
        /// Its path.
        path: String,
    },
    /// By an argument of the device's container.
    StartArgument {
        /// The device's name for the property that shows the value, if it is not ours.
        property: Option<String>,
        /// The argument.
        argument: String,
    },
    /// By DeviceConfig's BasicParam.
    BasicParam,
    /// As a record of ours.
    Stored,
    /// Not at all, for this reason.
    Unsupported(String),
}

impl Rule {
    /// The rule that sets in this way and says nothing else.
    pub(super) fn plain(how: How, note: Option<&str>) -> Self {
        Self {
            how,
            retention: None,
            timing: None,
            effect: Vec::new(),
            narrow: None,
            note: note.map(str::to_owned),
        }
    }

    /// The route of the property `name`, which begins to act at `timing` unless the rule or its way
    /// of setting says otherwise: what a container was started with acts already, and a record of
    /// ours has nothing to wait for.
    pub(super) fn route<'a>(&'a self, name: &'a str, timing: Timing) -> Route<'a> {
        let set_by = self.set_by(name);
        let timing = match set_by {
            SetBy::StartArgument { .. } | SetBy::Stored => Timing::AtOnce,
            _ => timing,
        };
        Route {
            set_by,
            retention: self.retention.unwrap_or_else(|| retention(&set_by)),
            timing: self.timing.unwrap_or(timing),
            effect: &self.effect,
        }
    }

    /// How the property `name` is set.
    fn set_by<'a>(&'a self, name: &'a str) -> SetBy<'a> {
        let own = |property: &'a Option<String>| property.as_deref().unwrap_or(name);
        match &self.how {
            How::Setprop { property } => SetBy::Setprop { name: own(property) },
            How::SetpropOncePerBoot { property } => {
                SetBy::SetpropOncePerBoot { name: own(property) }
            }
            How::Settings { namespace, key } => SetBy::Settings { namespace, key },
            How::Command { set, get } => SetBy::Command { set, get },
            How::File { path } => SetBy::File { path },
            How::StartArgument { property, argument } => {
                SetBy::StartArgument { name: own(property), argument }
            }
            How::BasicParam => SetBy::BasicParam,
            How::Stored => SetBy::Stored,
            How::Unsupported(reason) => SetBy::Unsupported { reason },
        }
    }

    /// Whether this make takes `value`; says in words what it does take.
    pub(super) fn takes(&self, value: &str) -> Result<(), &str> {
        match &self.narrow {
            Some(narrow) if !narrow.pattern.is_match(value) => Err(&narrow.allows),
            _ => Ok(()),
        }
    }
}

/// How long a value holds that is set in this way. Android keeps settings and files under /data;
/// a program is taken to keep what it is told, unless its rule says otherwise. A camera keeps its
/// configuration.
fn retention(set_by: &SetBy<'_>) -> Retention {
    match set_by {
        SetBy::Setprop { name } | SetBy::SetpropOncePerBoot { name } => Retention::of_android(name),
        SetBy::Settings { .. } | SetBy::Command { .. } | SetBy::File { .. } | SetBy::BasicParam => {
            Retention::Data
        }
        SetBy::StartArgument { .. } => Retention::StartArgs,
        SetBy::Stored | SetBy::Unsupported { .. } => Retention::Record,
    }
}
