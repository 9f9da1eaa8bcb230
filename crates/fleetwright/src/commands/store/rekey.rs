//! `fleetwright store rekey`: another master key.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use engine::{Clock, Entropy, SystemClock, SystemEntropy};
use fleet::fault_point::{FaultPoint, FaultPoints};
use serde_json::json;
use store::copy::{CopyError, Place};
use store::rekey::{Change, Progress, RekeyError, Rekeyed, Rekeying, Step};
use store::seal::MasterKey;
use store::sqlite::DirectoryLock;

use super::Teller;
use crate::config::{self, Config, Flag, StoreUrl};
use crate::data_dir::{DataDir, MasterKeys};
use crate::exit::Failure;
use crate::opening::lock_apart;
use crate::{output, serve, wiring};

/// What is to be done when everything is sealed with the new key.
const NEXT: &str = "\
The master key is another now. Copy master-key and adb-host-key away, apart from the backups, and \
make a backup: those from before are sealed with the old key and need it. Other nodes start again \
when they have copies of the new master-key.";

/// Said of a secret that does not open, before anything is changed.
const CLOSED: &str = "\
nothing was changed by this run. If the secret was lost with an earlier key, --leave-lost leaves it as it is";

/// Makes a new master key, and seals every secret in the store again with it.
///
/// No server may run on the store meanwhile: on PostgreSQL, no node. What was broken off, by a
/// signal or a power cut, goes on where it was when the same command is given again; a server that
/// is started in between works, and warns. The old key is removed when all is seen to open with the
/// new one. Backups from before need it: keep it with --keep-old if you may want to restore one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    fleetwright store rekey --data /var/lib/fleetwright\n  \
    fleetwright store rekey --config /etc/fleetwright/fleetwright.toml \\\n    \
    --keep-old /root/master-key-before\n\n\
    Give it what the server is started with. With several nodes, run it in one's data directory\n\
    and copy its new master-key to the others before they are started.")]
pub(super) struct Rekey {
    /// The server's configuration file.
    #[arg(long, value_name = "FILE", env = "FLEETWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// The server's data directory. [default: fleetwright-data; env: FLEETWRIGHT_DATA]
    #[arg(long, alias = "data-dir", value_name = "DIR")]
    data: Option<String>,
    /// The server's store. [default: sqlite:DIR/fleetwright.db; env: FLEETWRIGHT_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Keeps the old key in this file, for backups from before; it must not exist.
    #[arg(long, value_name = "FILE")]
    keep_old: Option<PathBuf>,
    /// Leaves secrets that were lost with an earlier key as they are.
    #[arg(long)]
    leave_lost: bool,
    /// Prints what was sealed as JSON.
    #[arg(long)]
    json: bool,
}

impl Rekey {
    /// Does it.
    pub(super) fn run(self) -> Result<ExitCode> {
        let flags: [Flag; 2] =
            [("data", "--data", self.data.clone()), ("store", "--store", self.store.clone())];
        let environment = |name: &str| std::env::var(name).ok();
        let config = config::load_places(self.config.as_deref(), environment, &flags)?;
        if !config.data.join("master-key").exists() {
            let what = format!("{} has no master-key to change", config.data.display());
            return Err(Failure::usage(what).into());
        }
        let rekeyed = serve::runtime()?.block_on(self.rekeyed(&config))?;
        if self.json {
            let columns = rekeyed.iter().map(|column| {
                json!({ "table": column.table, "column": column.column, "values": column.values,
                    "lost": column.lost })
            });
            output::json(&json!({ "columns": columns.collect::<Vec<_>>() }))?;
        } else {
            let row = |column: &Rekeyed| {
                let (values, lost) = (column.values.to_string(), column.lost.to_string());
                vec![column.table.to_owned(), column.column.to_owned(), values, lost]
            };
            let rows = rekeyed.iter().map(row).collect();
            output::data(&output::table(&["TABLE", "COLUMN", "SEALED", "LOST"], rows))?;
        }
        output::tell(NEXT);
        if self.keep_old.is_none() {
            output::tell("The old key is gone.");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Does it; a signal breaks it off between two batches.
    async fn rekeyed(&self, config: &Config) -> Result<Vec<Rekeyed>> {
        let fault_points = wiring::fault_points()?;
        let (place, _lock) = place(config)?;
        let opened = Rekeying::open(&place, SystemClock.now()).await;
        let store = opened.map_err(|error| match error {
            RekeyError::Store(CopyError::NoDatabase { .. }) => {
                Failure::usage(format!("{error}: there is nothing to seal again")).into()
            }
            error => anyhow::Error::from(error),
        })?;
        let data = DataDir::open(&config.data)?;
        let mut stop = serve::Stop::listen_at_terminal()?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = is_stopped.clone();
        let waiting = tokio::spawn(async move {
            stop.asked().await;
            stopped.store(true, Ordering::Relaxed);
        });
        let mut teller = Teller::new();
        let mut watch = |progress: Progress| {
            teller.tell(what(progress), progress.values, progress.of);
            if is_stopped.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let rekeyed = self.change(&data, &store, &fault_points, &mut watch).await;
        waiting.abort();
        teller.bar.finish_and_clear();
        let (rekeyed, old, new) = rekeyed?;
        // What was sealed is on disk before the key that opened it goes away.
        store.close().await?;
        data.reseal_host_key(&old, &new, &SystemEntropy)?;
        fault_points.pass(FaultPoint::AfterCommit);
        data.adopt_next_key()?;
        fault_points.pass(FaultPoint::AfterCommit);
        Ok(rekeyed)
    }

    /// Makes the new key, unless an earlier run has, and seals everything with it. Gives the old
    /// key and the new one too.
    async fn change(
        &self,
        data: &DataDir,
        store: &Rekeying,
        fault_points: &FaultPoints,
        watch: store::rekey::Watch<'_>,
    ) -> Result<(Vec<Rekeyed>, MasterKey, MasterKey)> {
        let MasterKeys { own, next } = data.master_keys(false, &SystemEntropy)?;
        // Before anything is changed: what can't be opened could not be sealed again.
        let keys: Vec<_> = [&own].into_iter().chain(&next).collect();
        let standing = store.standing(&own, next.as_ref().unwrap_or(&own)).await;
        standing.map_err(|error| match error {
            RekeyError::OtherKey => data.other_master_key().into(),
            RekeyError::OneOfTwo => data.key_being_changed().into(),
            error => anyhow::Error::from(error),
        })?;
        let checked = store.check(&keys, self.leave_lost, watch).await;
        checked.map_err(|error| match error {
            RekeyError::Closed { .. } => anyhow::Error::from(error).context(CLOSED),
            error => error.into(),
        })?;
        if let Some(keep_old) = &self.keep_old {
            data.keep_master_key(keep_old)?;
        }
        let new = match next {
            Some(next) => next,
            None => data.next_key(&SystemEntropy)?,
        };
        fault_points.pass(FaultPoint::AfterCommit);
        let change = Change {
            old: &own,
            new: &new,
            nonce: &|| {
                let mut nonce = [0_u8; 24];
                SystemEntropy.fill(&mut nonce);
                nonce
            },
            tag: &|key, [project, thing, _], secret| {
                engine::password_tag(key, [project, thing], secret)
            },
            leave_lost: self.leave_lost,
            fault_points,
        };
        let rekeyed = store.run(&change, watch).await?;
        Ok((rekeyed, own, new))
    }
}

/// Where the store is that the server works on, and the data directory's own lock, where the
/// store's is not that.
fn place(config: &Config) -> Result<(Place, Option<DirectoryLock>)> {
    Ok(match config.store_url() {
        StoreUrl::Sqlite(file) => {
            let lock = lock_apart(&config.data, &file)?;
            (Place::Sqlite(file), lock)
        }
        StoreUrl::Postgres(url) => {
            config.check_tls(&url).map_err(Failure::usage)?;
            let options = config.postgres_options(&url, SystemClock.now());
            (Place::Postgres(Box::new(options)), Some(DirectoryLock::take(&config.data)?))
        }
    })
}

/// What a step is called, with its column.
fn what(progress: Progress) -> String {
    let verb = match progress.step {
        Step::Checking => "checking",
        Step::Sealing => "sealing",
    };
    format!("{verb} {}.{}", progress.table, progress.column)
}
