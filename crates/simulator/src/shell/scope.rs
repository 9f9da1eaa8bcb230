//! What a shell holds while it runs: variables, functions, positional parameters.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ast::Command;
use super::interpreter::{Io, Shell, Stop};
use super::{SHELL, TEXT_BYTES_MAX};

/// A variable that `local` hid: its name, and what it was.
pub(super) type Hidden = (Vec<u8>, Option<Vec<u8>>);

/// What a subshell has a copy of.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) variables: HashMap<Vec<u8>, Vec<u8>>,
    /// The names of variables that programs see.
    pub(super) exported: HashSet<Vec<u8>>,
    pub(super) functions: HashMap<Vec<u8>, Arc<Command>>,
    /// `$0`, where it is not the shell's own name.
    pub(super) zero: Option<Vec<u8>>,
    pub(super) positional: Vec<Vec<u8>>,
    /// What `local` hid, function by function.
    pub(super) hidden: Vec<Vec<Hidden>>,
    pub(super) loops: u32,
}

impl Shell {
    /// A variable's value.
    pub(super) fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.scope.variables.get(name).cloned()
    }

    /// `$0`.
    pub(super) fn zero(&self) -> Vec<u8> {
        self.scope.zero.clone().unwrap_or_else(|| SHELL.into())
    }

    /// Lets programs see a variable.
    pub(super) fn export(&mut self, name: &[u8]) {
        self.scope.exported.insert(name.to_vec());
    }

    /// `$1` and on.
    pub(super) fn positional(&self) -> &[Vec<u8>] {
        &self.scope.positional
    }

    /// Replaces `$1` and on.
    pub(super) fn set_positional(&mut self, values: Vec<Vec<u8>>) {
        self.scope.positional = values;
    }

    /// How many loops there are to break out of.
    pub(super) fn loops(&self) -> u32 {
        self.scope.loops
    }

    /// Gives a variable a value, within [`TEXT_BYTES_MAX`] for all together.
    pub(super) fn assign(&mut self, name: &[u8], value: Vec<u8>, io: &Io) -> Result<(), Stop> {
        let added = name.len() + value.len();
        if added > 64 {
            let held: usize = self.scope.variables.iter().map(|(k, v)| k.len() + v.len()).sum();
            if held + added > TEXT_BYTES_MAX {
                return Err(self.fatal(io, "variables too long"));
            }
        }
        self.scope.variables.insert(name.to_vec(), value);
        Ok(())
    }

    /// Gives a variable back what it was.
    pub(super) fn restore(&mut self, name: Vec<u8>, value: Option<Vec<u8>>) {
        match value {
            Some(value) => self.scope.variables.insert(name, value),
            None => self.scope.variables.remove(&name),
        };
    }

    /// Forgets a variable or, with `function`, a function.
    pub(super) fn unset(&mut self, name: &[u8], function: bool) {
        if function {
            self.scope.functions.remove(name);
        } else {
            self.scope.variables.remove(name);
        }
    }

    /// Whether a function has this name.
    pub(super) fn has_function(&self, name: &[u8]) -> bool {
        self.scope.functions.contains_key(name)
    }

    /// Hides a variable until the function returns; false outside of functions.
    pub(super) fn hide(&mut self, name: &[u8]) -> bool {
        let value = self.variable(name);
        match self.scope.hidden.last_mut() {
            Some(hidden) => {
                hidden.push((name.to_vec(), value));
                true
            }
            None => false,
        }
    }
}
