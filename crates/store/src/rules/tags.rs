//! What becomes of a thing's tags.

use std::collections::BTreeMap;

use crate::write::ChangeTags;

/// The tags that a thing has after the change: some are taken from it, then some put on it.
pub(crate) fn tags_after(
    before: &BTreeMap<String, String>,
    change: &ChangeTags,
) -> BTreeMap<String, String> {
    let mut after = before.clone();
    for (key, value) in &change.take {
        if value.as_ref().is_none_or(|value| after.get(key) == Some(value)) {
            after.remove(key);
        }
    }
    for tag in &change.put {
        after.insert(tag.key.clone(), tag.value.clone());
    }
    after
}
