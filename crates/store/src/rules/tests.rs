//! The rules, one by one. What engines make of them is told by the conformance suite.

use fleet::{DeviceKey, End, Proof, RequestId, Shard};

use super::*;

const SHARD: Shard = Shard(7);

fn fence(epoch: i64) -> Fence {
    Fence::Shard { shard: SHARD, epoch: Epoch(epoch) }
}

fn standing(epoch: i64, owner: Option<i64>, bound: Option<(i64, bool, bool)>) -> Standing {
    let bound = bound.map(|(session, lasts, is_live)| Bound {
        session: SessionKey(session),
        lasts,
        is_live,
    });
    Standing { shard: Some((Epoch(epoch), owner.map(SessionKey))), bound }
}

#[test]
fn a_shard_speaks_for_what_is_not_bound_elsewhere() {
    for (standing, expected) in [
        (standing(3, Some(1), None), true),
        (standing(3, None, None), true),
        (standing(2, Some(1), None), false),
        (standing(4, Some(1), None), false),
        // Bound to its owner, or to nobody who lives, or not any more.
        (standing(3, Some(1), Some((1, true, true))), true),
        (standing(3, Some(1), Some((2, false, true))), true),
        (standing(3, Some(1), Some((2, true, false))), true),
        (standing(3, Some(1), Some((2, true, true))), false),
        (standing(3, None, Some((2, true, true))), false),
    ] {
        assert_eq!(holds(fence(3), &standing), expected, "{standing:?}");
    }
    assert!(!holds(fence(3), &Standing::default()));
}

#[test]
fn a_binding_speaks_for_its_device_until_its_session_ends() {
    let bound_to = Fence::Binding(SessionKey(2));
    for (bound, expected) in [
        (None, false),
        (Some((2, true, true)), true),
        (Some((2, true, false)), true),
        (Some((2, false, true)), false),
        (Some((1, true, true)), false),
    ] {
        assert_eq!(holds(bound_to, &standing(9, Some(1), bound)), expected, "{bound:?}");
    }
    assert_eq!((finisher(bound_to), finisher(fence(5))), (2, 5));
}

#[test]
fn a_fence_is_of_its_own_shard() {
    let own = (1..).map(DeviceKey).find(|key| key.shard() == SHARD).unwrap();
    let other = DeviceKey(own.0 + 1);
    assert_ne!(other.shard(), SHARD);
    assert!(!is_of_another_shard(fence(1), own));
    assert!(is_of_another_shard(fence(1), other));
    assert!(!is_of_another_shard(Fence::Binding(SessionKey(1)), other));
}

#[test]
fn a_binding_of_another_session_gives_way_to_a_later_nonce_alone() {
    let given = (SessionKey(2), 100, 5);
    for (stored, expected) in [
        ((None, 200, 9), true),
        ((Some(2), 200, 9), true),
        ((Some(1), 99, 9), true),
        ((Some(1), 100, 4), true),
        ((Some(1), 100, 5), false),
        ((Some(1), 101, 1), false),
    ] {
        let (session, nonce_at, nonce_count) = stored;
        let stored = (session.map(SessionKey), nonce_at, nonce_count);
        assert_eq!(takes_over(stored, given), expected, "{stored:?}");
    }
}

#[test]
fn what_replaces_a_value_needs_room_for_the_difference_alone() {
    let mut desired = Desired::default();
    let most = "v".repeat(DESIRED_BYTES_MAX - 1);
    let patch = |name: &str, value: &str| Values::from([(name.to_owned(), value.to_owned())]);
    desired.merge(&patch("a", &most), Revision(1));
    assert_eq!(busy(0, &desired, &patch("a", &most)), None);
    assert_eq!(busy(0, &desired, &patch("a", "short")), None);
    assert_eq!(busy(0, &desired, &Values::new()), None);
    assert!(busy(0, &desired, &patch("a", &format!("{most}v"))).is_some());
    assert!(busy(0, &desired, &patch("b", "")).is_some());
    assert!(busy(OPEN_JOBS_PER_DEVICE_MAX, &Desired::default(), &Values::new()).is_some());
    assert_eq!(busy(OPEN_JOBS_PER_DEVICE_MAX - 1, &Desired::default(), &Values::new()), None);
}

#[test]
fn an_open_job_ends_once_and_the_others_keep_their_order() {
    let job = |position| RequestId::from_parts(1, 1).job(position).unwrap();
    let ended = |position| EndedJob {
        job: job(position),
        end: End::Succeeded { proof: Proof::Verified },
        superseded_by: None,
    };
    let open: Vec<u8> = [0, 1, 2, 3].into_iter().flat_map(|n| job(n).to_bytes()).collect();
    let ends = [ended(2), ended(9), ended(0), ended(2)];
    let (ending, left) = end_open(&open, &ends).unwrap();
    assert_eq!(ending, [&ends[0], &ends[2]]);
    assert_eq!(left, [job(1).to_bytes(), job(3).to_bytes()].concat());
    assert_eq!(end_open(&open, &[]).unwrap(), (vec![], open.clone()));
    assert!(end_open(&open[1..], &ends).is_err());
}
