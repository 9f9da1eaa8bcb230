//! What makes a demo's fleet one that is in use: something to see in each view of the console, and
//! in each list of the command line. It is done once the show is over, through the APIs and by
//! what befalls the devices themselves; nothing of it is written past the server.

use std::time::Duration;

use anyhow::{Context, Result};
use fleet::catalogue::ORGANIZATION;
use fleet::{DeviceId, Kind, NewCamera, NewDevice, Principal, Secret};
use serde_json::{Value, json};
use simulator::{camera, cameras, phones};

use super::native::{Native, until};
use super::stage::{KEEPALIVE_SECONDS, RETRY, Stage, new_password};

/// The name of the Wi-Fi that a phone uses: the show has given each one of its own.
const WIFI: &str = "sys.prop.writewifissid";

/// Acts after a restart.
const ORIENTATION: &str = "ro.horizontal.screen";

/// The phones, by their place in the fleet, that something befalls. The rollout goes through the
/// phones in the order of their places: two, then three at a time, so it stops in its second wave.
const REFUSES: usize = 3;
const DRIFTS: usize = 7;
const TURNED: usize = 8;
const OFF: usize = 9;

/// Cameras that nobody has put on record: what their ids begin with, and the password that they
/// share.
const ENROLLED_PREFIX: &str = "3402000000131";
const ENROLLED_FIRST: &str = "34020000001310000001";
const ENROLLED_PASSWORD: &str = "20260101";

/// How many of them there are.
const ENROLLED: usize = 3;

/// A recorder, and how many channels it has.
const RECORDER: &str = "34020000001180000001";
const RECORDER_CHANNELS: u32 = 8;

/// The password of cameras that were given another one and don't know it.
const NEW_PASSWORD: &str = "11223344";

/// How long the passwords work that were replaced.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The devices that came with it. They go when this is dropped.
pub struct InUse {
    recorder: cameras::Fleet,
    pending: cameras::Fleet,
}

impl InUse {
    /// Ends them.
    pub async fn stop(self) {
        self.recorder.stop().await;
        self.pending.stop().await;
    }
}

/// Makes it so. When this returns, all of it can be seen.
pub async fn begin(stage: &Stage) -> Result<InUse> {
    let native = Native::of(stage)?;
    let project = stage.project().to_string();
    let settings = json!({ "password_overlap_seconds": OVERLAP.as_secs() });
    native.patch(&["projects", &project], settings).await?;
    people(&native, &project).await.context("users and presets")?;
    let recorder = recorder(stage).await.context("the recorder")?;
    file_cameras(stage, &native, &project).await.context("the organizations")?;
    rotate_a_password(stage, &native).await.context("the password of a camera")?;
    let pending = enrol(stage, &native, &project).await.context("the enrolment")?;
    phones_in_use(stage, &native, &project).await.context("the phones")?;
    Ok(InUse { recorder, pending })
}

/// Who works with it, and what they have prepared.
async fn people(native: &Native, project: &str) -> Result<()> {
    for (name, role) in [("li.na", "operator"), ("auditor", "viewer")] {
        let password = new_password().expose().clone();
        let user = json!({ "name": name, "password": password, "role": role });
        native.post(&["projects", project, "users"], user).await?;
    }
    let token = json!({ "name": "nightly script", "expires_in_days": 30 });
    native.post(&["users", "li.na", "tokens"], token).await?;
    let kiosk = json!({
        "kind": "phone",
        "description": "Phones in the shop: its Wi-Fi, and no navigation keys",
        "values": { WIFI: "shop_${var:floor:-1}", "com.cph.mainkeys": "1" },
    });
    native.put(&["projects", project, "presets", "kiosk"], kiosk).await?;
    let named = json!({
        "kind": "camera",
        "description": "What a camera's record says of its place",
        "values": { "Desc": "${name}, checked by ${var:by}" },
    });
    native.put(&["projects", project, "presets", "camera-record"], named).await?;
    let webhook = json!({
        "project": project,
        "url": "https://alerts.example.com/fleetwright",
        "types": ["job.ended"],
        // It is an example's address: nothing is sent there.
        "enabled": false,
    });
    native.post(&["webhooks"], webhook).await?;
    Ok(())
}

/// A recorder with channels, registered.
async fn recorder(stage: &Stage) -> Result<cameras::Fleet> {
    let server = stage.sip_address().context("there are no cameras")?;
    let password = new_password().expose().clone();
    let record = NewDevice {
        project: stage.project().clone(),
        kind: Kind::Camera,
        id: DeviceId::new(RECORDER)?,
        name: "Hall 1, recorder".to_owned(),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: String::new(),
        camera: Some(NewCamera {
            password: Some(Secret::new(password.clone())),
            ..NewCamera::default()
        }),
    };
    stage.handle().import(&Principal::admin(), vec![record]).await?;
    let fleet = cameras::Fleet::start(cameras::Options {
        first_id: RECORDER.to_owned(),
        project: stage.project().to_string(),
        password: Some(camera::Secret::new(password.as_str())),
        camera: camera::Options {
            server,
            keepalive_seconds: KEEPALIVE_SECONDS,
            retry: RETRY,
            recorder: Some(RECORDER_CHANNELS),
            ..camera::Options::default()
        },
        ..cameras::Options::default()
    })
    .await?;
    until("the recorder's registration", async || Ok(fleet.progress().registered == 1)).await?;
    Ok(fleet)
}

/// Files the cameras in organizations.
async fn file_cameras(stage: &Stage, native: &Native, project: &str) -> Result<()> {
    let places = ["Plant-A/Gate", "Plant-A/Hall-1", "Plant-B/Yard"];
    for path in places {
        let organization = json!({ "path": path });
        native.post(&["projects", project, "organizations"], organization).await?;
    }
    let ids = stage.cameras()?.ids().chain([RECORDER]);
    let filed = |(id, path): (&str, &&str)| json!({ "id": id, "set": { ORGANIZATION: path } });
    let devices: Vec<Value> = ids.zip(places.iter().cycle()).map(filed).collect();
    native.post(&["updates"], json!({ "project": project, "devices": devices })).await?;
    Ok(())
}

/// Gives a camera a password that it does not know: it goes on registering with the one before,
/// which works for as long as both do.
async fn rotate_a_password(stage: &Stage, native: &Native) -> Result<()> {
    let fleet = stage.cameras()?;
    let id = fleet.ids().next().context("there are no cameras")?.to_owned();
    let credentials = json!({ "password": NEW_PASSWORD });
    native.put(&["devices", &id, "credentials"], credentials).await?;
    fleet.with(&id, |camera, now| camera.register(now));
    let uses_old = async || {
        let device = native.get(&["devices", &id]).await?;
        Ok(device.pointer("/camera/credentials/in_use") == Some(&json!("old")))
    };
    until("a registration with the password before", uses_old).await
}

/// Opens the project for cameras that nobody has put on record, some of which come.
async fn enrol(stage: &Stage, native: &Native, project: &str) -> Result<cameras::Fleet> {
    let terms = json!({
        "prefixes": [ENROLLED_PREFIX],
        "password": ENROLLED_PASSWORD,
        "ends_in_days": 7,
    });
    native.put(&["projects", project, "enrolment"], terms).await?;
    let fleet = cameras::Fleet::start(cameras::Options {
        count: ENROLLED,
        first_id: ENROLLED_FIRST.to_owned(),
        project: project.to_owned(),
        password: Some(camera::Secret::new(ENROLLED_PASSWORD)),
        camera: camera::Options {
            server: stage.sip_address().context("there are no cameras")?,
            keepalive_seconds: KEEPALIVE_SECONDS,
            retry: RETRY,
            ..camera::Options::default()
        },
        ..cameras::Options::default()
    })
    .await?;
    let wait = async || {
        let pending = native.get(&["projects", project, "pending"]).await?;
        Ok(pending
            .get("devices")
            .and_then(Value::as_array)
            .is_some_and(|all| all.len() == ENROLLED))
    };
    until("the cameras that enrol", wait).await?;
    Ok(fleet)
}

/// A rollout that stops by itself, a value that waits for a restart, one that was changed on the
/// phone, and a phone that is off while it is asked for something.
async fn phones_in_use(stage: &Stage, native: &Native, project: &str) -> Result<()> {
    let phone = |place: usize| stage.phones().phone(place);
    if let Some(phone) = phone(REFUSES) {
        let faults = phones::Faults { refuse_set: [WIFI.to_owned()].into(), ..phone.faults() };
        phone.set_faults(faults).await;
    }
    let rollout = json!({
        "project": project,
        "kind": "phone",
        "selector": {},
        "set": { WIFI: "floor_3" },
        "rollout": { "canary": 2, "wave": 3, "stop": { "failed": 1 } },
    });
    let rollout = id_of(&native.post(&["updates"], rollout).await?)?;
    let is_over = async || {
        let update = native.get(&["updates", &rollout]).await?;
        let phase = update.pointer("/rollout/phase").and_then(Value::as_str).unwrap_or_default();
        Ok(matches!(phase, "stopped" | "done"))
    };
    until("the end of the rollout", is_over).await?;

    if let Some(phone) = phone(TURNED) {
        let turned = json!({ "project": project,
            "devices": [{ "id": phone.id(), "set": { ORIENTATION: "1" } }] });
        native.post(&["updates"], turned).await?;
    }
    if let Some(phone) = phone(OFF) {
        let id = phone.id().to_owned();
        phone.power_off().await;
        let asked =
            json!({ "project": project, "devices": [{ "id": id, "set": { WIFI: "floor_4" } }] });
        native.post(&["updates"], asked).await?;
        let is_known = async || {
            let device = native.get(&["devices", &id]).await?;
            Ok(device.get("trouble").is_some_and(Value::is_string))
        };
        until("a phone that is off", is_known).await?;
    }
    if let Some(phone) = phone(DRIFTS) {
        let id = phone.id().to_owned();
        phone.set(WIFI, "guest");
        // The sweep over devices at rest finds it.
        let drifts = async || {
            let device = native.get(&["devices", &id]).await?;
            Ok(device.get("drift").and_then(Value::as_array).is_some_and(|all| !all.is_empty()))
        };
        until("the drift of a phone", drifts).await?;
    }
    Ok(())
}

/// The id of an update that was accepted.
fn id_of(accepted: &Value) -> Result<String> {
    let id = accepted.get("id").and_then(Value::as_str).context("the update has no id")?;
    Ok(id.to_owned())
}
