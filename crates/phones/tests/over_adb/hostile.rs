//! Thousands of names and values that a shell would love to run, over ADB to phones that log what
//! they were told to run, and the very same scripts under the machine's own shell.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

use fleet::Device;
use phones::adb::HostKey;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use simulator::phones::{Done, Told};

use super::support::{Rig, adopt, device, phone, rig_of, simulated};

/// Rounds, each with a phone of its own.
const ROUNDS: usize = 125;
/// Settings of one round: 5,000 names and as many values in all.
const SETTINGS: usize = 40;
/// Properties, files and programs of one round.
const OTHERS: usize = 3;

/// What the shell itself runs: its own commands, but for `eval`, and the functions of the scripts.
const OWN: [&str; 9] = ["[", "printf", "read", "shift", "return", "exit", "head", "trap", ":"];

/// A text of pieces that mean something to a shell, to a script of ours, or to a program.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = [
        "'",
        "'\\''",
        "\"",
        "\\",
        "\n",
        "\r",
        "\t",
        " ",
        "$(reboot)",
        "`reboot`",
        ";reboot;",
        "|reboot&",
        "&&reboot||",
        ">ran",
        "<",
        "${HOME}",
        "$1",
        "$N",
        "$o",
        "*",
        "?",
        "[a-z]",
        "~",
        "!",
        "#",
        "%s%n",
        "\\0",
        "-",
        "--",
        "-c",
        "--user",
        "_quit",
        "')'",
        "}",
        "\u{7f}",
        "\u{1}",
        "\u{1b}[2J",
        "\u{81}\u{88}",
        "机器人",
        "é",
        "😀",
        "null",
        "=",
        "\\c",
        "\nend\n",
        "fleetwright 2",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_filter("no NUL, no placeholder", |letter| !"\0{".contains(*letter))
            .prop_map(String::from),
        1 => "[a-z0-9 ]{0,8}",
    ];
    proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

/// A text as TOML has it.
fn toml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || letter == ' ' {
            quoted.push(letter);
        } else {
            write!(quoted, "\\U{:08X}", u32::from(letter)).unwrap();
        }
    }
    quoted.push('"');
    quoted
}

/// What one round asks for, and the files that say how.
#[derive(Default)]
struct Round {
    properties: String,
    rules: String,
    pairs: Vec<(String, String)>,
    /// The programs that may run, with their arguments.
    meant: BTreeSet<Vec<String>>,
    /// What may change: the name by which the phone logs it, and the value.
    written: BTreeSet<(String, String)>,
}

impl Round {
    fn add(&mut self, value: &str, rule: &str) {
        let name = format!("hostile.n{}", self.pairs.len());
        write!(
            self.properties,
            "[[property]]\nname = \"{name}\"\nkind = \"text\"\nbytes_max = 65536\n\
             timing = \"at-once\"\nmeaning = \"anything\"\nsource = \"these tests\"\n\n"
        )
        .unwrap();
        write!(self.rules, "[[apply]]\nnames = [\"{name}\"]\n{rule}\n\n").unwrap();
        self.pairs.push((name, value.to_owned()));
    }

    fn mean(&mut self, argv: &[&str]) {
        self.meant.insert(argv.iter().map(ToString::to_string).collect());
    }

    fn write(&mut self, name: String, value: &str) {
        self.written.insert((name, value.to_owned()));
    }

    fn setting(&mut self, key: &str, value: &str) {
        let place = "how = \"settings\"\nnamespace = \"system\"";
        self.add(value, &format!("{place}\nkey = {}", toml(key)));
        self.mean(&["settings", "get", "system", key]);
        self.mean(&["settings", "put", "system", key, value]);
        self.write(format!("settings:system/{key}"), value);
    }

    fn property(&mut self, value: &str) {
        let name = format!("hostile.n{}", self.pairs.len());
        self.add(value, "how = \"setprop\"");
        self.mean(&["getprop", &name]);
        self.mean(&["setprop", &name, value]);
        self.write(name, value);
    }

    fn file(&mut self, name: &str, value: &str) {
        let path = format!("/data/local/tmp/{name}");
        self.add(value, &format!("how = \"file\"\npath = {}", toml(&path)));
        self.mean(&["cat", &path]);
        self.write(format!("file:{path}"), value);
    }

    fn program(&mut self, argument: &str, value: &str) {
        let set = format!("set = [\"log\", {}, \"-{{value}}\", \"{{value}}\"]", toml(argument));
        self.add(value, &format!("how = \"command\"\n{set}"));
        self.mean(&["log", argument, &format!("-{value}"), value]);
    }

    /// A round of what comes from `runner`.
    fn generate(runner: &mut TestRunner) -> Self {
        let mut next = || hostile().new_tree(runner).unwrap().current();
        let mut round = Self::default();
        let mut property = 0;
        for number in 0..SETTINGS {
            let (key, mut value) = (format!("{}#{number}", next()), next());
            if number == 0 {
                value = value.repeat(40);
            }
            // A value that `settings` can't tell from none.
            if value == "null" {
                value.push('!');
            }
            round.setting(&key, &value);
        }
        while property < OTHERS {
            let value = next();
            if value.len() <= 91 {
                round.property(&value);
                property += 1;
            }
        }
        for number in 0..OTHERS {
            let name = format!("{}#{number}", next().replace('/', ""));
            round.file(&name, &next());
            let (argument, value) = (next(), next());
            round.program(&format!("x{argument}"), &value);
        }
        let always: [&[&str]; 4] = [
            &["getprop", "sys.boot_completed"],
            &["getprop", phones::script::MARKER_PROPERTY],
            &["setprop", phones::script::MARKER_PROPERTY, super::support::MARKER],
            &["id", "-u"],
        ];
        for argv in always {
            round.mean(argv);
        }
        for fact in
            ["product.model", "build.version.release", "build.display.id", "build.fingerprint"]
        {
            round.mean(&["getprop", &format!("ro.{fact}")]);
        }
        round.write(phones::script::MARKER_PROPERTY.to_owned(), super::support::MARKER);
        round
    }

    fn rig(&self, key: &Arc<HostKey>) -> Rig {
        let profile = |name: &str, privilege: &str| {
            let rules = &self.rules;
            format!("name = \"{name}\"\nbase = \"plain\"\nprivilege = \"{privilege}\"\n\n{rules}")
        };
        let profiles = [profile("hostile", "none"), profile("hostile-su", "su")];
        let profiles = [profiles[0].as_str(), profiles[1].as_str()];
        rig_of(Arc::clone(key), &self.properties, &profiles)
    }

    /// Whether a program was meant to run.
    fn check_ran(&self, argv: &[String]) {
        let name = argv[0].as_str();
        // A shell in a shell runs one script, whose commands are logged like the others.
        let nested = match argv {
            [su, root, sh, option, _] => [su, root, sh, option] == ["su", "0", "sh", "-c"],
            [sh, option, _] => [sh, option] == ["sh", "-c"],
            _ => false,
        };
        let own = name.starts_with('_') || OWN.contains(&name);
        assert!(own || nested || self.meant.contains(argv), "{argv:?}");
    }

    /// Whether what a phone logged is what was meant, all of it.
    fn check(&self, log: &[Told]) {
        let mut written = BTreeSet::new();
        for told in log {
            assert!(!told.cut, "the log is too short");
            for done in &told.done {
                match done {
                    Done::Ran(argv) => self.check_ran(argv),
                    Done::Wrote { name, value } => {
                        written.insert((name.clone(), value.clone()));
                    }
                    Done::Restarted(what) => panic!("{what}"),
                }
            }
        }
        let meant = self.written.iter().filter(|(_, value)| !value.is_empty());
        let written = written.iter().filter(|(_, value)| !value.is_empty());
        assert_eq!(written.collect::<Vec<_>>(), meant.collect::<Vec<_>>());
    }
}

/// What stands in for the phone's programs under the machine's own shell: they write down what they
/// were called with, in a form that no argument can feign.
const STANDINS: &str = r#"
_ran() { printf '%s\0' "$#" "$@" >>"$LOG"; }
getprop() {
    _ran getprop "$@"
    case $1 in sys.boot_completed) echo 1;; persist.fleetwright.id) echo "$MARKER";; *) echo;; esac
}
setprop() { _ran setprop "$@"; }
settings() { _ran settings "$@"; case $1 in get) echo null;; esac; }
log() { _ran log "$@"; }
id() { _ran id "$@"; echo 0; }
reboot() { _ran reboot "$@"; }
sh() { [ $# = 2 ] && [ "$1" = -c ] || { _ran sh "$@"; return 1; }; /bin/sh -c "$STANDINS$2"; }
su() { [ "$1" = 0 ] || { _ran su "$@"; return 1; }; shift; "$@"; }
"#;

/// Runs scripts that a phone was sent under `/bin/sh`, and checks what they ran.
fn check_under_sh(round: &Round, log: &[Told]) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    for script in log.iter().filter_map(|told| told.script.as_ref()) {
        let script = script.replace("/data/local/tmp", root);
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("{STANDINS}{script}"))
            .env("STANDINS", STANDINS)
            .env("LOG", directory.path().join(".log"))
            .env("MARKER", super::support::MARKER)
            .current_dir(directory.path())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaint.is_empty(), "{complaint}\n{script}");
    }
    let ran = std::fs::read_to_string(directory.path().join(".log")).unwrap();
    let mut words = ran.split_terminator('\0').map(str::to_owned);
    let mut commands = 0;
    while let Some(count) = words.next() {
        let argv: Vec<String> = words.by_ref().take(count.parse().unwrap()).collect();
        round.check_ran(&argv);
        commands += 1;
    }
    assert!(commands > round.pairs.len(), "{commands}");
    let mut files: BTreeSet<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.remove(".log");
    let meant =
        round.written.iter().filter_map(|(name, _)| name.strip_prefix("file:/data/local/tmp/"));
    assert_eq!(files, meant.map(str::to_owned).collect());
}

#[tokio::test]
async fn nothing_in_a_name_or_a_value_ever_runs() {
    let key = Arc::new(HostKey::generate().unwrap());
    let mut runner = TestRunner::deterministic();
    for number in 0..ROUNDS {
        let round = Round::generate(&mut runner);
        let fleet = simulated(|options| {
            options.su = true;
            options.log_bytes = 4 << 20;
        })
        .await;
        let (rig, phone) = (round.rig(&key), phone(&fleet));
        let profile = if number % 2 == 0 { "hostile" } else { "hostile-su" };
        let device = Device { profile: profile.to_owned(), ..device(phone.address()) };
        let reached = rig.reach(&device, adopt(&round.pairs)).await;
        assert!(reached.faults.is_empty(), "{:?}", reached.faults);
        for (name, value) in &round.pairs {
            match reached.shown.get(name) {
                Some(shown) => assert_eq!(shown.as_ref(), Some(value)),
                None => assert!(reached.acknowledged.contains(name)),
            }
        }
        let log = phone.take_log();
        round.check(&log);
        check_under_sh(&round, &log);
    }
}
