//! Property names, and look-ups by exact name or by prefix.

use std::collections::HashMap;

use crate::device::Kind;
use crate::limits::PROPERTY_NAME_BYTES_MAX;

/// Names under this are the server's own (its adoption marker is `persist.fleetwright.id`): no file
/// may describe one and no caller may set one.
const RESERVED: &str = "persist.fleetwright";

/// What a name stands for in a catalogue or profile file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameForm<'a> {
    /// Itself.
    Exact(&'a str),
    /// Every name that begins with this: it ends in a dot, or is empty for all names.
    Prefix(&'a str),
}

impl<'a> NameForm<'a> {
    /// Reads `name`, `prefix.*` or `*`; `None` where it is none of them.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Prefix(""));
        }
        match text.strip_suffix(".*") {
            Some(stem) if is_legal(stem) => text.strip_suffix('*').map(Self::Prefix),
            None if is_legal(text) => Some(Self::Exact(text)),
            _ => None,
        }
    }
}

/// Whether Android takes `name` for a property's name: letters, digits and `. _ : @ -`, no dot at
/// either end and no two in a row (`IsLegalPropertyName` in AOSP, system/core/init/util.cpp). It
/// has at most [`PROPERTY_NAME_BYTES_MAX`] bytes.
pub(super) fn is_legal(name: &str) -> bool {
    let mut after_dot = true;
    for byte in name.bytes() {
        match byte {
            b'.' if after_dot => return false,
            b'.' => after_dot = true,
            b'_' | b':' | b'@' | b'-' => after_dot = false,
            _ if byte.is_ascii_alphanumeric() => after_dot = false,
            _ => return false,
        }
    }
    // The flag still stands for an empty name and for one that ends in a dot.
    !after_dot && name.len() <= PROPERTY_NAME_BYTES_MAX
}

/// Whether `name` (or the prefix `name`) belongs to the server itself.
pub(super) fn is_reserved(name: &str) -> bool {
    name.strip_prefix(RESERVED).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Things found by name: exact names first, then the longest prefix.
#[derive(Debug)]
pub(super) struct Names<T> {
    exact: HashMap<String, T>,
    prefixes: HashMap<String, T>,
}

impl<T> Names<T> {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { exact: HashMap::new(), prefixes: HashMap::new() }
    }

    /// What is under exactly this form, if anything is.
    pub(super) fn same(&self, form: NameForm<'_>) -> Option<&T> {
        match form {
            NameForm::Exact(name) => self.exact.get(name),
            NameForm::Prefix(prefix) => self.prefixes.get(prefix),
        }
    }

    /// Puts `item` under `form`, in the place of what was there.
    pub(super) fn insert(&mut self, form: NameForm<'_>, item: T) {
        match form {
            NameForm::Exact(name) => self.exact.insert(name.to_owned(), item),
            NameForm::Prefix(prefix) => self.prefixes.insert(prefix.to_owned(), item),
        };
    }

    /// How many forms there are.
    pub(super) fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }

    /// The item for `name`. Allocates nothing; one look-up, and one more for each dot if only a
    /// prefix can match.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        if let Some(item) = self.exact.get(name) {
            return Some(item);
        }
        if self.prefixes.is_empty() {
            return None;
        }
        name.rmatch_indices('.')
            .filter_map(|(at, _)| name.get(..=at))
            .chain([""])
            .find_map(|prefix| self.prefixes.get(prefix))
    }

    /// Whether anything in here could be found by a name that `form` stands for.
    pub(super) fn meets(&self, form: NameForm<'_>) -> bool {
        match form {
            NameForm::Exact(name) => self.get(name).is_some(),
            NameForm::Prefix(prefix) => {
                self.exact.keys().any(|name| name.starts_with(prefix))
                    || self
                        .prefixes
                        .keys()
                        .any(|other| other.starts_with(prefix) || prefix.starts_with(other))
            }
        }
    }
}

/// One [`Names`] for each sort of device.
#[derive(Debug)]
pub(super) struct NamesByKind {
    phones: Names<usize>,
    cameras: Names<usize>,
}

impl NamesByKind {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { phones: Names::new(), cameras: Names::new() }
    }

    /// Those of one sort.
    pub(super) fn of(&self, kind: Kind) -> &Names<usize> {
        match kind {
            Kind::Phone => &self.phones,
            Kind::Camera => &self.cameras,
        }
    }

    /// Those of one sort, to add to.
    pub(super) fn of_mut(&mut self, kind: Kind) -> &mut Names<usize> {
        match kind {
            Kind::Phone => &mut self.phones,
            Kind::Camera => &mut self.cameras,
        }
    }
}

impl<T: Clone> Names<T> {
    /// Takes over what `other` has under forms that have nothing here.
    pub(super) fn extend_from(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.exact, &other.exact), (&mut self.prefixes, &other.prefixes)]
        {
            for (name, item) in theirs {
                mine.entry(name.clone()).or_insert_with(|| item.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_names_that_android_takes() {
        for name in ["a", "persist.sys.locale", "A-b_c:d@e.9", &"x".repeat(128)] {
            assert!(is_legal(name), "{name}");
        }
        for name in ["", ".", ".a", "a.", "a..b", "a b", "a/b", "a\0", "ä", "a*", &"x".repeat(129)]
        {
            assert!(!is_legal(name), "{name}");
        }
    }

    #[test]
    fn reads_each_form() {
        assert_eq!(NameForm::parse("a.b"), Some(NameForm::Exact("a.b")));
        assert_eq!(NameForm::parse("a.*"), Some(NameForm::Prefix("a.")));
        assert_eq!(NameForm::parse("*"), Some(NameForm::Prefix("")));
        for text in ["", ".*", "a*", "a.*.b", "**", "a.*.*"] {
            assert_eq!(NameForm::parse(text), None, "{text}");
        }
    }

    #[test]
    fn reserves_our_own_names_and_no_others() {
        for name in ["persist.fleetwright", "persist.fleetwright.id", "persist.fleetwright."] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["persist.fleetwrights", "persist.", "persist.fleet.id", "fleetwright"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn the_exact_name_wins_and_then_the_longest_prefix() {
        let mut names = Names::new();
        for (text, item) in [("*", 0), ("a.*", 1), ("a.b.*", 2), ("a.b.c", 3)] {
            names.insert(NameForm::parse(text).unwrap(), item);
        }
        for (name, item) in [
            ("a.b.c", 3),
            ("a.b.d", 2),
            ("a.b.c.d", 2),
            ("a.b", 1),
            ("a.c", 1),
            ("a", 0),
            ("b.a.b", 0),
        ] {
            assert_eq!(names.get(name), Some(&item), "{name}");
        }
    }
}
