//! What a selector asks for, as the statements of both engines take it: lists in JSON.

use fleet::{Attention, Selector, ValueOf};

use crate::Error;
use crate::columns::to_json;

/// The words of the conditions.
pub(crate) fn conditions(selector: &Selector) -> Result<String, Error> {
    let words: Vec<_> = selector.conditions.iter().map(|condition| condition.name()).collect();
    to_json(&words)
}

/// What stands for a device that is as it should be among the words of why others are not.
pub(crate) const NO_ATTENTION: &str = "none";

/// The words of why devices are not as they should be.
pub(crate) fn attention(selector: &Selector) -> Result<String, Error> {
    let words = selector.attention.iter();
    let words: Vec<_> = words.map(|word| word.map_or(NO_ATTENTION, Attention::name)).collect();
    to_json(&words)
}

/// The words of how GB devices stand.
pub(crate) fn statuses(selector: &Selector) -> Result<String, Error> {
    let words: Vec<_> = selector.statuses.iter().map(|status| status.name()).collect();
    to_json(&words)
}

/// The words of the credentials with which they registered.
pub(crate) fn credentials(selector: &Selector) -> Result<String, Error> {
    let words: Vec<_> = selector.credentials.iter().map(|in_use| in_use.name()).collect();
    to_json(&words)
}

/// The tags: each a key, and a value or nothing.
pub(crate) fn tags(selector: &Selector) -> Result<String, Error> {
    to_json(&selector.tags)
}

/// The values: of each whether it is the reported one, the name, and the value or nothing.
pub(crate) fn values_of(selector: &Selector) -> Result<String, Error> {
    // No property has such a name, and it could not stand between quotation marks in a path.
    let is_name = |name: &str| !name.contains(['"', '\\']) && !name.contains(char::is_control);
    let values: Vec<_> = selector
        .values
        .iter()
        .map(|is| {
            let name = if is_name(&is.name) { is.name.as_str() } else { "" };
            (is.of == ValueOf::Reported, name, is.value.as_deref())
        })
        .collect();
    to_json(&values)
}

/// What is looked for whatever the case of ASCII letters, in small ones.
pub(crate) fn needle(text: &str) -> String {
    text.to_ascii_lowercase()
}
