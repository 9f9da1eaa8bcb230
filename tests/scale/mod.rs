//! As much as one call may hold.

mod eight_thousand;
mod restarts;
mod twenty_thousand;
