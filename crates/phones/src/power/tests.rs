use super::*;
use crate::fixtures::catalogue;

fn boot() -> BootIdentity {
    BootIdentity { kernel: "k".to_owned(), init_start: "1".to_owned() }
}

/// The way of each profile, in short.
fn check(profile: &str, operation: Operation, answers: bool, expected: &str) {
    let (catalogue, boot) = (catalogue(), boot());
    let profile = catalogue.profile(profile).unwrap();
    let target = if answers { Target::Answers(Some(&boot)) } else { Target::Stopped };
    let way = match way(profile, operation, target) {
        Way::Adb(deed, _) => format!("{deed:?}"),
        Way::Command(argv) => argv.join(" "),
        Way::None(why) => format!("unsupported: {why}"),
        Way::Away(why) => format!("away: {why}"),
    };
    assert!(way.starts_with(expected), "{} {operation:?}: {way}", profile.name);
}

#[test]
fn each_make_is_switched_in_its_own_way() {
    use Operation::{Reset, Restart, Stop, Update};
    check("adb", Restart, true, "Reboot");
    check("adb", Restart, false, "away: it is stopped or away");
    check("adb", Reset, true, "EnableTestHarness");
    check("adb", Reset, false, "away: ");
    check("adb", Stop, true, "unsupported: the profile adb names no program that stops it");
    check("framework", Restart, true, "RestartFramework");
    check("framework", Reset, true, "unsupported: the profile framework knows no way back");
    check("container", Restart, true, "true {host}:{port}");
    check("container", Restart, false, "true {container}");
    check("container", Reset, true, "false");
    check("container", Reset, false, "false");
    check("container", Stop, true, "sh -c");
    check("box", Restart, true, "unsupported: the profile box is not restarted over ADB");
    check("box", Restart, false, "true {container}");
    check("box", Stop, false, "sh -c");
    check("phone", Restart, false, "unsupported: the profile phone is not restarted over ADB");
    check("phone", Update, true, "unsupported: ");
}

#[test]
fn one_that_hangs_is_restarted_and_not_started() {
    let catalogue = catalogue();
    let container = catalogue.profile("container").unwrap();
    let argv = |target| match way(container, Operation::Restart, target) {
        Way::Command(argv) => argv.join(" "),
        _ => panic!("by no command"),
    };
    assert_eq!(argv(Target::Away), "true {host}:{port}");
    assert_eq!(argv(Target::Stopped), "true {container}");
    let adb = catalogue.profile("adb").unwrap();
    let way = way(adb, Operation::Restart, Target::Answers(None));
    assert!(matches!(way, Way::None(why) if why.contains("tells no boots apart")));
}

#[test]
fn a_phone_that_has_wiped_itself_bears_no_marker() {
    let other = BootIdentity { init_start: "2".to_owned(), ..boot() };
    let wrong = |marker: &str, boot| Away::WrongDevice { marker: marker.to_owned(), boot };
    let harness = Deed::EnableTestHarness;
    let gone = wrong("", Some(other.clone()));
    assert_eq!(after(harness, gone.clone(), &boot()), PowerReport::OtherBoot);
    for (deed, away) in [
        (Deed::Reboot, gone),
        (harness, wrong("foreign", Some(other))),
        (harness, wrong("", Some(boot()))),
        (harness, wrong("", None)),
    ] {
        assert_eq!(after(deed, away.clone(), &boot()), PowerReport::Away(away));
    }
}
