//! Completions and manual pages, read by the programs that they are for.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::Cli;
use crate::harness::server::own_environment;

/// Runs a program to its end.
fn run(command: &mut Command) -> Output {
    own_environment(command);
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// `fleetwright ARGS`, which asks no server.
fn fleetwright(args: &[&str]) -> String {
    Cli::at("http://127.0.0.1:1").run(args).ok()
}

/// Asks bash for what it would complete, as it does when the tab key is pressed after `line`.
fn completed(script: &Path, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let ask = format!(
        "source '{}'; COMP_WORDS=({}{}); COMP_CWORD={}; _fleetwright fleetwright '{}' '{}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.join(" "),
        if line.ends_with(' ') { " ''" } else { "" },
        words.len() - 1,
        words.last().unwrap_or(&""),
        words.get(words.len().saturating_sub(2)).unwrap_or(&""),
    );
    let output = run(Command::new("/bin/bash").args(["--norc", "-c", &ask]));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("fleetwright.bash");
    std::fs::write(&script, fleetwright(&["completions", "bash"])).expect("write");
    let checked = run(Command::new("/bin/bash").arg("-n").arg(&script));
    assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");

    for (line, expected) in [
        ("fleetwright ", "update"),
        ("fleetwright de", "demo"),
        ("fleetwright device ", "import"),
        ("fleetwright device im", "import"),
        ("fleetwright key create --pro", "--project"),
        ("fleetwright completions ", "zsh"),
    ] {
        let found = completed(&script, line);
        assert!(found.iter().any(|word| word == expected), "{line:?}: {found:?}");
    }
    let found = completed(&script, "fleetwright de");
    assert!(!found.iter().any(|word| word == "update"), "{found:?}");
}

#[test]
fn other_shells_get_completions_too() {
    for (shell, begin) in [
        ("zsh", "#compdef fleetwright"),
        ("fish", "complete -c fleetwright"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "set edit:completion:arg-completer[fleetwright]"),
    ] {
        let text = fleetwright(&["completions", shell]);
        assert!(text.contains(begin) && text.contains("quiet"), "{shell}");
    }
    let ran = Cli::at("http://127.0.0.1:1").run(&["completions", "tcsh"]);
    ran.ended(2, "tcsh");
}

#[test]
fn the_manual_is_read_without_a_warning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manual = folder.path().join("man1");
    let directory = manual.to_string_lossy().into_owned();
    fleetwright(&["man", &directory]);
    // Again, over what is there.
    fleetwright(&["man", &directory]);
    let pages: Vec<_> = std::fs::read_dir(&manual)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(pages.len() > 60, "{}", pages.len());
    for page in &pages {
        let mut groff = Command::new("groff");
        let output = run(groff.args(["-Kutf8", "-ww", "-man", "-Tutf8", "-z"]).arg(page));
        assert!(output.status.success() && output.stderr.is_empty(), "{page:?}: {output:?}");
    }
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tascii", "-P-cbou"]).arg(manual.join("fleetwright-job-wait.1"));
    let text = String::from_utf8(run(&mut groff).stdout).expect("ASCII");
    for part in ["fleetwright-job-wait", "--timeout", "fleetwright job wait ID --timeout 2m"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
