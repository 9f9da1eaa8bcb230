//! How deliveries stand, written for all webhooks of this node together.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use fleet::{Principal, limits};
use store::Write;
use store::write::DeliveryNote;
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;

use crate::shared::Shared;

/// What is not written yet: one note a webhook. Never held across a wait.
#[derive(Default)]
pub(super) struct Ledger {
    notes: std::sync::Mutex<BTreeMap<String, DeliveryNote>>,
    /// There is something to write.
    wake: Notify,
    /// Held while it is written: what is noted later is written later.
    writing: Mutex<()>,
}

impl Ledger {
    fn notes(&self) -> MutexGuard<'_, BTreeMap<String, DeliveryNote>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a note, on top of what waits of its webhook.
    pub(super) fn note(&self, note: DeliveryNote) {
        let mut notes = self.notes();
        let note = match notes.remove(&note.id) {
            Some(earlier) => earlier.then(note),
            None => note,
        };
        notes.insert(note.id.clone(), note);
        self.wake.notify_one();
    }

    /// Takes notes back that could not be written, beneath those that came since.
    fn put_back(&self, earlier: Vec<DeliveryNote>) {
        let mut notes = self.notes();
        for note in earlier {
            let note = match notes.remove(&note.id) {
                Some(later) => note.then(later),
                None => note,
            };
            notes.insert(note.id.clone(), note);
        }
        self.wake.notify_one();
    }
}

/// Writes how deliveries stand as soon as there is something to write, and not too often.
pub(crate) async fn keep(shared: Arc<Shared>) {
    loop {
        shared.webhooks.ledger.wake.notified().await;
        write(&shared).await;
        sleep(limits::DELIVERIES_NOTED_EVERY).await;
    }
}

/// Writes how deliveries stand, if that is not written. What can't be written waits for the next
/// time.
pub(crate) async fn write(shared: &Shared) {
    let _writing = shared.webhooks.ledger.writing.lock().await;
    let notes = std::mem::take(&mut *shared.webhooks.ledger.notes());
    if notes.is_empty() {
        return;
    }
    let notes: Vec<_> = notes.into_values().collect();
    let write = Write::NoteDeliveries(notes.clone());
    if let Err(error) = shared.store.write(&Principal::engine(), write).await {
        tracing::warn!(%error, "what came of webhooks' deliveries could not be written");
        shared.webhooks.ledger.put_back(notes);
    }
}
