//! A driver, and phones for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{Action, Adopt, Away, Driver, PowerReport, Reached, Report, SystemEntropy, Target};
use fleet::catalogue::{CatalogueCell, Source};
use fleet::{
    BootIdentity, Catalogue, Device, DeviceId, DeviceKey, Kind, Operation, ProjectId, ProjectKey,
    Timestamp, Values,
};
use phones::adb::{Adb, HostKey};
use phones::{Options, Phones};
use simulator::phones::{Faults, Fleet, Phone};
use tokio::sync::mpsc;

/// How long anything here may take.
pub const LIMIT: Duration = Duration::from_secs(60);
/// A boot that no test waits for the end of.
pub const ENDLESS: Duration = Duration::from_secs(3_600);
/// The marker of every device here.
pub const MARKER: &str = "f1ee7000000000000000000000000001";
/// A property that survives restarts.
pub const KEPT: &str = "persist.test.kept";
/// A property that a boot wipes.
pub const WIPED: &str = "test.wiped";

const PROPERTIES: &str = r#"
[[property]]
name = "persist.test.*"
kind = "text"
bytes_max = 65536
timing = "at-once"
meaning = "anything that stays"
source = "these tests"

[[property]]
name = "test.*"
kind = "text"
bytes_max = 65536
timing = "at-once"
meaning = "anything that a boot wipes"
source = "these tests"
"#;

/// `plain` sets all by setprop, `rooted` is Android with `su`, `commanded` has commands.
const PROFILES: [&str; 3] = [
    r#"
name = "plain"
restart = "adb-reboot"
factory_reset = "test-harness"
meaning = "the phones of these tests"

[[apply]]
names = ["*"]
how = "setprop"
"#,
    r#"
name = "rooted"
base = "android"
restart = "framework"
privilege = "su"
"#,
    r#"
name = "commanded"
base = "plain"
restart = "command"

[commands]
restart = ["sh", "-c", "printf '%s\\n' \"$@\" >\"$0\"", "{server}", "{device}", "{host}", "{port}"]
stop = ["/no/such/program"]
"#,
];

/// A driver and what it says of its own accord.
pub struct Rig {
    pub phones: Arc<Phones>,
    pub lost: mpsc::UnboundedReceiver<DeviceKey>,
}

/// A driver with any key.
pub fn rig() -> Rig {
    rig_with(Arc::new(HostKey::generate().unwrap()))
}

/// A driver with this key.
pub fn rig_with(key: Arc<HostKey>) -> Rig {
    rig_of(key, "", &[])
}

/// A driver with this key, which knows these properties and profiles besides.
pub fn rig_of(key: Arc<HostKey>, properties: &str, profiles: &[&str]) -> Rig {
    let (sender, lost) = mpsc::unbounded_channel();
    let properties = format!("{PROPERTIES}{properties}");
    let profiles = PROFILES.iter().chain(profiles);
    let profiles: Vec<Source<'_>> = profiles.map(|text| Source { name: "profile", text }).collect();
    let catalogue = Catalogue::with(&[Source { name: "properties", text: &properties }], &profiles);
    let catalogue = catalogue.unwrap_or_else(|error| panic!("{error}"));
    let phones = Phones::with_link(
        Arc::new(Adb::new(key)),
        Arc::new(CatalogueCell::new(catalogue)),
        Box::new(move |device| {
            // A test that has ended hears nothing any more.
            let _ = sender.send(device);
        }),
        Options::new(Arc::new(SystemEntropy)),
    );
    Rig { phones: Arc::new(phones), lost }
}

impl Rig {
    pub async fn run(&self, device: &Device, action: Action) -> Report {
        tokio::time::timeout(LIMIT, self.phones.run(device, action)).await.unwrap()
    }

    /// Runs an action that must reach the phone.
    pub async fn reach(&self, device: &Device, action: Action) -> Reached {
        match self.run(device, action).await {
            Report::Reached(reached) => reached,
            Report::Away(away) => panic!("{away}"),
        }
    }

    /// Switches a device that was last seen in `boot`.
    pub async fn power(
        &self,
        device: &Device,
        operation: Operation,
        boot: Option<&BootIdentity>,
    ) -> PowerReport {
        let target = boot.map_or(Target::Stopped, |boot| Target::Answers(Some(boot)));
        let report = self.phones.power(device, operation, target);
        tokio::time::timeout(LIMIT, report).await.unwrap()
    }
}

/// One simulated phone that boots in 300 ms.
pub async fn simulated(change: impl FnOnce(&mut simulator::phones::Options)) -> Fleet {
    let mut options = simulator::phones::Options {
        boot: Duration::from_millis(300),
        ..simulator::phones::Options::default()
    };
    change(&mut options);
    Fleet::start(options).await.unwrap()
}

/// The only phone of a fleet.
pub fn phone(fleet: &Fleet) -> &Arc<Phone> {
    fleet.phone(0).unwrap()
}

/// What is on record of the phone at `address`.
pub fn device(address: SocketAddr) -> Device {
    Device {
        key: DeviceKey(i64::from(address.port())),
        project: ProjectKey(1),
        project_id: ProjectId::new("project").unwrap(),
        kind: Kind::Phone,
        id: DeviceId::new(format!("phone-{}", address.port())).unwrap(),
        name: String::new(),
        server: String::new(),
        address: address.to_string(),
        container: String::new(),
        profile: "plain".to_owned(),
        marker: MARKER.to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub fn values<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Values {
    pairs.iter().map(|(n, v)| (n.as_ref().to_owned(), v.as_ref().to_owned())).collect()
}

/// Sets these values, and adopts the phone if it bears no marker.
pub fn adopt<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Action {
    Action { adopt: Adopt::Unmarked, ..set(pairs) }
}

/// Sets these values.
pub fn set<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Action {
    Action { set: values(pairs), ..Action::default() }
}

/// A phone with this one fault.
pub fn faulty(change: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    change(&mut faults);
    faults
}

/// Values that a shell would love to run.
pub fn dangerous() -> Vec<(String, String)> {
    let texts = [
        "$(touch /data/local/tmp/ran)",
        "`touch /data/local/tmp/ran`",
        "';touch /data/local/tmp/ran;'",
        "'\\''\"'\"'",
        "\n\nlines\n\n",
        "\r\n",
        "-n",
        "--",
        "-",
        " ",
        "",
        "\\n\\0\\c",
        "%s%d%n",
        "$HOME ${x} $((1+1)) *?[a] ~ !! #",
        "名前 é \u{81}\u{88} 😀",
        "\u{1}\u{7f}\u{1b}[2J",
        "&& || | & ; < > ( ) { }",
    ];
    let numbered = texts.iter().enumerate();
    numbered.map(|(n, text)| (format!("persist.test.d{n}"), (*text).to_owned())).collect()
}

/// Another phone answers, with this marker.
pub fn wrong(report: &Report) -> &str {
    match report {
        Report::Away(Away::WrongDevice { marker, boot: Some(_) }) => marker,
        other => panic!("{other:?}"),
    }
}
