//! What the unit tests share: a catalogue, a device, and a phone made of `/bin/sh` and a directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use engine::Action;
use fleet::catalogue::Source;
use fleet::{
    Catalogue, Device, DeviceId, DeviceKey, Kind, ProjectId, ProjectKey, Timestamp, Values,
};

use crate::link::ShellOutput;
use crate::script::{MARKER_PROPERTY, Plan};

/// Any name under `persist.test.` and `ro.test.` by setprop; `sealed.` is known and not supported.
pub const PROPERTIES: &str = r#"
[[property]]
name = "persist.test.*"
kind = "text"
bytes_max = 65536
timing = "at-once"
meaning = "anything"
source = "these tests"

[[property]]
name = "ro.test.*"
kind = "text"
bytes_max = 65536
timing = "at-once"
meaning = "anything"
source = "these tests"

[[property]]
name = "sealed.lid"
kind = "text"
bytes_max = 65536
timing = "at-once"
meaning = "what no phone takes"
source = "these tests"
"#;

pub const PROFILE: &str = r#"
name = "phone"
restart = "none"
meaning = "the phone of these tests"

[[apply]]
names = ["*"]
how = "setprop"

[[apply]]
names = ["sealed.lid"]
how = "unsupported"
reason = "it is sealed"
"#;

pub const MARKER: &str = "0123456789abcdef0123456789abcdef";
pub const NONCE: &str = "00112233445566778899aabbccddeeff";

pub fn catalogue() -> Catalogue {
    Catalogue::load(
        &[Source { name: "properties", text: PROPERTIES }],
        &[Source { name: "profile", text: PROFILE }],
    )
    .unwrap()
}

pub fn device() -> Device {
    Device {
        key: DeviceKey(1),
        project: ProjectKey(1),
        project_id: ProjectId::new("project").unwrap(),
        kind: Kind::Phone,
        id: DeviceId::new("phone-1").unwrap(),
        name: String::new(),
        server: String::new(),
        address: "127.0.0.1:1".to_owned(),
        profile: "phone".to_owned(),
        marker: MARKER.to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub fn values<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Values {
    pairs.iter().map(|(n, v)| (n.as_ref().to_owned(), v.as_ref().to_owned())).collect()
}

pub fn set<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Action {
    Action { set: values(pairs), ..Action::default() }
}

/// What stands in for Android's commands. Every property is a file that holds its value.
const COMMANDS: &str = r#"
getprop() { if [ -f "$PHONE/properties/$1" ]; then cat "$PHONE/properties/$1"; fi; echo; }
setprop() {
    dashes=
    if [ "$1" = -- ]; then [ -f "$PHONE/takes-dashes" ] || return 1; shift; dashes=1; fi
    if [ $# != 2 ]; then echo "usage: setprop NAME VALUE" >&2; return 1; fi
    case $2 in -*) if [ -f "$PHONE/takes-dashes" ] && [ -z "$dashes" ]; then
        echo "setprop: Unknown option" >&2; return 1; fi;; esac
    if [ -f "$PHONE/refuses/$1" ] || [ -f "$PHONE/refuses-all" ]; then
        printf "Failed to set property '%s' to '%s'.\nSee dmesg.\n" "$1" "$2" >&2; return 1
    fi
    [ -f "$PHONE/ignores/$1" ] || printf %s "$2" >"$PHONE/properties/$1"
    printf x >>"$PHONE/sets"
}
id() { echo 2000; }
"#;

/// A phone that has booted and bears [`MARKER`].
pub struct ShellPhone {
    directory: tempfile::TempDir,
}

impl ShellPhone {
    pub fn new() -> Self {
        let phone = Self { directory: tempfile::tempdir().unwrap() };
        for name in ["properties", "refuses", "ignores"] {
            fs::create_dir(phone.path(name)).unwrap();
        }
        phone.set("sys.boot_completed", "1");
        phone.set(MARKER_PROPERTY, MARKER);
        phone
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn set(&self, name: &str, value: &str) {
        fs::write(self.path("properties").join(name), value).unwrap();
    }

    pub fn unset(&self, name: &str) {
        fs::remove_file(self.path("properties").join(name)).unwrap();
    }

    pub fn get(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path("properties").join(name)).ok()
    }

    pub fn marker_file(&self) -> String {
        self.path("marker file's place").to_str().unwrap().to_owned()
    }

    /// How often a property was set, whatever became of it.
    pub fn sets(&self) -> usize {
        fs::read(self.path("sets")).map_or(0, |sets| sets.len())
    }

    /// Everything in the phone's directory: what a script left there.
    pub fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs a script as adbd does, as one argument of `sh -c`.
    pub fn run(&self, script: &str) -> ShellOutput {
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("{COMMANDS}{script}"))
            .env("PHONE", self.directory.path())
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        ShellOutput {
            stdout: output.stdout,
            stderr: output.stderr,
            exit_code: u8::try_from(output.status.code().unwrap()).unwrap(),
        }
    }

    /// Runs an action to its end, script by script.
    pub fn act(&self, action: &Action) -> Result<engine::Reached, engine::Away> {
        let (catalogue, device) = (catalogue(), device());
        let plan = Plan::new(&catalogue, &device, action);
        let mut total = engine::Reached { faults: plan.faults.clone(), ..Default::default() };
        let mut done = 0;
        loop {
            let script = plan.script_with(done, NONCE, &self.marker_file());
            done += script.steps.len();
            let part = crate::answer::read(&self.run(&script.text), NONCE, script.steps)?;
            total.boot = part.boot;
            total.shown.extend(part.shown);
            total.faults.extend(part.faults);
            if done >= plan.steps.len() {
                return Ok(total);
            }
        }
    }
}
