//! Organizations: where operators file GB devices and channels. An organization is a path of up to
//! four names with an id of its own (Tencent Cloud ISS, CreateDeviceOrganization), not a node with
//! parents.

use std::fmt;
use std::str::FromStr;

use crate::id::OrganizationId;
use crate::time::Timestamp;

/// Names in a path: ISS has the levels 1 to 4; level 0 is no organization.
pub const LEVELS_MAX: usize = 4;

/// Characters of one name of a path: the bound of ISS's `L1` to `L4`.
pub const NAME_CHARS_MAX: usize = 64;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its path, unique in its project.
    pub path: OrganizationPath,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its path last changed.
    pub updated_at: Timestamp,
}

/// A path of one to four names. As text they are joined by `/`, which no name has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationPath(Vec<String>);

/// Why names are no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationPathError {
    /// Too few or too many names.
    #[error("an organization has 1 to {LEVELS_MAX} levels, not {0}")]
    Levels(usize),
    /// A name is empty, too long, or has a `/` or a control character.
    #[error(
        "level {0}: a name has 1 to {NAME_CHARS_MAX} characters, none of them / or a control character"
    )]
    Name(usize),
}

impl OrganizationPath {
    /// Takes the names as a path, the first level first.
    pub fn new(names: Vec<String>) -> Result<Self, OrganizationPathError> {
        if names.is_empty() || names.len() > LEVELS_MAX {
            return Err(OrganizationPathError::Levels(names.len()));
        }
        let is_name = |name: &String| {
            !name.is_empty()
                && name.chars().nth(NAME_CHARS_MAX).is_none()
                && !name.chars().any(|c| c == '/' || c.is_control())
        };
        match names.iter().position(|name| !is_name(name)) {
            Some(index) => Err(OrganizationPathError::Name(index + 1)),
            None => Ok(Self(names)),
        }
    }

    /// The names, the first level first.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// How many names it has: 1 to 4.
    pub fn level(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for OrganizationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl FromStr for OrganizationPath {
    type Err = OrganizationPathError;

    fn from_str(text: &str) -> Result<Self, OrganizationPathError> {
        Self::new(text.split('/').map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        for (text, level) in [("东门", 1), ("北京/海淀/学院路/5号", 4)] {
            let path: OrganizationPath = text.parse().unwrap();
            assert_eq!((path.level(), path.to_string().as_str()), (level, text));
        }
    }

    #[test]
    fn what_is_no_path_is_named() {
        let long = "x".repeat(NAME_CHARS_MAX + 1);
        for (text, error) in [
            ("", OrganizationPathError::Name(1)),
            ("a//b", OrganizationPathError::Name(2)),
            ("a/b\tc", OrganizationPathError::Name(2)),
            (long.as_str(), OrganizationPathError::Name(1)),
            ("1/2/3/4/5", OrganizationPathError::Levels(5)),
        ] {
            assert_eq!(text.parse::<OrganizationPath>(), Err(error), "{text:?}");
        }
        assert_eq!(OrganizationPath::new(Vec::new()), Err(OrganizationPathError::Levels(0)));
        assert!("x".repeat(NAME_CHARS_MAX).parse::<OrganizationPath>().is_ok());
    }
}
