//! What a copy is known by: the id of its source, and whether it is whole.

use serde::{Deserialize, Serialize};

/// The row of `setting` of a copy that says what it is a copy of: a [`Marker`]. Not copied.
pub(crate) const MARKER: &str = "copied-from";

/// What a store is a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The id of the source, as its setting [`crate::cluster::STORE_ID`] has it.
    pub(crate) source: String,
    /// Whether all of it is there.
    pub(crate) ended: bool,
}

impl Marker {
    /// Of a copy of the source `id` that has just begun.
    pub(crate) fn begun(id: &str) -> Self {
        Self { source: id.to_owned(), ended: false }
    }

    /// Of a whole copy of the source `id`.
    pub(crate) fn ended(id: &str) -> Self {
        Self { source: id.to_owned(), ended: true }
    }

    /// The marker that [`Self::to_text`] wrote; `None` if the text is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As JSON.
    pub(crate) fn to_text(&self) -> String {
        serde_json::json!({ "source": self.source, "ended": self.ended }).to_string()
    }
}

/// Whether a store with this marker is whole. One that can't be read is not.
pub(crate) fn has_ended(marker: &str) -> bool {
    Marker::read(marker).is_some_and(|marker| marker.ended)
}
