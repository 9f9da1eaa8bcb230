//! Where GB devices are registered, and what that means for an update.

use fleet::{
    Binding, Condition, DeviceKey, Offline, Operation, Principal, SipTransport, Timestamp,
};

use super::fixture::*;
use crate::write::{AcceptEntry, CameraPatch, NoteSurvey};
use crate::{Refused, Store, Write};

async fn bound(store: &dyn Store, key: DeviceKey) -> Option<Binding> {
    device(store, key).await.camera.unwrap().binding
}

pub(crate) async fn a_binding_is_read_back_as_it_was_written(store: &dyn Store) {
    let (_, keys) = cameras(store, 2).await;
    assert_eq!(bound(store, keys[0]).await, None);
    let reasons = [
        Offline::Unregistered,
        Offline::Expired,
        Offline::KeepalivesMissed,
        Offline::ConnectionClosed,
        Offline::CredentialsChanged,
    ];
    let remotes = ["192.0.2.10:5060", "[2001:db8::7]:65535", "[fe80::1%3]:1", "0.0.0.0:0"];
    let mut written = vec![binding(keys[0])];
    for remote in remotes {
        written.push(Binding { remote: remote.parse().unwrap(), ..binding(keys[0]) });
    }
    for why in reasons {
        written.push(Binding { ended: Some((LATER, why)), ..binding(keys[0]) });
    }
    written.push(Binding {
        transport: SipTransport::Tcp,
        registered_at: Timestamp(1),
        refreshed_at: Timestamp(2),
        expires_at: Timestamp(3),
        version: Some("3.0".to_owned()),
        nonce_at: i64::MAX,
        nonce_count: u32::MAX,
        old_credentials: true,
        ..binding(keys[0])
    });
    // Nothing of one stays in the next.
    written.push(binding(keys[0]));
    for binding in written {
        bind(store, vec![binding.clone()]).await;
        assert_eq!(bound(store, keys[0]).await, Some(binding));
    }
    assert_eq!(bound(store, keys[1]).await, None);
}

pub(crate) async fn of_two_bindings_in_one_change_the_later_one_stands(store: &dyn Store) {
    let (_, keys) = cameras(store, 2).await;
    let moved = Binding { nonce_count: 9, ..binding(keys[0]) };
    bind(store, vec![binding(keys[0]), binding(keys[1]), moved.clone()]).await;
    assert_eq!(bound(store, keys[0]).await, Some(moved));
    assert_eq!(bound(store, keys[1]).await, Some(binding(keys[1])));
    bind(store, Vec::new()).await;
}

pub(crate) async fn bindings_that_have_not_ended_are_paged(store: &dyn Store) {
    let (_, keys) = cameras(store, 5).await;
    let survey = NoteSurvey { device: keys[3], at: LATER, facts: None };
    write_as(store, &engine(), Write::NoteSurvey(survey)).await.unwrap();
    let mut bindings: Vec<Binding> = keys.iter().rev().map(|key| binding(*key)).collect();
    bindings[3].ended = Some((LATER, Offline::Unregistered));
    bindings[2].expires_at = Timestamp(1);
    // Of no device: nobody will ever ask for it.
    bindings.push(binding(DeviceKey(999)));
    bind(store, bindings).await;

    let page = async |after: i64, limit: u32| {
        let found = store.bindings(DeviceKey(after), limit).await.unwrap();
        found.into_iter().map(|found| found.binding.device).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 9).await, [keys[0], keys[2], keys[3], keys[4]]);
    assert_eq!(page(0, 2).await, [keys[0], keys[2]]);
    assert_eq!(page(keys[2].0, 9).await, keys[3..]);
    assert_eq!(page(keys[4].0, 9).await, []);
    let found = store.bindings(DeviceKey(0), 9).await.unwrap();
    assert_eq!(found[1].binding, Binding { expires_at: Timestamp(1), ..binding(keys[2]) });
    assert_eq!((found[2].id.as_str(), found[2].surveyed_at), (camera_id(3).as_str(), Some(LATER)));
    assert_eq!(found[3].surveyed_at, None);
}

pub(crate) async fn nobody_registers_for_a_project(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    for project in [project, create_project(store, "other").await] {
        let client = Principal::client(project, "AK");
        let refused =
            write_as(store, &client, Write::Bind(own(store).await, vec![binding(keys[0])])).await;
        assert_eq!(refused, Err(Refused::NoSuchDevice));
    }
    assert_eq!(bound(store, keys[0]).await, None);
}

pub(crate) async fn values_are_stored_until_a_camera_is_registered(store: &dyn Store) {
    let (project, keys) = cameras(store, 1).await;
    let key = keys[0];
    let live = Binding { expires_at: Timestamp(AT.0 + 1), ..binding(key) };
    let expired = Binding { expires_at: AT, ..binding(key) };
    let gone = Binding { ended: Some((AT, Offline::KeepalivesMissed)), ..binding(key) };
    let cases = [(None, true), (Some(live), false), (Some(expired), true), (Some(gone), true)];
    let mut number = 0;
    for (binding, stored) in cases {
        for condition in [Condition::Awaited, Condition::Running, Condition::Abnormal] {
            let mut result = settle(key, fence(store, key).await, 0);
            result.condition = condition;
            settled(store, result).await.unwrap();
            bind(store, binding.clone().into_iter().collect()).await;
            number += 1;
            let mut call = accept(project, request(number), &[(key, &[("a", "1")])]);
            call.entries[0].camera = Some(CameraPatch::default());
            let operation = Operation::Restart;
            let restart = AcceptEntry { position: 1, operation, ..call.entries[0].clone() };
            call.entries.push(restart);
            let results = accepted_as(store, &engine(), call).await;
            for (result, stored) in results.into_iter().zip([stored, false]) {
                let entry = result.unwrap();
                assert_eq!(entry.stored, stored, "{binding:?} {condition}");
                let job = store.job(&engine(), entry.job).await.unwrap().unwrap().job;
                assert_eq!(job.stored, stored);
            }
        }
    }
}
