//! The feed of what was committed.

use std::time::Duration;

use fleet::{
    AdoptionRequest, Binding, DeviceKey, Facts, Offline, Operation, ProjectSettings, Push,
    PushOutcome, ReportedChannel, Revision, ServerSettings,
};
use tokio::time::{Instant, sleep};

use super::Nodes;
use super::fixture::*;
use crate::feed::{Change, Commit, FeedPage, FeedPosition, Sighting};
use crate::write::{
    CameraPatch, ChangeProject, ChangeTags, ChangeUser, CreateUser, CredentialsPatch, DeviceChange,
    IssueToken, NotePush, NoteSurvey, OrganizationEdit, RecordChannels, RenameServer, SetProject,
    UserChange,
};
use crate::{Store, Tag, Tagged, Write};

/// How long a commit may take to be told: an engine may hold it back while others are open.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// The whole feed, once `count` commits of it are there that change more than the cluster.
pub(crate) async fn told(store: &dyn Store, count: usize) -> Vec<Commit> {
    let begun = Instant::now();
    loop {
        let page = store.changes(FeedPosition::default(), u32::MAX >> 1).await.unwrap();
        assert!(!page.gap);
        let mut commits = page.commits;
        assert!(commits.is_sorted_by(|a, b| a.position < b.position), "{commits:?}");
        assert_eq!(page.next, commits.last().map_or(page.next, |last| last.position));
        commits.retain(|commit| commit.changes != [Change::Cluster]);
        if commits.len() >= count || begun.elapsed() > TOLD_WITHIN {
            assert_eq!(commits.len(), count, "{commits:?}");
            return commits;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Writes each, and checks what is told of it: each in a commit of its own, of the node's session.
async fn check_told(store: &dyn Store, before: usize, writes: Vec<(Write, Change)>) -> usize {
    let mut expected = Vec::new();
    for (write, change) in writes {
        let written = write_as(store, &engine(), write.clone()).await;
        assert!(written.is_ok(), "{write:?}: {written:?}");
        expected.push(vec![change]);
    }
    let after = before + expected.len();
    let commits = told(store, after).await;
    let session = Some(own(store).await);
    assert!(commits.iter().all(|commit| commit.session == session));
    let found: Vec<_> = commits.into_iter().skip(before).map(|commit| commit.changes).collect();
    assert_eq!(found, expected);
    after
}

pub(crate) async fn every_change_is_told_with_what_it_changed(store: &dyn Store) {
    let (_, keys) = fleet(store, 2).await;
    let camera = import_new(store, vec![new_camera("p", &camera_id(0))]).await[0];
    let found = told(store, 3).await;
    assert_eq!(found[0].changes, [Change::Projects]);
    assert_eq!(found[1].changes, [Change::Devices(keys.clone())]);
    assert_eq!(found[2].changes, [Change::Devices(vec![camera])]);
    let mut count = check_told(store, 3, of_the_whole()).await;
    count = check_told(store, count, of_devices(store, keys[0], camera).await).await;
    count = of_jobs(store, count, &keys, camera).await;
    let deleted = |id: &str, key| (delete(id), Change::Deleted(key));
    let last = vec![
        deleted("phone-0", keys[0]),
        deleted("phone-1", keys[1]),
        deleted(&camera_id(0), camera),
        (Write::DeleteProject(project_id("p")), Change::Projects),
    ];
    check_told(store, count, last).await;
}

/// What is of no device, and what is told of it.
fn of_the_whole() -> Vec<(Write, Change)> {
    let id = project_id("p");
    let settings = ProjectSettings { paused: true, ..ProjectSettings::default() };
    let project =
        ChangeProject { id: id.clone(), name: None, description: None, paused: None, at: AT };
    let user = CreateUser {
        name: "anna".to_owned(),
        project: id.clone(),
        grant: fleet::Grant::Operator,
        password_hash: "hash".to_owned(),
        at: AT,
    };
    let disable = ChangeUser { name: "anna".to_owned(), change: UserChange::Disable, at: AT };
    let rename = RenameServer {
        project: id.clone(),
        id: "server-1".to_owned(),
        name: "first".to_owned(),
        at: AT,
    };
    let tags = ChangeTags {
        project: id.clone(),
        tagged: Tagged::Server("server-1".to_owned()),
        put: vec![Tag { key: "k".to_owned(), value: "v".to_owned() }],
        take: Vec::new(),
    };
    vec![
        (Write::SetProject(SetProject { id, settings, at: AT }), Change::Projects),
        (Write::ChangeProject(project), Change::Projects),
        (create_key("A", "p"), Change::Keys),
        (revoke_key("A", AT), Change::Keys),
        (organize("o", OrganizationEdit::Create("a".parse().unwrap())), Change::Organizations),
        (Write::SetServer(ServerSettings { paused: true }), Change::Server),
        (Write::CreateUser(user), Change::Users),
        (Write::ChangeUser(disable), Change::Users),
        (Write::RenameServer(rename), Change::Servers),
        (Write::ChangeTags(tags), Change::Tags),
        (super::webhooks::create("w", Some("p")), Change::Webhooks),
        (super::webhooks::delete("w"), Change::Webhooks),
    ]
}

/// What is of a phone or a camera, and what is told of it.
async fn of_devices(
    store: &dyn Store,
    phone: DeviceKey,
    camera: DeviceKey,
) -> Vec<(Write, Change)> {
    let adopt = DeviceChange::Adopt(AdoptionRequest::default());
    let gone = Binding { ended: Some((LATER, Offline::Unregistered)), ..binding(camera) };
    let session = own(store).await;
    let channels = vec![(channel_id(0), ReportedChannel::default())];
    let boot = Some("kernel/1".parse().unwrap());
    let sighting = Sighting::MarkerSeen { at: phone, of: camera, boot };
    let catalog = RecordChannels { device: camera, channels, complete: true, at: AT };
    vec![
        (import(vec![new_device("p", "phone-0")]), Change::Devices(vec![phone])),
        (change("phone-0", adopt), Change::Devices(vec![phone])),
        (change("phone-0", DeviceChange::Frozen(false)), Change::Devices(vec![phone])),
        (Write::Bind(session, vec![binding(camera), gone]), Change::Bound(vec![camera, camera])),
        (Write::RecordChannels(catalog), Change::Channels(camera)),
        (Write::Tell(sighting.clone()), Change::Sighted(sighting)),
    ]
}

/// Updates and their results, and what is told of them.
async fn of_jobs(store: &dyn Store, before: usize, keys: &[DeviceKey], camera: DeviceKey) -> usize {
    let project = device(store, camera).await.device.project;
    let no_patch: &[(&str, &str)] = &[];
    let entries = [(keys[1], no_patch), (DeviceKey(999), no_patch), (keys[0], no_patch)];
    let first = accept(project, request(1), &entries);
    let mut second = accept(project, request(2), &[(camera, no_patch)]);
    second.entries[0].camera = Some(CameraPatch::default());
    let mut third = accept(project, request(3), &[(camera, no_patch)]);
    let credentials =
        CredentialsPatch { user: None, password: Some(sealed("secret")), overlap_until: None };
    third.entries[0].camera =
        Some(CameraPatch { credentials: Some(credentials), ..CameraPatch::default() });
    let accepted = |number: u64, entries: Vec<(u16, DeviceKey)>, records| Change::Accepted {
        project,
        request: request(number),
        entries,
        records,
        power: number == 4,
    };
    let mut restart = accept(project, request(4), &[(keys[0], no_patch), (keys[1], no_patch)]);
    restart.entries[1].operation = Operation::Restart;
    let mut result = settle(keys[1], fence(store, keys[1]).await, 1);
    let job = request(1).job(0).unwrap();
    result.ended = vec![ended(job, SUCCEEDED)];
    let writes = vec![
        (Write::Accept(first), accepted(1, vec![(0, keys[1]), (2, keys[0])], vec![])),
        (Write::Accept(second), accepted(2, vec![(0, camera)], vec![])),
        (Write::Accept(third), accepted(3, vec![(0, camera)], vec![camera])),
        (Write::Settle(Box::new(result)), Change::Settled { device: keys[1], ended: vec![job] }),
        (
            Write::Settle(Box::new(settle(keys[0], fence(store, keys[0]).await, 0))),
            Change::Settled { device: keys[0], ended: vec![] },
        ),
        (Write::Accept(restart), accepted(4, vec![(0, keys[0]), (1, keys[1])], vec![])),
    ];
    check_told(store, before, writes).await
}

pub(crate) async fn what_was_refused_is_not_told(store: &dyn Store) {
    let (project, keys) = fleet(store, 1).await;
    let camera = import_new(store, vec![new_camera("p", &camera_id(0))]).await[0];
    let user = CreateUser {
        name: "anna".to_owned(),
        project: project_id("p"),
        grant: fleet::Grant::Operator,
        password_hash: "hash".to_owned(),
        at: AT,
    };
    write_as(store, &engine(), Write::CreateUser(user)).await.unwrap();
    told(store, 4).await;
    let stale = epoch_plus(fence(store, keys[0]).await, 1);
    let unknown = accept(project, request(1), &[(DeviceKey(999), &[])]);
    let push = Push { revision: Revision(1), at: AT, outcome: PushOutcome::Sent };
    let fence = fence(store, camera).await;
    let facts = Some(Facts::default());
    let token = IssueToken {
        user: "anna".to_owned(),
        id: "token-7".to_owned(),
        password_hash: "hash".to_owned(),
        hash: [7; 32],
        at: AT,
        expires_at: LATER,
    };
    for (write, is_made) in [
        (create_key("A", "none"), false),
        (Write::Settle(Box::new(settle(keys[0], stale, 0))), false),
        (change("nobody", DeviceChange::Frozen(true)), false),
        (Write::DeleteProject(project_id("p")), false),
        // Every entry is refused; what is noted is for whoever notes it.
        (Write::Accept(unknown), true),
        (Write::Bind(own(store).await, Vec::new()), true),
        (Write::NotePush(NotePush { fence, device: camera, push }), true),
        (Write::NoteSurvey(NoteSurvey { device: camera, at: AT, facts }), true),
        (Write::IssueToken(token), true),
    ] {
        let written = write_as(store, &engine(), write.clone()).await;
        assert_eq!(written.is_ok(), is_made, "{write:?}: {written:?}");
    }
    write_as(store, &engine(), create_key("A", "p")).await.unwrap();
    assert_eq!(told(store, 5).await[4].changes, [Change::Keys], "nothing before it");
}

pub(crate) async fn a_page_ends_where_the_next_one_begins(store: &dyn Store) {
    create_project(store, "p").await;
    for number in 0..10 {
        write_as(store, &engine(), create_key(&number.to_string(), "p")).await.unwrap();
    }
    told(store, 11).await;
    let all = store.changes(FeedPosition::default(), 1_000).await.unwrap().commits;
    let mut after = FeedPosition::default();
    let mut found = Vec::new();
    loop {
        let FeedPage { commits, next, gap, .. } = store.changes(after, 3).await.unwrap();
        assert!(commits.len() <= 3 && !gap);
        if commits.is_empty() {
            assert_eq!(next, after);
            break;
        }
        after = next;
        found.extend(commits);
    }
    assert_eq!(found, all);
    let page = store.changes(all[4].position, 1).await.unwrap();
    assert_eq!((page.next, page.commits), (all[5].position, vec![all[5].clone()]));

    // Whoever goes on from the end is told of what comes after, and of nothing twice.
    let end = store.feed_end().await.unwrap();
    write_as(store, &engine(), create_key("last", "p")).await.unwrap();
    told(store, 12).await;
    let page = store.changes(end, 1_000).await.unwrap();
    assert!(!page.gap && !page.commits.is_empty());
    assert_eq!(page.commits.last().unwrap().changes, [Change::Keys]);
    assert!(store.changes(page.next, 1_000).await.unwrap().commits.is_empty());
}

pub(crate) async fn a_place_beyond_the_end_is_a_gap(store: &dyn Store) {
    create_project(store, "p").await;
    let last = told(store, 1).await[0].position;
    let row = last.row + 1_000_000;
    let beyond = FeedPosition { transaction: last.transaction * 1_000, row, ..last };
    let page = store.changes(beyond, 10).await.unwrap();
    assert!(page.gap && page.commits.is_empty(), "{page:?}");
    write_as(store, &engine(), create_key("A", "p")).await.unwrap();
    told(store, 2).await;
    let after = store.changes(page.next, 10).await.unwrap();
    assert!(!after.gap);
    assert_eq!(after.commits.last().unwrap().changes, [Change::Keys]);
}

pub(crate) async fn commits_are_told_in_order_with_whose_they_are(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    create_project(&*a, "p").await;
    let one = begin(&*a).await.0;
    let two = b.begin_session(&node("two"), LONG).await.unwrap().unwrap().key;
    for number in 0..6 {
        let node = if number % 2 == 0 { &a } else { &b };
        write_as(&**node, &engine(), create_key(&number.to_string(), "p")).await.unwrap();
    }
    let before = a.cluster(true).await.unwrap().now;
    for store in [&a, &b] {
        let found = told(&**store, 7).await;
        let sessions: Vec<_> = found.iter().map(|commit| commit.session).collect();
        let [one, two] = [Some(one), Some(two)];
        assert_eq!(sessions, [None, one, two, one, two, one, two], "none before one begins");
        assert!(found.iter().all(|commit| commit.at <= before));
        assert_eq!(found[6].changes, [Change::Keys]);
    }
}

/// The sessions of the commits that tell of the cluster.
async fn told_of_cluster(store: &dyn Store, count: usize) -> Vec<Option<crate::SessionKey>> {
    let begun = Instant::now();
    loop {
        let mut commits = store.changes(FeedPosition::default(), 1_000).await.unwrap().commits;
        commits.retain(|commit| commit.changes == [Change::Cluster]);
        if commits.len() >= count || begun.elapsed() > TOLD_WITHIN {
            return commits.into_iter().map(|commit| commit.session).collect();
        }
        sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn nodes_that_come_and_go_are_told(nodes: &dyn Nodes) {
    let (a, b) = (nodes.node().await, nodes.node().await);
    let (one, held) = begin(&*a).await;
    let two = b.begin_session(&node("two"), LONG).await.unwrap().unwrap().key;
    a.release(one, &[held.shards[0].shard]).await.unwrap();
    // They are not its own: nothing is free.
    b.release(two, &[held.shards[0].shard, held.shards[1].shard]).await.unwrap();
    a.renew(&renewal(one)).await.unwrap().unwrap();
    b.end_session(two).await.unwrap();
    let expected = [Some(one), Some(two), Some(one), Some(two)];
    assert_eq!(told_of_cluster(&*a, 4).await, expected);
}

pub(crate) async fn what_is_forgotten_is_a_gap(nodes: &dyn Nodes) {
    let store = nodes.node().await;
    begin(&*store).await;
    create_project(&*store, "p").await;
    for number in 0..5 {
        write_as(&*store, &engine(), create_key(&number.to_string(), "p")).await.unwrap();
    }
    let last = told(&*store, 6).await[5].position;
    nodes.pass(Duration::from_millis(100)).await;
    assert_eq!(store.prune_feed(LONG, 100).await.unwrap(), 0, "all are young");
    let keep = Duration::from_millis(20);
    assert_eq!(store.prune_feed(keep, 2).await.unwrap(), 2);
    let page = store.changes(FeedPosition::default(), 100).await.unwrap();
    assert!(page.gap, "{page:?}");
    assert_eq!(page.commits.len(), 5, "the session and the project are forgotten: {page:?}");
    let third = page.commits[0].position;
    assert!(!store.changes(third, 100).await.unwrap().gap, "it is the first that is there");
    while store.prune_feed(keep, 100).await.unwrap() > 0 {}
    assert!(store.changes(third, 100).await.unwrap().gap);

    // Nothing is missing after the last one, and what comes is told.
    let page = store.changes(last, 100).await.unwrap();
    assert!(!page.gap && page.commits.is_empty(), "{page:?}");
    write_as(&*store, &engine(), create_key("new", "p")).await.unwrap();
    let begun = Instant::now();
    let page = loop {
        let page = store.changes(last, 100).await.unwrap();
        if !page.commits.is_empty() || begun.elapsed() > TOLD_WITHIN {
            break page;
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert!(!page.gap);
    assert_eq!(page.commits.iter().map(|c| &c.changes[..]).collect::<Vec<_>>(), [[Change::Keys]]);
}
