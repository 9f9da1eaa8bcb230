//! The systemd unit: what it says is understood, shuts out what it should, and leaves time.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use super::{finish, text};
use crate::harness::tools;

/// Above this `systemd-analyze security` calls a unit exposed (in tenths of its scale, 0 to 100).
const EXPOSURE_MAX: &str = "20";

/// The unit's lines that set `key`, without it.
fn settings(key: &str) -> Vec<String> {
    let unit = text("packaging/fleetwright.service");
    let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_unit_is_understood_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A program has to be there; the real one is where the package puts it.
    let program = folder.path().join("fleetwright");
    std::fs::copy(tools::fleetwright(), &program).expect("copy the program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let unit = text("packaging/fleetwright.service");
    let path = program.display().to_string();
    assert_eq!(unit.matches("=/usr/bin/fleetwright ").count(), 1);
    let unit = unit.replace("=/usr/bin/fleetwright ", &format!("={path} "));
    let file = folder.path().join("fleetwright.service");
    std::fs::write(&file, unit).expect("write the unit");
    let mut verify = Command::new(tools::systemd_analyze());
    let output = verify.args(["verify", "--man=no"]).arg(&file).output().expect("it runs");
    // What it does not know it only warns of.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_unit_shuts_out_what_the_server_does_not_need() {
    let mut judge = Command::new(tools::systemd_analyze());
    judge.args(["security", "--offline=true", "--threshold", EXPOSURE_MAX]);
    finish(judge.arg(tools::workspace().join("packaging/fleetwright.service")));
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert_eq!(settings(key), [""], "{key}");
    }
    assert_eq!(settings("ProtectSystem"), ["strict"]);
    assert_eq!(settings("NoNewPrivileges"), ["yes"]);
    assert_eq!(settings("StateDirectoryMode"), ["0700"]);
}

#[test]
fn a_stop_has_the_time_that_it_may_take() {
    let seconds = settings("TimeoutStopSec").concat().parse().expect("seconds");
    let longest = api::listener::DRAIN_TIMEOUT
        + fleet::limits::PHONE_ACTION_TIMEOUT
        + fleet::limits::COMMAND_TIMEOUT;
    let given = Duration::from_secs(seconds);
    assert!(given >= longest + Duration::from_secs(30), "{given:?} for {longest:?}");
    // Its own status for a configuration that is not right.
    assert_eq!(settings("RestartPreventExitStatus"), ["2"]);
}
