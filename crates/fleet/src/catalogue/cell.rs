//! The catalogue in force, which operators may replace while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::Catalogue;

/// Holds the catalogue in force. Who needs it for one piece of work takes it once, so that the work
/// is done by one catalogue from its beginning to its end.
#[derive(Debug)]
pub struct CatalogueCell(RwLock<Arc<Catalogue>>);

impl CatalogueCell {
    /// Puts `catalogue` in force.
    pub fn new(catalogue: Catalogue) -> Self {
        Self(RwLock::new(Arc::new(catalogue)))
    }

    /// The catalogue in force.
    pub fn get(&self) -> Arc<Catalogue> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another catalogue in force, for work that begins from now on.
    pub fn replace(&self, catalogue: Catalogue) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
    }
}
