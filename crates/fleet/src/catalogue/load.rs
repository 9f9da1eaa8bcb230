//! Reading catalogue and profile files. Every rule about them is checked here, so that what is
//! loaded can be used without a further question.

mod argv;
mod gb_table;
mod profile_file;
mod property_file;
mod rule_entry;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::Deserialize;

use super::names::NamesByKind;
use super::{Catalogue, Source};
use crate::device::Kind;

/// Bytes of all files together; the product's own have some 60,000. They are read whole, and each
/// name and pattern costs a few times its text.
const FILES_BYTES_MAX: usize = 1024 * 1024;
/// Properties of all files together; the product's own are about a hundred.
const PROPERTIES_MAX: usize = 4_096;
/// Profiles: makes of device are few.
const PROFILES_MAX: usize = 256;
/// Names in the rules of one profile, besides those of its base.
const RULES_MAX: usize = 4_096;
/// Bytes of a compiled pattern. The longest of the product's own takes a tenth of it.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Why the files can't be loaded: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct LoadError {
    /// The file, by the name that its [`Source`] gave.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not TOML, or a field is missing, unknown or of the wrong type.
    #[error("{0}")]
    Form(String),
    /// This can't be the name of a property.
    #[error("{0:?} is no property name: letters, digits and . _ : @ - only, .* at most at its end")]
    Name(String),
    /// This name is the server's own.
    #[error("{0:?} is reserved for the server itself")]
    Reserved(String),
    /// Another entry has this name or alias.
    #[error("{name:?} is taken by {owner:?}")]
    Taken {
        /// The name.
        name: String,
        /// The property or profile that has it.
        owner: String,
    },
    /// The fields of an entry don't go together, or one of them makes no sense.
    #[error("{0}")]
    Fields(&'static str),
    /// The pattern is no regular expression, or too large a one.
    #[error("the pattern is no regular expression: {0}")]
    Pattern(String),
    /// The default would be refused.
    #[error("the default {default:?} is not one of the values allowed: {allows}")]
    Default {
        /// The default.
        default: String,
        /// What is allowed.
        allows: String,
    },
    /// A rule of a profile is for a property that no catalogue file has for its sort of device.
    #[error("no property of a {} is called {name:?}", kind.name())]
    UnknownProperty {
        /// The sort of device that the profile is for.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// A profile is based on one that no file before it has.
    #[error("no profile before this one is called {0:?}")]
    UnknownProfile(String),
    /// Nothing stands for this word in braces.
    #[error("nothing stands for {{{placeholder}}} here, only for {{{known}}}")]
    Placeholder {
        /// The word.
        placeholder: String,
        /// The words that something stands for.
        known: String,
    },
    /// There are more of these than can be loaded.
    #[error("there are more than {1} {0}")]
    TooMany(&'static str, usize),
}

/// A problem and the bytes of the file that have it.
type Misplaced = (Range<usize>, Problem);

/// Loads the property and profile files of the product, then those of the operator, whose entries
/// take the place of the product's entries of the same name. The first problem ends it.
pub(super) fn load(
    product: (&[Source<'_>], &[Source<'_>]),
    operator: (&[Source<'_>], &[Source<'_>]),
) -> Result<Catalogue, LoadError> {
    let mut bytes = 0_usize;
    for source in [product.0, product.1, operator.0, operator.1].into_iter().flatten() {
        bytes = bytes.saturating_add(source.text.len());
        if bytes > FILES_BYTES_MAX {
            let problem = Problem::TooMany("bytes in all catalogue files", FILES_BYTES_MAX);
            return Err(locate(source, (0..0, problem)));
        }
    }
    let mut catalogue =
        Catalogue { properties: Vec::new(), names: NamesByKind::new(), profiles: BTreeMap::new() };

    let own: Vec<_> = operator.0.iter().map(property_file::read).collect::<Result<_, _>>()?;
    let replaced: HashSet<(Kind, String)> = own
        .iter()
        .flat_map(property_file::Parsed::names)
        .map(|(kind, name)| (kind, name.to_owned()))
        .collect();
    for source in product.0 {
        property_file::read(source)?.add(&mut catalogue, &replaced)?;
    }
    for parsed in own {
        parsed.add(&mut catalogue, &HashSet::new())?;
    }

    for sources in [product.1, operator.1] {
        let mut names = HashSet::new();
        for source in sources {
            profile_file::add(&mut catalogue, &mut names, source.text)
                .map_err(|at| locate(source, at))?;
        }
    }
    Ok(catalogue)
}

/// Turns the bytes of a problem into line and column.
fn locate(source: &Source<'_>, (span, problem): Misplaced) -> LoadError {
    let before = source.text.get(..span.start).unwrap_or(source.text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    LoadError {
        file: source.name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        problem,
    }
}

/// Reads a file's text into its form.
fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Misplaced> {
    toml::from_str(text).map_err(|error| {
        (error.span().unwrap_or(0..0), Problem::Form(error.message().trim_end().to_owned()))
    })
}

#[cfg(test)]
mod tests;
