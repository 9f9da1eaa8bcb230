//! What is kept once for all nodes.

use super::fixture::*;
use crate::{FeedPosition, ResumeToken, Store, StoreId};

pub(crate) async fn what_was_remembered_first_stays(store: &dyn Store) {
    assert_eq!(store.remembered("a").await.unwrap(), None);
    let first = "钥匙 \"1\"\\";
    assert_eq!(store.remember("a", first).await.unwrap(), first);
    assert_eq!(store.remember("a", "2").await.unwrap(), first);
    assert_eq!(store.remembered("a").await.unwrap().as_deref(), Some(first));
    assert_eq!(store.remember("b", "").await.unwrap(), "");
    assert_eq!(store.remembered("b").await.unwrap().as_deref(), Some(""));
    // What is set for the whole server stands beside it.
    assert_eq!(store.server_settings().await.unwrap(), fleet::ServerSettings::default());
}

pub(crate) async fn a_store_has_one_id(store: &dyn Store) {
    let id = store.store_id().await.unwrap();
    assert_ne!(id, StoreId([0; 16]));
    create_project(store, "p").await;
    assert_eq!(store.store_id().await.unwrap(), id);
    let position = FeedPosition { timeline: 2, transaction: 3, row: 7 };
    let token = ResumeToken { store: id, position }.to_string();
    assert_eq!(ResumeToken::read(&token, id), Ok(position));
}
