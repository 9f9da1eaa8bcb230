//! SIPp registers 20,000 cameras: over UDP and TCP, with digests in both forms.

mod relay;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::cameras::{record, server};
use crate::harness::server::Process;
use crate::harness::sip::free_port;
use crate::harness::site::import;
use crate::harness::{Native, PATIENCE, Start, Stopwatch, tools, wait_until};
use relay::Relay;

/// Cameras of each transport and form.
const EACH: usize = 5_000;

/// Registrations that each SIPp begins in a second.
const RATE: &str = "500";

/// How long all of it may take.
const BOUND: Duration = Duration::from_secs(90);

/// Longer than the test: a call that waits so long is ended by its SIPp.
const OPEN_MILLISECONDS: &str = "600000";

/// One of the four groups of cameras.
#[derive(Debug, Clone, Copy)]
struct Group {
    number: usize,
    is_tcp: bool,
    has_qop: bool,
}

impl Group {
    const ALL: [Self; 4] = [
        Self { number: 0, is_tcp: false, has_qop: true },
        Self { number: 1, is_tcp: false, has_qop: false },
        Self { number: 2, is_tcp: true, has_qop: true },
        Self { number: 3, is_tcp: true, has_qop: false },
    ];

    fn id(self, index: usize) -> String {
        format!("34020000001320{:06}", self.number * EACH + index + 1)
    }

    fn password(self, index: usize) -> String {
        format!("pw-{}-{index}", self.number)
    }

    fn records(self) -> Vec<Value> {
        (0..EACH).map(|index| record(&self.id(index), &self.password(index))).collect()
    }

    /// SIPp with the scenario, for so many seconds of registration; `open` keeps its calls open.
    fn sipp(self, folder: &Path, to: SocketAddr, expires: &str, open: bool) -> Process {
        let mut lines = "SEQUENTIAL\n".to_owned();
        for index in 0..EACH {
            let (id, password) = (self.id(index), self.password(index));
            let _ = writeln!(lines, "{id};[authentication username={id} password={password}]");
        }
        let cameras = folder.join(format!("cameras-{}.csv", self.number));
        std::fs::write(&cameras, lines).expect("write");
        let errors = folder.join(format!("errors-{}-{expires}", self.number));
        let (each, port) = (EACH.to_string(), free_port().to_string());
        let mut command = Command::new(tools::sipp());
        command.arg(to.to_string()).arg("-sf");
        command.arg(tools::workspace().join("tests/cameras/sipp/register.xml"));
        command.arg("-inf").arg(cameras).args(["-key", "expires", expires]);
        command.args(["-t", if self.is_tcp { "t1" } else { "u1" }, "-i", "127.0.0.1", "-p", &port]);
        command.args(["-r", RATE, "-l", &each, "-m", &each, "-nostdin"]);
        command.args(["-d", if open { OPEN_MILLISECONDS } else { "0" }]);
        command.arg("-trace_err").arg("-error_file").arg(errors);
        command.current_dir(folder).env("TERM", "dumb").stdout(Stdio::null());
        Process::start(&mut command)
    }
}

/// How many are registered now.
fn registered(native: &Native) -> usize {
    native.metric("fleetwright_sip_registered") as usize
}

#[test]
fn sipp_registers_twenty_thousand_cameras_in_every_way() {
    let (server, native) = server(&Start::with_cameras());
    let folder = tempfile::tempdir().expect("a temporary folder");
    for group in Group::ALL {
        import(&native, &group.records());
    }
    // SIPp answers as it is asked, and the server always offers qop: where it is not to be used,
    // the offer is spoilt on the way.
    let ways = Group::ALL.map(|group| match group.has_qop {
        true => server.sip(),
        false => Relay::start(server.sip(), group.is_tcp).address(),
    });
    let start = |expires: &str, open: bool| {
        let groups = Group::ALL.into_iter().zip(ways);
        let started: Vec<Process> =
            groups.map(|(group, to)| group.sipp(folder.path(), to, expires, open)).collect();
        started
    };
    let watch = Stopwatch::start();
    let open = start("3600", true);
    wait_until("all to be registered", BOUND, || registered(&native) == 4 * EACH);
    println!("{} cameras registered in {:.1} s", 4 * EACH, watch.elapsed().as_secs_f64());
    let statuses = native.camera_statuses();
    assert_eq!(statuses.get("OnLine"), Some(&(4 * EACH)), "{statuses:?}");
    for group in Group::ALL {
        let camera = native.device(&group.id(EACH - 1))["camera"].clone();
        assert_eq!(camera["transport"], if group.is_tcp { "tcp" } else { "udp" }, "{group:?}");
    }
    let refused = native.get("/api/v1/registrations/refused");
    assert_eq!(refused["registrations"].as_array().map(Vec::len), Some(0), "{refused}");

    let watch = Stopwatch::start();
    let gone = start("0", false);
    for (process, group) in gone.iter().zip(Group::ALL) {
        wait_until("a SIPp to end", BOUND, || process.status().is_some());
        // 0: no call has failed.
        assert!(process.status().is_some_and(|status| status.success()), "{group:?}");
    }
    wait_until("all to be offline", PATIENCE, || registered(&native) == 0);
    println!("and taken off in {:.1} s", watch.elapsed().as_secs_f64());
    let statuses = native.camera_statuses();
    assert_eq!(statuses.get("OffLine"), Some(&(4 * EACH)), "{statuses:?}");
    for group in Group::ALL {
        let offline = native.device(&group.id(0))["camera"]["offline"]["why"].clone();
        assert_eq!(offline, "unregistered", "{group:?}");
    }
    drop(open);
}
