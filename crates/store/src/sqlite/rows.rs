//! How SQLite's rows are asked for. What they stand for: see [`crate::rows`].

pub(super) use crate::during::During;
use crate::rows::cameras::{BINDING_COLUMNS, CAMERA_COLUMNS, CHANNEL_COUNT};
use crate::rows::organizations::ORGANIZATION_COLUMNS;
use crate::rows::{DEVICE_COLUMNS, STATE_COLUMNS};

/// What joins all three to `device AS d`. A phone has none of the rows: the first look finds
/// nothing, and there is no second.
const CAMERA_JOINS: &str = "LEFT JOIN camera AS k ON k.device = d.key \
     LEFT JOIN binding AS b ON b.device = k.device \
     LEFT JOIN organization AS o ON o.key = k.organization";

/// What reads all that [`crate::rows::device_with_state`] needs, up to the terms.
pub(super) fn select_device_with_state() -> String {
    format!(
        "SELECT {DEVICE_COLUMNS}, {STATE_COLUMNS}, {CAMERA_COLUMNS}, {CHANNEL_COUNT},
             {BINDING_COLUMNS}, {ORGANIZATION_COLUMNS}
         FROM device AS d CROSS JOIN device_state AS s ON s.device = d.key
             CROSS JOIN project AS p ON p.key = d.project {CAMERA_JOINS}"
    )
}
