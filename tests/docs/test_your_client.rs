//! The page for those who test a client of their own: its files are those of the repository, and
//! pytest runs them with the vendors' own clients.

use std::collections::BTreeMap;
use std::process::Command;

use super::examples::blocks;
use super::run;
use crate::harness::server::own_environment;
use crate::harness::tools;

const PAGE: &str = "docs/test-your-client.md";

/// Where the files of the page are.
const FILES: &str = "tests/python/your_client";

/// The files, by their names.
fn files() -> BTreeMap<String, String> {
    let folder = tools::workspace().join(FILES);
    std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a file"))
        })
        .collect()
}

/// `UPDATE_DOCS=1` writes the files into the page.
#[test]
fn the_page_has_the_files_as_they_are() {
    let files = files();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let mut page = run::read(PAGE);
        for (name, text) in &files {
            let begin = format!("\n`{name}`:\n\n```python\n");
            let (before, after) = page.split_once(&begin).expect("the file's place");
            let (_, after) = after.split_once("\n```\n").expect("the end of its block");
            page = format!("{before}{begin}{text}```\n{after}");
        }
        std::fs::write(tools::workspace().join(PAGE), page).expect("write");
    }
    let page = run::read(PAGE);
    let shown: Vec<String> = blocks(&page)
        .into_iter()
        .filter(|block| block.language == "python")
        .map(|block| block.text)
        .collect();
    assert_eq!(shown.len(), files.len());
    for (name, text) in files {
        assert!(page.contains(&format!("\n`{name}`:\n")), "{name} is not named");
        assert!(shown.contains(&text), "{name} differs: UPDATE_DOCS=1 writes it anew");
    }
}

#[test]
fn pytest_runs_them_with_the_vendors_clients() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files() {
        std::fs::write(folder.path().join(name), text).expect("write");
    }
    let mut pytest = Command::new(tools::python());
    pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).current_dir(folder.path());
    // A proxy or key of the machine would decide where the clients go, and as whom.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_ascii_lowercase();
        if text.ends_with("_proxy") || text.starts_with("huaweicloud_") {
            pytest.env_remove(name);
        }
    }
    own_environment(&mut pytest);
    let output = pytest.env("FLEETWRIGHT", tools::fleetwright()).output().expect("pytest");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("11 passed"), "{said}");
}

#[test]
fn the_page_lists_every_fault_that_has_a_word() {
    let page = run::read(PAGE);
    let (phones, cameras) = page.split_once("\nCameras:\n").expect("two lists");
    for (part, words) in [(phones, simulator::phone::NAMED), (cameras, simulator::camera::NAMED)] {
        for (word, meaning) in words {
            assert!(part.contains(&format!("\n| `{word}` | {meaning} |\n")), "{word}: {meaning}");
        }
    }
}
