//! Entity tags (RFC 9110, section 8.8.3): a device's is its revision, and so says what is asked of
//! the device and nothing of what it shows.

use fleet::Revision;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Problem;

/// What a header lists of entity tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tags {
    /// `*`: whichever there is.
    Any,
    /// These.
    These(Vec<Tag>),
}

/// An entity tag of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// Whether it is a weak one.
    is_weak: bool,
    /// What stands between the quotes.
    text: String,
}

impl Tag {
    /// The revision that a strong tag names; `None` for any other, which is no device's.
    fn revision(&self) -> Option<Revision> {
        let revision = self.text.parse().ok().map(Revision)?;
        (!self.is_weak && text(revision) == self.text).then_some(revision)
    }
}

impl Tags {
    /// What `If-Match` says of the revision that a device has to be at.
    pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        Self::of(headers, &header::IF_MATCH)
    }

    /// What `If-None-Match` says of the revisions that its sender knows.
    pub(super) fn if_none_match(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        Self::of(headers, &header::IF_NONE_MATCH)
    }

    /// The tags of a header; `None` if it is not there.
    ///
    /// # Errors
    /// 400 for what is no list of tags.
    fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let mut tags = None;
        for value in headers.get_all(name) {
            let invalid = || Problem::invalid(format!("{name}: is no list of entity tags"));
            match (tags, parse(value.as_bytes()).ok_or_else(invalid)?) {
                (None, read) => tags = Some(read),
                (Some(Self::These(mut tags_so_far)), Self::These(more)) => {
                    tags_so_far.extend(more);
                    tags = Some(Self::These(tags_so_far));
                }
                (Some(_), _) => return Err(invalid()),
            }
        }
        Ok(tags)
    }

    /// Whether it is known, by the weak comparison (RFC 9110, section 8.8.3.2).
    pub(super) fn knows(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag.text == text(revision)),
        }
    }

    /// The revision that a device, which is at `current` now, has to be at when the change is made;
    /// `None`: any. Of several it is the one that it is at. Weak tags are never one (RFC 9110,
    /// section 13.1.1).
    ///
    /// # Errors
    /// 412 if it is none of several, or there is none among them.
    pub(super) fn required(&self, current: Revision) -> Result<Option<Revision>, Problem> {
        let Self::These(tags) = self else { return Ok(None) };
        let revisions: Vec<Revision> = tags.iter().filter_map(Tag::revision).collect();
        match revisions.as_slice() {
            [] => Err(Problem::revision_differs(None, current)),
            // It is the store that compares it.
            [one] => Ok(Some(*one)),
            several if several.contains(&current) => Ok(Some(current)),
            [first, ..] => Err(Problem::revision_differs(Some(*first), current)),
        }
    }
}

/// The tag of a device at this revision, as `ETag` has it.
pub(super) fn of_revision(revision: Revision) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", text(revision))).ok()
}

/// A revision as it stands between the quotes.
fn text(revision: Revision) -> String {
    revision.0.to_string()
}

/// Reads the value of one header.
fn parse(value: &[u8]) -> Option<Tags> {
    if value.trim_ascii() == b"*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    let mut rest = value.trim_ascii_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let (is_weak, quoted) = match rest.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let quoted = quoted.strip_prefix(b"\"")?;
        let end = quoted.iter().position(|byte| *byte == b'"')?;
        let (text, after) = (quoted.get(..end)?, quoted.get(end + 1..)?);
        if text.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return None;
        }
        tags.push(Tag { is_weak, text: String::from_utf8_lossy(text).into_owned() });
        rest = after.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    (!tags.is_empty()).then_some(Tags::These(tags))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn required(value: &str, current: i64) -> Result<Option<i64>, ()> {
        let tags = parse(value.as_bytes()).expect("a list");
        let required = tags.required(Revision(current));
        required.map(|revision| revision.map(|revision| revision.0)).map_err(|_| ())
    }

    #[test]
    fn a_device_has_to_be_at_one_of_the_strong_tags() {
        assert_eq!(required("*", 7), Ok(None));
        assert_eq!(required("\"7\"", 7), Ok(Some(7)));
        assert_eq!(required("\"6\"", 7), Ok(Some(6)), "the store says that it differs");
        assert_eq!(required("\"6\", \"7\",", 7), Ok(Some(7)));
        assert_eq!(required("\"6\",\"8\"", 7), Err(()));
        assert_eq!(required("W/\"7\"", 7), Err(()), "a weak one never");
        assert_eq!(required("W/\"7\", \"6\"", 7), Ok(Some(6)));
        for none in ["\"\"", "\"x\"", "\"07\"", "\"+7\"", "\"7,8\""] {
            assert_eq!(required(none, 7), Err(()), "{none}");
        }
    }

    #[test]
    fn what_is_known_is_compared_weakly() {
        let knows = |value: &str| parse(value.as_bytes()).unwrap().knows(Revision(7));
        assert!(knows("*") && knows("\"7\"") && knows("W/\"7\"") && knows("\"1\" , \"7\""));
        assert!(!knows("\"8\"") && !knows("W/\"\""));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bad in ["", ",", "7", "\"7", "7\"", "\"7\" \"8\"", "w/\"7\"", "\"7\", *", "\"a b\""] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(Tags::if_match(&headers).unwrap(), None);
        headers.append(header::IF_MATCH, HeaderValue::from_static("\"1\""));
        headers.append(header::IF_MATCH, HeaderValue::from_static("\"2\""));
        let both = Tags::if_match(&headers).unwrap().unwrap();
        assert_eq!(both.required(Revision(2)).unwrap(), Some(Revision(2)));
        headers.append(header::IF_MATCH, HeaderValue::from_static("*"));
        assert!(Tags::if_match(&headers).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_tag_of_ours_is_read_back(revision in 0_i64..) {
            let tag = of_revision(Revision(revision)).unwrap();
            let tags = parse(tag.as_bytes()).unwrap();
            prop_assert_eq!(tags.required(Revision(0)).unwrap(), Some(Revision(revision)));
            prop_assert!(tags.knows(Revision(revision)));
        }
    }
}
