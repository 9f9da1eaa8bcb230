//! `fleetwright backup` and `restore`: the database as a file, and back.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use engine::{Clock, SystemClock};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::sqlite::{self, DirectoryLock};
use tempfile::NamedTempFile;

use crate::client::answers;
use crate::client::{Client, ServerOptions};
use crate::config::{self, Config, Flag, StoreUrl};
use crate::exit::Failure;
use crate::opening::lock_apart;
use crate::output;

/// What no backup holds, said by both commands.
const NOT_IN_IT: &str = "\
Not in a backup, and needed beside it: master-key, without which the secrets in the backup (access \
keys) can't be opened; admin-token and adb-host-key, without which operators and phones have to \
be told anew; and the directory catalogue. All are in the server's data directory. Keep copies of \
them apart from the backups.";

/// Makes a backup of a running server and checks it: `fleetwright backup --to fleet.db`
///
/// The backup is the database as it stands at one moment; every update that was answered before is
/// in it. Without --to it stays in the directory `backups` of the server's data directory. A store
/// on PostgreSQL is backed up by its own tools, pg_dump or pg_basebackup, and this is refused.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  fleetwright backup\n  \
    fleetwright backup --to /srv/backups/fleet-$(date +%F).db\n  \
    fleetwright backup list"
)]
pub struct Backup {
    #[command(subcommand)]
    command: Option<Command>,
    /// Brings the backup here, from wherever the server is; it must not exist. The server keeps no
    /// copy then.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

/// What is asked besides a backup.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists the backups that lie on the server, the newest first: 64 at most.
    #[command(after_help = "Examples:\n  fleetwright backup list\n  \
        fleetwright backup list --json | jq -r '.backups[].name'")]
    List,
}

/// Makes a backup the database again, while no server runs: `fleetwright restore fleet.db
/// --data DIR`
///
/// It becomes the database of the server with this configuration, which is found as `serve` finds
/// it: by --config, the environment and flags. The backup is checked as a whole first. Where a
/// server runs, or a database is already, it is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    fleetwright restore fleet.db --data /var/lib/fleetwright\n  \
    fleetwright restore fleet.db --config /etc/fleetwright/fleetwright.toml --replace\n\n\
    Give it what the server is started with: a server whose store lies elsewhere (--store,\n\
    store = in the file, FLEETWRIGHT_STORE) has its database there, not in the data directory.\n\n\
    With --replace, the database that is there is kept beside the restored one, under a name with\n\
    the time in it.")]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// The server's configuration file.
    #[arg(long, value_name = "FILE", env = "FLEETWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// The server's data directory. [default: fleetwright-data; env: FLEETWRIGHT_DATA]
    #[arg(long, alias = "data-dir", value_name = "DIR")]
    data: Option<String>,
    /// The server's store. [default: sqlite:DIR/fleetwright.db; env: FLEETWRIGHT_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Puts the database that is there aside.
    #[arg(long)]
    replace: bool,
    /// Prints what was restored as JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        if let Some(Command::List) = self.command {
            list(&self.server)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(to) = &self.to
            && to.exists()
        {
            let what = format!("{} exists already, and nothing is written over", to.display());
            return Err(Failure::usage(what).into());
        }
        // First, so that nothing is made where it could not be brought.
        let target = self.to.as_deref().map(Target::make).transpose()?;
        let client = Client::patient(&self.server)?;
        let mut answer = client.post(&["backup"], &json!({}))?;
        let mut made: answers::Backup = client.read(&answer)?;
        if let Some(target) = target {
            let to = target.to.clone();
            let fetched = target.fetch(&client, &made);
            let deleted = client.delete(&["backups", &made.name], &[]);
            if deleted.is_err() {
                let stays =
                    || format!("the backup {} stays on the server", output::clean(&made.path));
                fetched.with_context(stays)?;
                deleted.with_context(stays)?;
            } else {
                fetched?;
            }
            made.path = to.display().to_string();
            if let Some(fields) = answer.as_object_mut() {
                fields.insert("path".to_owned(), json!(made.path));
            }
        }
        if self.server.json {
            output::json(&answer)?;
        } else {
            let at = if self.to.is_some() { "file" } else { "file on the server" };
            output::data(&words(at, &made.path, made.bytes, &made.sha256, &made.counts))?;
        }
        output::tell(NOT_IN_IT);
        Ok(ExitCode::SUCCESS)
    }
}

/// Lists the backups that lie on the server.
fn list(server: &ServerOptions) -> Result<()> {
    let client = Client::new(server)?;
    let answer = client.get(&["backups"], &[])?;
    if server.json {
        return Ok(output::json(&answer)?);
    }
    let answers::Backups { backups, total } = client.read(&answer)?;
    let shown = backups.len() as u64;
    let rows =
        backups.into_iter().map(|kept| vec![kept.name, kept.made_at, kept.bytes.to_string()]);
    output::data(&output::table(&["NAME", "MADE", "BYTES"], rows.collect()))?;
    if total > shown {
        output::tell(&format!("There are {total}: these are the newest."));
    }
    Ok(())
}

/// Where a backup is brought to.
struct Target {
    /// The file's name to be.
    to: PathBuf,
    /// The file, which goes away unless it gets that name.
    file: NamedTempFile,
}

impl Target {
    /// Makes the file, in the directory where it is to be.
    fn make(to: &Path) -> Result<Self> {
        let directory = to.parent().filter(|parent| *parent != Path::new(""));
        let directory = directory.unwrap_or_else(|| Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory);
        let file = file.map_err(|error| {
            Failure::usage(format!("{} can't be written: {error}", to.display()))
        })?;
        Ok(Self { to: to.to_owned(), file })
    }

    /// Brings a backup from the server, whole and checked or not at all.
    fn fetch(self, client: &Client, made: &answers::Backup) -> Result<()> {
        let Self { to, mut file } = self;
        let failed = || format!("{} can't be written", to.display());
        let mut content = client.download(&["backups", &made.name])?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0_u8; 256 * 1024];
        loop {
            let read = content.read(&mut chunk).context("the server broke off")?;
            let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
            file.write_all(part).with_context(failed)?;
        }
        if hex::encode(hash.finalize()) != made.sha256 {
            return Err(Failure::failed("what came is not what the server has made").into());
        }
        file.as_file().sync_all().with_context(failed)?;
        file.persist_noclobber(&to).map_err(|error| error.error).with_context(failed)?;
        Ok(())
    }
}

impl Restore {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let config = self.places()?;
        let StoreUrl::Sqlite(database) = config.store_url() else {
            let what = "the store is PostgreSQL, which has its own tools: pg_restore brings back \
                        what pg_dump has written. See that no node runs meanwhile";
            return Err(Failure::usage(what).into());
        };
        if !self.file.is_file() {
            let what = format!("{} is no file", self.file.display());
            return Err(Failure::usage(what).into());
        }
        // Before anything of the directory is touched.
        sqlite::verify_backup(&self.file)?;
        // Of a server whose database lies elsewhere, the data directory is locked too.
        let _lock = if config.data.exists() { lock_apart(&config.data, &database)? } else { None };
        if !self.replace {
            refuse_existing(&database)?;
        }
        // Under a name of its own first: the long part is over before anything is moved, and a
        // restore that is broken off leaves the database that is there.
        let new = beside(&database, "-restored");
        if new.exists() {
            std::fs::remove_file(&new)
                .with_context(|| format!("{}, of a restore that broke off", new.display()))?;
        }
        let restored = sqlite::restore(&self.file, &new)?;
        let aside = self.put_aside(&database)?;
        if let Err(error) = std::fs::rename(&new, &database) {
            aside.put_back()?;
            let what = format!("{} can't be named {}", new.display(), database.display());
            return Err(error).context(what);
        }
        let restored = store::Backup { path: database, ..restored };
        let counts = [
            ("projects".to_owned(), restored.counts.projects),
            ("devices".to_owned(), restored.counts.devices),
            ("jobs".to_owned(), restored.counts.jobs),
        ];
        let kept = aside.database().map(|path| path.display().to_string());
        if self.json {
            output::json(&json!({ "path": restored.path, "bytes": restored.bytes,
                "sha256": restored.sha256, "kept": kept,
                "counts": counts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() }))?;
        } else {
            let path = restored.path.display().to_string();
            let counts = counts.into_iter().collect();
            output::data(&words("database", &path, restored.bytes, &restored.sha256, &counts))?;
            if let Some(kept) = kept {
                output::data(&format!("the one before is {kept}"))?;
            }
        }
        output::tell(NOT_IN_IT);
        let master_key = config.data.join("master-key");
        if !master_key.exists() {
            output::tell(&format!(
                "There is no {}: put it there before the server is started.",
                master_key.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Where the server has its data and its database.
    fn places(&self) -> Result<Config, config::Error> {
        let flags: [Flag; 2] =
            [("data", "--data", self.data.clone()), ("store", "--store", self.store.clone())];
        config::load_places(self.config.as_deref(), |name| std::env::var(name).ok(), &flags)
    }

    /// Moves what there is of a database out of the way, if that was asked for.
    fn put_aside(&self, database: &Path) -> Result<Aside> {
        let mut aside = Aside(Vec::new());
        let directory = match database.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !directory.exists() {
            return Ok(aside);
        }
        // No server may be at work on what is moved; a restore takes the lock for itself again.
        let _lock = DirectoryLock::take(directory)?;
        let time: String = SystemClock.now().to_string().replace(':', "");
        for suffix in DATABASE_FILES {
            let from = beside(database, suffix);
            if !from.exists() {
                continue;
            }
            let to = directory.join(format!("fleetwright-before-restore-{time}.db{suffix}"));
            let moved = std::fs::rename(&from, &to);
            if let Err(error) = moved {
                aside.put_back()?;
                return Err(error).with_context(|| format!("{} can't be moved", from.display()));
            }
            aside.0.push((from, to));
        }
        Ok(aside)
    }
}

/// Refuses where there is a database, or what one has left.
fn refuse_existing(database: &Path) -> Result<()> {
    for suffix in DATABASE_FILES {
        let path = beside(database, suffix);
        if path.exists() {
            let what = format!(
                "{} exists: a restore never writes over a database. With --replace it is kept \
                 under another name",
                path.display()
            );
            return Err(Failure::usage(what).into());
        }
    }
    Ok(())
}

/// What the files of a database have behind its name.
const DATABASE_FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// A path with something behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Files that were moved: from where, to where.
struct Aside(Vec<(PathBuf, PathBuf)>);

impl Aside {
    /// Moves them back.
    fn put_back(&self) -> Result<()> {
        for (from, to) in &self.0 {
            std::fs::rename(to, from)
                .with_context(|| format!("{} can't be moved back", to.display()))?;
        }
        Ok(())
    }

    /// Where the database is now.
    fn database(&self) -> Option<&Path> {
        self.0.first().map(|(_, to)| to.as_path())
    }
}

/// A backup or a restored database for people.
fn words(
    at: &str,
    path: &str,
    bytes: u64,
    sha256: &str,
    counts: &std::collections::BTreeMap<String, u64>,
) -> String {
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    output::fields(&[
        (at, path.to_owned()),
        ("bytes", bytes.to_string()),
        ("sha256", sha256.to_owned()),
        ("projects", count("projects").to_string()),
        ("devices", count("devices").to_string()),
        ("jobs", count("jobs").to_string()),
    ])
}
