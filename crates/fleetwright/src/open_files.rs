//! The number of files that the process may have open: each connection and each phone takes one.

/// Raises the soft limit to the hard one. A system that refuses keeps its limit, and the log says
/// so: fewer connections then fit.
pub fn raise() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files can't be raised"),
    }
}
