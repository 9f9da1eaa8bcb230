//! The columns of files of devices, as an import takes and an export writes them, and what stands
//! in a cell.

use std::borrow::Cow;

use fleet::Kind;

/// A column that says something of a device or a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::native) enum Column {
    /// `phone`, `camera` or `channel`.
    Kind,
    /// The project.
    Project,
    /// Of a channel: the id of its device.
    Parent,
    /// The id.
    Id,
    /// The operator's name for it.
    Name,
    /// Of a phone: the host that it lives on.
    Server,
    /// Of a phone: where it answers, `host:port`.
    Address,
    /// Of a phone: what its server calls it.
    Container,
    /// The profile.
    Profile,
    /// Of a camera: the user name that it registers with.
    User,
    /// Of a camera: the password that it registers with. Never exported.
    Password,
    /// Of a camera: the path of the organization that it is filed in.
    Organization,
    /// Of a camera: what is said of it.
    Description,
}

impl Column {
    /// All, in the order in which an export writes them.
    pub(in crate::native) const ALL: [Self; 13] = [
        Self::Kind,
        Self::Project,
        Self::Parent,
        Self::Id,
        Self::Name,
        Self::Server,
        Self::Address,
        Self::Container,
        Self::Profile,
        Self::User,
        Self::Password,
        Self::Organization,
        Self::Description,
    ];

    /// Its name in a header, and as the field of an object.
    pub(in crate::native) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Project => "project",
            Self::Parent => "parent",
            Self::Id => "id",
            Self::Name => "name",
            Self::Server => "server",
            Self::Address => "address",
            Self::Container => "container",
            Self::Profile => "profile",
            Self::User => "user",
            Self::Password => "password",
            Self::Organization => "organization",
            Self::Description => "description",
        }
    }

    /// The column of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// The same of a header that people may have written: in letters of either case.
    pub(super) fn headed(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name().eq_ignore_ascii_case(name))
    }

    /// Whether a device of this kind can have it.
    pub(in crate::native) fn is_of(self, kind: Kind) -> bool {
        match self {
            Self::Kind | Self::Project | Self::Id | Self::Name | Self::Profile => true,
            Self::Parent => false,
            Self::Server | Self::Address | Self::Container => kind == Kind::Phone,
            Self::User | Self::Password | Self::Organization | Self::Description => {
                kind == Kind::Camera
            }
        }
    }

    /// Whether a channel can have it.
    pub(super) fn is_of_channels(self) -> bool {
        matches!(self, Self::Kind | Self::Project | Self::Parent | Self::Id | Self::Name)
    }
}

/// How a device is doing. Like the others below, an export adds it and an import passes it over.
pub(in crate::native) const STATUS: &str = "status";
/// How long ago the device last showed a value, in seconds.
pub(in crate::native) const AGE: &str = "age_seconds";
/// What begins the name of a column with what is asked of a device; JSON lines have one object.
pub(in crate::native) const DESIRED: &str = "desired";
/// The same of what a device last showed.
pub(in crate::native) const REPORTED: &str = "reported";

/// Whether an export as CSV writes a column of this name that an import passes over.
pub(super) fn is_read_only(name: &str) -> bool {
    let of_values = |begin: &str| {
        name.strip_prefix(begin)
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|it| !it.is_empty())
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    is(STATUS) || is(AGE) || of_values(DESIRED) || of_values(REPORTED)
}

/// The known column whose name is nearest to this one; `None` if none is near.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    // Over it no column's name is near, whatever it is.
    const CHARS_MAX: usize = 32;
    if name.chars().nth(CHARS_MAX).is_some() {
        return None;
    }
    let name = name.to_lowercase();
    let distances = Column::ALL.map(|column| (distance(&name, column.name()), column.name()));
    let nearest = distances.into_iter().min_by_key(|(distance, _)| *distance)?;
    (nearest.0 <= 2).then_some(nearest.1)
}

/// How many characters have to be put in, taken out or changed to make one text the other
/// (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, c) in one.chars().enumerate() {
        let mut corner = above;
        let mut left = above + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (over, d) in row.iter().skip(1).zip(other.chars()) {
            left = (corner + usize::from(c != d)).min(left + 1).min(over + 1);
            corner = *over;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Whether a spreadsheet would take a text for a formula if the apostrophes before it were gone.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t'])
}

/// A text as a cell of an export: one that a spreadsheet would take for a formula gets an
/// apostrophe before it, as people write it there. [`uncovered`] takes it off again, whatever the
/// text is: one that has such apostrophes itself gets one more.
pub(in crate::native) fn covered(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// A cell has a formula, whose value nobody knows here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Formula;

/// The text of a cell: without the one apostrophe of [`covered`]; of a formula that is a text and
/// nothing else, `="..."`, that text: what keeps a spreadsheet from making a number of an id.
pub(super) fn uncovered(cell: &str) -> Result<Cow<'_, str>, Formula> {
    if let Some(formula) = cell.strip_prefix('=') {
        return of_text(formula).ok_or(Formula);
    }
    Ok(Cow::Borrowed(match cell.strip_prefix('\'') {
        Some(text) if is_formula(cell) => text,
        _ => cell,
    }))
}

/// The text that is in quotation marks, in which two of them stand for one; `None` if there is
/// anything besides.
fn of_text(formula: &str) -> Option<Cow<'_, str>> {
    let quoted = formula.trim().strip_prefix('"')?.strip_suffix('"')?;
    if !quoted.contains('"') {
        return Some(Cow::Borrowed(quoted));
    }
    let has_lone = quoted.replace("\"\"", "").contains('"');
    (!has_lone).then(|| Cow::Owned(quoted.replace("\"\"", "\"")))
}

/// A text from a file as an error shows it: its beginning.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_column_is_known_by_its_name_and_nearly_so() {
        for column in Column::ALL {
            assert_eq!(Column::of(column.name()), Some(column));
            assert_eq!(nearest(column.name()), Some(column.name()));
        }
        for (given, expected) in [
            ("nmae", Some("name")),
            ("Address", Some("address")),
            ("adress", Some("address")),
            ("pasword", Some("password")),
            ("colour", None),
            ("", Some("id")),
        ] {
            assert_eq!(nearest(given), expected, "{given:?}");
        }
        assert_eq!(nearest(&"name".repeat(1_000_000)), None);
    }

    #[test]
    fn what_an_export_adds_is_known_by_the_names_that_it_writes() {
        for name in ["status", "age_seconds", "desired:Name", "reported:com.cph.mainkeys"] {
            assert!(is_read_only(name), "{name}");
        }
        assert!(is_read_only("Status") && is_read_only("AGE_SECONDS"));
        for name in ["desired", "reported:", "shown:Name", "id", "desired.Name"] {
            assert!(!is_read_only(name), "{name}");
        }
    }

    #[test]
    fn a_formula_is_covered_and_nothing_else_is() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+86 138", "'+86 138"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("'x", "'x"),
            ("''", "''"),
            ("", ""),
            ("a=b", "a=b"),
            ("东门", "东门"),
        ] {
            assert_eq!(covered(text), cell);
            assert_eq!(uncovered(cell).unwrap(), text);
        }
    }

    #[test]
    fn a_formula_that_is_a_text_is_that_text_and_no_other_is_one() {
        for (cell, text) in [
            ("=\"34020000001320000001\"", Some("34020000001320000001")),
            ("=\"\"", Some("")),
            ("= \"a b\" ", Some("a b")),
            ("=\"say \"\"x\"\"\"", Some("say \"x\"")),
            ("=\"=1+1\"", Some("=1+1")),
            ("'=\"1\"", Some("=\"1\"")),
            ("=", None),
            ("=\"", None),
            ("=\"a\"&\"b\"", None),
            ("=\"\"\"", None),
            ("=3402", None),
            ("=A1", None),
            ("=HYPERLINK(\"x\",\"y\")", None),
        ] {
            assert_eq!(uncovered(cell).ok().as_deref(), text, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn what_is_covered_is_uncovered_to_what_it_was(text in "['=+@\\-\tx]{0,6}") {
            let cell = covered(&text);
            prop_assert_eq!(uncovered(&cell).unwrap(), text);
        }
    }
}
