//! Both of apt's formats, with what real machines have in them.

use super::*;

/// What Debian's images have, with a security stanza, comments and a source of no packages.
const STANZAS: &str = "\
# first lines
Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
# http://snapshot.example/debian
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
";

#[test]
fn a_stanza_of_the_release_becomes_one_of_its_backports() {
    let source = SourceFile::Stanzas(STANZAS.to_owned());
    let expected = "\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
";
    let derived = source.with_suite("bookworm", "bookworm-backports");
    assert_eq!(derived, Some(("sources", expected.to_owned())));
    assert!(!source.offers("bookworm-backports"));
    assert!(source.offers("bookworm-security"));
    assert!(!source.offers("trixie"));
}

#[test]
fn a_stanza_switched_off_is_none() {
    let off = SourceFile::Stanzas(STANZAS.replace("Types:", "Enabled: no\nTypes:"));
    assert!(!off.offers("bookworm"));
}

#[test]
fn a_line_of_the_release_becomes_one_of_its_backports() {
    let check = |line: &str, expected: Option<&str>| {
        let derived = line_with_suite(line, "bookworm", "bookworm-backports");
        assert_eq!(derived.as_deref(), expected, "{line:?}");
    };
    check(
        "deb http://mirror.example/debian bookworm main contrib",
        Some("deb http://mirror.example/debian bookworm-backports main contrib\n"),
    );
    check(
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian  bookworm main",
        Some(
            "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian \
             bookworm-backports main\n",
        ),
    );
    check("deb http://mirror.example/debian bookworm-updates main", None);
    check("deb-src http://mirror.example/debian bookworm main", None);
    check("# deb http://mirror.example/debian bookworm main", None);
    check("deb [arch=amd64 http://mirror.example/debian bookworm main", None);
    check("", None);
}

#[test]
fn the_code_name_is_read_of_debian_only() {
    let debian = "PRETTY_NAME=\"Debian\"\nVERSION_CODENAME=bookworm\nID=debian\n";
    assert_eq!(codename(debian).as_deref(), Some("bookworm"));
    assert_eq!(codename("ID=ubuntu\nVERSION_CODENAME=noble\n"), None);
    assert_eq!(codename(""), None);
}

/// A new folder shaped like /etc/apt, with one source file of the given name and text.
fn apt_folder(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources.list.d");
    fs::create_dir(&sources).unwrap();
    fs::write(sources.join(name), text).unwrap();
    folder
}

#[test]
fn backports_are_added_once_and_only_if_missing() {
    let folder = apt_folder("machine.sources", STANZAS);
    let ours = folder.path().join("sources.list.d/fleetwright-backports.sources");
    add_backports(folder.path(), "bookworm").unwrap();
    let written = fs::read_to_string(&ours).unwrap();
    assert!(written.contains("Suites: bookworm-backports"), "{written}");

    fs::rename(&ours, folder.path().join("sources.list.d/other.sources")).unwrap();
    add_backports(folder.path(), "bookworm").unwrap();
    assert!(!ours.exists(), "another file already offers backports");
}

#[test]
fn without_a_source_of_the_release_nothing_is_added() {
    let folder = apt_folder("other.list", "deb http://mirror.example/x stable main\n");
    let refusal = add_backports(folder.path(), "bookworm").unwrap_err();
    assert!(refusal.to_string().contains("no source of Debian bookworm"), "{refusal}");
}
