use std::collections::BTreeSet;

use fleet::DeviceKey;

use super::*;
use crate::operate::stage::{answering, boot, catalogue, device_id, project};

const NOW: Timestamp = Timestamp(1_800_000_000_500);

const PROPERTIES: &str = "
    [[property]]
    name = \"sys.a\"
    kind = \"text\"
    chars_max = 64
    bytes_max = 256
    timing = \"after-restart\"
    updatable = true
    meaning = \"m\"
    source = \"s\"

    [[property]]
    name = \"ro.b\"
    kind = \"bool01\"
    timing = \"at-once\"
    meaning = \"m\"
    source = \"s\"
";

fn profile(privilege: &str) -> String {
    format!(
        "
        name = \"box\"
        restart = \"none\"
        privilege = \"{privilege}\"
        meaning = \"m\"
        [[apply]]
        names = [\"sys.a\"]
        how = \"setprop\"
        [[apply]]
        names = [\"ro.b\"]
        how = \"unsupported\"
        reason = \"read-only\"
        "
    )
}

/// What a test says of the device, before it is judged.
struct Case {
    device: Device,
    state: DeviceState,
    examination: Examination,
    bears_marker_of: Option<Device>,
    copy: Option<Device>,
    privilege: &'static str,
    names: BTreeSet<&'static str>,
}

fn device(id: &str, address: &str, marker: &str) -> Device {
    Device {
        key: DeviceKey(1),
        project: fleet::ProjectKey(1),
        project_id: project("p"),
        kind: Kind::Phone,
        id: device_id(id),
        name: format!("phone {id}"),
        server: String::new(),
        address: address.to_owned(),
        container: String::new(),
        profile: "box".to_owned(),
        marker: marker.to_owned(),
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A device with which all is well.
fn well() -> Case {
    let mut state = DeviceState::new(NOW);
    state.boot = Some(boot(1));
    state.adopted = true;
    Case {
        device: device("A", "a:1", "m1"),
        state,
        examination: answering("m1", boot(1)),
        bears_marker_of: None,
        copy: None,
        privilege: "none",
        names: BTreeSet::from(["sys.a", "ro.b", "odd.c"]),
    }
}

fn judged(change: impl FnOnce(&mut Case)) -> Check {
    let mut case = well();
    change(&mut case);
    let catalogue = catalogue(PROPERTIES, &profile(case.privilege)).unwrap();
    judge(&Findings {
        device: &case.device,
        state: &case.state,
        camera: None,
        examination: &case.examination,
        bears_marker_of: case.bears_marker_of.as_ref(),
        copy: case.copy.as_ref(),
        catalogue: &catalogue,
        names: &case.names,
        now: NOW,
    })
}

/// The items about the device, one letter each: passed, failed, not reached.
fn letters(check: &Check) -> String {
    let letter = |item: &CheckItem| match item.result {
        CheckResult::Passed => 'p',
        CheckResult::Failed { .. } => 'f',
        CheckResult::NotReached => '-',
        CheckResult::Unsupported => 'u',
    };
    check.items.iter().take(6).map(letter).collect()
}

/// What was seen of the first item that failed, and what to do about it.
fn failure(check: &Check) -> (&str, &str) {
    let failed = check.items.iter().find_map(|item| match &item.result {
        CheckResult::Failed { remedy } => Some((item.detail.as_str(), remedy.as_str())),
        _ => None,
    });
    failed.expect("something failed")
}

fn away(away: Away) -> impl FnOnce(&mut Case) {
    |case| case.examination = Examination { away: Some(away), ..Examination::default() }
}

#[test]
fn all_is_well() {
    let check = judged(|_| {});
    assert!(check.holds());
    let shown: Vec<(&str, &str)> =
        check.items.iter().map(|item| (item.name.as_str(), item.detail.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("reachable", "an ADB service answers at a:1"),
            ("authenticated", "the phone lets this server in"),
            ("right phone", "it bears the record's marker"),
            ("rights", "profile box needs none but the shell's own, as user 2000"),
            ("boot identity", "k/1"),
            ("clock", "equal to this server's"),
            ("odd.c", "profile box does not say how to apply it"),
            ("ro.b", "read-only"),
            (
                "sys.a",
                "set by setprop sys.a, read by getprop sys.a; lost at each boot and then set \
                 again; acts after a restart"
            ),
        ]
    );
    assert_eq!(check.items[6].result, CheckResult::Unsupported);
    assert_eq!(check.items[7].result, CheckResult::Unsupported);
}

#[test]
fn each_reason_to_be_away_fails_its_own_item() {
    for (reason, expected) in [
        (Away::Unreachable("refused".to_owned()), "f-----"),
        (Away::Garbled("no shell".to_owned()), "f-----"),
        (Away::Unauthorised("key refused".to_owned()), "pf----"),
        (Away::Unmarkable("read-only".to_owned()), "ppf---"),
        (Away::Copied("two of them".to_owned()), "ppf---"),
        (Away::Booting, "pp--f-"),
    ] {
        let check = judged(away(reason.clone()));
        assert_eq!(letters(&check), expected, "{reason}");
        assert!(!check.holds());
        let (detail, remedy) = failure(&check);
        assert!(!detail.is_empty() && remedy.len() > 20, "{reason}");
        assert_eq!(check.items.len(), 9, "routes need no phone");
    }
}

#[test]
fn a_stopped_phone_is_to_be_started() {
    let check = judged(|case| {
        away(Away::Unreachable("refused".to_owned()))(case);
        case.state.condition = Condition::Stopped;
    });
    assert_eq!(failure(&check).0, "a:1: refused");
    let remedy = "it was stopped: start it, by `fleetwright device restart A --project p` if";
    assert!(failure(&check).1.starts_with(remedy));
}

#[test]
fn another_phone_is_named_as_far_as_it_may_be() {
    let marker = |marker: &'static str| {
        move |case: &mut Case| case.examination.marker = Some(marker.to_owned())
    };
    let unmarked = judged(marker(""));
    assert_eq!(letters(&unmarked), "ppfppp");
    assert_eq!(failure(&unmarked).0, "it bears no marker, and the phone on record did");
    let young = judged(|case| {
        marker("")(case);
        case.state.adopted = false;
    });
    assert_eq!(failure(&young).0, "it bears no marker yet");
    assert!(failure(&young).1.starts_with("adopt it by `fleetwright device adopt A --project p`"));
    let foreign = judged(marker("m9"));
    assert!(failure(&foreign).0.contains("m9"));
    let neighbour = judged(|case| {
        marker("m2")(case);
        case.bears_marker_of = Some(device("B", "b:1", "m2"));
    });
    assert_eq!(failure(&neighbour).0, "it bears the marker of B (phone B, at b:1)");
    let copied = judged(|case| case.copy = Some(device("C", "c:1", "m3")));
    assert_eq!(
        failure(&copied).0,
        "the phone of C (phone C, at c:1) bears the same marker: it is a copy"
    );
    assert_eq!(letters(&copied), "ppfppp");
    let silent = judged(|case| case.examination.marker = None);
    assert_eq!(letters(&silent), "pp-ppp");
    assert!(!silent.holds());
}

#[test]
fn rights_are_what_the_profile_needs() {
    let rights = |privilege: &'static str, seen: Option<&'static str>| {
        judged(move |case| {
            case.privilege = privilege;
            case.examination.facts.0.remove(Facts::RIGHTS);
            let seen = seen.map(|seen| (Facts::RIGHTS.to_owned(), seen.to_owned()));
            case.examination.facts.0.extend(seen);
        })
    };
    for (privilege, seen, expected) in [
        ("none", Some("shell"), 'p'),
        ("none", None, 'p'),
        ("su", Some("root"), 'p'),
        ("su", Some("shell"), 'f'),
        ("su", None, 'f'),
        ("root-shell", Some("root"), 'p'),
        ("root-shell", Some("shell"), 'f'),
    ] {
        let check = rights(privilege, seen);
        assert_eq!(letters(&check), format!("ppp{expected}pp"), "{privilege} {seen:?}");
    }
    assert_eq!(
        failure(&rights("su", Some("shell"))).0,
        "profile box needs root by su; seen: shell, as user 2000"
    );
    let unknown = judged(|case| case.device.profile = "gone".to_owned());
    assert_eq!(failure(&unknown).0, "there is no profile gone");
    assert!(unknown.items.iter().skip(6).all(|item| item.result == CheckResult::Unsupported));
}

#[test]
fn a_boot_is_told_or_it_is_said_how_it_would_be() {
    let restarted = judged(|case| case.examination.boot = Some(boot(2)));
    assert!(restarted.holds());
    let seen = &restarted.items[4].detail;
    assert_eq!(seen, "k/2: it has restarted since it was last worked on");
    let silent = judged(|case| case.examination.boot = None);
    assert_eq!(letters(&silent), "ppppfp");
}

#[test]
fn a_clock_may_be_a_minute_off() {
    for (theirs, expected, detail) in [
        (1_800_000_060, 'p', "60 s ahead of this server's"),
        (1_800_000_061, 'f', "61 s ahead of this server's"),
        (1_799_999_940, 'p', "60 s behind this server's"),
        (1_799_999_939, 'f', "61 s behind this server's"),
        (i64::MIN, 'f', "9223372036854775808 s behind this server's"),
        (i64::MAX, 'f', "9223372035054775807 s ahead of this server's"),
    ] {
        let check = judged(|case| case.examination.clock_seconds = Some(theirs));
        assert_eq!(letters(&check), format!("ppppp{expected}"), "{theirs}");
        assert_eq!(check.items[5].detail, detail);
    }
    let silent = judged(|case| case.examination.clock_seconds = None);
    assert_eq!(letters(&silent), "pppppf");
}
