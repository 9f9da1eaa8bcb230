//! Scripts that tell a phone to restart or to forget itself, and the one that only looks.

use engine::Adopt;
use fleet::catalogue::Privilege;
use fleet::{BootIdentity, Device};

use super::opening::{CLOSING, FACTS, MARKER_FILE, Opening};

/// What a phone is told over its own shell, once it has proved to be the right one in the right
/// boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// To restart. Not by the script, which only proves: by the daemon's own service, over the same
    /// connection, afterwards.
    Reboot,
    /// To stop and start its framework.
    RestartFramework,
    /// To wipe its data and keep the ADB keys.
    EnableTestHarness,
}

/// The script that has `device` do `deed`, if it is in the boot `known`. `nonce` holds letters and
/// digits only.
pub fn power(
    device: &Device,
    privilege: Privilege,
    known: &BootIdentity,
    deed: Deed,
    nonce: &str,
) -> String {
    power_with(device, privilege, known, deed, nonce, MARKER_FILE)
}

/// [`power`] with another marker file, for tests on machines that are no phone.
pub(crate) fn power_with(
    device: &Device,
    privilege: Privilege,
    known: &BootIdentity,
    deed: Deed,
    nonce: &str,
    marker_file: &str,
) -> String {
    let rights = super::rights(privilege);
    let opening = Opening {
        nonce,
        marker: &device.marker,
        marker_file,
        adopt: Adopt::No,
        known_boot: Some(known),
        rights,
    };
    let deed = match deed {
        Deed::Reboot => "",
        Deed::RestartFramework => RESTART_FRAMEWORK,
        Deed::EnableTestHarness => ENABLE_TEST_HARNESS,
    };
    rights.wrap([&opening.proof(), SAME_BOOT, deed, CLOSING].concat(), nonce)
}

/// The script that looks at whatever phone it meets and changes nothing.
pub fn look(privilege: Privilege, nonce: &str) -> String {
    look_with(privilege, nonce, MARKER_FILE)
}

/// [`look`] with another marker file, for tests on machines that are no phone.
pub(crate) fn look_with(privilege: Privilege, nonce: &str, marker_file: &str) -> String {
    let rights = super::rights(privilege);
    let opening =
        Opening { nonce, marker: "", marker_file, adopt: Adopt::No, known_boot: None, rights };
    rights.wrap([&opening.look(), FACTS, CLOCK, CLOSING].concat(), nonce)
}

/// Goes on only in the known boot.
const SAME_BOOT: &str = "if [ -n \"$anew\" ];then _rec other;_quit;fi\n";

/// Stops the framework, and starts it whatever came of that. adbd sends a hangup to a shell whose
/// client has gone (AOSP, packages/modules/adb/daemon/shell_service.cpp), and a phone must not stay
/// stopped because of that, so neither the shell nor what it starts heeds it. A shell that knows no
/// `trap` goes on without.
const RESTART_FRAMEWORK: &str = r#"trap '' HUP 2>/dev/null
e=$(stop </dev/null 2>&1);c=$?
e=$e$(start </dev/null 2>&1)||c=1
if [ $c != 0 ];then _rec "refused $(id -u)" "$(printf %.200s "$e")";fi
"#;

/// `cmd testharness enable` returns once the wipe is under way (AOSP, "Test Harness Mode").
const ENABLE_TEST_HARNESS: &str = r#"e=$(cmd testharness enable </dev/null 2>&1)||_rec "refused 0" "$(printf %.200s "$e")"
"#;

/// What the phone takes its clock to be.
const CLOCK: &str = r#"_rec clock "$(date +%s)"
"#;
