//! The ids that a list is asked for: `ids=A,B,C`. Those that there are none of are listed apart.

use super::error::{Code, Failure};
use super::query::{PAGE_SIZE_MAX, Query};

/// The ids, as they are given, each once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ids<'a>(Vec<&'a str>);

impl<'a> Ids<'a> {
    /// Those of the query; `None` if it asks for all.
    ///
    /// Errors: 400 InvalidArgument for more than a page may have.
    pub(super) fn of(query: &'a Query) -> Result<Option<Self>, Failure> {
        let Some(text) = query.text("ids") else { return Ok(None) };
        let mut ids = Vec::new();
        for id in text.split(',').filter(|id| !id.is_empty()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
            if ids.len() > usize::try_from(PAGE_SIZE_MAX).unwrap_or(usize::MAX) {
                let detail = format!("ids has more than {PAGE_SIZE_MAX} ids");
                return Err(Failure::because(Code::InvalidArgument, detail));
            }
        }
        Ok(Some(Self(ids)))
    }

    /// Those that can be ids at all.
    pub(super) fn read<T>(&self, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.0.iter().filter_map(|id| read(id)).collect()
    }

    /// Those that are not among the found ones.
    pub(super) fn missing(&self, found: &[&str]) -> Vec<&'a str> {
        self.0.iter().filter(|id| !found.contains(id)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_once_each_and_the_missing_ones_named() {
        let query = |text: &str| Query::parse(Some(text)).unwrap();
        for none in ["", "ids=", "id=1"] {
            assert_eq!(Ids::of(&query(none)).unwrap(), None, "{none}");
        }
        let query_of_some = query("IDS=b,,a,b,c");
        let ids = Ids::of(&query_of_some).unwrap().unwrap();
        assert_eq!(ids, Ids(vec!["b", "a", "c"]));
        assert_eq!(ids.missing(&["a"]), ["b", "c"]);
        assert_eq!(ids.read(|id| (id != "a").then(|| id.to_owned())), ["b", "c"]);
        let numbers = |count: usize| {
            let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            format!("ids={}", numbers.join(","))
        };
        assert!(Ids::of(&query(&numbers(100))).unwrap().is_some());
        let failure = Ids::of(&query(&numbers(101))).unwrap_err();
        assert_eq!(failure.message, "ids has more than 100 ids.");
    }
}
