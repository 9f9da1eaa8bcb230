//! The data directory: the keys and the token that the first start makes, readable by their owner
//! alone.
//!
//! | file | what |
//! | --- | --- |
//! | `master-key` | 32 random bytes in hex: seals every other secret. Without it they are lost |
//! | `master-key.new` | only while the key is being changed: the one that takes its place |
//! | `admin-token` | what operators prove themselves by; delete it and restart to get another |
//! | `adb-host-key` | the key by which phones know this server, sealed |
//! | `node-id` | 32 hex digits by which the store knows this directory. Never copied to another |
//! | `adb-host-key.pub` | its public half: the line for a phone's `/data/misc/adb/adb_keys` |

mod next_key;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::Entropy;
use fleet::Secret;
use phones::adb::{HostKey, HostKeyError};
use store::rekey::HOST_KEY_PLACE;
use store::seal::{MasterKey, SealError};
use tempfile::NamedTempFile;

pub use next_key::MasterKeys;

/// Bytes that a file of ours may have: the largest, a sealed RSA-2048 key in hex, has about 4 kB.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What all nodes on one store have the same.
const SHARED: [&str; 2] = ["master-key", "admin-token"];

/// Why the data directory can't be used. Never says what is in a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be made.
    #[error("the data directory {} can't be made", path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can't be read.
    #[error("{} can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can't be written.
    #[error("{} can't be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read a secret.
    #[error("{} is open to others (mode {mode:04o}); see who has read it, then: chmod 600 {}",
        path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file holds something else.
    #[error("{} does not hold {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it must hold.
        expected: &'static str,
    },
    /// The database was sealed with a master key that is gone.
    #[error(
        "{} is missing, and the database has secrets that only it opens. No backup of the database \
         has it: bring it from where you keep copies of the keys, for the same owner and with mode \
         600. If it is lost for good, devices and values are not: docs/operate/lost-key.md",
        path.display()
    )]
    MasterKeyMissing {
        /// Where it must be.
        path: PathBuf,
    },
    /// Other nodes have started on the store, and this directory lacks what they share.
    #[error(
        "other nodes work on this store, and {} has no {}: copy {shared} there from another node's \
         data directory, for the same owner and with mode 600", path.display(), missing.join(" and no "),
         shared = SHARED.join(" and ")
    )]
    NotJoined {
        /// The directory.
        path: PathBuf,
        /// The files that are missing.
        missing: Vec<&'static str>,
    },
    /// The key by which phones know the store's servers is nowhere.
    #[error(
        "{} is missing, and the store does not have it either: bring it from the data directory \
         that this store was first served from, for the same owner and with mode 600. Another one \
         would be refused by every phone that asks for a key", path.display()
    )]
    HostKeyMissing {
        /// Where it must be.
        path: PathBuf,
    },
    /// The store's secrets were sealed with another master key.
    #[error(
        "{} is another master key than the one that the store's secrets are sealed with: bring {} \
         from another node's data directory, or from your backup. If it is lost for good: \
         docs/operate/lost-key.md", path.display(), SHARED.join(" and ")
    )]
    OtherMasterKey {
        /// The file.
        path: PathBuf,
    },
    /// The store's key is being changed, and this directory has one of the two only.
    #[error(
        "the store's master key is being changed, and {} is one of the two keys only: run \
         `fleetwright store rekey` again where it was begun, then bring {} from there",
        path.display(), SHARED.join(" and ")
    )]
    KeyBeingChanged {
        /// The file.
        path: PathBuf,
    },
    /// Where the old key was to be kept there is something else.
    #[error("{} exists, and is not the key that was to be kept there", path.display())]
    NotTheOldKey {
        /// The file.
        path: PathBuf,
    },
    /// A secret could not be sealed, or was sealed with another key.
    #[error("{}", path.display())]
    Seal {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: SealError,
    },
    /// The host key could not be made or read.
    #[error("{}", path.display())]
    HostKey {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: HostKeyError,
    },
}

/// A data directory that exists.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// The directory at `path`, made for its owner alone if it does not exist.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| Error::Make { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned() })
    }

    /// The master key. If there is none, it is made, but only where `is_fresh`: beside a database
    /// that was sealed with another it would open nothing.
    pub fn master_key(&self, is_fresh: bool, entropy: &dyn Entropy) -> Result<MasterKey, Error> {
        let path = self.master_key_path();
        if read(&path)?.is_none() && !is_fresh {
            return Err(Error::MasterKeyMissing { path });
        }
        self.read_or_make_key(path, entropy)
    }

    /// The master key in this file, made if there is none.
    fn read_or_make_key(&self, path: PathBuf, entropy: &dyn Entropy) -> Result<MasterKey, Error> {
        let text = self.read_or_make(&path, || {
            let mut bytes = [0_u8; 32];
            entropy.fill(&mut bytes);
            Ok(Secret::new(hex::encode(bytes)))
        })?;
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text.expose(), &mut bytes)
            .map_err(|_| Error::Content { path, expected: "64 hexadecimal digits" })?;
        Ok(MasterKey::from_bytes(bytes))
    }

    /// Where the master key is.
    fn master_key_path(&self) -> PathBuf {
        self.path.join("master-key")
    }

    /// Refuses a directory that lacks what the nodes of a store share, where others have started on
    /// the store before.
    pub fn check_joined(&self) -> Result<(), Error> {
        let is_missing = |name: &&str| !self.path.join(name).exists();
        let missing: Vec<_> = SHARED.into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::NotJoined { path: self.path.clone(), missing })
    }

    /// Refuses a directory without a host key, where phones know the store's servers by one.
    pub fn check_host_key(&self) -> Result<(), Error> {
        let path = self.host_key_path();
        if path.exists() { Ok(()) } else { Err(Error::HostKeyMissing { path }) }
    }

    /// That the master key is not that of the store.
    pub fn other_master_key(&self) -> Error {
        Error::OtherMasterKey { path: self.master_key_path() }
    }

    /// That the store's key is being changed, and not both are here.
    pub fn key_being_changed(&self) -> Error {
        Error::KeyBeingChanged { path: self.master_key_path() }
    }

    /// What the store knows this directory by, made if there is nothing: 32 hexadecimal digits.
    pub fn node_id(&self, entropy: &dyn Entropy) -> Result<String, Error> {
        let path = self.path.join("node-id");
        let id = self.read_or_make(&path, || {
            let mut bytes = [0_u8; 16];
            entropy.fill(&mut bytes);
            Ok(Secret::new(hex::encode(bytes)))
        })?;
        let is_digits = id.expose().bytes().all(|byte| byte.is_ascii_hexdigit());
        if id.expose().len() != 32 || !is_digits {
            return Err(Error::Content { path, expected: "32 hexadecimal digits" });
        }
        Ok(id.expose().to_ascii_lowercase())
    }

    /// The operators' token, made if there is none.
    pub fn admin_token(&self, entropy: &dyn Entropy) -> Result<Secret<String>, Error> {
        let path = self.path.join("admin-token");
        let token = self.read_or_make(&path, || {
            let mut bytes = [0_u8; 32];
            entropy.fill(&mut bytes);
            // Whoever starts a server for the first time has to find it.
            tracing::info!(file = %path.display(), "the admin token, to sign in with, is made");
            Ok(Secret::new(format!("fwa_{}", hex::encode(bytes))))
        })?;
        let is_word = token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !is_word || token.expose().len() < 32 {
            let expected = "a token: at least 32 visible ASCII characters, as the server makes it";
            return Err(Error::Content { path, expected });
        }
        Ok(token)
    }

    /// The key by which phones know this server, sealed with `master` and in hex; made by `make` if
    /// there is none.
    pub fn sealed_host_key(
        &self,
        master: &MasterKey,
        entropy: &dyn Entropy,
        make: impl FnOnce() -> Result<HostKey, HostKeyError>,
    ) -> Result<Secret<String>, Error> {
        let path = self.host_key_path();
        self.read_or_make(&path, || {
            let host_key = |source| Error::HostKey { path: path.clone(), source };
            let pem = make().and_then(|key| key.to_pem()).map_err(host_key)?;
            let mut nonce = [0_u8; 24];
            entropy.fill(&mut nonce);
            let sealed = master.seal(nonce, &HOST_KEY_PLACE, pem.expose().as_bytes());
            let seal = |source| Error::Seal { path: path.clone(), source };
            Ok(Secret::new(hex::encode(sealed.map_err(seal)?)))
        })
    }

    /// Opens such a key.
    pub fn open_host_key(
        &self,
        master: &MasterKey,
        sealed: &Secret<String>,
    ) -> Result<HostKey, Error> {
        let path = self.host_key_path();
        let content = || Error::Content { path: path.clone(), expected: "a sealed key in hex" };
        let sealed = hex::decode(sealed.expose()).map_err(|_| content())?;
        let pem = master.open(&HOST_KEY_PLACE, &sealed);
        let pem = pem.map_err(|source| Error::Seal { path: path.clone(), source })?;
        let pem = Secret::new(String::from_utf8(pem).map_err(|_| content())?);
        HostKey::from_pem(pem.expose()).map_err(|source| Error::HostKey { path, source })
    }

    /// Where the sealed host key is.
    fn host_key_path(&self) -> PathBuf {
        self.path.join("adb-host-key")
    }

    /// Puts the public half of the host key beside it, for operators to give to phones.
    pub fn publish_host_key(&self, key: &HostKey) -> Result<(), Error> {
        let path = self.path.join("adb-host-key.pub");
        let line = format!("{}\n", key.public_line());
        if fs::read_to_string(&path).is_ok_and(|there| there == line) {
            return Ok(());
        }
        fs::write(&path, line).map_err(|source| Error::Write { path, source })
    }

    /// The content of `path`, or what `make` gives, kept there.
    fn read_or_make(
        &self,
        path: &Path,
        make: impl FnOnce() -> Result<Secret<String>, Error>,
    ) -> Result<Secret<String>, Error> {
        if let Some(text) = read(path)? {
            return Ok(text);
        }
        let text = make()?;
        write_secret(path, &text)
            .map_err(|source| Error::Write { path: path.to_owned(), source })?;
        // Read back: if another start was faster, its file is the one that counts.
        let content = Error::Content { path: path.to_owned(), expected: "what was just written" };
        read(path)?.ok_or(content)
    }
}

/// Puts a new file there, whole and durable, for its owner alone; an existing one stays.
pub fn write_secret(path: &Path, text: &Secret<String>) -> io::Result<()> {
    let directory = directory_of(path);
    let file = unnamed(directory, text)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(exists) if exists.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(other) => return Err(other.error),
    }
    File::open(directory)?.sync_all()
}

/// The directory that a file is in.
fn directory_of(path: &Path) -> &Path {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    directory.unwrap_or_else(|| Path::new("."))
}

/// A durable file with this text, for its owner alone, that has no name of its own yet.
fn unnamed(directory: &Path, text: &Secret<String>) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)?;
    file.write_all(text.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A secret file's content without blanks around it; `None` if there is no such file. One that
/// others than its owner may use is refused.
fn read(path: &Path) -> Result<Option<Secret<String>>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::Open { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let text = Secret::new(text);
    Ok(Some(Secret::new(text.expose().trim().to_owned())))
}

#[cfg(test)]
mod tests;
