//! What is written of what was counted.

use fleet::{DeviceCounts, FleetCounts, ProjectKey, Timestamp};

/// Notes what was counted. A project that is gone is passed over. With a sample, what was kept of
/// times before `forget_before` is forgotten: at most as many rows as are added and
/// [`fleet::limits::COUNTS_FORGOTTEN_PER_WRITE`] more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteCounts {
    /// When it was counted.
    pub at: Timestamp,
    /// The newest counts of projects in which they have changed, of all if it is time to keep them,
    /// and those of the whole server, `None`, always: they tell when it was counted last.
    pub newest: Vec<(Option<ProjectKey>, FleetCounts)>,
    /// What is kept of it over time: the same for projects that have devices, if it is time to.
    pub sample: Vec<(Option<ProjectKey>, DeviceCounts)>,
    /// What is older is not kept any more.
    pub forget_before: Timestamp,
}
