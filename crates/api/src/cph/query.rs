//! What follows `?`: names and values, decoded, and the two by which every list is paged.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::error::{Code, Failure};

/// Most entries that a call may pass over: the vendor's `offset` is a 32-bit integer.
pub(super) const OFFSET_MAX: u64 = 2_147_483_647;

/// The names and values of a query. What is given twice counts as its last.
#[derive(Debug)]
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Decodes a query. What is no UTF-8 becomes the replacement character.
    pub(super) fn parse(query: Option<&'a str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &'a str| percent_decode_str(text).decode_utf8_lossy();
        let pair = |pair: &'a str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Self(pairs.map(pair).collect())
    }

    /// The value of `name`, which may be empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(given, _)| given == name).map(|(_, value)| &**value)
    }

    /// The value of `name`, if it is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The number that `name` is, between `min` and `max`; `None` if it is not there, and else
    /// `code` refuses it.
    pub(super) fn number(
        &self,
        name: &str,
        (min, max): (u64, u64),
        code: Code,
    ) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = number(text).filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| Failure::of(code))
    }

    /// The page that is asked for.
    ///
    /// # Errors
    /// CPS.0002 for an offset or a limit that is no number or out of its bounds.
    pub(super) fn page(&self, limit_default: u32, limit_max: u32) -> Result<Page, Failure> {
        let code = Code::PagingInvalid;
        let offset = self.number("offset", (0, OFFSET_MAX), code)?.unwrap_or_default();
        let limit = self.number("limit", (1, u64::from(limit_max)), code)?;
        // Can't fail: it is at most `limit_max`.
        let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(limit_default);
        Ok(Page { offset, limit })
    }
}

/// Part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// Entries to pass over.
    pub(super) offset: u64,
    /// Entries to give at most.
    pub(super) limit: u32,
}

impl Page {
    /// The page of a list that is at hand whole.
    pub(super) fn of<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        all.skip(offset).take(usize::try_from(self.limit).unwrap_or(usize::MAX)).collect()
    }
}

/// A number in plain decimal.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A whole number that may be negative, in plain decimal.
pub(super) fn signed_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    number(digits)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_last_one_counts() {
        let query = Query::parse(Some("a=1&b=%E6%89%8B%20%2B+&a=2&c&&d=&=x"));
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.get("b"), Some("手 ++"), "a plus is no space");
        assert_eq!((query.get("c"), query.text("c")), (Some(""), None));
        assert_eq!((query.get("e"), query.text("d")), (None, None));
        assert_eq!(Query::parse(None).get(""), None);
    }

    #[test]
    fn pages_are_bounded_at_both_ends() {
        let page = |query: &str| Query::parse(Some(query)).page(100, 200).ok();
        let of = |offset, limit| Some(Page { offset, limit });
        assert_eq!(page(""), of(0, 100));
        assert_eq!(page("limit=1&offset=2147483647"), of(2_147_483_647, 1));
        assert_eq!(page("limit=200"), of(0, 200));
        for bad in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=",
            "limit=1.0",
            "limit=x",
            "limit=+1",
            "limit=4294967297",
            "offset=-1",
            "offset=",
            "offset=2147483648",
            "offset=0x1",
            "offset=99999999999999999999",
        ] {
            assert_eq!(page(bad), None, "{bad}");
        }
    }

    #[test]
    fn signed_numbers_are_plain_decimals() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("12", Some(12)),
            ("", None),
            ("-", None),
            ("--1", None),
            ("+1", None),
            ("1.0", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(signed_number(text), expected, "{text}");
        }
    }

    #[test]
    fn a_page_of_a_list_at_hand() {
        let page = Page { offset: 1, limit: 2 };
        assert_eq!(page.of("abcd".chars()), ['b', 'c']);
        assert!(Page { offset: 9, limit: 2 }.of("abcd".chars()).is_empty());
    }
}
