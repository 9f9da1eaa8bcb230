//! What an update does to a GB device besides its desired state.

use std::time::Duration;

use fleet::catalogue::{DESCRIPTION, ORGANIZATION, TRANSPORT};
use fleet::{
    Door, End, Kind, NewCamera, NewChannel, NewDevice, Operation, Proof, Refusal, Secret, Values,
};
use store::{CameraListing, JobWithDevice};

use super::*;
use crate::command::{CameraAsked, Credentials, NewRegistrant, UpdateEntry};
use crate::operate::stage::{Stage, device_id, project};
use crate::registrants::{Registrant, Standing};

const GATE: &str = "34020000001320000001";
const RECORDER: &str = "34020000001180000001";
const CHANNEL: &str = "34020000001310000007";

/// A gate camera, and a recorder with a channel.
async fn site() -> Stage {
    let stage = Stage::new().await;
    let channel = NewChannel { id: device_id(CHANNEL), name: "west".to_owned() };
    let devices = [(GATE, Vec::new()), (RECORDER, vec![channel])];
    let devices = devices.map(|(id, channels)| NewDevice {
        project: project("p"),
        kind: Kind::Camera,
        id: device_id(id),
        name: "old name".to_owned(),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: String::new(),
        camera: Some(NewCamera {
            password: Some(Secret::new("12345678".to_owned())),
            channels,
            ..NewCamera::default()
        }),
    });
    stage.handle.import(&stage.admin, devices.to_vec()).await.unwrap();
    stage
}

/// What is asked of one id.
#[derive(Default)]
struct Ask<'a> {
    values: &'a [(&'a str, &'a str)],
    user: Option<&'a str>,
    password: Option<&'a str>,
    overlap: Option<Duration>,
}

impl Ask<'_> {
    async fn of(self, stage: &Stage, id: &str) -> Result<JobWithDevice, Refusal> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let values: Values = self.values.iter().map(owned).collect();
        let credentials = Credentials {
            user: self.user.map(str::to_owned),
            password: self.password.map(|password| Secret::new(password.to_owned())),
            overlap: self.overlap,
        };
        let update = Update {
            call: stage.handle.new_call(),
            door: Door::Iss,
            project: project("p"),
            kind: Some(Kind::Camera),
            operation: Operation::Update,
            entries: vec![UpdateEntry {
                device: Ok(device_id(id)),
                clear: false,
                patch: Ok(values.into()),
                camera: CameraAsked { credentials, ..CameraAsked::default() },
                if_revision: None,
            }],
        };
        let job = stage.handle.update(&stage.admin, update).await.unwrap().remove(0)?;
        Ok(stage.handle.reads().job(&stage.admin, job).await.unwrap().unwrap())
    }
}

async fn shown(stage: &Stage, id: &str) -> CameraListing {
    let ids = vec![device_id(id)];
    let listed = stage.handle.reads().cameras_named(&stage.admin, &project("p"), ids).await;
    listed.unwrap().remove(0).unwrap()
}

async fn registrant(stage: &Stage, id: &str) -> Arc<Registrant> {
    match stage.handle.registrant(&device_id(id)) {
        Some(known) => known,
        None => stage.handle.registrants(vec![device_id(id)]).await.unwrap().remove(0),
    }
}

fn ended(job: &JobWithDevice) -> Option<&End> {
    job.job.end.as_ref().map(|ended| &ended.end)
}

const RECORDED: End = End::Succeeded { proof: Proof::Recorded };

#[tokio::test]
async fn records_hold_with_the_commit_and_their_job_has_ended() {
    let stage = site().await;
    let values = [(DESCRIPTION, "东门"), (ORGANIZATION, "北京/海淀"), (TRANSPORT, "TCP")];
    let job = Ask { values: &values, ..Ask::default() }.of(&stage, GATE).await.unwrap();
    assert_eq!(ended(&job), Some(&RECORDED));
    assert!(job.job.patch.is_empty());
    assert_eq!(job.job.record.get(ORGANIZATION).map(String::as_str), Some("北京/海淀"));

    let shown = shown(&stage, GATE).await;
    assert_eq!(shown.record.get(DESCRIPTION).map(String::as_str), Some("东门"));
    assert_eq!(shown.record.get(TRANSPORT).map(String::as_str), Some("TCP"));
    assert_eq!(shown.organization.unwrap().path.to_string(), "北京/海淀");

    let cleared = [(DESCRIPTION, ""), (ORGANIZATION, "")];
    Ask { values: &cleared, ..Ask::default() }.of(&stage, GATE).await.unwrap();
    let shown = self::shown(&stage, GATE).await;
    assert_eq!(shown.record.get(DESCRIPTION), None);
    assert_eq!(shown.organization, None);
    // What was not named has stayed.
    assert_eq!(shown.record.get(TRANSPORT).map(String::as_str), Some("TCP"));
}

#[tokio::test]
async fn a_name_beside_a_record_waits_for_the_device() {
    let stage = site().await;
    let values = [("Name", "东门-1"), (DESCRIPTION, "gate")];
    let job = Ask { values: &values, ..Ask::default() }.of(&stage, GATE).await.unwrap();
    assert_eq!(ended(&job), None);
    assert!(job.job.stored, "it is not registered");
    let shown = shown(&stage, GATE).await;
    assert_eq!((shown.name.as_str(), &*shown.record[DESCRIPTION]), ("东门-1", "gate"));
}

#[tokio::test]
async fn a_channel_is_named_by_its_own_id() {
    let stage = site().await;
    let values = [("Name", "west gate"), (DESCRIPTION, "rusty"), (ORGANIZATION, "yard")];
    let job = Ask { values: &values, ..Ask::default() }.of(&stage, CHANNEL).await.unwrap();
    assert_eq!(job.device_id, device_id(RECORDER));
    assert!(job.job.patch.contains_key(&format!("Channel.{CHANNEL}.Name")));
    let reads = stage.handle.reads();
    let ids = vec![device_id(CHANNEL)];
    let channel = reads.channels_named(&stage.admin, &project("p"), ids).await.unwrap().remove(0);
    let channel = channel.unwrap();
    assert_eq!(channel.name.as_deref(), Some("west gate"));
    assert_eq!(channel.record[DESCRIPTION], "rusty");
    assert_eq!(channel.organization.unwrap().path.to_string(), "yard");

    for (ask, name) in [
        (Ask { password: Some("87654321"), ..Ask::default() }, "Pwd"),
        (Ask { user: Some("west"), ..Ask::default() }, "User"),
        (Ask { values: &[("Ip", "192.0.2.1")], ..Ask::default() }, "Ip"),
    ] {
        let refused = ask.of(&stage, CHANNEL).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::PropertyUnsupported { name: at, .. } if at == name),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_new_password_takes_the_old_ones_place_at_once_or_after_a_while() {
    let stage = site().await;
    let new = || Ask { password: Some("87654321"), ..Ask::default() };
    let before = registrant(&stage, GATE).await;
    assert_eq!(before.password.expose(), "12345678");
    let job = new().of(&stage, GATE).await.unwrap();
    assert_eq!(ended(&job), Some(&RECORDED));
    assert_eq!(job.job.record["Pwd"], "changed");
    let after = registrant(&stage, GATE).await;
    assert!(matches!(after.standing, Standing::Known(_)));
    assert_eq!(after.password.expose(), "87654321");
    assert!(!after.old.standing);

    let overlap = Some(Duration::from_secs(60));
    let ask = Ask { user: Some("gate"), password: Some("11223344"), overlap, ..Ask::default() };
    ask.of(&stage, GATE).await.unwrap();
    let after = registrant(&stage, GATE).await;
    assert_eq!((after.user.as_str(), after.password.expose().as_str()), ("gate", "11223344"));
    assert!(after.old.standing);
    assert_eq!((after.old.user.as_str(), after.old.password.expose().as_str()), (GATE, "87654321"));
    assert_eq!(after.old.until, stage.handle.now().plus(Duration::from_secs(60)));
}

#[tokio::test]
async fn the_same_password_again_changes_nothing() {
    let stage = site().await;
    let overlap = Some(Duration::from_secs(60));
    let ask = |password| Ask { password: Some(password), overlap, ..Ask::default() };
    // That of the import.
    ask("12345678").of(&stage, GATE).await.unwrap();
    assert!(!registrant(&stage, GATE).await.old.standing);
    ask("87654321").of(&stage, GATE).await.unwrap();
    stage.clock.forward(1_000);
    let first = registrant(&stage, GATE).await.old.until;
    ask("87654321").of(&stage, GATE).await.unwrap();
    let again = registrant(&stage, GATE).await;
    assert!(again.old.standing);
    assert_eq!(again.old.password.expose(), "12345678");
    assert_eq!(again.old.until, first);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_named_without_the_password() {
    let stage = site().await;
    let long = "x".repeat(limits::REGISTRANT_BYTES_MAX + 1);
    let month = limits::PASSWORD_OVERLAP_MAX + Duration::from_secs(1);
    for (ask, name) in [
        (Ask { user: Some("a\"b"), ..Ask::default() }, "User"),
        (Ask { user: Some(""), ..Ask::default() }, "User"),
        (Ask { password: Some(&long), ..Ask::default() }, "Pwd"),
        (Ask { password: Some("1234\n5678"), ..Ask::default() }, "Pwd"),
        (Ask { password: Some("98989898"), overlap: Some(month), ..Ask::default() }, "Pwd"),
        (Ask { values: &[(ORGANIZATION, "a//b")], ..Ask::default() }, ORGANIZATION),
        (Ask { values: &[(ORGANIZATION, "1/2/3/4/5")], ..Ask::default() }, ORGANIZATION),
        (Ask { values: &[(TRANSPORT, "SCTP")], ..Ask::default() }, TRANSPORT),
    ] {
        let secret = ask.password.unwrap_or("nothing secret").to_owned();
        let refused = ask.of(&stage, GATE).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::PropertyInvalid { name: at, .. } if at == name),
            "{refused}"
        );
        assert!(!refused.to_string().contains(&secret), "{refused}");
    }
    assert_eq!(registrant(&stage, GATE).await.password.expose(), "12345678");
}

fn new(name: &str, record: &[(&str, &str)]) -> NewRegistrant {
    NewRegistrant {
        name: name.to_owned(),
        credentials: Credentials {
            password: Some(Secret::new("12345678".to_owned())),
            ..Credentials::default()
        },
        record: record.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

#[tokio::test]
async fn devices_are_made_with_the_next_free_ids() {
    let stage = site().await;
    let asked = vec![
        new("one", &[(DESCRIPTION, "first"), (ORGANIZATION, "yard")]),
        new("tab\t", &[]),
        new("two", &[("Name", "no record")]),
        new("", &[]),
    ];
    let p = project("p");
    let make = |asked| stage.handle.create_cameras(&stage.admin, &p, "3402000000", asked);
    let made = make(asked).await.unwrap();
    let ids: Vec<Option<&str>> =
        made.iter().map(|result| result.as_ref().ok().map(DeviceId::as_str)).collect();
    assert_eq!(ids, [Some("34020000001320000002"), None, None, Some("34020000001320000003")]);
    let one = shown(&stage, "34020000001320000002").await;
    assert_eq!((one.name.as_str(), &*one.record[DESCRIPTION]), ("one", "first"));
    assert_eq!(one.organization.unwrap().path.to_string(), "yard");
    let found = registrant(&stage, "34020000001320000003").await;
    assert!(matches!(found.standing, Standing::Known(_)));
    assert_eq!(shown(&stage, "34020000001320000003").await.name, "34020000001320000003");

    let next = make(vec![new("four", &[])]).await.unwrap();
    assert_eq!(next, [Ok(device_id("34020000001320000004"))]);
    for domain in ["340200000", "34020000x0", ""] {
        let made = stage.handle.create_cameras(&stage.admin, &p, domain, Vec::new());
        assert!(matches!(made.await, Err(Error::Invalid { .. })), "{domain}");
    }
}

#[tokio::test]
async fn a_deleted_device_is_nobody_and_its_jobs_stay() {
    let stage = site().await;
    let job = Ask { values: &[("Name", "x")], ..Ask::default() }.of(&stage, GATE).await.unwrap();
    registrant(&stage, GATE).await;
    let (p, id) = (project("p"), device_id(GATE));
    let delete = || stage.handle.delete_device(&stage.admin, &p, &id);
    delete().await.unwrap();
    assert_eq!(registrant(&stage, GATE).await.standing, Standing::Unknown);
    let kept = stage.handle.reads().job(&stage.admin, job.job.id).await.unwrap().unwrap();
    assert_eq!(kept.device_id, device_id(GATE));
    assert!(matches!(ended(&kept), Some(End::Failed { failure: fleet::Failure::Deleted })));
    assert!(matches!(delete().await, Err(Error::Refused(store::Refused::NoSuchDevice))));
    let refused = Ask { values: &[("Name", "y")], ..Ask::default() }.of(&stage, GATE).await;
    assert_eq!(refused.unwrap_err(), Refusal::DeviceUnknown);
}
