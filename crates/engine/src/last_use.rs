//! When access keys and tokens were last used: kept in memory, and written for all of them together
//! once in a while. What was not written when a process is killed is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{Principal, Timestamp, limits};
use store::Write;
use store::write::NoteUse;
use tokio::time::MissedTickBehavior;

use crate::handle::Handle;
use crate::shared::Shared;
use crate::users::TokenHolder;

/// Keys, and tokens, whose use waits to be written. That of more is not noted.
const WAITING_MAX: usize = limits::ACCESS_KEYS_CACHED_MAX;

/// Uses that are not written yet. Never held across a wait.
#[derive(Default)]
pub(crate) struct LastUse {
    keys: Mutex<HashMap<String, Timestamp>>,
    tokens: Mutex<HashMap<String, Timestamp>>,
}

/// One was used.
fn note(uses: &Mutex<HashMap<String, Timestamp>>, id: &str, at: Timestamp) {
    let mut uses = uses.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = uses.get_mut(id) {
        *last = at.max(*last);
    } else if uses.len() < WAITING_MAX {
        uses.insert(id.to_owned(), at);
    }
}

/// All that wait, which do so no longer.
fn take(uses: &Mutex<HashMap<String, Timestamp>>) -> Vec<(String, Timestamp)> {
    let taken = std::mem::take(&mut *uses.lock().unwrap_or_else(PoisonError::into_inner));
    let mut taken: Vec<_> = taken.into_iter().collect();
    taken.sort_unstable();
    taken
}

impl Handle {
    /// A request was signed with this access key, and the signature holds.
    pub fn key_used(&self, ak: &str) {
        note(&self.shared.last_use.keys, ak, self.now());
    }

    /// A request bore this token, and it works.
    pub fn token_used(&self, holder: &TokenHolder) {
        note(&self.shared.last_use.tokens, &holder.id, self.now());
    }
}

/// Writes every so often what was used.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(limits::LAST_USE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        write(&shared).await;
    }
}

/// Writes what was used, if anything was. What can't be written waits for the next time.
pub(crate) async fn write(shared: &Shared) {
    let (keys, tokens) = (take(&shared.last_use.keys), take(&shared.last_use.tokens));
    if keys.is_empty() && tokens.is_empty() {
        return;
    }
    let used = NoteUse { keys, tokens };
    let write = Write::NoteUse(used.clone());
    if let Err(error) = shared.store.write(&Principal::engine(), write).await {
        tracing::warn!(%error, "when access keys and tokens were used could not be written");
        for (id, at) in used.keys {
            note(&shared.last_use.keys, &id, at);
        }
        for (id, at) in used.tokens {
            note(&shared.last_use.tokens, &id, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::stage::{Stage, project};

    #[test]
    fn the_latest_use_waits_and_of_so_many_alone() {
        let uses = Mutex::default();
        for (id, at) in [("b", 5), ("a", 7), ("b", 9), ("b", 8)] {
            note(&uses, id, Timestamp(at));
        }
        let taken = take(&uses);
        assert_eq!(taken, [("a".to_owned(), Timestamp(7)), ("b".to_owned(), Timestamp(9))]);
        assert!(take(&uses).is_empty());
        for number in 0..=WAITING_MAX {
            note(&uses, &number.to_string(), Timestamp(1));
        }
        assert_eq!(take(&uses).len(), WAITING_MAX);
    }

    #[tokio::test]
    async fn what_was_used_is_written_once() {
        let stage = Stage::new().await;
        let made = stage.handle.create_key(&stage.admin, Some(&project("p")), None, false).await;
        let (ak, _) = made.unwrap();
        let last =
            async || stage.handle.reads().access_key(&ak).await.unwrap().unwrap().last_used_at;
        stage.handle.key_used(&ak);
        let at = stage.handle.now();
        assert_eq!(last().await, None);
        write(&stage.handle.shared).await;
        assert_eq!(last().await, Some(at));
        stage.clock.forward(1_000);
        write(&stage.handle.shared).await;
        assert_eq!(last().await, Some(at), "it was not used again");
        stage.handle.key_used(&ak);
        write(&stage.handle.shared).await;
        assert_eq!(last().await, Some(at.plus(std::time::Duration::from_secs(1))));
    }
}
