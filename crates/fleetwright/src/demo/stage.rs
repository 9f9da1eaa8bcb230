//! What a demo plays on: a server with a fresh data directory, its project and key, and phones.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use fleet::{DeviceId, Kind, NewDevice, Principal, ProjectId, Secret};
use simulator::phones::{self, Fleet};
use tempfile::TempDir;

use crate::config::Config;
use crate::wiring::{self, Server};

/// The ids of both phones in the request of the vendor's documentation (UpdateCloudPhoneProperty).
pub const SEED_PHONES: [&str; 2] =
    ["a7f3a1c5258347d6b6f1def79e11f2bc", "1678567b8bab40f93711234cb80d0764"];

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
}

/// A server that answers, with phones.
pub struct Stage {
    server: Server,
    phones: Fleet,
    project: ProjectId,
    ak: String,
    secret: Secret<String>,
    directory: TempDir,
}

impl Stage {
    /// Sets it up: when this returns, the phones listen, the server answers and knows them.
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
        // No cameras are shown, and another server may have the port.
        config.sip.listen = None;
        config.http.listen = options.http;
        let mut wiring = wiring::Options::new(config)?;
        wiring.disk_free_min_bytes = DISK_FREE_MIN_BYTES;
        let server = Server::start(wiring).await?;

        let (handle, admin) = (server.handle(), Principal::admin());
        let project = Some(options.project.clone());
        handle.create_project(&admin, "Demo".to_owned(), project).await?;
        let (ak, secret) = handle.create_key(&admin, &options.project, options.key).await?;
        let records = records(&phones, &options.project)?;
        handle.import(&admin, records).await.context("the phones can't be imported")?;
        Ok(Self { server, phones, project: options.project, ak, secret, directory })
    }

    /// Where the server answers.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The phones.
    pub fn phones(&self) -> &Fleet {
        &self.phones
    }

    /// The project's id.
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// The access key's id.
    pub fn ak(&self) -> &str {
        &self.ak
    }

    /// The access key's secret.
    pub fn secret(&self) -> &Secret<String> {
        &self.secret
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends the server and the phones and removes the data directory.
    pub async fn clear(self) {
        self.server.stop().await;
        self.phones.stop().await;
        if let Err(error) = self.directory.close() {
            tracing::warn!(%error, "the demo's data directory can't be removed");
        }
    }
}

/// The phones as an import takes them.
fn records(phones: &Fleet, project: &ProjectId) -> Result<Vec<NewDevice>> {
    let record = |phone: &std::sync::Arc<phones::Phone>| {
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
