//! The master key that takes another's place: a file beside it, until everything is sealed with it.

use std::fs::{self, File};
use std::path::Path;

use engine::Entropy;
use fleet::Secret;
use store::rekey::HOST_KEY_PLACE;
use store::seal::MasterKey;

use super::{DataDir, Error, directory_of, read, unnamed, write_secret};

/// The master keys of a data directory.
#[derive(Debug)]
pub struct MasterKeys {
    /// The one in `master-key`.
    pub own: MasterKey,
    /// The one that takes its place; `None` unless it is being changed.
    pub next: Option<MasterKey>,
}

impl DataDir {
    /// The master key, as [`Self::master_key`] gives it, and the one that takes its place.
    pub fn master_keys(&self, is_fresh: bool, entropy: &dyn Entropy) -> Result<MasterKeys, Error> {
        let own = self.master_key(is_fresh, entropy)?;
        let path = self.next_key_path();
        let next = match read(&path)? {
            Some(_) => Some(self.read_or_make_key(path, entropy)?),
            None => None,
        };
        Ok(MasterKeys { own, next })
    }

    /// The key that takes the master key's place, made if there is none. It is on disk when this
    /// returns.
    pub fn next_key(&self, entropy: &dyn Entropy) -> Result<MasterKey, Error> {
        self.read_or_make_key(self.next_key_path(), entropy)
    }

    /// Keeps a copy of the master key in a file that did not exist, or holds that copy already.
    pub fn keep_master_key(&self, to: &Path) -> Result<(), Error> {
        let path = self.master_key_path();
        let Some(own) = read(&path)? else { return Err(Error::MasterKeyMissing { path }) };
        write_secret(to, &own).map_err(|source| Error::Write { path: to.to_owned(), source })?;
        let is_kept = read(to)?.is_some_and(|kept| kept.expose() == own.expose());
        if is_kept { Ok(()) } else { Err(Error::NotTheOldKey { path: to.to_owned() }) }
    }

    /// Seals the host key's file with `new`, if there is one that `old` opens.
    pub fn reseal_host_key(
        &self,
        old: &MasterKey,
        new: &MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<(), Error> {
        let path = self.host_key_path();
        let Some(text) = read(&path)? else { return Ok(()) };
        // One that does not open is done already, or was lost before: the store's counts.
        let sealed = hex::decode(text.expose()).unwrap_or_default();
        let Ok(pem) = old.open(&HOST_KEY_PLACE, &sealed) else { return Ok(()) };
        let pem = Secret::new(pem);
        let seal = |source| Error::Seal { path: path.clone(), source };
        let mut nonce = [0_u8; 24];
        entropy.fill(&mut nonce);
        let sealed = new.seal(nonce, &HOST_KEY_PLACE, pem.expose()).map_err(seal)?;
        let write = |source| Error::Write { path: path.clone(), source };
        let file = unnamed(&self.path, &Secret::new(hex::encode(sealed))).map_err(write)?;
        file.persist(&path).map_err(|error| write(error.error))?;
        sync_name(&path).map_err(write)
    }

    /// Puts the next key in the place of the master key, which is gone then.
    pub fn adopt_next_key(&self) -> Result<(), Error> {
        let path = self.master_key_path();
        let moved = fs::rename(self.next_key_path(), &path).and_then(|()| sync_name(&path));
        moved.map_err(|source| Error::Write { path, source })
    }

    /// Where the next key is.
    fn next_key_path(&self) -> std::path::PathBuf {
        self.path.join("master-key.new")
    }
}

/// Makes what a file is called durable.
fn sync_name(path: &Path) -> std::io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}
