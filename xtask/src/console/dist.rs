//! What a build of the console has made: its files, and what a browser loads of them first.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::read;
use crate::workspace::Workspace;

/// The files below a folder, by their paths there, in order, but for those at or below `left_out`.
pub fn files(folder: &Path, left_out: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let path = folder.join(&inner);
        let failed = || format!("could not list {}", path.display());
        for entry in fs::read_dir(&path).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let name = inner.join(entry.file_name());
            if left_out.iter().any(|left_out| name == Path::new(left_out)) {
                continue;
            }
            if entry.file_type().with_context(failed)?.is_dir() {
                folders.push(name);
            } else {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Makes the files below `dist` those below `fresh`. One that is the same already is not touched.
pub fn replace(dist: &Path, fresh: &Path) -> Result<()> {
    let wanted = files(fresh, &[])?;
    for name in &wanted {
        let (from, to) = (fresh.join(name), dist.join(name));
        let content = read(&from)?;
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("could not make {}", folder.display()))?;
        }
        fs::write(&to, content).with_context(|| format!("could not write {}", to.display()))?;
    }
    for name in files(dist, &[])? {
        if !wanted.contains(&name) {
            let old = dist.join(name);
            fs::remove_file(&old).with_context(|| format!("could not remove {}", old.display()))?;
        }
    }
    Ok(())
}

/// What a browser loads before the page shows something: the page and every file that it names,
/// each with its size, compressed.
pub fn first_load(workspace: &Workspace, dist: &Path) -> Result<Vec<(String, usize)>> {
    let page = String::from_utf8(read(&dist.join("index.html"))?).context("the page is no text")?;
    let named = named(&page);
    if !named.iter().any(|name| name.ends_with(".js")) {
        bail!("the page names no script");
    }
    let all = std::iter::once("index.html").chain(named);
    all.map(|name| Ok((name.to_owned(), compressed(workspace, &dist.join(name))?))).collect()
}

/// The files that a page names, each once.
fn named(page: &str) -> Vec<&str> {
    let mut named: Vec<&str> = page.split('"').filter_map(|part| part.strip_prefix('/')).collect();
    named.retain(|name| name.starts_with("assets/"));
    named.sort_unstable();
    named.dedup();
    named
}

/// Bytes of a file in gzip.
fn compressed(workspace: &Workspace, file: &Path) -> Result<usize> {
    let mut gzip = workspace.command("gzip");
    let output =
        gzip.args(["-9", "--stdout"]).arg(file).output().context("could not start gzip")?;
    if !output.status.success() {
        bail!("{} can't be compressed", file.display());
    }
    Ok(output.stdout.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_not_touched_and_what_is_old_goes() {
        let root = tempfile::tempdir().unwrap();
        let (dist, fresh) = (root.path().join("dist"), root.path().join("fresh"));
        let put = |folder: &Path, name: &str, text: &str| {
            fs::create_dir_all(folder.join("assets")).unwrap();
            fs::write(folder.join(name), text).unwrap();
        };
        put(&dist, "index.html", "same");
        put(&dist, "assets/old.js", "old");
        put(&dist, "assets/app.js", "1");
        let written = |name: &str| fs::metadata(dist.join(name)).unwrap().modified().unwrap();
        let long_ago = std::time::UNIX_EPOCH;
        for name in ["index.html", "assets/app.js"] {
            fs::File::options()
                .write(true)
                .open(dist.join(name))
                .and_then(|file| file.set_modified(long_ago))
                .unwrap();
        }
        put(&fresh, "index.html", "same");
        put(&fresh, "assets/app.js", "2");
        put(&fresh, "assets/new.js", "new");
        replace(&dist, &fresh).unwrap();
        let names = files(&dist, &[]).unwrap();
        assert_eq!(names, ["assets/app.js", "assets/new.js", "index.html"].map(PathBuf::from));
        assert_eq!(fs::read_to_string(dist.join("assets/app.js")).unwrap(), "2");
        assert_eq!(written("index.html"), long_ago);
        assert_ne!(written("assets/app.js"), long_ago);
        replace(&root.path().join("none"), &fresh).unwrap();
        assert!(root.path().join("none/assets/new.js").is_file());
    }

    #[test]
    fn a_page_loads_what_it_names() {
        let page = r#"<link rel="icon" href="/assets/icon.svg" />
            <script type="module" src="/assets/main-BxT1k9_0.js"></script>
            <link rel="modulepreload" href="/assets/main-BxT1k9_0.js">
            <link rel="stylesheet" href="/assets/main-1.css"><a href="/ui/">x</a>"#;
        assert_eq!(
            named(page),
            ["assets/icon.svg", "assets/main-1.css", "assets/main-BxT1k9_0.js"]
        );
    }
}
