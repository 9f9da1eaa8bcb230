//! Backups: copies of the database that are made and checked while the server works on.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use fleet::Timestamp;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use utoipa::ToSchema;

use super::exchange::FromPath;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// Backups that may lie in the server's own directory. They are full copies: over it no more are
/// made until some are moved away, since an old one is never deleted for a new one.
const BACKUPS_MAX: usize = 64;

/// What the name of the store begins with that is backed up here.
const HAS_BACKUPS: &str = "SQLite";

/// Bytes that are read from a backup at a time while it is sent.
const CHUNK_BYTES: usize = 256 * 1024;

/// What a backup lacks, and must be kept by other means.
const NOT_IN_IT: &[&str] = &["master-key", "admin-token", "adb-host-key", "catalogue"];

/// A backup that was made and checked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Backup {
    /// Its name, by which it can be fetched and deleted.
    name: String,
    /// Where it is on the server.
    path: String,
    /// Its size.
    bytes: u64,
    /// SHA-256 of the file, as 64 hexadecimal digits.
    sha256: String,
    /// What it holds.
    counts: BackupCounts,
    /// What is beside the database in the server's data directory and not in the backup.
    not_included: &'static [&'static str],
}

/// What a backup holds.
#[derive(Debug, Serialize, ToSchema)]
struct BackupCounts {
    /// Projects.
    projects: u64,
    /// Devices.
    devices: u64,
    /// Jobs.
    jobs: u64,
}

/// Makes a backup: the database as it stands at one moment, with every update that was answered
/// before the call. It is read back and checked before this answers. Refused where the store is
/// PostgreSQL, which has its own tools.
#[utoipa::path(
    post,
    path = "/backup",
    tag = "server",
    security(("token" = ["server"])),
    responses(
        (status = 201, description = "The backup", body = Backup),
        openapi::Guarded, openapi::Conflict,
    )
)]
pub(super) async fn back_up(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
) -> Result<(StatusCode, Json<Backup>), Problem> {
    let store = native.handle.nodes().await?.engine;
    if !store.starts_with(HAS_BACKUPS) {
        let detail = format!(
            "the store is {store}, which has its own tools for that: pg_dump for a copy, \
             pg_basebackup and an archive of its log for a way back to any moment"
        );
        return Err(Problem::conflict("backup_elsewhere", detail));
    }
    let Ok(_alone) = native.backup.try_lock() else {
        return Err(Problem::conflict("backup_running", "another backup is being made"));
    };
    let directory = &native.files.backups;
    let count = prepare(directory).map_err(|error| unusable(directory, &error))?;
    if count >= BACKUPS_MAX {
        let detail = format!(
            "{} has {count} files; at most {BACKUPS_MAX} may lie there: move some away",
            directory.display()
        );
        return Err(Problem::conflict("too_many_backups", detail));
    }
    let name = name_at(native.handle.now());
    let path = directory.join(&name);
    let made = native.handle.back_up(&principal, &path).await?;
    let counts = BackupCounts {
        projects: made.counts.projects,
        devices: made.counts.devices,
        jobs: made.counts.jobs,
    };
    let backup = Backup {
        name,
        path: made.path.display().to_string(),
        bytes: made.bytes,
        sha256: made.sha256,
        counts,
        not_included: NOT_IN_IT,
    };
    Ok((StatusCode::CREATED, Json(backup)))
}

/// A backup that lies on the server.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct KeptBackup {
    /// Its name, by which it can be fetched and deleted.
    name: String,
    /// Its size.
    bytes: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    made_at: String,
}

/// The backups that lie on the server.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Backups {
    /// The newest, newest first: at most 64.
    backups: Vec<KeptBackup>,
    /// How many there are.
    total: u64,
}

/// Lists the backups that lie on the server that is asked: those that were made there and not
/// deleted, the newest 64. Of several servers each has its own.
#[utoipa::path(
    get,
    path = "/backups",
    tag = "server",
    security(("token" = ["server"])),
    responses(
        (status = 200, description = "The backups", body = Backups),
        openapi::Guarded,
    )
)]
pub(super) async fn list_backups(
    State(native): State<Arc<Native>>,
) -> Result<Json<Backups>, Problem> {
    let directory = native.files.backups.clone();
    let kept = tokio::task::spawn_blocking(move || {
        kept_in(&directory).map_err(|error| unusable(&directory, &error))
    });
    kept.await.map_err(|_| engine::Error::Closed)?.map(Json)
}

/// Sends a backup.
#[utoipa::path(
    get,
    path = "/backups/{name}",
    tag = "server",
    security(("token" = ["server"])),
    params(("name" = String, Path, description = "The backup's name")),
    responses(
        (status = 200, description = "The file", content_type = "application/vnd.sqlite3",
            body = Vec<u8>),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn fetch_backup(
    State(native): State<Arc<Native>>,
    FromPath(name): FromPath<String>,
) -> Result<Response, Problem> {
    let path = native.files.backups.join(check_name(&name)?);
    let opened = async {
        let file = File::open(&path).await?;
        let bytes = file.metadata().await?.len();
        Ok((file, bytes))
    };
    let (file, bytes) = opened.await.map_err(|error| missing(&name, &path, &error))?;
    let chunks = stream::try_unfold(file, async |mut file| {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await?;
        Ok::<_, io::Error>((read > 0).then_some((chunk, file)))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/vnd.sqlite3");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    Ok(response)
}

/// Deletes a backup from the server.
#[utoipa::path(
    delete,
    path = "/backups/{name}",
    tag = "server",
    security(("token" = ["server"])),
    params(("name" = String, Path, description = "The backup's name")),
    responses(
        (status = 204, description = "It is gone"),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn delete_backup(
    State(native): State<Arc<Native>>,
    FromPath(name): FromPath<String>,
) -> Result<StatusCode, Problem> {
    let path = native.files.backups.join(check_name(&name)?);
    let removed = tokio::fs::remove_file(&path).await;
    removed.map_err(|error| missing(&name, &path, &error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the directory, for its owner alone, if there is none, and counts what lies in it.
fn prepare(directory: &Path) -> io::Result<usize> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    Ok(std::fs::read_dir(directory)?.count())
}

/// The backups that lie in a directory; none where it is not there yet.
fn kept_in(directory: &Path) -> io::Result<Backups> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Backups { backups: Vec::new(), total: 0 });
        }
        entries => entries?,
    };
    let mut newest = BTreeSet::new();
    let mut total = 0;
    for entry in entries {
        let name = entry?.file_name();
        let made = name.to_str().and_then(|name| Some((time_of(name)?, name.to_owned())));
        let Some(made) = made else { continue };
        total += 1;
        newest.insert(made);
        if newest.len() > BACKUPS_MAX {
            newest.pop_first();
        }
    }
    let mut backups = Vec::with_capacity(newest.len());
    for (made_at, name) in newest.into_iter().rev() {
        match directory.join(&name).metadata() {
            Ok(found) => {
                let (bytes, made_at) = (found.len(), made_at.to_string());
                backups.push(KeptBackup { name, bytes, made_at });
            }
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => total -= 1,
            Err(error) => return Err(error),
        }
    }
    Ok(Backups { backups, total })
}

/// The name of a backup that is made at this time: to the millisecond, so that two in a row have
/// names of their own.
fn name_at(time: Timestamp) -> String {
    let time: String = time.to_string().chars().filter(|c| *c != ':').collect();
    format!("fleetwright-{time}.db")
}

/// When the backup was made that [`name_at`] named so; `None` for any other name.
fn time_of(name: &str) -> Option<Timestamp> {
    let stem = name.strip_prefix("fleetwright-")?.strip_suffix(".db")?;
    let (hours, minutes, rest) = (stem.get(..13)?, stem.get(13..15)?, stem.get(15..)?);
    let time = format!("{hours}:{minutes}:{rest}").parse().ok()?;
    (name_at(time) == name).then_some(time)
}

/// Lets only names through that backups have: a path would lead elsewhere.
fn check_name(name: &str) -> Result<&str, Problem> {
    let stem = name.strip_prefix("fleetwright-").and_then(|rest| rest.strip_suffix(".db"));
    let is_ours = stem.is_some_and(|stem| {
        !stem.is_empty()
            && !stem.contains("..")
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    });
    if is_ours { Ok(name) } else { Err(Problem::not_found(format!("no such backup: {name}"))) }
}

/// A backup that can't be reached.
fn missing(name: &str, path: &Path, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::NotFound => Problem::not_found(format!("no such backup: {name}")),
        _ => unusable(path, error),
    }
}

/// A place on the server that can't be used. The operator is told why: it is his disk.
fn unusable(path: &Path, error: &io::Error) -> Problem {
    tracing::error!(%error, path = %path.display(), "backups can't be used");
    Problem::unavailable("backups_unusable", format!("{}: {error}", path.display()), 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_backups_are_listed_and_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none");
        assert_eq!(kept_in(&missing).unwrap(), Backups { backups: Vec::new(), total: 0 });
        let at = |number: i64| Timestamp(1_795_262_400_000 + number * 1_000);
        for number in 0..70 {
            let bytes = vec![0; usize::try_from(number).unwrap()];
            std::fs::write(directory.path().join(name_at(at(number))), bytes).unwrap();
        }
        for other in [
            "notes.txt",
            "fleetwright-.db",
            "fleetwright-monday.db",
            "fleetwright-2026-11-21T120000.000Z.db.partial",
            "fleetwright-2026-11-21T120000Z.db",
            "fleetwright-2026-11-21T12:00:00.000Z.db",
        ] {
            std::fs::write(directory.path().join(other), "x").unwrap();
        }
        let Backups { backups, total } = kept_in(directory.path()).unwrap();
        let expected: Vec<_> = (6..70)
            .rev()
            .map(|number| KeptBackup {
                name: name_at(at(number)),
                bytes: u64::try_from(number).unwrap(),
                made_at: at(number).to_string(),
            })
            .collect();
        assert_eq!((backups, total), (expected, 70));
    }

    #[test]
    fn only_a_backups_name_leads_to_a_file() {
        assert!(check_name("fleetwright-2026-11-21T120000.000Z.db").is_ok());
        for name in [
            "",
            "x",
            "../x.db",
            "fleetwright-.db",
            "fleetwright-a/b.db",
            "fleetwright-a..b.db",
            "fleetwright-a%2fb.db",
            "fleetwright-a\0.db",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
