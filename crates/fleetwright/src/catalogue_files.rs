//! The operator's catalogue files: what they add to the catalogue that is part of the product.
//!
//! Properties are in `<data directory>/catalogue/*.toml`, profiles in
//! `<data directory>/catalogue/profiles/*.toml`. An entry takes the place of the product's own one
//! of the same name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::operate::{CatalogueSource, CatalogueSourceError};
use fleet::Catalogue;
use fleet::catalogue::Source;

/// Files of each sort. The product's own catalogue has half a dozen.
const FILES_MAX: usize = 64;

/// Bytes of one file: the longest of the product's own has some 60 kB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A file as it was read.
#[derive(Debug)]
pub struct OperatorFile {
    /// Its path, for messages.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// The operator's catalogue files in a data directory.
#[derive(Debug)]
pub struct CatalogueFiles {
    directory: PathBuf,
    /// Held from the reading of the files until they are in force: whoever reads later wins.
    turn: Mutex<()>,
    /// The files of the catalogue in force. Held while another one is put in its place.
    in_force: Mutex<Vec<String>>,
}

impl CatalogueFiles {
    /// Those of the data directory `data`. There need not be any.
    pub fn new(data: &Path) -> Arc<Self> {
        let (turn, in_force) = (Mutex::default(), Mutex::default());
        Arc::new(Self { directory: data.join("catalogue"), turn, in_force })
    }

    /// Hands the catalogue, the product's own files and the operator's as they are now, to
    /// `replace`, which puts it in force; gives what that gives. Blocks while it reads, and while
    /// another is at it.
    ///
    /// Errors: a file can't be read or is wrong; then the files in force are those of before.
    pub fn load<T>(&self, replace: impl FnOnce(Catalogue) -> T) -> Result<T, CatalogueSourceError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let properties = read_all(&self.directory)?;
        let profiles = read_all(&self.directory.join("profiles"))?;
        let catalogue = Catalogue::with(&sources(&properties), &sources(&profiles))?;
        let names = properties.into_iter().chain(profiles).map(|file| file.name);
        let names = names.collect();
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = replace(catalogue);
        *in_force = names;
        Ok(replaced)
    }

    /// The same as the engine asks for it.
    pub fn source(self: &Arc<Self>) -> CatalogueSource {
        let files = self.clone();
        Arc::new(move |replace| files.load(replace))
    }

    /// The files that the catalogue in force was made from.
    pub fn in_force(&self) -> Vec<String> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Files as the catalogue takes them.
pub fn sources(files: &[OperatorFile]) -> Vec<Source<'_>> {
    files.iter().map(|file| Source { name: &file.name, text: &file.text }).collect()
}

/// All files of a directory whose names end in `.toml` and do not begin with a dot, by name. None
/// if there is no such directory.
fn read_all(directory: &Path) -> Result<Vec<OperatorFile>, CatalogueSourceError> {
    let unreadable =
        |source| CatalogueSourceError::Unreadable { path: directory.to_owned(), source };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".toml") && !name.starts_with('.') && path.is_file() {
            if paths.len() == FILES_MAX {
                let what = format!("has more than {FILES_MAX} files");
                return Err(unreadable(io::Error::other(what)));
            }
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// One file.
pub fn read(path: &Path) -> Result<OperatorFile, CatalogueSourceError> {
    let unreadable = |source| CatalogueSourceError::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if read as u64 > FILE_BYTES_MAX {
        let what = format!("has more than {FILE_BYTES_MAX} bytes");
        return Err(unreadable(io::Error::other(what)));
    }
    Ok(OperatorFile { name: path.display().to_string(), text })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const PROPERTY: &str = "[[property]]\nname = \"own.one\"\nkind = \"bool01\"\n\
        timing = \"at-once\"\nmeaning = \"Ours.\"\nsource = \"us\"\n";

    #[test]
    fn files_are_read_by_name_and_replaced_whole_or_not_at_all() {
        let data = tempfile::tempdir().unwrap();
        let files = CatalogueFiles::new(data.path());
        let load = || files.load(|catalogue| catalogue);
        let built_in = load().unwrap().properties().count();
        assert!(files.in_force().is_empty(), "without a directory there are none");

        let directory = data.path().join("catalogue");
        std::fs::create_dir_all(directory.join("profiles")).unwrap();
        std::fs::write(directory.join("own.toml"), PROPERTY).unwrap();
        std::fs::write(directory.join(".own.toml.swp"), "\0").unwrap();
        std::fs::write(directory.join(".#own.toml"), "rubbish").unwrap();
        let catalogue = load().unwrap();
        assert_eq!(catalogue.properties().count(), built_in + 1);
        assert!(catalogue.property("own.one").is_some());
        let own = directory.join("own.toml").display().to_string();
        assert_eq!(files.in_force(), std::slice::from_ref(&own));

        std::fs::write(directory.join("bad.toml"), "\n  [[property]]\nname = 1\n").unwrap();
        let error = load().unwrap_err().to_string();
        let bad = directory.join("bad.toml").display().to_string();
        assert!(error.starts_with(&format!("{bad}:3:")), "{error}");
        assert_eq!(files.in_force(), [own], "what is in force is that of before");
    }

    #[test]
    fn of_two_who_reload_at_once_the_later_reading_is_in_force() {
        let data = tempfile::tempdir().unwrap();
        let files = CatalogueFiles::new(data.path());
        let file = data.path().join("catalogue/own.toml");
        std::fs::create_dir(data.path().join("catalogue")).unwrap();
        std::fs::write(&file, PROPERTY).unwrap();
        let order = Mutex::new(Vec::new());
        let put = |catalogue: Catalogue| {
            let is_new = catalogue.property("own.two").is_some();
            order.lock().unwrap().push(if is_new { "new" } else { "old" });
        };
        let (has_read, first_has_read) = mpsc::channel();
        let (is_done, second_is_done) = mpsc::channel();
        let (files, put) = (&files, &put);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                files.load(|catalogue| {
                    has_read.send(()).unwrap();
                    // Without turns the other would be done before this has ended.
                    let _ = second_is_done.recv_timeout(Duration::from_millis(300));
                    put(catalogue);
                })
            });
            first_has_read.recv().unwrap();
            std::fs::write(&file, PROPERTY.replace("own.one", "own.two")).unwrap();
            files.load(put).unwrap();
            let _ = is_done.send(());
        });
        assert_eq!(*order.lock().unwrap(), ["old", "new"]);
    }

    #[test]
    fn too_many_and_too_large_files_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let files = CatalogueFiles::new(data.path());
        let directory = data.path().join("catalogue");
        std::fs::create_dir(&directory).unwrap();
        let refused = || {
            let error = anyhow::Error::from(files.load(drop).unwrap_err());
            format!("{error:#}")
        };
        let large = directory.join("large.toml");
        std::fs::write(&large, "#".repeat(1024 * 1024 + 1)).unwrap();
        assert!(refused().contains("large.toml can't be read: has more than 1048576 bytes"));
        std::fs::write(&large, [0xff]).unwrap();
        assert!(refused().contains("UTF-8"), "{}", refused());
        std::fs::write(&large, "").unwrap();
        for number in 1..FILES_MAX {
            std::fs::write(directory.join(format!("{number}.toml")), "").unwrap();
        }
        files.load(drop).unwrap();
        std::fs::write(directory.join("one-more.toml"), "").unwrap();
        assert!(refused().contains("has more than 64 files"), "{}", refused());
    }
}
