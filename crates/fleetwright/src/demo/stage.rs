//! What a demo plays on: a server with a fresh data directory, its project and keys, phones, and
//! cameras.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::Handle;
use engine::clock::{Entropy as _, SystemEntropy};
use fleet::{DeviceId, Grant, Kind, NewCamera, NewDevice, Principal, ProjectId, Secret};
use serde_json::Value;
use simulator::camera;
use simulator::cameras;
use simulator::control::{Control, ControlAddress};
use simulator::phones::{self, Fleet};
use tempfile::TempDir;

use crate::config::Config;
use crate::wiring::{self, Server};

/// The ids of both phones in the request of the vendor's documentation (UpdateCloudPhoneProperty).
pub const SEED_PHONES: [&str; 2] =
    ["a7f3a1c5258347d6b6f1def79e11f2bc", "1678567b8bab40f93711234cb80d0764"];

/// The id of the project that the skeleton of the vendor's request names (ISS, UpdateDevice).
pub const SKELETON_PROJECT: &str = "ProjectId";

/// The user who signs in to the console.
pub const USER: &str = "demo";

/// Random bytes of a password that the demo makes.
const PASSWORD_BYTES: usize = 8;

/// The password that the cameras register with at first.
const CAMERA_PASSWORD: &str = "20170615";

/// The time between the cameras' keepalives: who takes one off sees it gone within seconds.
pub const KEEPALIVE_SECONDS: u32 = 1;

/// How long a camera waits after a registration that failed.
pub const RETRY: Duration = Duration::from_secs(1);

/// How long the cameras may take to register, on a busy machine.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that must be free where the fresh data directory lies: a demo writes a few megabytes.
const DISK_FREE_MIN_BYTES: u64 = 64 * 1024 * 1024;

/// What to set up.
pub struct Options {
    /// Where to answer.
    pub http: SocketAddr,
    /// The project's id.
    pub project: ProjectId,
    /// The access key and its secret, if they are given.
    pub key: Option<(String, Secret<String>)>,
    /// How many phones; the first two are those of the vendor's request.
    pub phones: usize,
    /// How long a phone's reboot takes.
    pub boot: Duration,
    /// How many cameras; with none, the server does not listen for them.
    pub cameras: usize,
    /// Where the devices are controlled, if they are.
    pub control: Option<ControlAddress>,
    /// How long a job may wait for a device that is away; `None` for a server's default.
    pub job_deadline: Option<Duration>,
}

/// A server that answers, with phones and cameras.
pub struct Stage {
    server: Server,
    phones: Fleet,
    /// `None` if there are none.
    cameras: Option<cameras::Fleet>,
    /// `None` unless it was asked for.
    control: Option<Control>,
    project: ProjectId,
    key: Key,
    account_key: Key,
    directory: TempDir,
}

/// An access key.
pub struct Key {
    /// Its id.
    pub ak: String,
    /// Its secret.
    pub secret: Secret<String>,
}

impl From<(String, Secret<String>)> for Key {
    fn from((ak, secret): (String, Secret<String>)) -> Self {
        Self { ak, secret }
    }
}

impl Stage {
    /// Sets it up: when this returns, the phones listen, the cameras are registered, and the server
    /// answers and knows them.
    pub async fn set(options: Options) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("fleetwright-demo-")
            .tempdir()
            .context("a directory for the demo's data can't be made")?;
        let phones = Fleet::start(phones::Options {
            count: options.phones,
            project: options.project.to_string(),
            ids: SEED_PHONES.map(str::to_owned).to_vec(),
            boot: options.boot,
            ..phones::Options::default()
        })
        .await?;
        let mut config = Config { data: directory.path().to_owned(), ..Config::default() };
        // Any free port of loopback: another server may have the usual one.
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        config.sip.listen = (options.cameras > 0).then_some(loopback);
        config.http.listen = options.http;
        if let Some(deadline) = options.job_deadline {
            config.engine.job_deadline_seconds = deadline.as_secs().max(1);
        }
        config.sip.keepalive_seconds = KEEPALIVE_SECONDS;
        let mut wiring = wiring::Options::new(config)?;
        wiring.disk_free_min_bytes = DISK_FREE_MIN_BYTES;
        let server = Server::start(wiring).await?;

        let (handle, admin) = (server.handle(), Principal::admin());
        let project = &options.project;
        let mut ids = vec![project.clone()];
        if options.cameras > 0 && project.as_str() != SKELETON_PROJECT {
            ids.push(ProjectId::new(SKELETON_PROJECT)?);
        }
        for id in ids {
            handle.create_project(&admin, "Demo".to_owned(), Some(id), String::new()).await?;
        }
        let key = handle.create_key(&admin, Some(project), options.key, false).await?;
        let account_key = handle.create_key(&admin, None, None, false).await?;
        let records = records(&phones, project)?;
        handle.import(&admin, records).await.context("the phones can't be imported")?;
        let cameras = match server.sip_address() {
            Some(sip) => Some(cameras(&handle, project, options.cameras, sip).await?),
            None => None,
        };
        let control = match (&options.control, &cameras) {
            (Some(address), Some(cameras)) => Some(phones.control_beside(cameras, address).await?),
            (Some(address), None) => Some(phones.control(address).await?),
            (None, _) => None,
        };
        Ok(Self {
            server,
            phones,
            cameras,
            control,
            project: options.project,
            key: key.into(),
            account_key: account_key.into(),
            directory,
        })
    }

    /// Where the server answers.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Makes [`USER`], an admin of the project: gives the password, which works for as long as the
    /// demo runs.
    pub async fn make_user(&self) -> Result<Secret<String>> {
        let password = new_password();
        let (handle, admin) = (self.handle(), Principal::admin());
        let (name, own) = (USER.to_owned(), password.clone());
        handle.create_user(&admin, name, &self.project, Grant::Admin, own).await?;
        Ok(password)
    }

    /// Where the console is.
    pub fn console(&self) -> String {
        self.server.console().unwrap_or_default()
    }

    /// The line that says that it answers, and where.
    pub fn ready(&self) -> String {
        let mut line = format!("ready http={}", self.address());
        if let Some(sip) = self.sip_address() {
            line += &format!(" sip={sip}");
        }
        if let Some(control) = &self.control {
            let (control, data) = (control.address(), self.directory().display());
            line += &format!(" control={control} data={data}");
        }
        line
    }

    /// One JSON object a line for each phone and each camera, as an import takes them.
    pub fn emit(&self) -> Result<String> {
        let mut lines = self.phones.emit();
        if let Some(cameras) = &self.cameras {
            lines += &cameras.emit()?;
        }
        Ok(lines)
    }

    /// The phones.
    pub fn phones(&self) -> &Fleet {
        &self.phones
    }

    /// The project's id.
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// The access key of the project.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The access key that opens all projects.
    pub fn account_key(&self) -> &Key {
        &self.account_key
    }

    /// The cameras. Errors: there are none.
    pub fn cameras(&self) -> Result<&cameras::Fleet> {
        self.cameras.as_ref().context("there are no cameras")
    }

    /// Where cameras register; `None` if there are none.
    pub fn sip_address(&self) -> Option<SocketAddr> {
        self.server.sip_address()
    }

    /// What the doors hold of the engine.
    pub fn handle(&self) -> Handle {
        self.server.handle()
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends the server, the phones and the cameras and removes the data directory.
    pub async fn clear(self) {
        self.server.stop().await;
        self.phones.stop().await;
        if let Some(cameras) = self.cameras {
            cameras.stop().await;
        }
        if let Err(error) = self.directory.close() {
            tracing::warn!(%error, "the demo's data directory can't be removed");
        }
    }
}

/// A password of somebody or something that the demo makes.
pub fn new_password() -> Secret<String> {
    let mut random = [0_u8; PASSWORD_BYTES];
    SystemEntropy.fill(&mut random);
    Secret::new(hex::encode(random))
}

/// Cameras that register at `sip`, on record in the project: when this returns, they are
/// registered.
async fn cameras(
    handle: &Handle,
    project: &ProjectId,
    count: usize,
    sip: SocketAddr,
) -> Result<cameras::Fleet> {
    let options = cameras::Options {
        count,
        project: project.to_string(),
        password: Some(camera::Secret::new(CAMERA_PASSWORD)),
        camera: camera::Options {
            server: sip,
            keepalive_seconds: KEEPALIVE_SECONDS,
            retry: RETRY,
            ..camera::Options::default()
        },
        ..cameras::Options::default()
    };
    let lines = options.emit()?;
    let records = lines.lines().map(|line| camera_record(line, project));
    let records = records.collect::<Result<Vec<_>>>()?;
    let imported = handle.import(&Principal::admin(), records).await;
    imported.context("the cameras can't be imported")?;
    let fleet = cameras::Fleet::start(options).await?;
    if tokio::time::timeout(REGISTER_TIMEOUT, fleet.all_registered()).await.is_err() {
        bail!("not all cameras are registered after {} s", REGISTER_TIMEOUT.as_secs());
    }
    Ok(fleet)
}

/// A camera as an import takes it, from what the simulator says of it.
fn camera_record(line: &str, project: &ProjectId) -> Result<NewDevice> {
    let said: Value = serde_json::from_str(line)?;
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let password = Some(Secret::new(text("password")));
    Ok(NewDevice {
        project: project.clone(),
        kind: Kind::Camera,
        id: DeviceId::new(text("id"))?,
        name: text("name"),
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: String::new(),
        camera: Some(NewCamera { password, ..NewCamera::default() }),
    })
}

/// The phones as an import takes them.
fn records(phones: &Fleet, project: &ProjectId) -> Result<Vec<NewDevice>> {
    let record = |phone: &Arc<phones::Phone>| {
        Ok(NewDevice {
            project: project.clone(),
            kind: Kind::Phone,
            id: DeviceId::new(phone.id())?,
            name: phone.name().to_owned(),
            server: phone.server().to_owned(),
            address: phone.address().to_string(),
            container: String::new(),
            profile: phones::PROFILE.to_owned(),
            camera: None,
        })
    };
    phones.phones().iter().map(record).collect()
}
