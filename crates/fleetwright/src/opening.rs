//! Opening the data directory and the store: in which order, and what a node must bring along to
//! join others.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use engine::{Clock, Entropy};
use fleet::fault_point::FaultPoints;
use fleet::{Principal, Secret};
use phones::adb::HostKey;
use store::rekey::{HOST_KEY, MASTER_KEY_CHECK, RETIRING_KEY_CHECK, check_of};
use store::seal::{MasterKey, SealError};
use store::sqlite::{self, DirectoryLock, Sqlite};
use store::{Cluster, Store};

use crate::config::{Config, PostgresUrl, StoreUrl};
use crate::data_dir::{DataDir, MasterKeys};

/// What an operator writes into the store whose keys are lost for good: keys are then made anew
/// beside what the lost ones have sealed.
const KEYS_LOST: &str = "keys-lost";

/// How many GB devices of each project are looked at for a sealed password.
const CAMERAS_LOOKED_AT: u32 = 100;

/// A data directory and a store that are ours.
pub struct Opened {
    /// The store.
    pub store: OpenStore,
    /// Opens and seals secrets.
    pub master_key: MasterKey,
    /// What operators prove themselves by.
    pub admin_token: Secret<String>,
    /// The key by which phones know this server.
    pub host_key: HostKey,
    /// What the store knows the data directory by.
    pub node_id: String,
    /// The data directory's own lock, where the store has not taken it.
    pub lock: Option<DirectoryLock>,
}

/// An open store.
pub enum OpenStore {
    /// In a file.
    Sqlite(Arc<Sqlite>),
    /// On servers.
    Postgres(Arc<store::postgres::Postgres>),
}

impl OpenStore {
    /// What the engine holds of it.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// Whether other nodes may work on it.
    pub fn has_several_nodes(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Closes it. What was answered is durable without it.
    pub async fn close(self) {
        match self {
            // It blocks for as long as the database takes to take its log in.
            Self::Sqlite(store) => {
                let _ = tokio::task::spawn_blocking(move || store.close()).await;
            }
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// What is opened by.
pub struct Opening<'a> {
    /// What the operator has set.
    pub config: &'a Config,
    /// Where a test may stop the process.
    pub fault_points: &'a FaultPoints,
    /// Bytes of the disk that must be free before anything is added.
    pub disk_free_min_bytes: u64,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Random bits.
    pub entropy: &'a dyn Entropy,
}

impl Opening<'_> {
    /// Opens both. The first start makes what is not there.
    ///
    /// Errors: in words for the operator.
    pub async fn open(&self) -> Result<Opened> {
        match self.config.store_url() {
            StoreUrl::Sqlite(database) => self.open_sqlite(&database).await,
            StoreUrl::Postgres(url) => self.open_postgres(&url).await,
        }
    }

    async fn open_sqlite(&self, database: &Path) -> Result<Opened> {
        let data = DataDir::open(&self.config.data)?;
        // The key before what it seals: a first start that ends between the two can be repeated.
        let keys = data.master_keys(!database.exists(), self.entropy)?;
        let admin_token = data.admin_token(self.entropy)?;
        let lock = lock_apart(&self.config.data, database)?;
        let opened = Sqlite::open(sqlite::Options {
            faults: self.fault_points.clone(),
            disk_free_min_bytes: self.disk_free_min_bytes,
            ..sqlite::Options::new(database, self.clock.now())
        });
        let store = Arc::new(opened.map_err(|error| unopened(error, database))?);
        let kept = Kept::read(&*store).await?;
        let master_key = kept.choose(&data, keys)?;
        // A copy of it on PostgreSQL must know its keys.
        let host_key = self.agree(&data, &*store, &kept, &master_key).await?;
        let node_id = data.node_id(self.entropy)?;
        let store = OpenStore::Sqlite(store);
        Ok(Opened { store, master_key, admin_token, host_key, node_id, lock })
    }

    async fn open_postgres(&self, url: &PostgresUrl) -> Result<Opened> {
        let data = DataDir::open(&self.config.data)?;
        let lock = DirectoryLock::take(&self.config.data)?;
        let options = store::postgres::Options {
            faults: self.fault_points.clone(),
            ..self.config.postgres_options(url, self.clock.now())
        };
        let store = store::postgres::Postgres::open(options).await;
        let store = Arc::new(store.with_context(|| format!("the store {url} can't be opened"))?);
        // The first thing that is asked: a database that has only a part of a copy refuses it.
        store.store_id().await?;
        let kept = Kept::read(&*store).await?;
        if !kept.is_fresh {
            data.check_joined()?;
        }
        let master_key = kept.choose(&data, data.master_keys(kept.is_fresh, self.entropy)?)?;
        let admin_token = data.admin_token(self.entropy)?;
        let host_key = self.agree(&data, &*store, &kept, &master_key).await?;
        let node_id = data.node_id(self.entropy)?;
        let store = OpenStore::Postgres(store);
        Ok(Opened { store, master_key, admin_token, host_key, node_id, lock: Some(lock) })
    }

    /// Sees that the master key is the store's, and gives the key by which phones know all nodes:
    /// the one that the store keeps, or, the first time, the data directory's. Both are kept in the
    /// store from then on.
    async fn agree(
        &self,
        data: &DataDir,
        store: &dyn Store,
        kept: &Kept,
        master_key: &MasterKey,
    ) -> Result<HostKey> {
        let check = check_of(master_key);
        let is_ours = match &kept.check {
            Some(kept) => *kept == check,
            None => kept.is_lost || opens_some(store, master_key).await?,
        };
        if !is_ours {
            return Err(data.other_master_key().into());
        }
        let sealed = match &kept.host_key {
            Some(sealed) => sealed.clone(),
            None => {
                if !kept.is_fresh && !kept.is_lost {
                    data.check_host_key()?;
                }
                // Before the store is told anything: a start that ends here can be repeated. One
                // that can't be opened is none to keep.
                let own = data.sealed_host_key(master_key, self.entropy, HostKey::generate)?;
                data.open_host_key(master_key, &own)?;
                own.expose().clone()
            }
        };
        if kept.check.is_none() && remember(store, MASTER_KEY_CHECK, &check).await? != check {
            return Err(data.other_master_key().into());
        }
        let sealed = match kept.host_key {
            Some(_) => sealed,
            None => remember(store, HOST_KEY, &sealed).await?,
        };
        let host_key = data.open_host_key(master_key, &Secret::new(sealed))?;
        data.publish_host_key(&host_key)?;
        Ok(host_key)
    }
}

/// What a store keeps of the keys that all nodes on it share.
struct Kept {
    /// The check of the master key.
    check: Option<String>,
    /// That of the key whose place it is taking.
    retiring: Option<String>,
    /// The sealed host key.
    host_key: Option<String>,
    /// An operator has said that they are lost.
    is_lost: bool,
    /// No node has told its key yet, and there is no project.
    is_fresh: bool,
}

impl Kept {
    async fn read(store: &dyn Store) -> Result<Self> {
        let text = async |name| -> Result<Option<String>> {
            store.remembered(name).await?.map(|json| text_of(name, &json)).transpose()
        };
        let (check, host_key) = (text(MASTER_KEY_CHECK).await?, text(HOST_KEY).await?);
        let retiring = text(RETIRING_KEY_CHECK).await?;
        // Of a store that was copied from an older one on SQLite no node has told its key yet.
        let is_fresh = check.is_none() && store.projects(&Principal::engine()).await?.is_empty();
        let is_lost = store.remembered(KEYS_LOST).await?.is_some();
        Ok(Self { check, retiring, host_key, is_lost, is_fresh })
    }

    /// The key that seals, of those in the data directory: the one that the store is marked with.
    /// It opens what the other has sealed too.
    ///
    /// Errors: the store's key is being changed, and one of the two is not there.
    fn choose(&self, data: &DataDir, keys: MasterKeys) -> Result<MasterKey> {
        let MasterKeys { own, next } = keys;
        let is = |key: &MasterKey, check: &Option<String>| *check == Some(check_of(key));
        let Some(next) = next else {
            if self.retiring.is_some() && (is(&own, &self.check) || is(&own, &self.retiring)) {
                return Err(data.key_being_changed().into());
            }
            return Ok(own);
        };
        tracing::warn!(
            "a change of the master key has not ended: stop the server and run `fleetwright store \
             rekey` again"
        );
        let is_begun = is(&next, &self.check);
        Ok(if is_begun { next.beside(own) } else { own.beside(next) })
    }
}

/// Whether this master key has sealed at least one of the secrets in the store, if there are any.
async fn opens_some(store: &dyn Store, master_key: &MasterKey) -> Result<bool> {
    // Each secret names the key that it was sealed with, and that is what is looked at first.
    let is_ours =
        |sealed: &[u8]| !matches!(master_key.open(&[], sealed), Err(SealError::WrongKey { .. }));
    let engine = Principal::engine();
    let mut has_secrets = false;
    let mut of: Vec<_> = store.projects(&engine).await?.into_iter().map(|it| Some(it.id)).collect();
    of.push(None);
    for project in of {
        let keys = store.access_keys(&engine, project.as_ref()).await?;
        let mut secrets: Vec<Vec<u8>> = keys.into_iter().map(|key| key.sealed_secret).collect();
        if let Some(project) = &project {
            let cameras = store.cameras(&engine, project, 0, CAMERAS_LOOKED_AT).await?;
            let registrants = cameras.items.into_iter().map(|camera| camera.registrant);
            secrets.extend(registrants.filter_map(|registrant| registrant.sealed_password));
        }
        if secrets.iter().any(|sealed| is_ours(sealed)) {
            return Ok(true);
        }
        has_secrets |= !secrets.is_empty();
    }
    Ok(!has_secrets)
}

/// What all nodes keep in the store under this name, a text: `text`, if nothing is there yet.
async fn remember(store: &dyn Cluster, name: &str, text: &str) -> Result<String> {
    let json = serde_json::Value::from(text).to_string();
    text_of(name, &store.remember(name, &json).await?)
}

/// The text that the store keeps under this name as JSON.
fn text_of(name: &str, json: &str) -> Result<String> {
    serde_json::from_str(json).with_context(|| format!("{name} in the store can't be read"))
}

/// Why a database could not be opened, with its name and the way out where SQLite names neither.
fn unopened(error: sqlite::OpenError, database: &Path) -> anyhow::Error {
    let is_sqlites = matches!(error, sqlite::OpenError::Database { .. });
    let error = anyhow::Error::from(error);
    if !is_sqlites {
        return error;
    }
    let database = database.display();
    error.context(format!(
        "{database} can't be used (if it is damaged: docs/operate/backup-and-restore.md)"
    ))
}

/// Locks the data directory itself where the database, whose directory the store locks, lies in
/// another.
pub fn lock_apart(data: &Path, database: &Path) -> Result<Option<DirectoryLock>> {
    let database_directory = match database.parent() {
        Some(parent) if parent == Path::new("") => Path::new("."),
        Some(parent) => parent,
        None => return Ok(None),
    };
    let same = match (data.canonicalize(), database_directory.canonicalize()) {
        (Ok(data), Ok(database)) => data == database,
        _ => false,
    };
    if same { Ok(None) } else { Ok(Some(DirectoryLock::take(data)?)) }
}
