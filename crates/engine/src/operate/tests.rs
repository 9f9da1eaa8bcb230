use std::sync::atomic::Ordering;

use fleet::{Condition, DriftPolicy, Operation, Refusal, Values};
use store::{Tag, TagFilter, TaggedKind};

use super::stage::{self, Stage, catalogue, device_id, project};
use super::*;
use crate::command::{CameraAsked, Patch, Update, UpdateEntry};

const PROFILE: &str = "simulated";

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.import("p", "A", "a:1", PROFILE).await;
    stage
}

/// Asks for one value of one device, and gives what came of that.
async fn update(stage: &Stage, id: &str, name: &str, value: &str) -> Result<(), Refusal> {
    let update = Update {
        call: stage.handle.new_call(),
        door: fleet::Door::Native,
        project: project("p"),
        kind: None,
        operation: Operation::Update,
        entries: vec![UpdateEntry {
            device: Ok(device_id(id)),
            clear: false,
            patch: Ok(Patch::from(Values::from([(name.to_owned(), value.to_owned())]))),
            camera: CameraAsked::default(),
            if_revision: None,
        }],
    };
    let mut results = stage.handle.update(&stage.admin, update).await.unwrap();
    results.remove(0).map(|_| ())
}

async fn state(stage: &Stage, id: &str) -> fleet::DeviceState {
    let found = stage.handle.device(&stage.admin, &project("p"), &device_id(id)).await;
    found.unwrap().state
}

#[tokio::test]
async fn a_projects_settings_hold_from_the_next_call_on() {
    let with_identity = "
        [[property]]
        name = \"ro.serialno\"
        kind = \"text\"
        chars_max = 64
        bytes_max = 256
        timing = \"at-once\"
        updatable = true
        identity = true
        meaning = \"m\"
        source = \"s\"
    ";
    let profile = "
        name = \"box\"
        restart = \"none\"
        meaning = \"m\"
        [[apply]]
        names = [\"*\"]
        how = \"setprop\"
    ";
    let stage = Stage::with(catalogue(with_identity, profile).unwrap()).await;
    stage.import("p", "A", "a:1", "box").await;
    let refused = update(&stage, "A", "ro.serialno", "1").await.unwrap_err();
    assert!(matches!(refused, Refusal::PropertyUnsupported { .. }), "{refused}");

    let settings = ProjectSettings {
        identity: true,
        drift: DriftPolicy::Repair,
        ..ProjectSettings::default()
    };
    stage.handle.set_project(&stage.admin, &project("p"), settings).await.unwrap();
    assert_eq!(update(&stage, "A", "ro.serialno", "1").await, Ok(()));
    let stored = stage.handle.reads().project(&stage.admin, &project("p")).await.unwrap();
    assert_eq!(stored.unwrap().settings, settings);

    let settings = ProjectSettings::default();
    stage.handle.set_project(&stage.admin, &project("p"), settings).await.unwrap();
    update(&stage, "A", "ro.serialno", "1").await.unwrap_err();

    let nowhere = stage.handle.set_project(&stage.admin, &project("x"), settings).await;
    assert_eq!(nowhere.unwrap_err().to_string(), "no such project: x");
}

#[tokio::test]
async fn the_servers_settings_are_kept_and_remembered() {
    let stage = stage().await;
    for paused in [true, false, false, true] {
        let settings = ServerSettings { paused };
        stage.handle.set_server_settings(&stage.admin, settings).await.unwrap();
        assert_eq!(stage.handle.shared.server_paused.load(Ordering::SeqCst), paused);
        assert_eq!(stage.handle.reads().server_settings().await.unwrap(), settings);
    }
    let key = stage.device("p", "A").await.project;
    let client = Principal::client(key, "AK");
    let refused = stage.handle.set_server_settings(&client, ServerSettings::default()).await;
    let refused = refused.unwrap_err().to_string();
    assert_eq!(refused, "the server's settings: is for operators of the whole server");
    assert!(stage.handle.shared.server_paused.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_device_is_named_frozen_stopped_and_looked_at() {
    let stage = stage().await;
    let change = async |id: &str, change: DeviceChange| {
        let device = device_id(id);
        stage.handle.change_device(&stage.admin, &project("p"), &device, change).await
    };
    change("A", DeviceChange::Name("desk 4".to_owned())).await.unwrap();
    assert_eq!(stage.device("p", "A").await.name, "desk 4");
    let refused = change("A", DeviceChange::Name("\u{1}".to_owned())).await.unwrap_err();
    assert_eq!(refused.to_string(), "name: has a control character");
    let refused = change("A", DeviceChange::Name("x".repeat(257))).await.unwrap_err();
    assert_eq!(refused.to_string(), "name: has 257 bytes; at most 256 are allowed");
    let refused = change("B", DeviceChange::Frozen(true)).await.unwrap_err();
    assert_eq!(refused.to_string(), "no such device");

    change("A", DeviceChange::Frozen(true)).await.unwrap();
    assert_eq!(update(&stage, "A", "sys.prop.writeimsi", "1").await, Err(Refusal::Frozen));
    change("A", DeviceChange::Frozen(false)).await.unwrap();
    change("A", DeviceChange::Stopped(true)).await.unwrap();
    assert_eq!(state(&stage, "A").await.condition, Condition::Stopped);

    let runs = stage.phones.runs.load(Ordering::SeqCst);
    change("A", DeviceChange::Stopped(false)).await.unwrap();
    let looked_at = async {
        while stage.phones.runs.load(Ordering::SeqCst) == runs {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, looked_at).await.expect("its lane was woken");
}

#[tokio::test]
async fn a_device_keeps_a_name_that_another_has_too() {
    let stage = Stage::new().await;
    let record = |id: &str, name: &str| {
        let mut record = stage::record("p", id, "a:1", PROFILE);
        record.name = name.to_owned();
        record
    };
    let records = vec![record("A", "desk"), record("B", "desk"), record("C", "shelf")];
    stage.handle.import(&stage.admin, records).await.unwrap();
    let rename = async |id: &str, name: &str| {
        let change = DeviceChange::Name(name.to_owned());
        stage.handle.change_device(&stage.admin, &project("p"), &device_id(id), change).await
    };
    rename("A", "desk").await.unwrap();
    let refused = rename("C", "desk").await.unwrap_err().to_string();
    assert!(refused.contains("desk"), "{refused}");
    rename("A", "shelf").await.unwrap_err();
    rename("A", "table").await.unwrap();
    rename("B", "desk").await.unwrap();
    rename("A", "desk").await.unwrap_err();
    let names = [("A", "table"), ("B", "desk"), ("C", "shelf")];
    for (id, name) in names {
        assert_eq!(stage.device("p", id).await.name, name);
    }
}

#[tokio::test]
async fn servers_get_names_and_tags() {
    let stage = stage().await;
    let handle = &stage.handle;
    let rename = async |project_id: &str, id: &str, name: &str| {
        let (id, name) = (id.to_owned(), name.to_owned());
        handle.rename_server(&stage.admin, &project(project_id), id, name).await
    };
    rename("p", "host-1", "cellar").await.unwrap();
    let filter = store::ServerFilter::default();
    let servers = handle.reads().servers(&stage.admin, &project("p"), &filter, 0, 9).await.unwrap();
    assert_eq!(
        (servers.items[0].id.as_str(), servers.items[0].name.as_str()),
        ("host-1", "cellar")
    );
    assert_eq!(rename("q", "host-1", "x").await.unwrap_err().to_string(), "no such server: host-1");
    assert_eq!(rename("p", "host-1", "").await.unwrap_err().to_string(), "server name: is empty");

    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let change = async |id: &str, put: Vec<Tag>, take: Vec<(String, Option<String>)>| {
        let tagged = Tagged::Server(id.to_owned());
        let change = ChangeTags { project: project("p"), tagged, put, take };
        handle.change_tags(&stage.admin, change).await.map_err(|error| error.to_string())
    };
    change("host-1", vec![tag("room", "1"), tag("rack", "")], vec![]).await.unwrap();
    change("host-1", vec![], vec![("room".to_owned(), None)]).await.unwrap();
    let (kind, filter) = (TaggedKind::Server, TagFilter::default());
    let tagged = handle.reads().tagged(&stage.admin, &project("p"), kind, &filter, 0, 9).await;
    assert_eq!(tagged.unwrap().items[0].tags, [tag("rack", "")]);
    let refused = |why: &str| Err(why.to_owned());
    assert_eq!(change("host-1", vec![tag("", "")], vec![]).await, refused("tag key: is empty"));
    let value = change("host-1", vec![tag("k", "\n")], vec![]).await;
    assert_eq!(value, refused("value of the tag k: has a control character"));
    assert_eq!(change("", vec![], vec![]).await, refused("no such server: "));
    assert_eq!(change("host-7", vec![], vec![]).await, refused("no such server: host-7"));
}

const START_ARGUMENTS: (&str, &str) = (
    "
    [[property]]
    name = \"qemu.fps\"
    kind = \"integer\"
    min = 1
    max = 120
    timing = \"at-once\"
    updatable = true
    meaning = \"m\"
    source = \"s\"

    [[property]]
    name = \"box.width\"
    kind = \"integer\"
    min = 1
    max = 9999
    timing = \"at-once\"
    updatable = true
    meaning = \"m\"
    source = \"s\"

    [[property]]
    name = \"persist.sys.locale\"
    kind = \"text\"
    chars_max = 64
    bytes_max = 256
    timing = \"at-once\"
    updatable = true
    meaning = \"m\"
    source = \"s\"
    ",
    "
    name = \"box\"
    restart = \"none\"
    meaning = \"m\"
    [[apply]]
    names = [\"*\"]
    how = \"setprop\"
    [[apply]]
    names = [\"qemu.fps\"]
    how = \"start-args\"
    argument = \"androidboot.redroid_fps={value}\"
    property = \"ro.boot.redroid_fps\"
    [[apply]]
    names = [\"box.width\"]
    how = \"start-args\"
    argument = \"androidboot.redroid_width={value}\"
    property = \"ro.boot.redroid_width\"
    ",
);

#[tokio::test]
async fn start_arguments_are_those_of_what_is_desired() {
    let (properties, profile) = START_ARGUMENTS;
    let stage = Stage::with(catalogue(properties, profile).unwrap()).await;
    stage.import("p", "A", "a:1", "box").await;
    let arguments = async || {
        let (p, a) = (project("p"), device_id("A"));
        stage.handle.start_arguments(&stage.admin, &p, &a).await.unwrap()
    };
    assert_eq!(arguments().await, Vec::<String>::new());
    for (name, value) in [("qemu.fps", "30"), ("persist.sys.locale", "x y"), ("box.width", "720")] {
        update(&stage, "A", name, value).await.unwrap();
    }
    let expected = ["androidboot.redroid_width=720", "androidboot.redroid_fps=30"];
    assert_eq!(arguments().await, expected);
    let nobody = stage.handle.start_arguments(&stage.admin, &project("q"), &device_id("A")).await;
    assert_eq!(nobody.unwrap_err().to_string(), "no such device");
}

#[tokio::test]
async fn another_catalogue_is_in_force_at_once_and_a_bad_one_never() {
    let stage = stage().await;
    let before = stage.handle.catalogue();
    let (properties, profile) = START_ARGUMENTS;
    let put = |properties: &str, profile: &str| {
        *stage.source.0.lock().unwrap() = Some((properties.to_owned(), profile.to_owned()));
    };
    put(properties, "name = \"box\"\nrestart = \"sometimes\"\n");
    let refused = stage.handle.reload_catalogue(&stage.admin).await.unwrap_err().to_string();
    assert!(refused.starts_with("profile.toml:2:11: "), "{refused}");
    assert!(Arc::ptr_eq(&before, &stage.handle.catalogue()));

    put(properties, profile);
    let client = Principal::client(stage.device("p", "A").await.project, "AK");
    let refused = stage.handle.reload_catalogue(&client).await.unwrap_err();
    assert!(matches!(refused, CatalogueSourceError::NotAllowed));
    assert!(Arc::ptr_eq(&before, &stage.handle.catalogue()));

    stage.handle.reload_catalogue(&stage.admin).await.unwrap();
    assert!(stage.handle.catalogue().profile("box").is_some());
    stage.import("p", "B", "a:2", "box").await;
    assert_eq!(update(&stage, "B", "qemu.fps", "30").await, Ok(()));
}

#[tokio::test]
async fn a_backup_is_for_operators_of_the_whole_server() {
    let stage = stage().await;
    let client = Principal::client(stage.device("p", "A").await.project, "AK");
    let to = std::env::temp_dir().join("fleetwright-backup-of-a-client");
    let refused = stage.handle.back_up(&client, &to).await.unwrap_err().to_string();
    assert_eq!(refused, "a backup: is for operators of the whole server");
    assert!(!to.exists());
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_even_if_it_was_opened_before() {
    let stage = stage().await;
    let (ak, _) =
        stage.handle.create_key(&stage.admin, Some(&project("p")), None, false).await.unwrap();
    assert!(stage.handle.access_key(&ak).await.unwrap().is_some());
    stage.handle.revoke_key(&stage.admin, &ak).await.unwrap();
    assert!(stage.handle.access_key(&ak).await.unwrap().is_none());
    let nobody = stage.handle.revoke_key(&stage.admin, "AKNOBODY").await.unwrap_err();
    assert_eq!(nobody.to_string(), "no such access key: AKNOBODY");
}

#[tokio::test]
async fn a_record_is_checked_whole() {
    let stage = stage().await;
    let refused = async |change: fn(&mut fleet::NewDevice)| {
        let mut record = stage::record("p", "B", "a:2", PROFILE);
        change(&mut record);
        stage.handle.import(&stage.admin, vec![record]).await.unwrap_err().to_string()
    };
    let container = refused(|record| record.container = "x".repeat(257)).await;
    assert_eq!(container, "device 1 (B), container: has 257 bytes; at most 256 are allowed");
    let server = refused(|record| record.server = "\0".to_owned()).await;
    assert_eq!(server, "device 1 (B), server: has a control character");
    for address in ["a", "a:", ":1", "a:0", "a:65536", "a:x", ""] {
        let mut record = stage::record("p", "B", address, PROFILE);
        record.container = String::new();
        let import = stage.handle.import(&stage.admin, vec![record]).await;
        assert!(import.unwrap_err().to_string().starts_with("device 1 (B), address: "));
    }
    let profile = refused(|record| record.profile = "nexus".to_owned()).await;
    assert!(profile.starts_with("device 1 (B), profile: no profile \"nexus\""), "{profile}");
}
