//! One property of an action, in the phone's shell.

use engine::Fault;
use fleet::catalogue::{Route, SetBy};

use super::quote::quote;

/// What stands for the value in the arguments of a program.
const PLACEHOLDER: &str = "{value}";

/// Commands of the shell itself that run what they are given, or run one that does.
const EVALUATING: [&str; 8] =
    ["eval", ".", "source", "trap", "alias", "command", "builtin", "exec"];

/// One property of an action, as the phone is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// Our name of it.
    pub property: &'a str,
    /// How it is set and read: none of [`SetBy::BasicParam`], [`SetBy::Stored`] and
    /// [`SetBy::Unsupported`], which no phone is asked for.
    pub set_by: SetBy<'a>,
    /// The program that prints what the value does, and its arguments; empty if there is none.
    pub effect: &'a [String],
    /// The value to set where the phone shows another; `None` to read only.
    pub value: Option<&'a str>,
    /// Set only in another boot than the known one.
    pub after_boot: bool,
}

/// What a script says for one step.
pub(super) struct Lines {
    /// Sets it; empty if it is read only.
    pub set: String,
    /// Reads it back.
    pub show: String,
}

impl<'a> Step<'a> {
    /// The step of `property` by `route`.
    pub fn new(
        property: &'a str,
        route: &Route<'a>,
        value: Option<&'a str>,
        after_boot: bool,
    ) -> Self {
        Self { property, set_by: route.set_by, effect: route.effect, value, after_boot }
    }

    /// Whether the phone can show its value.
    pub(crate) fn is_shown(&self) -> bool {
        !matches!(self.set_by, SetBy::Command { get: [], .. })
    }

    /// Whether the phone is asked for what the value does. What needs the value to ask is asked
    /// only where there is one.
    pub(crate) fn has_effect(&self) -> bool {
        let fillable = self.value.is_some() || !self.effect.iter().any(|word| is_filled(word));
        !self.effect.is_empty() && fillable
    }

    /// Why the phone can't be asked for this at all; `bytes_max` is what the route takes.
    pub(super) fn impossible(&self, bytes_max: Option<usize>) -> Option<Fault> {
        let value = self.value?;
        let bytes = value.len();
        if value.contains('\0') {
            return Some(Fault::Refused("no property can hold a NUL character".to_owned()));
        }
        if let Some(bytes_max) = bytes_max.filter(|bytes_max| bytes > *bytes_max) {
            let name = self.name();
            return Some(Fault::Unsupported(format!(
                "Android takes at most {bytes_max} bytes as the value of {name}, this one has \
                 {bytes}; the profile knows no other way"
            )));
        }
        let unsupported = |why: &str| Some(Fault::Unsupported(why.to_owned()));
        match self.set_by {
            SetBy::Settings { .. } if value == NO_SETTING => {
                unsupported("settings can't tell the value null from none")
            }
            SetBy::Command { set, get } if [set, get, self.effect].into_iter().any(would_run) => {
                unsupported("the profile's program would run the value as a command of the shell")
            }
            _ => None,
        }
    }

    /// The phone's name of it, for messages.
    fn name(&self) -> &'a str {
        match self.set_by {
            SetBy::Setprop { name }
            | SetBy::SetpropOncePerBoot { name }
            | SetBy::StartArgument { name, .. } => name,
            _ => self.property,
        }
    }

    /// What the script at whose position `at` this step stands says for it.
    pub(super) fn lines(&self, at: usize) -> Lines {
        let set = match self.value.and_then(|value| self.set(at, value)) {
            Some(set) if self.after_boot => format!("if [ -n \"$anew\" ];then {set};fi\n"),
            Some(set) => format!("{set}\n"),
            None => String::new(),
        };
        let mut show = match self.set_by {
            SetBy::Setprop { name }
            | SetBy::SetpropOncePerBoot { name }
            | SetBy::StartArgument { name, .. } => {
                format!("_show value {at} getprop {}\n", quote(name))
            }
            SetBy::Settings { namespace, key } => {
                format!("_show value {at} settings get {} {}\n", quote(namespace), quote(key))
            }
            SetBy::Command { get, .. } if !get.is_empty() => {
                format!("_show value {at} {}\n", words(get, self.value))
            }
            SetBy::File { path } => format!("_content {at} {}\n", quote(path)),
            SetBy::Command { .. }
            | SetBy::BasicParam
            | SetBy::Stored
            | SetBy::Unsupported { .. } => String::new(),
        };
        if self.has_effect() {
            show.push_str(&format!("_show effect {at} {}\n", words(self.effect, self.value)));
        }
        Lines { set, show }
    }

    /// The command that sets it; `None` where it can't be set while the phone runs.
    fn set(&self, at: usize, value: &str) -> Option<String> {
        let quoted = quote(value);
        Some(match self.set_by {
            SetBy::Setprop { name } => format!("_put {at} {} {quoted}", quote(name)),
            SetBy::SetpropOncePerBoot { name } => format!("_once {at} {} {quoted}", quote(name)),
            SetBy::Settings { namespace, key } => {
                format!("_setting {at} {} {} {quoted}", quote(namespace), quote(key))
            }
            SetBy::File { path } => format!("_file {at} {} {quoted}", quote(path)),
            SetBy::Command { set, get: [] } => {
                format!("_run {at} {}&&_rec 'done {at}'", words(set, self.value))
            }
            SetBy::Command { set, get } => {
                let (set, get) = (words(set, self.value), words(get, self.value));
                format!("_take {get};[ \"x$v\" = x{quoted} ]||_run {at} {set}")
            }
            SetBy::StartArgument { .. }
            | SetBy::BasicParam
            | SetBy::Stored
            | SetBy::Unsupported { .. } => return None,
        })
    }

    /// The functions of [`FUNCTIONS`] that its lines need, by their positions there.
    pub(super) fn needs(&self) -> &'static [usize] {
        match self.set_by {
            SetBy::Setprop { .. } => &[PUT],
            SetBy::SetpropOncePerBoot { .. } => &[PUT, ONCE],
            SetBy::Settings { .. } => &[SETTING],
            SetBy::Command { .. } => &[RUN],
            SetBy::File { .. } => &[FILE],
            SetBy::StartArgument { .. }
            | SetBy::BasicParam
            | SetBy::Stored
            | SetBy::Unsupported { .. } => &[],
        }
    }
}

/// What `settings get` prints for a setting that has no value.
pub(crate) const NO_SETTING: &str = "null";

/// Whether an argument has a place for the value.
fn is_filled(word: &str) -> bool {
    word.contains(PLACEHOLDER)
}

/// Whether this program would run the value. That it is no part of a script behind `-c`, the
/// catalogue has seen to.
fn would_run(argv: &[String]) -> bool {
    let evaluates = argv.first().is_some_and(|program| EVALUATING.contains(&program.as_str()));
    evaluates && argv.iter().any(|word| is_filled(word))
}

/// A program and its arguments as words of the shell, with the value in its places.
fn words(argv: &[String], value: Option<&str>) -> String {
    let mut words = String::new();
    for (position, word) in argv.iter().enumerate() {
        match value {
            Some(value) if position > 0 => {
                words.push_str(&quote(&word.replace(PLACEHOLDER, value)));
            }
            _ => words.push_str(&quote(word)),
        }
        words.push(' ');
    }
    words.pop();
    words
}

/// Positions in [`FUNCTIONS`].
const PUT: usize = 0;
const ONCE: usize = 1;
const SETTING: usize = 2;
const RUN: usize = 3;
const FILE: usize = 4;

/// What each way of setting needs. Every function takes the step's position first, compares before
/// it sets, and leaves a record if the phone refuses.
///
/// `setprop --` is for makes whose `setprop` takes a leading `-` for an option (toybox); others
/// take `--` for a third argument and refuse, so it is tried second. `head` keeps a file of any
/// size from filling the shell's memory; a phone without it has `cat`.
pub(super) const FUNCTIONS: [&str; 5] = [
    r#"_set(){
e=$(setprop "$2" "$3" 2>&1)&&return 0
case $3 in -*)if setprop -- "$2" "$3" >/dev/null 2>&1;then return 0;fi;;esac
_fault "$1" "$e"
}
_put(){
_take getprop "$2"
if [ "x$v" != "x$3" ];then _set "$@";fi
}
"#,
    r#"_once(){
_take getprop "$2"
if [ "x$v" != "x$3" ]&&[ -z "$v" ];then _set "$@";fi
}
"#,
    r#"_setting(){
_take settings get "$2" "$3"
if [ "x$v" = "x$4" ];then return 0;fi
e=$(settings put "$2" "$3" "$4" </dev/null 2>&1)||_fault "$1" "$e"
}
"#,
    r#"_run(){
a=$1
shift
e=$("$@" </dev/null 2>&1)&&return 0
_fault "$a" "$e"
return 1
}
"#,
    r#"_cat(){ v=$({ head -c 57345 "$1"||cat "$1";} 2>/dev/null;printf "x$?");c=${v##*x};v=${v%x*};}
_file(){
if [ -f "$2" ];then
_cat "$2"
if [ "x$v" = "x$3" ];then return 0;fi
fi
e=$({ printf %s "$3" >"$2";} 2>&1)||_fault "$1" "$e"
}
_content(){ if [ -f "$2" ];then _cat "$2";_tell value "$1";else _rec "none $1";fi;}
"#,
];

/// What every script with steps needs.
pub(super) const STEPS: &str = r#"_fault(){ _rec "fault $1 $(id -u)" "$(printf %.200s "$2")";}
_show(){ w=$1;a=$2;shift 2;_take "$@";_tell "$w" "$a";}
"#;
