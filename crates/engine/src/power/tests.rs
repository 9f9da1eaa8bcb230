use fleet::{DeviceKey, Door, JobId, ProjectKey, RequestId, Values};

use super::*;

fn job(revision: i64, operation: Operation) -> Job {
    Job {
        id: id(revision),
        device: DeviceKey(1),
        project: ProjectKey(1),
        revision: Revision(revision),
        operation,
        clear: false,
        patch: Values::new(),
        record: Values::new(),
        before: std::collections::BTreeMap::new(),
        stored: false,
        door: Door::Cph,
        actor: "AK".to_owned(),
        accepted_at: Timestamp(0),
        end: None,
    }
}

fn id(revision: i64) -> JobId {
    RequestId::from_parts(revision, 1).job(0).unwrap()
}

fn asked_of(operations: &[Operation]) -> Option<(Operation, i64)> {
    let jobs: Vec<Job> = (1..).zip(operations).map(|(revision, it)| job(revision, *it)).collect();
    asked_by(&jobs).map(|(operation, through)| (operation, through.0))
}

#[test]
fn the_last_word_counts_and_a_reset_is_never_skipped() {
    use Operation::{Reset, Restart, Stop, Update};
    assert_eq!(asked_of(&[]), None);
    assert_eq!(asked_of(&[Update, Update]), None);
    assert_eq!(asked_of(&[Update, Restart, Update]), Some((Restart, 2)));
    assert_eq!(asked_of(&[Restart, Restart]), Some((Restart, 2)), "one restart serves both");
    assert_eq!(asked_of(&[Restart, Stop]), Some((Stop, 2)));
    assert_eq!(asked_of(&[Stop, Restart]), Some((Restart, 2)));
    assert_eq!(asked_of(&[Restart, Reset, Restart]), Some((Reset, 3)));
    assert_eq!(asked_of(&[Stop, Reset]), Some((Reset, 2)));
    assert_eq!(asked_of(&[Reset, Restart, Stop, Restart]), Some((Reset, 2)), "then it restarts");
}
