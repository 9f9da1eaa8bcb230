//! What is known of one property, and the check of its values.

use regex_lite::Regex;
use serde::Deserialize;

use crate::device::Kind;

/// What is known of a property.
#[derive(Debug)]
pub struct Property {
    /// What sort of device has it. A phone's property and a camera's may have one name.
    pub device_kind: Kind,
    /// Its name; for a prefix entry what all its names begin with and `*`, as in `persist.sys.*`.
    pub name: String,
    /// Other names by which callers may call it.
    pub aliases: Vec<String>,
    /// What its values are.
    pub kind: ValueKind,
    /// What is allowed, in words: "1 to 20 decimal digits".
    pub allows: String,
    /// The value of a new device, where the vendor documents one.
    pub default: Option<String>,
    /// When a value that the device holds begins to act.
    pub timing: Timing,
    /// Whether callers may change it.
    pub updatable: bool,
    /// Whether it tells a device from others of its make, or one make from another, and is none of
    /// those that the vendor lets every caller change: a project's policy says who may.
    pub identity: bool,
    /// Whether it is a record of ours: told to no device, whatever its profile, and empty where
    /// there is none. [`super::record_of`] tells the same of a name.
    pub record: bool,
    /// What it does, in short.
    pub meaning: String,
    /// Where the vendor says so.
    pub source: String,
    /// The check of its values.
    pub(super) check: Check,
}

impl Property {
    /// Whether `value` is one that this property may have. A record may be taken off.
    pub fn takes(&self, value: &str) -> bool {
        self.record && value.is_empty() || self.check.passes(value)
    }

    /// Whether this entry stands for all names with a prefix.
    pub fn is_prefix(&self) -> bool {
        self.name.ends_with('*')
    }
}

/// What the values of a property are. All of them are carried as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// A whole number in plain decimal.
    Integer,
    /// Text.
    Text,
    /// 0 or 1.
    Bool01,
}

/// When a value that the device holds begins to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// As soon as it is set.
    AtOnce,
    /// With the next restart.
    AfterRestart,
}

/// The check of a property's values.
#[derive(Debug)]
pub(super) enum Check {
    /// `0` or `1`.
    Bool01,
    /// A whole number in plain decimal (no sign but a minus, no leading zeros), both ends included.
    Integer {
        /// The lowest.
        min: i64,
        /// The highest.
        max: i64,
    },
    /// One of these texts.
    OneOf(Vec<String>),
    /// Text with bounds.
    Text {
        /// The most Unicode characters.
        chars_max: usize,
        /// The most bytes of UTF-8.
        bytes_max: usize,
        /// What the whole text must match.
        pattern: Option<Regex>,
    },
}

impl Check {
    /// Whether `value` passes.
    fn passes(&self, value: &str) -> bool {
        match self {
            Self::Bool01 => matches!(value, "0" | "1"),
            Self::Integer { min, max } => {
                plain_decimal(value).is_some_and(|number| (*min..=*max).contains(&number))
            }
            Self::OneOf(values) => values.iter().any(|allowed| allowed == value),
            // Lengths first: they bound what the pattern may cost.
            Self::Text { chars_max, bytes_max, pattern } => {
                value.len() <= *bytes_max
                    && value.chars().nth(*chars_max).is_none()
                    && pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
            }
        }
    }
}

/// The number that `text` writes in the one plain way: what a device shows is compared as text, so
/// `007`, `+7` and `-0` are no numbers here.
fn plain_decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for (text, number) in [("0", 0), ("7", 7), ("-7", -7), ("10000", 10_000)] {
            assert_eq!(plain_decimal(text), Some(number));
        }
        assert_eq!(plain_decimal("-9223372036854775808"), Some(i64::MIN));
        for text in
            ["", "-", "-0", "+7", "007", "00", "7 ", " 7", "7.0", "1e3", "٧", "9223372036854775808"]
        {
            assert_eq!(plain_decimal(text), None, "{text}");
        }
    }

    #[test]
    fn characters_and_bytes_have_their_own_bounds() {
        let check = Check::Text { chars_max: 3, bytes_max: 6, pattern: None };
        for value in ["", "abc", "äöü", "一一"] {
            assert!(check.passes(value), "{value}");
        }
        for value in ["abcd", "一一a"] {
            assert!(!check.passes(value), "{value}");
        }
    }
}
