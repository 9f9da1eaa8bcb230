//! Keys of calls, calls that are made again, and updates of a device at a revision.

use std::time::Duration;

use fleet::limits::{IDEMPOTENCY_KEYS_PER_PART_MAX, PHONES_PER_UPDATE_MAX};
use fleet::{Principal, Refusal, RequestId, Revision, Timestamp};

use super::Nodes;
use super::fixture::*;
use crate::write::{
    Accept, CallKey, FreeKeys, KeepAnswer, KeptAnswer, RenewKey, Reservation, ReserveKey,
};
use crate::{Refused, Store, Write, Written};

/// How long a key is kept, and after how long it is taken over.
const KEPT: Duration = Duration::from_secs(3_600);
const TAKEN_OVER: Duration = Duration::from_secs(60);

/// The key of this number, which is the last byte of its hash too.
pub(super) fn key(caller: &str, number: u64) -> CallKey {
    let mut hash = [7; 32];
    hash[24..].copy_from_slice(&number.to_be_bytes());
    CallKey { caller: caller.to_owned(), hash }
}

/// Asks for a key by a call of this id, whose request has this fingerprint.
pub(super) fn asked(key: CallKey, fingerprint: u8, id: u64) -> ReserveKey {
    ReserveKey {
        key,
        fingerprint: [fingerprint; 32],
        request: request(id),
        node: "node".to_owned(),
        kept_for: KEPT,
        taken_over_after: TAKEN_OVER,
    }
}

pub(super) async fn reserve(store: &dyn Store, asked: ReserveKey) -> Reservation {
    match write_as(store, &engine(), Write::ReserveKey(Box::new(asked))).await {
        Ok(Written::Reserved(reservation)) => reservation,
        other => panic!("not reserved: {other:?}"),
    }
}

/// Since when a key that was new is reserved.
pub(super) fn new(reservation: Reservation) -> Timestamp {
    match reservation {
        Reservation::New { since } => since,
        other => panic!("not new: {other:?}"),
    }
}

/// Since when a key that was taken over is reserved, and the call's id.
fn taken_over(reservation: Reservation) -> (Timestamp, RequestId) {
    match reservation {
        Reservation::TakenOver { since, request } => (since, request),
        other => panic!("not taken over: {other:?}"),
    }
}

pub(super) fn answer(body: Option<&[u8]>) -> KeptAnswer {
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("x".to_owned(), "\"é\"".to_owned()),
    ];
    KeptAnswer { status: 202, headers, body: body.map(<[u8]>::to_vec) }
}

pub(super) async fn keep(store: &dyn Store, key: CallKey, since: Timestamp, answer: KeptAnswer) {
    let keep = Write::KeepAnswer(Box::new(KeepAnswer { key, since, answer }));
    assert_eq!(write_as(store, &engine(), keep).await, Ok(Written::Done));
}

async fn renew(store: &dyn Store, key: CallKey, since: Timestamp) -> Reservation {
    match write_as(store, &engine(), Write::RenewKey(Box::new(RenewKey { key, since }))).await {
        Ok(Written::Reserved(reservation)) => reservation,
        other => panic!("not renewed: {other:?}"),
    }
}

async fn free(store: &dyn Store, key: CallKey, since: Timestamp) {
    let free = Write::FreeKeys(FreeKeys::One { key, since });
    assert_eq!(write_as(store, &engine(), free).await, Ok(Written::Done));
}

pub(crate) async fn a_key_is_reserved_once_and_gives_its_answer(store: &dyn Store) {
    let own = || key("user:adam", 1);
    let since = new(reserve(store, asked(own(), 1, 1)).await);
    assert_eq!(reserve(store, asked(own(), 1, 2)).await, Reservation::InProgress);
    assert_eq!(reserve(store, asked(own(), 2, 2)).await, Reservation::Reused);
    let kept = answer(Some(&[0, 255, b'{']));
    keep(store, own(), since, kept.clone()).await;
    for _ in 0..2 {
        let again = reserve(store, asked(own(), 1, 3)).await;
        assert_eq!(again, Reservation::Answered(kept.clone()));
    }
    assert_eq!(reserve(store, asked(own(), 2, 3)).await, Reservation::Reused);

    // Another's key of the same text, and another key, have nothing to do with it.
    for other in [key("key:adam", 1), key("user:adam", 2)] {
        let since = new(reserve(store, asked(other.clone(), 1, 4)).await);
        keep(store, other.clone(), since, answer(None)).await;
        let again = reserve(store, asked(other, 1, 5)).await;
        assert_eq!(again, Reservation::Answered(answer(None)), "too large to be kept");
    }
    assert_eq!(reserve(store, asked(own(), 1, 6)).await, Reservation::Answered(kept));
}

pub(crate) async fn a_key_that_is_let_go_is_taken_over_with_its_id(store: &dyn Store) {
    let own = || key("admin", 1);
    let since = new(reserve(store, asked(own(), 1, 1)).await);
    free(store, own(), since).await;
    let (since, id) = taken_over(reserve(store, asked(own(), 1, 2)).await);
    assert_eq!(id, request(1), "the id of the first");
    assert_eq!(reserve(store, asked(own(), 1, 3)).await, Reservation::InProgress);
    assert_eq!(reserve(store, asked(own(), 2, 3)).await, Reservation::Reused);
    keep(store, own(), since, answer(Some(b"{}"))).await;
    // Who has answered can't let go of it any more.
    free(store, own(), since).await;
    let kept = reserve(store, asked(own(), 1, 4)).await;
    assert_eq!(kept, Reservation::Answered(answer(Some(b"{}"))));
}

pub(crate) async fn a_node_that_begins_lets_go_of_its_keys(store: &dyn Store) {
    let of_node = |number, node: &str| {
        let node = node.to_owned();
        ReserveKey { node, ..asked(key("admin", number), 1, number) }
    };
    new(reserve(store, of_node(1, "one")).await);
    let since = new(reserve(store, of_node(2, "one")).await);
    keep(store, key("admin", 2), since, answer(None)).await;
    new(reserve(store, of_node(3, "other")).await);
    let begins = Write::FreeKeys(FreeKeys::OfNode("one".to_owned()));
    let stranger = Principal::client(create_project(store, "p").await, "AK");
    let refused = write_as(store, &stranger, begins.clone()).await;
    assert!(matches!(refused, Err(Refused::NoSuchServer(_))), "{refused:?}");
    assert_eq!(reserve(store, of_node(1, "one")).await, Reservation::InProgress);

    assert_eq!(write_as(store, &engine(), begins).await, Ok(Written::Done));
    let (_, id) = taken_over(reserve(store, of_node(1, "one")).await);
    assert_eq!(id, request(1));
    assert_eq!(reserve(store, of_node(2, "one")).await, Reservation::Answered(answer(None)));
    assert_eq!(reserve(store, of_node(3, "other")).await, Reservation::InProgress);
}

pub(crate) async fn a_caller_has_so_many_keys_and_no_more(store: &dyn Store) {
    for number in 0..IDEMPOTENCY_KEYS_PER_PART_MAX {
        new(reserve(store, asked(key("admin", number), 1, number)).await);
    }
    let one_more = asked(key("admin", IDEMPOTENCY_KEYS_PER_PART_MAX), 1, 9_999);
    assert_eq!(reserve(store, one_more.clone()).await, Reservation::TooMany);
    assert_eq!(reserve(store, asked(key("admin", 0), 1, 1)).await, Reservation::InProgress);
    new(reserve(store, asked(key("user:admin", 0), 1, 1)).await);
    let mut elsewhere = one_more;
    elsewhere.key.hash[0] = 8;
    new(reserve(store, elsewhere).await);
}

/// The same update of two devices, which may have been accepted before.
fn repeated(project: fleet::ProjectKey, entries: &[Entry<'_>]) -> Accept {
    Accept { may_repeat: true, ..accept(project, request(1), entries) }
}

pub(crate) async fn an_update_made_again_changes_nothing(store: &dyn Store) {
    let (project, keys) = fleet(store, 3).await;
    let both: &[Entry<'_>] = &[(keys[0], &[("a", "1")]), (keys[1], &[("a", "1")])];
    let first = accepted_as(store, &engine(), repeated(project, both)).await;
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    accept_one(store, project, 2, keys[0], &[("a", "2")]).await;
    let before = (device(store, keys[0]).await, device(store, keys[1]).await);

    // Three at once: they may go in one group.
    let by = engine();
    let again = || accepted_as(store, &by, repeated(project, both));
    let three = tokio::join!(again(), again(), again());
    assert_eq!(three, (first.clone(), first.clone(), first.clone()));
    assert_eq!((device(store, keys[0]).await, device(store, keys[1]).await), before);
    assert_eq!(store.jobs(&engine(), &[request(1)], 0, 10).await.unwrap().len(), 2);

    // What was not accepted then is now, under the id that it would have had.
    let three: &[Entry<'_>] = &[both[0], both[1], (keys[2], &[("a", "1")])];
    let more = accepted_as(store, &engine(), repeated(project, three)).await;
    assert_eq!(more[..2], first[..]);
    assert_eq!(more[2].as_ref().unwrap().job, request(1).job(2).unwrap());

    // A job that has ended has been accepted all the same.
    settle_all(store, keys[1]).await;
    let ended = accepted_as(store, &engine(), repeated(project, both)).await;
    let jobs = |results: &[Result<crate::write::AcceptedEntry, Refusal>]| {
        results.iter().map(|result| result.as_ref().unwrap().job).collect::<Vec<_>>()
    };
    assert_eq!(jobs(&ended), jobs(&first));
    assert!(ended[1].as_ref().unwrap().ended && !ended[0].as_ref().unwrap().ended);
    // And so has one of a device that is gone.
    delete_device(store, "phone-0").await;
    let gone = accepted_as(store, &engine(), repeated(project, both)).await;
    assert_eq!(jobs(&gone), jobs(&first));
}

pub(crate) async fn a_job_of_another_device_answers_for_none(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    let first: &[Entry<'_>] = &[(keys[0], &[("a", "1")])];
    assert!(accepted_as(store, &engine(), repeated(project, first)).await[0].is_ok());
    let other: &[Entry<'_>] = &[(keys[1], &[("a", "1")]), (keys[0], &[("a", "2")])];
    let again = accepted_as(store, &engine(), repeated(project, other)).await;
    let Err(Refusal::PropertiesInvalid { detail }) = &again[0] else { panic!("{again:?}") };
    assert!(detail.contains("another device's"), "{detail}");
    assert_eq!(device(store, keys[1]).await.state.revision, Revision(0));
    // The others of the call are none the worse for it.
    assert_eq!(again[1].as_ref().unwrap().revision, Revision(2));
    assert_eq!(store.jobs(&engine(), &[request(1)], 0, 10).await.unwrap().len(), 2);
}

pub(crate) async fn an_update_is_made_once_however_many_make_it(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let entries: &[Entry<'_>] = &[(keys[0], &[("a", "1")])];
    let by = engine();
    let make = || accepted_as(store, &by, repeated(project, entries));
    let (one, two, three, four) = tokio::join!(make(), make(), make(), make());
    assert!(one[0].is_ok(), "{one:?}");
    assert_eq!([&two, &three, &four], [&one; 3]);
    assert_eq!(device(store, keys[0]).await.state.revision, Revision(1));
}

pub(crate) async fn the_largest_call_is_made_again(store: &dyn Store) {
    let (project, keys) = fleet(store, PHONES_PER_UPDATE_MAX).await;
    let patch: &[(&str, &str)] = &[("a", "1")];
    let entries: Vec<_> = keys.iter().map(|key| (*key, patch)).collect();
    let first = accepted_as(store, &engine(), repeated(project, &entries)).await;
    let again = accepted_as(store, &engine(), repeated(project, &entries)).await;
    assert_eq!(first, again);
}

pub(crate) async fn a_device_at_another_revision_is_refused_alone(store: &dyn Store) {
    let (project, keys) = fleet(store, 2).await;
    accept_one(store, project, 1, keys[0], &[("a", "1")]).await;
    let at = |number, revision: i64| {
        let entries: &[Entry<'_>] = &[(keys[0], &[("a", "2")]), (keys[1], &[("a", "2")])];
        let mut call = accept(project, request(number), entries);
        call.entries[0].if_revision = Some(Revision(revision));
        call
    };
    for (number, revision) in [(2, 0), (3, 2)] {
        let before = device(store, keys[0]).await.state;
        let results = accepted_as(store, &engine(), at(number, revision)).await;
        let (expected, current) = (Revision(revision), Revision(1));
        assert_eq!(results[0], Err(Refusal::RevisionDiffers { expected, current }));
        assert!(results[1].is_ok());
        assert_eq!(device(store, keys[0]).await.state, before);
    }
    let results = accepted_as(store, &engine(), at(4, 1)).await;
    assert_eq!(results[0].as_ref().unwrap().revision, Revision(2));

    // Of two that are made at once, one is.
    let by = engine();
    let make = |number| accepted_as(store, &by, at(number, 2));
    let (one, two) = tokio::join!(make(5), make(6));
    let made = [&one[0], &two[0]].into_iter().filter(|result| result.is_ok()).count();
    assert_eq!(made, 1, "{one:?} {two:?}");
    assert_eq!(device(store, keys[0]).await.state.revision, Revision(3));
}

pub(crate) async fn a_key_without_an_answer_is_taken_over_in_time(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let own = || key("admin", 1);
    let first = new(reserve(&*a, asked(own(), 1, 1)).await);
    nodes.pass(TAKEN_OVER / 2).await;
    assert_eq!(reserve(&*b, asked(own(), 1, 2)).await, Reservation::InProgress);
    nodes.pass(TAKEN_OVER).await;
    let (second, id) = taken_over(reserve(&*b, asked(own(), 1, 3)).await);
    assert_eq!(id, request(1));
    assert_ne!(first, second);

    // The first one's answer and end are of no account any more.
    keep(&*a, own(), first, answer(Some(b"late"))).await;
    free(&*a, own(), first).await;
    assert_eq!(reserve(&*a, asked(own(), 1, 4)).await, Reservation::InProgress);
    keep(&*b, own(), second, answer(Some(b"{}"))).await;
    let kept = reserve(&*a, asked(own(), 1, 5)).await;
    assert_eq!(kept, Reservation::Answered(answer(Some(b"{}"))));
}

pub(crate) async fn a_key_is_new_again_after_its_time(nodes: &dyn Nodes) {
    let store = nodes.node().await;
    let own = |number| key("admin", number);
    for number in 0..3 {
        let since = new(reserve(&*store, asked(own(number), 1, number)).await);
        if number > 0 {
            keep(&*store, own(number), since, answer(None)).await;
        }
    }
    nodes.pass(KEPT + Duration::from_secs(1)).await;
    for number in 0..3 {
        // Another request, too: nothing is left of the first.
        new(reserve(&*store, asked(own(number), 2, 10 + number)).await);
    }
}

pub(crate) async fn a_key_that_is_renewed_is_not_taken_over(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let own = || key("admin", 1);
    let mut since = new(reserve(&*a, asked(own(), 1, 1)).await);
    for _ in 0..3 {
        let half = TAKEN_OVER / 2 + Duration::from_secs(5);
        nodes.pass(half).await;
        // Where the clock is nobody's to move, what was written down lies further back instead.
        let back = Timestamp(since.0 - i64::try_from(half.as_millis()).unwrap());
        since = match renew(&*a, own(), since).await {
            Reservation::InProgress => new(renew(&*a, own(), back).await),
            renewed => new(renewed),
        };
        assert_eq!(
            renew(&*a, own(), back).await,
            Reservation::InProgress,
            "it is not that any more"
        );
        assert_eq!(reserve(&*b, asked(own(), 1, 2)).await, Reservation::InProgress);
    }

    // One that is not renewed is taken over, and who had it can't have it back.
    nodes.pass(TAKEN_OVER + Duration::from_secs(1)).await;
    let (second, id) = taken_over(reserve(&*b, asked(own(), 1, 3)).await);
    assert_eq!(id, request(1));
    assert_eq!(renew(&*a, own(), since).await, Reservation::InProgress);
    keep(&*b, own(), second, answer(None)).await;
    assert_eq!(renew(&*b, own(), second).await, Reservation::InProgress, "it is answered");
    assert_eq!(reserve(&*a, asked(own(), 1, 4)).await, Reservation::Answered(answer(None)));
}

pub(crate) async fn keys_whose_time_is_over_are_deleted_without_a_new_one(nodes: &dyn Nodes) {
    let store = nodes.node().await;
    // Those of the first part run out first: with a new key, some of them go.
    for part in [8, 7] {
        for number in 0..IDEMPOTENCY_KEYS_PER_PART_MAX {
            let mut own = key("admin", number);
            own.hash[0] = part;
            new(reserve(&*store, asked(own, 1, number)).await);
        }
        nodes.pass(Duration::from_secs(1)).await;
    }
    let forget = || Write::FreeKeys(FreeKeys::Expired);
    let stranger = Principal::client(create_project(&*store, "p").await, "AK");
    let refused = write_as(&*store, &stranger, forget()).await;
    assert!(matches!(refused, Err(Refused::NoSuchServer(_))), "{refused:?}");
    let one_more = || asked(key("admin", IDEMPOTENCY_KEYS_PER_PART_MAX), 1, 9_999);
    // Young ones stay.
    assert_eq!(write_as(&*store, &engine(), forget()).await, Ok(Written::Done));
    assert_eq!(reserve(&*store, one_more()).await, Reservation::TooMany);

    nodes.pass(KEPT).await;
    assert_eq!(reserve(&*store, one_more()).await, Reservation::TooMany);
    for _ in 0..2 {
        assert_eq!(write_as(&*store, &engine(), forget()).await, Ok(Written::Done));
    }
    new(reserve(&*store, one_more()).await);
}
