//! What happened on a phone, for tests to ask: sets, commands, applications. All bounded.

use std::collections::{BTreeMap, VecDeque};

use super::log::Log;

/// Most sets remembered one by one.
const RECENT_MAX: usize = 128;
/// Most bytes of command text remembered.
const COMMAND_BYTES_MAX: usize = 16 << 10;
/// Most properties counted.
const COUNTED_MAX: usize = 4096;

/// One set that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The property, or `settings:NAMESPACE/KEY`, `wm:density`, `wm:size`, `file:PATH`.
    pub name: String,
    /// Its value from then on.
    pub value: String,
    /// Whether that was another value than before.
    pub changed: bool,
    /// The boot it happened in; the first is 1.
    pub boot: u64,
}

/// The sets that took effect on a phone, by its shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// How often each property was set, with whatever value.
    pub set: BTreeMap<String, u64>,
    /// How often each property got another value.
    pub changed: BTreeMap<String, u64>,
    /// The latest sets, oldest first.
    pub recent: Vec<Effect>,
}

/// The record of one phone.
#[derive(Debug, Default)]
pub(crate) struct History {
    set: BTreeMap<String, u64>,
    changed: BTreeMap<String, u64>,
    recent: VecDeque<Effect>,
    commands: VecDeque<String>,
    command_bytes: usize,
    pub(crate) log: Log,
    /// Shell commands that changed at least one value.
    pub(crate) applications: u64,
}

impl History {
    /// A record with a log of so many bytes.
    pub(crate) fn new(log_bytes: usize) -> Self {
        History { log: Log::new(log_bytes), ..History::default() }
    }

    /// Remembers one set.
    pub(crate) fn effect(&mut self, effect: Effect) {
        let counts = [(&mut self.set, true), (&mut self.changed, effect.changed)];
        for (counts, counted) in counts {
            if counted && (counts.len() < COUNTED_MAX || counts.contains_key(&effect.name)) {
                *counts.entry(effect.name.clone()).or_default() += 1;
            }
        }
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(effect);
    }

    /// Remembers the text of a shell command; the oldest go when it gets too much.
    pub(crate) fn command(&mut self, text: &str) {
        let cut = text.floor_char_boundary(COMMAND_BYTES_MAX);
        let text = text.get(..cut).unwrap_or_default();
        self.command_bytes += text.len();
        self.commands.push_back(text.to_owned());
        while self.command_bytes > COMMAND_BYTES_MAX {
            let Some(oldest) = self.commands.pop_front() else { break };
            self.command_bytes -= oldest.len();
        }
    }

    /// The sets so far.
    pub(crate) fn effects(&self) -> Effects {
        Effects {
            set: self.set.clone(),
            changed: self.changed.clone(),
            recent: self.recent.iter().cloned().collect(),
        }
    }

    /// The latest commands, oldest first.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.commands.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_bounded() {
        let mut history = History::default();
        for index in 0..5000_u64 {
            let name = format!("a.{index}");
            history.effect(Effect { name, value: "1".into(), changed: index % 2 == 0, boot: 1 });
            history.command(&format!("echo {index}"));
        }
        let effects = history.effects();
        assert_eq!((effects.set.len(), effects.changed.len()), (COUNTED_MAX, 2500));
        assert_eq!(effects.recent.len(), RECENT_MAX);
        assert_eq!(effects.recent.last().unwrap().name, "a.4999");
        assert!(history.commands().iter().map(String::len).sum::<usize>() <= COMMAND_BYTES_MAX);
        assert_eq!(history.commands().last().unwrap(), "echo 4999");
        history.command(&"机".repeat(COMMAND_BYTES_MAX));
        assert_eq!(history.commands().len(), 1);
    }
}
