//! Names the operation that an error happened in.

use crate::Error;

/// Turns a result of a database, or of whatever else may fail, into one of the store's own.
pub(crate) trait During<T> {
    /// The value, or [`Error::Failed`] with `operation`.
    fn during(self, operation: &'static str) -> Result<T, Error>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> During<T> for Result<T, E> {
    fn during(self, operation: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Failed { operation, source: Box::new(source) })
    }
}
