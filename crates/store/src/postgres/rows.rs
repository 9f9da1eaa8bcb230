//! How PostgreSQL's rows are asked for. What they stand for: see [`crate::rows`].

use crate::rows::cameras::{BINDING_COLUMNS, CAMERA_COLUMNS, CHANNEL_COUNT};
use crate::rows::organizations::ORGANIZATION_COLUMNS;
use crate::rows::{DEVICE_COLUMNS, STATE_COLUMNS};

/// What [`crate::rows::device_with_state`] reads of the devices whose keys `keys` selects, in that
/// order.
pub(super) fn select_devices_with_state(keys: &str) -> String {
    let page = page(keys);
    format!(
        "SELECT {DEVICE_COLUMNS}, {STATE_COLUMNS}, {CAMERA_COLUMNS}, {CHANNEL_COUNT},
             {BINDING_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM {page} JOIN device AS d ON d.key = page.key
             JOIN device_state AS s ON s.device = d.key
             JOIN project AS p ON p.key = d.project
             LEFT JOIN camera AS k ON k.device = d.key
             LEFT JOIN binding AS b ON b.device = k.device
             LEFT JOIN organization AS o ON o.key = k.organization
         ORDER BY page.place"
    )
}

/// The one column of `select` as the rows `page (key, place)`, numbered in its order.
///
/// What is skipped is skipped before anything is joined, and the planner, which can't see how long
/// an array will be, counts on ten rows: whatever is joined is then looked up by its index, row by
/// row. Left to itself it reads whole tables for a page of some hundred rows.
pub(super) fn page(select: &str) -> String {
    format!("unnest(ARRAY({select})) WITH ORDINALITY AS page (key, place)")
}

/// A list that a statement is given, such as `$1::text[]`, as the rows `asked (key, place)`; see
/// [`page`].
pub(super) fn asked(list: &str) -> String {
    format!("unnest(ARRAY(SELECT unnest({list}))) WITH ORDINALITY AS asked (key, place)")
}
