//! Each way of setting and reading, as root and not, under every shell.

use super::*;

/// A phone with this `su`.
fn with_su(shell: &'static str, su: &str) -> ShellPhone {
    let phone = ShellPhone::with_shell(shell);
    fs::write(phone.path("su"), su).unwrap();
    phone
}

fn refused<'r>(reached: &'r engine::Reached, name: &str) -> &'r str {
    match &reached.faults[name] {
        Fault::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_are_put_once_and_none_is_told_from_empty() {
    for shell in shells() {
        let phone = ShellPhone::with_shell(shell);
        let font = Action { read: vec!["screen.font".to_owned()], ..Action::default() };
        assert_eq!(phone.act(&font).unwrap().shown["screen.font"], None);
        for value in ["-5 $(id) '", "", "nul"] {
            for _ in 0..2 {
                let reached = phone.act(&set(&[("screen.font", value)])).unwrap();
                assert_eq!(reached.shown["screen.font"].as_deref(), Some(value));
            }
            assert_eq!(phone.file("settings/secure.font").as_deref(), Some(value));
        }
        assert_eq!(phone.sets(), 3);
        let reached = phone.act(&set(&[("screen.font", "null")])).unwrap();
        assert!(matches!(&reached.faults["screen.font"], Fault::Unsupported(_)));
        phone.refuse("font", "refuses");
        let reached = phone.act(&set(&[("screen.font", "x")])).unwrap();
        assert_eq!(refused(&reached, "screen.font"), "no room (as user 2000)");
        assert_eq!(reached.shown["screen.font"].as_deref(), Some("nul"));
    }
}

#[test]
fn programs_set_and_show() {
    for shell in shells() {
        let phone = ShellPhone::with_shell(shell);
        for value in ["a 'b'\n", "", "$(touch ran)"] {
            for _ in 0..2 {
                let reached = phone.act(&set(&[("tool.value", value)])).unwrap();
                assert_eq!(reached.shown["tool.value"].as_deref(), Some(value));
            }
        }
        assert_eq!(phone.sets(), 3);
        let reached = phone.act(&set(&[("tool.blind", "x y")])).unwrap();
        assert!(reached.acknowledged.contains("tool.blind"));
        assert!(reached.shown.is_empty() && reached.faults.is_empty());
        assert_eq!(phone.file("blind").as_deref(), Some("x y"));
        let read = Action { read: vec!["tool.blind".to_owned()], ..Action::default() };
        let reached = phone.act(&read).unwrap();
        assert!(reached.acknowledged.is_empty() && reached.shown.is_empty());

        phone.refuse("tool", "refuses");
        let action = set(&[("tool.value", "no"), ("tool.blind", "no")]);
        let reached = phone.act(&action).unwrap();
        assert_eq!(refused(&reached, "tool.value"), "tool: no (as user 2000)");
        assert_eq!(refused(&reached, "tool.blind"), "tool: no (as user 2000)");
        assert_eq!(reached.shown["tool.value"].as_deref(), Some("$(touch ran)"));
        assert!(reached.acknowledged.is_empty());
        assert!(!fs::exists(phone.path("ran")).unwrap());
    }
    let phone = ShellPhone::new();
    let read = Action { read: vec!["tool.value".to_owned()], ..Action::default() };
    let reached = phone.act(&read).unwrap();
    assert_eq!(refused(&reached, "tool.value"), "tool ended with 7 when asked for the value");
    let reached = phone.act(&set(&[("runs.value", "touch ran")])).unwrap();
    let Fault::Unsupported(why) = &reached.faults["runs.value"] else { panic!() };
    assert!(why.contains("would run the value"), "{why}");
    assert!(!fs::exists(phone.path("ran")).unwrap());
}

#[test]
fn effects_are_shown_trimmed() {
    for shell in shells() {
        let phone = ShellPhone::with_shell(shell);
        let action = set(&[("screen.brightness", "7 '"), ("tool.effect", "1")]);
        let reached = phone.act(&action).unwrap();
        assert_eq!(reached.effects["screen.brightness"], "acts 7 '");
        assert_eq!(reached.effects["tool.effect"], "acts");
        let read = vec!["screen.brightness".to_owned(), "tool.effect".to_owned()];
        let reached = phone.act(&Action { read, ..Action::default() }).unwrap();
        assert!(!reached.effects.contains_key("screen.brightness"), "its value is not known");
        assert_eq!(reached.effects["tool.effect"], "acts");
        assert_eq!(reached.shown["screen.brightness"].as_deref(), Some("7 '"));
    }
}

#[test]
fn a_file_holds_exactly_its_value() {
    const PLACE: &str = "a file's $(place)";
    for shell in shells() {
        let phone = ShellPhone::with_shell(shell);
        let read = Action { read: vec!["file.a".to_owned()], ..Action::default() };
        assert_eq!(phone.act(&read).unwrap().shown["file.a"], None);
        for value in ["x", "x\n", "\n", "-n", "%s\\n", "", "é\u{81}x0"] {
            let reached = phone.act(&set(&[("file.a", value)])).unwrap();
            assert_eq!(reached.shown["file.a"].as_deref(), Some(value), "{shell}");
            assert_eq!(phone.file(PLACE).as_deref(), Some(value), "{shell}");
        }
        let reached = phone.act(&set(&[("file.b", "x"), (NAME, "y")])).unwrap();
        let why = refused(&reached, "file.b");
        assert!(why.contains("no/such/directory"), "{why}");
        assert_eq!(reached.shown["file.b"], None);
        assert_eq!(reached.shown[NAME].as_deref(), Some("y"));

        fs::write(phone.path(PLACE), "x".repeat(100_000)).unwrap();
        let reached = phone.act(&set(&[(NAME, "z")])).unwrap();
        assert_eq!(reached.shown[NAME].as_deref(), Some("z"));
        let reached = phone.act(&read).unwrap();
        assert_eq!(refused(&reached, "file.a"), "it shows more than fits into an answer");
        phone.act(&set(&[("file.a", "short")])).unwrap();
        assert_eq!(phone.file(PLACE).as_deref(), Some("short"));
    }
}

#[test]
fn a_once_set_value_waits_for_the_next_boot() {
    for shell in shells() {
        let phone = ShellPhone::with_shell(shell);
        for _ in 0..2 {
            let reached = phone.act(&set(&[("once.a", "1")])).unwrap();
            assert_eq!(reached.shown["once.a"].as_deref(), Some("1"));
            assert!(reached.faults.is_empty());
        }
        let reached = phone.act(&set(&[("once.a", "2")])).unwrap();
        let why = "once.a is set once a boot and holds 1: it takes the value at the next restart";
        assert_eq!(refused(&reached, "once.a"), why);
        assert_eq!(reached.shown["once.a"].as_deref(), Some("1"));
        assert_eq!(phone.sets(), 1);
    }
}

#[test]
fn what_is_fixed_at_the_start_and_what_is_ours_alone_is_not_set() {
    let phone = ShellPhone::new();
    phone.set("ro.boot.width", "720");
    let action = set(&[("start.width", "1080"), ("record.a", "x")]);
    let reached = phone.act(&action).unwrap();
    assert_eq!(reached.faults["start.width"], Fault::NeedsRecreate("boot.width=1080".to_owned()));
    assert_eq!(reached.shown["start.width"].as_deref(), Some("720"));
    assert_eq!(reached.recorded.iter().collect::<Vec<_>>(), ["record.a"]);
    assert_eq!(reached.shown.len(), 1);
    assert_eq!(phone.sets(), 0);
    let reached = phone.act(&set(&[("start.width", "720")])).unwrap();
    assert!(reached.faults.is_empty());
}

#[test]
fn every_way_waits_for_another_boot_where_it_should() {
    let pairs = [
        (NAME, "v"),
        ("once.a", "v"),
        ("screen.font", "v"),
        ("tool.value", "v"),
        ("tool.blind", "v"),
        ("file.a", "v"),
    ];
    for shell in shells() {
        let phone = ShellPhone::with_shell(shell);
        fs::write(phone.path("tool"), "old").unwrap();
        let boot = phone.act(&Action::default()).unwrap().boot.unwrap();
        let same = Action {
            set_after_boot: values(&pairs),
            known_boot: Some(boot.clone()),
            ..Action::default()
        };
        let reached = phone.act(&same).unwrap();
        assert_eq!(phone.sets(), 0);
        assert_eq!(reached.shown["tool.value"].as_deref(), Some("old"));
        assert_eq!(reached.facts, None, "nothing new");
        let known_boot = Some(BootIdentity { init_start: "1".to_owned(), ..boot });
        let reached = phone.act(&Action { known_boot, ..same }).unwrap();
        assert_eq!(phone.sets(), 5);
        assert_eq!(phone.file("a file's $(place)").as_deref(), Some("v"));
        assert!(reached.faults.is_empty());
        assert!(reached.facts.is_some());
    }
}

#[test]
fn a_phone_in_a_new_boot_says_what_it_is() {
    let phone = ShellPhone::new();
    phone.set("ro.product.model", "Pixel 'x'\nline");
    phone.set("ro.build.fingerprint", &"f".repeat(5_000));
    let pairs: Vec<(String, String)> =
        (0..300).map(|n| (format!("persist.test.n{n}"), "v".to_owned())).collect();
    let facts = phone.act(&set(&pairs)).unwrap().facts.unwrap();
    assert_eq!(facts.get(Facts::MODEL), Some("Pixel 'x'"));
    assert_eq!(facts.get(Facts::FINGERPRINT).map(str::len), Some(200));
    assert_eq!((facts.get(Facts::USER), facts.get(Facts::RIGHTS)), (Some("2000"), Some("shell")));
    assert_eq!(facts.get(Facts::RELEASE), None);
}

#[test]
fn su_of_either_family_gives_root() {
    let value = "it's 'quoted' twice: $(touch ran) \\' \"\n";
    for shell in shells() {
        for su in ["aosp", "magisk"] {
            let phone = with_su(shell, su);
            phone.refuse(NAME, "root-only");
            let action = set(&[(NAME, value), ("file.a", value), ("tool.value", value)]);
            let refused = phone.act(&action).unwrap();
            assert!(refused.faults.contains_key(NAME), "no su without the privilege");
            let reached = phone.act_as("su", &action).unwrap();
            assert!(reached.faults.is_empty(), "{shell} {su}: {:?}", reached.faults);
            for name in [NAME, "file.a", "tool.value"] {
                assert_eq!(reached.shown[name].as_deref(), Some(value), "{shell} {su}");
            }
            let facts = reached.facts.unwrap();
            assert_eq!(facts.get(Facts::RIGHTS), Some("root"));
            assert!(!fs::exists(phone.path("ran")).unwrap());
        }
    }
}

#[test]
fn without_su_the_rest_is_done_and_the_refusal_says_why() {
    for shell in shells() {
        for (su, said) in [("none", "su: not found"), ("denied", "Permission denied")] {
            let phone = with_su(shell, su);
            phone.refuse(NAME, "root-only");
            let action = set(&[(NAME, "v"), ("persist.test.b", "v")]);
            let reached = phone.act_as("su", &action).unwrap();
            let why = refused(&reached, NAME);
            assert!(why.contains("needs root: commands run as user 2000"), "{why}");
            assert!(why.contains(said), "{why}");
            assert_eq!(reached.shown["persist.test.b"].as_deref(), Some("v"));
            assert_eq!(reached.facts.unwrap().get(Facts::RIGHTS), Some("shell"));
        }
    }
}

#[test]
fn a_large_action_by_su_takes_more_scripts() {
    let phone = with_su("/bin/sh", "aosp");
    let pairs: Vec<(String, String)> = (0..200)
        .map(|n| (format!("persist.test.n{n}"), format!("{n:03}{}", "'".repeat(88))))
        .collect();
    let action = set(&pairs);
    assert_eq!(phone.act_as("su", &action).unwrap().shown.len(), 200);
    for (name, value) in pairs {
        assert_eq!(phone.get(&name), Some(value));
    }
}

mod told {
    use super::*;
    use crate::fixtures::device;

    fn tell(phone: &ShellPhone, privilege: Privilege, deed: Deed, known: &BootIdentity) -> Told {
        let script = power_with(&device(), privilege, known, deed, NONCE, &phone.marker_file());
        crate::answer::power(&phone.run(&script), NONCE)
    }

    type Told = Result<engine::PowerReport, Away>;

    #[test]
    fn only_the_right_phone_in_the_right_boot() {
        use engine::PowerReport::{OtherBoot, Told};
        for shell in shells() {
            let phone = with_su(shell, "aosp");
            let boot = phone.act(&Action::default()).unwrap().boot.unwrap();
            let other = BootIdentity { init_start: "1".to_owned(), ..boot.clone() };
            let all = [Deed::Reboot, Deed::RestartFramework, Deed::EnableTestHarness];
            for deed in all {
                assert_eq!(tell(&phone, Privilege::Su, deed, &other), Ok(OtherBoot));
            }
            phone.set(MARKER_PROPERTY, "foreign");
            for deed in all {
                let outcome = tell(&phone, Privilege::Su, deed, &boot);
                assert_eq!(outcome, Err(wrong("foreign")));
            }
            assert_eq!(phone.file("told"), None);
            phone.set(MARKER_PROPERTY, MARKER);
            for deed in all {
                assert_eq!(tell(&phone, Privilege::Su, deed, &boot), Ok(Told));
            }
            assert_eq!(phone.file("told").as_deref(), Some("stop\nstart\ntestharness enable\n"));
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_phones_words() {
        use engine::PowerReport::Refused;
        let phone = ShellPhone::new();
        let boot = phone.act(&Action::default()).unwrap().boot.unwrap();
        let Ok(Refused(why)) = tell(&phone, Privilege::None, Deed::RestartFramework, &boot) else {
            panic!()
        };
        assert!(why.starts_with("must be root") && why.contains("needs root"), "{why}");
        fs::write(phone.path("locked"), "").unwrap();
        let outcome = tell(&phone, Privilege::None, Deed::EnableTestHarness, &boot);
        assert_eq!(outcome, Ok(Refused("clear the lock screen".to_owned())));
    }

    #[test]
    fn a_look_changes_nothing() {
        for shell in shells() {
            for (su, user) in [("none", "2000"), ("aosp", "0"), ("magisk", "0")] {
                let phone = with_su(shell, su);
                let before = phone.entries();
                phone.set("ro.product.model", "Pixel");
                phone.set(MARKER_PROPERTY, "any");
                phone.set("sys.boot_completed", "");
                let script = look_with(Privilege::Su, NONCE, &phone.marker_file());
                let seen = crate::answer::examination(&phone.run(&script), NONCE);
                assert_eq!(seen.away, Some(Away::Booting));
                assert_eq!(seen.marker.as_deref(), Some("any"));
                assert_eq!(seen.boot, phone_boot());
                assert_eq!(seen.facts.get(Facts::MODEL), Some("Pixel"));
                assert_eq!(seen.facts.get(Facts::USER), Some(user));
                assert!(seen.clock_seconds.unwrap() > 1_700_000_000);
                assert_eq!(phone.entries(), before);
            }
        }
    }

    fn phone_boot() -> Option<BootIdentity> {
        ShellPhone::new().act(&Action::default()).unwrap().boot
    }
}
