//! The interpreter beside the machine's own `/bin/sh`: same script, same output, same status.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use super::*;
use crate::phone::files::Files;
use crate::phone::make::User;

/// Files and nothing else.
#[derive(Default)]
struct Machine(Mutex<Files>);

impl System for Machine {
    fn command<'a>(&'a self, _: &'a [&'a [u8]]) -> BoxFuture<'a, Option<Outcome>> {
        async { None }.boxed()
    }
    fn read(&self, path: &[u8]) -> Result<Vec<u8>, FileError> {
        self.0.lock().unwrap().read(path, User::Shell)
    }
    fn write(&self, path: &[u8], bytes: &[u8], append: bool) -> Result<(), FileError> {
        self.0.lock().unwrap().write(path, bytes, append, User::Shell)
    }
    fn stat(&self, path: &[u8]) -> Option<Stat> {
        self.0.lock().unwrap().stat(path, User::Shell)
    }
    fn list(&self, path: &[u8]) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().list(path, User::Shell)
    }
    fn remove(&self, path: &[u8], tree: bool) -> Result<(), FileError> {
        self.0.lock().unwrap().remove(path, tree, User::Shell)
    }
    fn make_directory(&self, path: &[u8], parents: bool) -> Result<(), FileError> {
        self.0.lock().unwrap().make_directory(path, parents, User::Shell)
    }
    fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), FileError> {
        self.0.lock().unwrap().rename(from, to, User::Shell)
    }
    fn change_mode(&self, path: &[u8]) -> Result<(), FileError> {
        self.0.lock().unwrap().change_mode(path, User::Shell)
    }
}

/// Runs a script here.
async fn ours(script: &[u8], stdin: &[u8]) -> Outcome {
    let (sender, mut receiver) = mpsc::channel(4);
    let stdin = Arc::new(Stdin::closed(stdin.to_vec()));
    let script = script.to_vec();
    let running = tokio::spawn(async move {
        run(Arc::new(Machine::default()), &script, stdin, sender).await;
    });
    let mut outcome = Outcome::default();
    while let Some(chunk) = receiver.recv().await {
        match chunk {
            Chunk::Stdout(bytes) => outcome.stdout.extend(bytes),
            Chunk::Stderr(bytes) => outcome.stderr.extend(bytes),
            Chunk::Exit(status) => outcome.status = status,
        }
    }
    running.await.unwrap();
    outcome
}

/// The programs that the interpreter has in itself and /bin/sh takes from the machine. It finds no
/// others: whatever else a machine has (`bc`, say), a phone has not.
const PROGRAMS: [&str; 7] = ["cat", "chmod", "mkdir", "mv", "rm", "sh", "sleep"];

/// Runs a script in /bin/sh, in a directory that looks like a phone's root.
fn theirs(script: &str, stdin: &[u8]) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let writable = directory.path().join("data/local/tmp");
    std::fs::create_dir_all(&writable).unwrap();
    for name in ["dev", "proc", "system"] {
        std::fs::create_dir(directory.path().join(name)).unwrap();
    }
    let programs = tempfile::tempdir().unwrap();
    for name in PROGRAMS {
        symlink(Path::new("/bin").join(name), programs.path().join(name)).unwrap();
    }
    let script = script.replace("/data/local/tmp", writable.to_str().unwrap());
    let mut child = Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", programs.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script that does not read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let status = output.status.code().unwrap().try_into().unwrap();
    Outcome { status, stdout: output.stdout, stderr: output.stderr }
}

/// Both shells must agree on output and status; messages differ by shell, but both must say
/// something or nothing.
async fn check(script: &str, stdin: &[u8]) {
    if let Err(difference) = compare(script, stdin).await {
        panic!("{difference}");
    }
}

/// What [`check`] asks, with the difference for an answer.
async fn compare(script: &str, stdin: &[u8]) -> Result<(), String> {
    let (ours, theirs) = (ours(script.as_bytes(), stdin).await, theirs(script, stdin));
    let shown = |outcome: &Outcome| {
        let stdout = String::from_utf8_lossy(&outcome.stdout).into_owned();
        (outcome.status, stdout, outcome.stderr.is_empty())
    };
    let said = String::from_utf8_lossy(&ours.stderr).into_owned();
    let (ours, theirs) = (shown(&ours), shown(&theirs));
    if ours == theirs {
        return Ok(());
    }
    Err(format!("--- script ---\n{script}\nours:   {ours:?}\n{said}theirs: {theirs:?}\n"))
}

/// Scripts separated by lines of dashes.
const CORPUS: &str = include_str!("corpus.sh");

#[tokio::test]
async fn the_corpus_runs_as_in_bin_sh() {
    let scripts: Vec<&str> = CORPUS.split("\n#----\n").collect();
    assert!(scripts.len() > 60, "only {} scripts", scripts.len());
    let mut differences = String::new();
    for script in scripts {
        let stdin = b"first line\nsecond\\tline\n  third : line  \nno newline";
        differences.extend(compare(script, stdin).await.err());
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Whether a script has what the two shells rightly differ in: the number of a process, their own
/// name, and commands that /bin/sh has in itself and the interpreter has not, or has otherwise, in
/// whatever quotes. Longer ones than these do not come about.
fn differs_rightly(script: &str) -> bool {
    let bare: String = script.chars().filter(|letter| !"\"'\\".contains(*letter)).collect();
    let names = ["$$", "$0", "bg", "cd", "fc", "fg", "pwd", "set", "sh"];
    names.iter().any(|name| bare.contains(name))
}

/// Whether a word that `value` splits into ends in the middle of a range in brackets that nothing
/// closes, as `[a-` does: dash takes what lies behind the word in its memory for the rest.
fn ends_in_a_range(value: &str, ifs: &str) -> bool {
    let mut words = value.split(|letter| ifs.contains(letter));
    words.any(|word| word.contains('[') && word.ends_with('-'))
}

proptest::proptest! {
    /// A value in single quotes, as a driver quotes it, arrives as itself in both shells and in
    /// every position.
    #[test]
    fn quoted_values_arrive_unchanged(value in "[ -~\n\t机é]{0,60}") {
        let quoted = format!("'{}'", value.replace('\'', r"'\''"));
        let script = format!(
            "v={quoted}\nprintf '%s|' \"$v\" {quoted} \"${{v}}\" \"$(printf '%s' \"$v\"; echo x)\"\n\
             f() {{ printf '<%s>' \"$@\"; }}; f {quoted} \"$v\"\n\
             case \"$v\" in {quoted}) echo same;; *) echo other;; esac\n\
             [ \"$v\" = {quoted} ] && echo equal; echo \"${{#v}}\" >/dev/null\n\
             printf '%s' \"$v\" >/data/local/tmp/v; cat /data/local/tmp/v",
        );
        runtime().block_on(check(&script, b""));
    }

    /// Through shells within shells, quoted once for each, a value arrives as itself.
    #[test]
    fn values_arrive_through_nested_shells(value in "[ -~\n\t机é]{0,40}") {
        let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let inner = format!("printf '%s|' {} \"$1\"", quote(&value));
        let middle = format!("sh -c {} x \"$1\"", quote(&inner));
        let script = format!("sh -c {} y {}", quote(&middle), quote(&value));
        runtime().block_on(check(&script, b""));
    }

    /// Whatever quotes, escapes and expansions come in which order: what is not refused means what
    /// it means to /bin/sh.
    #[test]
    fn quoting_means_the_same(
        pieces in proptest::collection::vec(
            "[\"'\\\\]|\\\\[\"'$a\\\\]|\\$x|\\$\\{x\\}|\\$\\{x:-[\"'a]\\}|\\$|[a-c ]|[;#*?~!=]|\"[ !#-%*-.0-;=?-_a-{}~]{0,3}\"|'[ !#-%*-.0-;=?-_a-{}~]{0,3}'",
            0..14,
        ),
    ) {
        let script = format!("x='1 \"2'; printf '<%s>' {}", pieces.concat());
        proptest::prop_assume!(!differs_rightly(&script));
        let ours = runtime().block_on(ours(script.as_bytes(), b""));
        if ours.status != 2 {
            runtime().block_on(check(&script, b""));
        }
    }

    /// Unquoted, the same text splits and matches alike (no slash: the trees differ).
    #[test]
    fn unquoted_values_split_alike(value in "[ a-c:*?\\[\\]\t\n-]{0,20}", ifs in "[ :a\n]{0,2}") {
        proptest::prop_assume!(!ends_in_a_range(&value, &ifs));
        let script = format!(
            "IFS='{ifs}'; v='{value}'; set -- $v; printf '%s<%s>' $# \"$*\"; for x in $v; do echo \"[$x]\"; done\n\
             echo \"${{v#*:}} ${{v##*:}} ${{v%:*}} ${{v%%[ab]*}}\"",
        );
        runtime().block_on(check(&script, b""));
    }

    /// Whatever comes in, the parser gives an answer.
    #[test]
    fn no_script_breaks_the_parser(script in "[\"'$(){}|&;<>`\\\\#*? a-e=\n]{0,80}") {
        let _ = parser::parse(script.as_bytes());
    }

    /// And so does the whole shell, on words of its own language.
    #[test]
    fn no_script_breaks_the_shell(words in proptest::collection::vec("if|then|fi|case|in|esac|for|x|do|done|while|true|false|\\{|\\}|\\(|\\)|;|;;|&&|\\|\\||!|\\$x|\\$\\(echo\\)|\"\\$@\"|x=1|f\\(\\)|f|return|break|exit|\n", 0..30)) {
        let script = words.join(" ");
        let outcome = runtime().block_on(ours(script.as_bytes(), b""));
        let _ = outcome.status;
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn what_is_not_known_is_refused_by_name() {
    for (script, status, message) in [
        ("echo a &", 2, "'&' is not supported here"),
        ("echo `date`", 2, "'`' is not supported here"),
        ("cat <<E\nx\nE", 2, "'<<' is not supported here"),
        ("set -e", 2, "set: -e: not supported here"),
        ("if true; fi", 2, "'fi' unexpected"),
        ("echo a\necho )", 2, "line 2: ')' unexpected"),
        ("echo 'a", 2, "end of file"),
        ("frob x", 127, "/system/bin/sh: frob: inaccessible or not found"),
        ("echo a >/system/x", 1, "can't create /system/x: Permission denied"),
    ] {
        let outcome = ours(script.as_bytes(), b"").await;
        let stderr = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert_eq!(outcome.status, status, "{script}: {stderr}");
        assert!(stderr.contains(message), "{script}: {stderr}");
        assert!(outcome.stdout.is_empty(), "{script}");
    }
}

#[tokio::test]
async fn every_limit_ends_the_script() {
    let long = format!("echo {}", "x".repeat(SCRIPT_BYTES_MAX));
    let nested = format!("{}echo{}", "$(".repeat(500), ")".repeat(500));
    for (script, message) in [
        ("while :; do :; done", "too many commands"),
        ("x=$(while :; do :; done); echo $x", "too many commands"),
        ("f() { f; }; f", "nested too deeply"),
        ("x=12345678; while :; do x=$x$x; done", "too long"),
        ("set -- a a a a a a a a; while :; do set -- \"$@\" \"$@\"; done", "expansion too long"),
        (&*nested, "nested too deeply"),
        (&*long, "Argument list too long"),
    ] {
        let outcome = ours(script.as_bytes(), b"").await;
        let stderr = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert!(stderr.contains(message), "{}: {stderr}", &script[..script.len().min(60)]);
        assert_eq!(outcome.status, 2);
    }
    let flood = "x=$(printf '%05000d' 1); while :; do echo $x; done";
    let outcome = ours(flood.as_bytes(), b"").await;
    assert_eq!(outcome.status, 2);
    assert!(outcome.stdout.len() <= OUTPUT_BYTES_MAX);
}

#[tokio::test]
async fn sleep_takes_its_time() {
    let before = tokio::time::Instant::now();
    let outcome = ours(b"sleep 0.05; echo up", b"").await;
    assert_eq!(outcome, Outcome::text("up\n"));
    assert!(before.elapsed().as_millis() >= 50);
}
