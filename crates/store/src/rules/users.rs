//! Which user a name means.

use crate::StoredUser;

/// The names that differ from another's in case alone: see [`crate::Reads::namesakes`]. Both
/// engines fold ASCII letters alone: SQLite always does, PostgreSQL under the collation "C". And
/// both take `$1` for the first parameter.
pub(crate) const NAMESAKES: &str = "SELECT u.name FROM user_account AS u
     WHERE EXISTS (SELECT 1 FROM user_account AS o
                   WHERE lower(o.name) = lower(u.name) AND o.name <> u.name)
     ORDER BY lower(u.name), u.name LIMIT $1";

/// Of users whose names differ from `name` in case at most, the one that it means. Of two that
/// differ in case alone neither is meant by a third way to write it: that would be a guess.
pub(crate) fn meant(mut alike: Vec<StoredUser>, name: &str) -> Option<StoredUser> {
    match alike.iter().position(|user| user.name == name) {
        Some(exactly) => Some(alike.swap_remove(exactly)),
        None if alike.len() == 1 => alike.pop(),
        None => None,
    }
}
