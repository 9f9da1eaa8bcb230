//! What the lists have in common that come in pages.

use serde::Deserialize;

use super::Problem;

/// Things in a page at most, and unless told otherwise.
const LIMIT_MAX: u32 = 1_000;
const LIMIT_DEFAULT: u32 = 100;

/// Which page of a list, where there is no more to say of it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The page after this one: `next` of the page before.
    pub(super) after: Option<String>,
    /// At most so many: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
}

/// How many things a page has at most. Errors: what is asked for is not 1 to 1,000.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid(format!("limit must be 1 to {LIMIT_MAX}")))
    }
}

/// Reads where a page begins: what [`ToString`] made of it.
pub(super) fn place<T: std::str::FromStr>(after: Option<&str>) -> Result<Option<T>, Problem> {
    after.map(|after| after.parse().map_err(|_| not_a_next())).transpose()
}

/// Refuses an `after` that no page gave.
pub(super) fn not_a_next() -> Problem {
    Problem::invalid("after must be the `next` of a page")
}
