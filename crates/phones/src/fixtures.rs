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

const PROPERTIES: [&str; 13] = [
    "persist.test.*",
    "ro.test.*",
    "sealed.lid",
    "once.*",
    "screen.brightness",
    "screen.font",
    "tool.value",
    "tool.blind",
    "tool.effect",
    "file.*",
    "start.width",
    "record.*",
    "runs.value",
];

/// `sealed.lid` is known and not supported; every other name says how it is set.
const RULES: &str = r#"
meaning = "the phone of these tests"

[[apply]]
names = ["persist.test.*", "ro.test.*"]
how = "setprop"

[[apply]]
names = ["sealed.lid"]
how = "unsupported"
reason = "it is sealed"

[[apply]]
names = ["once.*"]
how = "setprop-once-per-boot"

[[apply]]
names = ["screen.brightness"]
how = "settings"
namespace = "system"
key = "screen_brightness"
effect = ["tool", "effect", "{value}"]

[[apply]]
names = ["screen.font"]
how = "settings"
namespace = "secure"
key = "font"

[[apply]]
names = ["tool.value"]
how = "command"
set = ["tool", "set", "--to={value}", "{value}"]
get = ["tool", "get"]

[[apply]]
names = ["tool.blind"]
how = "command"
set = ["tool", "blind", "{value}"]

[[apply]]
names = ["tool.effect"]
how = "setprop"
effect = ["tool", "effect"]

[[apply]]
names = ["file.a"]
how = "file"
path = "/proc/self/cwd/a file's $(place)"

[[apply]]
names = ["file.b"]
how = "file"
path = "/proc/self/cwd/no/such/directory"

[[apply]]
names = ["start.width"]
how = "start-args"
property = "ro.boot.width"
argument = "boot.width={value}"

[[apply]]
names = ["record.*"]
how = "stored"

[[apply]]
names = ["runs.value"]
how = "command"
set = ["eval", "{value}"]
"#;

/// The profiles of these tests: the name of each and what it says besides [`RULES`].
const PROFILES: [(&str, &str); 6] = [
    ("phone", "restart = \"none\""),
    ("su", "restart = \"none\"\nprivilege = \"su\""),
    ("adb", "restart = \"adb-reboot\"\nfactory_reset = \"test-harness\""),
    ("framework", "restart = \"framework\"\nprivilege = \"su\""),
    ("container", "restart = \"command\"\nfactory_reset = \"command\""),
    ("box", "restart = \"none\""),
];

/// The commands of the profile `container`. `box` has only the first two.
const COMMANDS_OF_PROFILE: &str = r#"
[commands]
stop = ["sh", "-c", "echo stop $0 >>/dev/stderr; exit 3", "{container}"]
start = ["true", "{container}"]
restart = ["true", "{host}:{port}"]
factory_reset = ["false"]
"#;

pub const MARKER: &str = "0123456789abcdef0123456789abcdef";
pub const NONCE: &str = "00112233445566778899aabbccddeeff";

pub fn catalogue() -> Catalogue {
    let properties: String = PROPERTIES.into_iter().map(property).collect();
    let profiles: Vec<String> = PROFILES
        .into_iter()
        .map(|(name, more)| match name {
            "container" => format!("name = {name:?}\n{more}\n{RULES}{COMMANDS_OF_PROFILE}"),
            "box" => {
                let commands: Vec<&str> = COMMANDS_OF_PROFILE.lines().take(4).collect();
                format!("name = {name:?}\n{more}\n{RULES}{}", commands.join("\n"))
            }
            _ => format!("name = {name:?}\n{more}\n{RULES}"),
        })
        .collect();
    let profiles: Vec<Source<'_>> =
        profiles.iter().map(|text| Source { name: "profile", text }).collect();
    let properties = [Source { name: "properties", text: &properties }];
    match Catalogue::load(&properties, &profiles) {
        Ok(catalogue) => catalogue,
        Err(error) => panic!("{error}"),
    }
}

/// A property that takes any text.
fn property(name: &str) -> String {
    format!(
        "[[property]]\nname = {name:?}\nkind = \"text\"\nbytes_max = 65536\ntiming = \"at-once\"\n\
         meaning = \"anything\"\nsource = \"these tests\"\n\n"
    )
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
        container: "box-1".to_owned(),
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

/// What stands in for Android's commands. Every property and every setting is a file that holds its
/// value. `$ROOT` says that root runs it; `$PHONE/su` which `su` there is.
const COMMANDS: &str = r#"
getprop() { if [ -f "$PHONE/properties/$1" ]; then cat "$PHONE/properties/$1"; fi; echo; }
setprop() {
    dashes=
    if [ "$1" = -- ]; then [ -f "$PHONE/takes-dashes" ] || return 1; shift; dashes=1; fi
    if [ $# != 2 ]; then echo "usage: setprop NAME VALUE" >&2; return 1; fi
    case $2 in -*) if [ -f "$PHONE/takes-dashes" ] && [ -z "$dashes" ]; then
        echo "setprop: Unknown option" >&2; return 1; fi;; esac
    if [ -f "$PHONE/refuses/$1" ] || [ -f "$PHONE/refuses-all" ] ||
        { [ -z "$ROOT" ] && [ -f "$PHONE/root-only/$1" ]; }; then
        printf "Failed to set property '%s' to '%s'.\nSee dmesg.\n" "$1" "$2" >&2; return 1
    fi
    [ -f "$PHONE/ignores/$1" ] || printf %s "$2" >"$PHONE/properties/$1"
    printf x >>"$PHONE/sets"
}
settings() {
    f=$PHONE/settings/$2.$3
    case $1 in
    get) if [ -f "$f" ]; then cat "$f"; echo; else echo null; fi;;
    put) if [ -f "$PHONE/refuses/$3" ]; then echo "no room" >&2; return 255; fi
        printf %s "$4" >"$f"; printf x >>"$PHONE/sets";;
    esac
}
tool() {
    case $1 in
    set) [ "x$2" = "x--to=$3" ] || return 9
        [ ! -f "$PHONE/refuses/tool" ] || { echo "tool: no" >&2; return 1; }
        printf %s "$3" >"$PHONE/tool"; printf x >>"$PHONE/sets";;
    get) if [ -f "$PHONE/tool" ]; then cat "$PHONE/tool"; echo; else return 7; fi;;
    blind) [ ! -f "$PHONE/refuses/tool" ] || { echo "tool: no" >&2; return 1; }
        printf %s "$2" >"$PHONE/blind"; printf x >>"$PHONE/sets";;
    effect) echo "  acts $2 "; echo;;
    esac
}
cmd() {
    [ ! -f "$PHONE/locked" ] || { echo "clear the lock screen" >&2; return 2; }
    echo "$*" >>"$PHONE/told"
}
stop() { [ -n "$ROOT" ] || { echo "must be root" >&2; return 1; }; echo stop >>"$PHONE/told"; }
start() { [ -n "$ROOT" ] || { echo "must be root" >&2; return 1; }; echo start >>"$PHONE/told"; }
id() { if [ -n "$ROOT" ]; then echo 0; else echo 2000; fi; }
sh() { [ "$1" = -c ] || return 127; s=$2; shift 2; "$PHONE_SHELL" -c "$COMMANDS$s" "$@"; }
su() {
    case $(cat "$PHONE/su" 2>/dev/null) in
    aosp) [ "$1" = 0 ] || { echo "su: invalid uid/gid '$1'" >&2; return 1; }
        shift; ROOT=1; export ROOT; "$@"; r=$?; unset ROOT; return $r;;
    magisk) [ "$1" = -c ] || { echo "sh: $1: No such file" >&2; return 127; }
        shift; ROOT=1; export ROOT; sh -c "$*"; r=$?; unset ROOT; return $r;;
    denied) echo "Permission denied" >&2; return 13;;
    *) echo "su: not found" >&2; return 127;;
    esac
}
"#;

/// A phone that has booted and bears [`MARKER`].
pub struct ShellPhone {
    directory: tempfile::TempDir,
    shell: &'static str,
}

/// The shells that scripts have to run under, as far as this machine has them: dash, which is
/// `/bin/sh` here, and Android's own.
pub fn shells() -> impl Iterator<Item = &'static str> {
    ["/bin/sh", "/bin/mksh"].into_iter().filter(|path| fs::exists(path).unwrap())
}

impl ShellPhone {
    pub fn new() -> Self {
        Self::with_shell("/bin/sh")
    }

    pub fn with_shell(shell: &'static str) -> Self {
        let phone = Self { directory: tempfile::tempdir().unwrap(), shell };
        for name in ["properties", "refuses", "ignores", "settings", "root-only"] {
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

    /// Has the phone refuse to set `name`: always, or to all but root.
    pub fn refuse(&self, name: &str, whom: &str) {
        fs::write(self.path(whom).join(name), "").unwrap();
    }

    /// What a file of the phone's directory holds.
    pub fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    pub fn marker_file(&self) -> String {
        self.path("marker file's place").to_str().unwrap().to_owned()
    }

    /// How often something was set, whatever became of it.
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
        let output = Command::new(self.shell)
            .arg("-c")
            .arg(format!("{COMMANDS}{script}"))
            .env("PHONE", self.directory.path())
            .env("PHONE_SHELL", self.shell)
            .env("COMMANDS", COMMANDS)
            .env_remove("ROOT")
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
        self.act_as("phone", action)
    }

    /// Runs an action by the rules of this profile.
    pub fn act_as(&self, profile: &str, action: &Action) -> Result<engine::Reached, engine::Away> {
        let catalogue = catalogue();
        let device = Device { profile: profile.to_owned(), ..device() };
        let plan = Plan::new(&catalogue, &device, action);
        let (faults, recorded) = (plan.faults.clone(), plan.recorded.clone());
        let mut total = engine::Reached { faults, recorded, ..Default::default() };
        let mut done = 0;
        loop {
            let script = plan.script_with(done, NONCE, &self.marker_file());
            done += script.steps.len();
            let part = crate::answer::read(&self.run(&script.text), NONCE, script.steps)?;
            crate::driver::add(&mut total, part);
            if done >= plan.steps.len() {
                return Ok(total);
            }
        }
    }
}
