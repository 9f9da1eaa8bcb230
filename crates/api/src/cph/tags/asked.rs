//! What the tag calls ask for, and the rules that tags keep (CPH API, pages cph_api_0553 and 0555).
//! CPH documents no codes for these rules, so a body that breaks one does not fit the call's
//! definition: APIGW.0201, with a sentence that says where.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use store::{Tag, TagFilter};

use super::THINGS_LIMIT_MAX;
use crate::cph::error::{Code, Failure};
use crate::cph::query::{OFFSET_MAX, Page, number};

/// Tags in one call that changes some.
pub(crate) const TAGS_PER_CALL_MAX: usize = 10;

/// Keys in one search, and values of each.
pub(crate) const KEYS_PER_QUERY_MAX: usize = 10;
pub(crate) const VALUES_PER_KEY_MAX: usize = 10;

/// Characters of a key and of a value.
pub(crate) const KEY_CHARACTERS_MAX: usize = 127;
pub(crate) const VALUE_CHARACTERS_MAX: usize = 255;

/// A change of one thing's tags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// These are put on it.
    Put(Vec<Tag>),
    /// These are taken from it: a key, and its value if only that is meant.
    Take(Vec<(String, Option<String>)>),
}

/// A search for things by their tags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// What they must have.
    pub(crate) filter: TagFilter,
    /// The page.
    pub(crate) page: Page,
    /// Whether only their number is asked for.
    pub(crate) counts_only: bool,
}

/// An object of JSON.
type Object = Map<String, Value>;

/// Reads the body of BatchCreateTags or BatchDeleteTags.
///
/// # Errors
/// CPS.0047 for another action; APIGW.0201 for tags that break a rule.
pub(crate) fn change(body: &Object) -> Result<Change, Failure> {
    let creates = match action(body)? {
        "create" => true,
        "delete" => false,
        _ => return Err(Failure::of(Code::ActionInvalid)),
    };
    let tags = list(body, "tags")?.unwrap_or_default();
    if !(1..=TAGS_PER_CALL_MAX).contains(&tags.len()) {
        return Err(broken(&format!("tags must hold 1 to {TAGS_PER_CALL_MAX}.")));
    }
    let (mut put, mut take, mut keys) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (position, tag) in tags.iter().enumerate() {
        let at = format!("tags[{position}]");
        let tag = tag.as_object().ok_or_else(|| broken(&format!("{at} is not an object.")))?;
        let key = key(tag, &at)?;
        if !keys.insert(key) {
            return Err(broken(&format!("{at}.key stands there more than once.")));
        }
        let value = match tag.get("value") {
            None | Some(Value::Null) if !creates => None,
            value => Some(self::value(value, &format!("{at}.value"))?),
        };
        match value {
            Some(value) if creates => {
                put.push(Tag { key: key.to_owned(), value: value.to_owned() });
            }
            value => take.push((key.to_owned(), value.map(str::to_owned))),
        }
    }
    Ok(if creates { Change::Put(put) } else { Change::Take(take) })
}

/// Reads the body of ListResourceInstances.
///
/// # Errors
/// CPS.0047 for another action, CPS.0002 for an offset or a limit out of its bounds; APIGW.0201 for
/// what else breaks a rule.
pub(crate) fn search(body: &Object) -> Result<Search, Failure> {
    let counts_only = match action(body)? {
        "filter" => false,
        "count" => true,
        _ => return Err(Failure::of(Code::ActionInvalid)),
    };
    let page = if counts_only { Page { offset: 0, limit: 1 } } else { page(body)? };
    let without_any = match body.get("without_any_tag") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(without)) => *without,
        Some(_) => return Err(broken("without_any_tag is not true or false.")),
    };
    let mut tags = wanted(body)?;
    if without_any {
        // What has no tag has none of these either: the page of the call lets the flag win.
        tags.clear();
    }
    let filter = TagFilter { tags, without_any, name: name(body)? };
    Ok(Search { filter, page, counts_only })
}

/// The tags that things must have.
fn wanted(body: &Object) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let tags = list(body, "tags")?.unwrap_or_default();
    if tags.len() > KEYS_PER_QUERY_MAX {
        return Err(broken(&format!("tags may hold {KEYS_PER_QUERY_MAX} keys.")));
    }
    let (mut wanted, mut keys) = (Vec::new(), BTreeSet::new());
    for (position, tag) in tags.iter().enumerate() {
        let at = format!("tags[{position}]");
        let tag = tag.as_object().ok_or_else(|| broken(&format!("{at} is not an object.")))?;
        let key = key(tag, &at)?;
        if !keys.insert(key) {
            return Err(broken(&format!("{at}.key stands there more than once.")));
        }
        let given = list(tag, "values")?.unwrap_or_default();
        if given.len() > VALUES_PER_KEY_MAX {
            return Err(broken(&format!("{at}.values may hold {VALUES_PER_KEY_MAX}.")));
        }
        let mut values = BTreeSet::new();
        for given in given {
            if !values.insert(value(Some(given), &format!("{at}.values"))?.to_owned()) {
                return Err(broken(&format!("{at}.values holds one more than once.")));
            }
        }
        wanted.push((key.to_owned(), values.into_iter().collect()));
    }
    Ok(wanted)
}

/// The name that things must have, of `matches`, which may ask for `resource_name` alone.
fn name(body: &Object) -> Result<Option<String>, Failure> {
    let mut name = None;
    for found in list(body, "matches")?.unwrap_or_default() {
        let text = |key| found.get(key).and_then(Value::as_str);
        let value = text("value").filter(|value| value.chars().count() <= VALUE_CHARACTERS_MAX);
        match (text("key"), value) {
            (Some("resource_name"), Some(value)) if name.is_none() => {
                name = Some(value.to_owned());
            }
            _ => return Err(broken("matches may hold one resource_name with its value.")),
        }
    }
    Ok(name)
}

/// The page, whose numbers are texts in this call. Numbers will do too.
fn page(body: &Object) -> Result<Page, Failure> {
    let invalid = || Failure::of(Code::PagingInvalid);
    let read = |key: &str, min: u64, max: u64, default: u64| {
        let number = match body.get(key) {
            None | Some(Value::Null) => return Ok(default),
            Some(Value::String(text)) => number(text),
            Some(Value::Number(number)) => number.as_u64(),
            Some(_) => None,
        };
        number.filter(|number| (min..=max).contains(number)).ok_or_else(invalid)
    };
    let most = u64::from(THINGS_LIMIT_MAX);
    let offset = read("offset", 0, OFFSET_MAX, 0)?;
    let limit = u32::try_from(read("limit", 1, most, most)?).map_err(|_| invalid())?;
    Ok(Page { offset, limit })
}

/// What the call is to do.
fn action(body: &Object) -> Result<&str, Failure> {
    body.get("action").and_then(Value::as_str).ok_or_else(|| Failure::of(Code::ActionInvalid))
}

/// The list at `key`; `None` if there is nothing.
fn list<'a>(object: &'a Object, key: &str) -> Result<Option<&'a [Value]>, Failure> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(_) => Err(broken(&format!("{key} is not a list."))),
    }
}

/// The key of a tag: not empty, of [`KEY_CHARACTERS_MAX`] characters at most, none of the system's.
fn key<'a>(tag: &'a Object, at: &str) -> Result<&'a str, Failure> {
    let key = tag.get("key").and_then(Value::as_str);
    let key = key.ok_or_else(|| broken(&format!("{at}.key is not a text.")))?;
    check(key, KEY_CHARACTERS_MAX, &format!("{at}.key"))?;
    if key.starts_with("_sys_") {
        return Err(broken(&format!("{at}.key may not start with _sys_.")));
    }
    Ok(key)
}

/// The value of a tag: not empty, of [`VALUE_CHARACTERS_MAX`] characters at most.
fn value<'a>(value: Option<&'a Value>, at: &str) -> Result<&'a str, Failure> {
    let value = value.and_then(Value::as_str);
    let value = value.ok_or_else(|| broken(&format!("{at} is not a text.")))?;
    check(value, VALUE_CHARACTERS_MAX, at)?;
    Ok(value)
}

/// Lets a text through that keeps the rule for keys and values: letters of any language, digits,
/// spaces and `_.:=+-@`, no space at either end.
fn check(text: &str, characters_max: usize, at: &str) -> Result<(), Failure> {
    let count = text.chars().count();
    if !(1..=characters_max).contains(&count) {
        return Err(broken(&format!("{at} must have 1 to {characters_max} characters.")));
    }
    let fits = |character: char| character.is_alphanumeric() || " _.:=+-@".contains(character);
    if !text.chars().all(fits) {
        return Err(broken(&format!("{at} may have letters, digits, spaces and _.:=+-@ only.")));
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(broken(&format!("{at} may not start or end with a space.")));
    }
    Ok(())
}

/// The body breaks a rule.
fn broken(detail: &str) -> Failure {
    Failure::because(Code::RequestBroken, detail)
}

#[cfg(test)]
mod tests;
