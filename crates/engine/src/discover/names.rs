//! What new phones are called: by their containers or models, and no two alike.

use std::collections::BTreeSet;

use fleet::limits;

use super::Candidate;
use crate::access::check_text;

/// Names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names(pub(super) BTreeSet<String>);

impl Names {
    /// The name of a new phone, taken from then on: the one that was asked for; else its own, with
    /// its address behind it where that is taken.
    pub(super) fn give(&mut self, candidate: &Candidate, model: Option<&str>) -> String {
        let own = own_name(candidate, model);
        let address = &candidate.address;
        let name = if !candidate.name.is_empty() {
            candidate.name.clone()
        } else if own == address || !self.0.contains(own) {
            own.to_owned()
        } else {
            let both = format!("{own} {address}");
            if both.len() <= limits::NAME_BYTES_MAX { both } else { address.clone() }
        };
        self.0.insert(name.clone());
        name
    }
}

/// What a phone is called that was given no name: as its container, else as its model, else as its
/// address.
pub(super) fn own_name<'a>(candidate: &'a Candidate, model: Option<&'a str>) -> &'a str {
    if !candidate.container.is_empty() {
        return &candidate.container;
    }
    // What a phone says of itself is its own business; not every text of it can be a name.
    let model = model.filter(|text| check_text("model", text, limits::NAME_BYTES_MAX).is_ok());
    model.unwrap_or(&candidate.address)
}
