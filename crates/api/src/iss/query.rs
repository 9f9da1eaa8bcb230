//! What follows `?`: names and values, decoded, and the two by which every list is paged.
//!
//! The vendor's samples write one name both as `projectId` and as `ProjectId`, and leave pairs
//! empty (`&&`): names are compared whatever the case of their letters, and empty pairs are
//! passed over. `+` is a space, as Python's `requests` sends one.

use fleet::limits::CAMERAS_PER_CALL_MAX;

use super::error::{Code, Failure};
use crate::signature::form;

/// Entries of a page where nothing is said: what the vendor's samples have.
const PAGE_SIZE_DEFAULT: u32 = 10;

/// Most entries of a page: as many devices as one call may name.
#[allow(clippy::cast_possible_truncation, reason = "it is 100")]
pub(super) const PAGE_SIZE_MAX: u32 = CAMERAS_PER_CALL_MAX as u32;

/// The highest page that is looked for: far beyond any list, and no product of it overflows.
pub(super) const PAGE_NUMBER_MAX: u64 = 1_000_000_000;

/// The names and values of a query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query.
    ///
    /// Errors: 400 InvalidArgument for what is no UTF-8, and for a name that is there twice.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Failure> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form::pairs(query.unwrap_or_default()) {
            let text = |bytes| String::from_utf8(bytes).map_err(|_| not_text());
            let (name, value) = (text(name)?, text(value)?);
            if pairs.iter().any(|(given, _)| given.eq_ignore_ascii_case(&name)) {
                let detail = format!("the query has {name} more than once");
                return Err(Failure::because(Code::InvalidArgument, detail));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of `name`, which may be empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of `name`, if it is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether `name` is there, with or without a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The page that is asked for.
    ///
    /// Errors: 400 InvalidArgument for a number or a size that is none or out of its bounds.
    pub(super) fn page(&self) -> Result<Page, Failure> {
        let number = self.number("pageNumber", PAGE_NUMBER_MAX)?.unwrap_or(1);
        let size = self.number("pageSize", u64::from(PAGE_SIZE_MAX))?;
        // Can't fail: it is at most `PAGE_SIZE_MAX`.
        let size = size.and_then(|size| u32::try_from(size).ok()).unwrap_or(PAGE_SIZE_DEFAULT);
        Ok(Page { number, size })
    }

    /// The number that `name` is, between 1 and `max`; `None` if it is absent or empty.
    fn number(&self, name: &str, max: u64) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_plain.then(|| text.parse().ok()).flatten();
        let number = number.filter(|number| (1..=max).contains(number));
        let refuse = || {
            Failure::because(
                Code::InvalidArgument,
                format!("{name} must be a number of 1 to {max}"),
            )
        };
        number.map(Some).ok_or_else(refuse)
    }
}

/// Part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// Which page: the first is 1.
    pub(super) number: u64,
    /// Entries to give at most.
    pub(super) size: u32,
}

impl Page {
    /// Entries to pass over.
    pub(super) fn offset(self) -> u64 {
        (self.number.saturating_sub(1)).saturating_mul(u64::from(self.size))
    }

    /// The page of a list that is at hand whole.
    pub(super) fn of<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        let offset = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        all.skip(offset).take(usize::try_from(self.size).unwrap_or(usize::MAX)).collect()
    }
}

/// The refusal of a query that is no text.
fn not_text() -> Failure {
    Failure::because(Code::InvalidArgument, "the query is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_empty_pairs_are_passed_over() {
        let query =
            Query::parse(Some("&&projectid=%E9%A1%B9%E7%9B%AE+1/%2B&transport&a=&")).unwrap();
        assert_eq!(query.get("ProjectId"), Some("项目 1/+"));
        assert_eq!((query.get("TRANSPORT"), query.text("transport")), (Some(""), None));
        assert!(query.has("A") && !query.has("b"));
        assert!(!Query::parse(None).unwrap().has(""));
    }

    #[test]
    fn what_is_there_twice_or_no_text_is_refused() {
        for (query, part) in [
            ("gbid=1&GbId=2", "the query has GbId more than once"),
            ("a&a", "the query has a more than once"),
            ("a=%ff", "not UTF-8"),
            ("%c3=1", "not UTF-8"),
        ] {
            let failure = Query::parse(Some(query)).unwrap_err();
            assert!(failure.code == Code::InvalidArgument && failure.message.contains(part));
        }
    }

    #[test]
    fn pages_are_bounded_at_both_ends() {
        let page = |query: &str| Query::parse(Some(query)).unwrap().page().ok();
        assert_eq!(page(""), Some(Page { number: 1, size: 10 }));
        assert_eq!(page("pageNumber=&pageSize="), Some(Page { number: 1, size: 10 }));
        let last = page("PAGENUMBER=1000000000&pagesize=100").unwrap();
        assert_eq!((last.number, last.size, last.offset()), (1_000_000_000, 100, 99_999_999_900));
        for bad in [
            "pageSize=0",
            "pageSize=101",
            "pageSize=-1",
            "pageSize=1.0",
            "pageSize=x",
            "pageSize=%201",
            "pageSize=4294967297",
            "pageNumber=0",
            "pageNumber=1000000001",
            "pageNumber=99999999999999999999",
        ] {
            assert_eq!(page(bad), None, "{bad}");
        }
        assert_eq!(Page { number: 2, size: 3 }.of("abcdefgh".chars()), ['d', 'e', 'f']);
        assert!(last.of("abc".chars()).is_empty());
    }
}
