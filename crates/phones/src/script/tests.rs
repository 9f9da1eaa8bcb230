use std::fs;

use engine::{Action, Adopt, Away, Fault};
use fleet::{BootIdentity, Facts};
use proptest::prelude::*;

use super::*;
use crate::fixtures::{MARKER, NONCE, ShellPhone, catalogue, device, set, shells, values};

mod ways;

const NAME: &str = "persist.test.a";

#[test]
fn what_differs_is_set_and_everything_is_read_back() {
    let phone = ShellPhone::new();
    phone.set("persist.test.same", "1");
    phone.set("persist.test.other", "old");
    let mut action = set(&[("persist.test.same", "1"), ("persist.test.other", "new"), (NAME, "")]);
    action.read = vec!["persist.test.none".to_owned(), "persist.test.same".to_owned()];
    let reached = phone.act(&action).unwrap();
    let shown = [("persist.test.same", "1"), ("persist.test.other", "new"), (NAME, "")];
    for (name, value) in shown {
        assert_eq!(reached.shown[name].as_deref(), Some(value));
    }
    assert_eq!(reached.shown["persist.test.none"].as_deref(), Some(""));
    assert_eq!(reached.shown.len(), 4);
    assert!(reached.faults.is_empty());
    assert_eq!(phone.sets(), 1, "only what differed was set");
}

/// No phone has a profile of cameras. One whose record was given one is told nothing by it.
#[test]
fn a_profile_of_cameras_sets_nothing_on_a_phone() {
    let catalogue = Catalogue::built_in().unwrap();
    let device = Device { profile: "generic".to_owned(), ..device() };
    let action = set(&[("Name", "gate"), (NAME, "1")]);
    let plan = Plan::new(&catalogue, &device, &action);
    assert!(plan.steps.is_empty());
    let why = |name: &str| match &plan.faults[name] {
        Fault::Unsupported(why) => why.clone(),
        fault => panic!("{fault:?}"),
    };
    assert_eq!(why("Name"), "the profile generic is for cameras, not for phones");
    assert_eq!(why(NAME), "the profile generic knows no way to set it");
}

#[test]
fn the_boot_is_the_machines_own() {
    let boot = ShellPhone::new().act(&Action::default()).unwrap().boot.unwrap();
    let kernel = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(boot.kernel, kernel.trim());
    let stat = fs::read_to_string("/proc/1/stat").unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    assert_eq!(boot.init_start, fields.split(' ').nth(19).unwrap());
}

#[test]
fn the_start_time_is_found_behind_any_process_name() {
    let (catalogue, device, action) = (catalogue(), device(), Action::default());
    let plan = Plan::new(&catalogue, &device, &action);
    let phone = ShellPhone::new();
    let numbers: Vec<String> = (5..=52).map(|field| format!("{field}00")).collect();
    for name in ["init", "a b c", "))) (", "x) R 1 2 3 (y", ""] {
        let stat = phone.path("stat");
        fs::write(&stat, format!("1 ({name}) S 400 {}\n", numbers.join(" "))).unwrap();
        let script = plan.script(0, NONCE).text.replace("/proc/1/stat", stat.to_str().unwrap());
        let answer = crate::answer::read(&phone.run(&script), NONCE, &[]).unwrap();
        assert_eq!(answer.boot.unwrap().init_start, "2200", "{name}");
    }
}

#[test]
fn what_a_boot_wipes_is_set_in_another_boot_only() {
    let phone = ShellPhone::new();
    let boot = phone.act(&Action::default()).unwrap().boot.unwrap();
    let other = BootIdentity { init_start: "1".to_owned(), ..boot.clone() };
    for (known, expected) in [(Some(boot), ""), (Some(other), "v"), (None, "v")] {
        phone.set(NAME, "");
        let after = values(&[(NAME, "v")]);
        let action =
            Action { set_after_boot: after, known_boot: known.clone(), ..Action::default() };
        let reached = phone.act(&action).unwrap();
        assert_eq!(reached.shown[NAME].as_deref(), Some(expected), "{known:?}");
    }
    let both = Action {
        set: values(&[(NAME, "asked")]),
        set_after_boot: values(&[(NAME, "kept")]),
        read: vec![NAME.to_owned()],
        ..Action::default()
    };
    let reached = phone.act(&both).unwrap();
    assert_eq!(reached.shown[NAME].as_deref(), Some("asked"));
    assert_eq!(reached.shown.len(), 1);
}

#[test]
fn a_phone_that_starts_is_left_alone() {
    let phone = ShellPhone::new();
    for state in ["", "0", "11", "1\n1"] {
        phone.set("sys.boot_completed", state);
        assert_eq!(phone.act(&set(&[(NAME, "v")])), Err(Away::Booting), "{state:?}");
    }
    phone.unset("sys.boot_completed");
    assert_eq!(phone.act(&set(&[(NAME, "v")])), Err(Away::Booting));
    assert_eq!(phone.sets(), 0);
}

/// Who answers instead, in this machine's boot.
fn wrong(marker: &str) -> Away {
    let boot = ShellPhone::new().act(&Action::default()).unwrap().boot;
    Away::WrongDevice { marker: marker.to_owned(), boot }
}

#[test]
fn nothing_is_set_on_another_device() {
    for marker in ["foreign", "0123456789abcdef0123456789abcdef0", "*", "!", "=", "(", "-n", "-f"] {
        for adopt in [Adopt::No, Adopt::Unmarked] {
            let phone = ShellPhone::new();
            phone.set(MARKER_PROPERTY, marker);
            let action = Action { adopt, ..set(&[(NAME, "v")]) };
            assert_eq!(phone.act(&action), Err(wrong(marker)));
            assert_eq!(phone.sets(), 0);
            assert_eq!(phone.get(NAME), None);
        }
    }
    let phone = ShellPhone::new();
    phone.unset(MARKER_PROPERTY);
    assert_eq!(phone.act(&set(&[(NAME, "v")])), Err(wrong("")));
    assert_eq!(phone.sets(), 0);
}

#[test]
fn a_marker_may_be_any_text() {
    let (catalogue, action) = (catalogue(), set(&[(NAME, "v")]));
    for marker in ["$(touch ran)", "a'b", "*", "@FILE@ @KNOWN@", "=", "!"] {
        let mut device = device();
        device.marker = marker.to_owned();
        let phone = ShellPhone::new();
        phone.set(MARKER_PROPERTY, marker);
        let plan = Plan::new(&catalogue, &device, &action);
        let script = plan.script_with(0, NONCE, &phone.marker_file());
        let output = phone.run(&script.text);
        crate::answer::read(&output, NONCE, script.steps).unwrap();
        let expected = ["ignores", "properties", "refuses", "root-only", "sets", "settings"];
        assert_eq!(phone.entries(), expected);
    }
}

#[test]
fn adoption_leaves_the_marker_as_a_property() {
    let phone = ShellPhone::new();
    phone.unset(MARKER_PROPERTY);
    let action = Action { adopt: Adopt::Unmarked, ..set(&[(NAME, "v")]) };
    phone.act(&action).unwrap();
    assert_eq!(phone.get(MARKER_PROPERTY).as_deref(), Some(MARKER));
    assert_eq!(phone.get(NAME).as_deref(), Some("v"));
    assert!(!fs::exists(phone.marker_file()).unwrap());
    phone.act(&set(&[(NAME, "w")])).unwrap();
}

#[test]
fn without_root_adoption_leaves_the_marker_as_a_file() {
    for obstacle in ["refuses", "ignores"] {
        let phone = ShellPhone::new();
        phone.unset(MARKER_PROPERTY);
        fs::write(phone.path(obstacle).join(MARKER_PROPERTY), "").unwrap();
        let action = Action { adopt: Adopt::Unmarked, ..set(&[(NAME, "v")]) };
        phone.act(&action).unwrap();
        assert_eq!(fs::read_to_string(phone.marker_file()).unwrap(), format!("{MARKER}\n"));
        phone.act(&set(&[(NAME, "w")])).unwrap();
        assert_eq!(phone.get(NAME).as_deref(), Some("w"));

        fs::write(phone.marker_file(), "foreign").unwrap();
        let action = Action { adopt: Adopt::Unmarked, ..set(&[(NAME, "x")]) };
        assert_eq!(phone.act(&action), Err(wrong("foreign")));
        assert_eq!(phone.get(NAME).as_deref(), Some("w"));
    }
}

#[test]
fn a_foreign_marker_is_replaced_only_where_any_phone_may_be_adopted() {
    let any = Action { adopt: Adopt::Any, ..set(&[(NAME, "v")]) };
    let phone = ShellPhone::new();
    phone.set(MARKER_PROPERTY, "foreign");
    phone.act(&any).unwrap();
    assert_eq!(phone.get(MARKER_PROPERTY).as_deref(), Some(MARKER));
    assert_eq!(phone.get(NAME).as_deref(), Some("v"));

    let phone = ShellPhone::new();
    phone.unset(MARKER_PROPERTY);
    phone.refuse(MARKER_PROPERTY, "refuses");
    fs::write(phone.marker_file(), "foreign\n").unwrap();
    phone.act(&any).unwrap();
    assert_eq!(phone.file("marker file's place").unwrap(), format!("{MARKER}\n"));

    phone.set(MARKER_PROPERTY, "foreign");
    let Err(Away::Unmarkable(_)) = phone.act(&any) else { panic!("the property counts first") };
}

#[test]
fn a_phone_that_keeps_no_marker_is_not_adopted() {
    let phone = ShellPhone::new();
    phone.unset(MARKER_PROPERTY);
    fs::write(phone.path("refuses").join(MARKER_PROPERTY), "").unwrap();
    fs::create_dir(phone.marker_file()).unwrap();
    let action = Action { adopt: Adopt::Unmarked, ..set(&[(NAME, "v")]) };
    let Err(Away::Unmarkable(detail)) = phone.act(&action) else { panic!() };
    assert!(detail.contains("Failed to set property 'persist.fleetwright.id'"), "{detail}");
    assert_eq!(phone.get(NAME), None);
}

#[test]
fn a_refused_value_is_told_in_the_phones_words_and_the_rest_is_set() {
    let phone = ShellPhone::new();
    fs::write(phone.path("refuses").join(NAME), "").unwrap();
    let reached = phone.act(&set(&[(NAME, "v\nw"), ("persist.test.b", "v")])).unwrap();
    let said = "Failed to set property 'persist.test.a' to 'v (needs root: commands run as user \
                2000; give its profile the privilege \"su\", or use an image whose adbd runs as root)";
    assert_eq!(reached.faults[NAME], Fault::Refused(said.to_owned()));
    assert_eq!(reached.faults.len(), 1);
    assert_eq!(reached.shown[NAME].as_deref(), Some(""));
    assert_eq!(reached.shown["persist.test.b"].as_deref(), Some("v"));
}

#[test]
fn a_phone_that_lies_is_seen_through() {
    let phone = ShellPhone::new();
    fs::write(phone.path("ignores").join(NAME), "").unwrap();
    let reached = phone.act(&set(&[(NAME, "v")])).unwrap();
    assert!(reached.faults.is_empty());
    assert_eq!(reached.shown[NAME].as_deref(), Some(""));
}

#[test]
fn a_setprop_that_takes_a_dash_for_an_option_is_asked_otherwise() {
    let phone = ShellPhone::new();
    fs::write(phone.path("takes-dashes"), "").unwrap();
    let reached = phone.act(&set(&[(NAME, "-5")])).unwrap();
    assert_eq!(reached.shown[NAME].as_deref(), Some("-5"));
    assert!(reached.faults.is_empty());
}

#[test]
fn what_no_phone_can_hold_is_not_asked_of_it() {
    let phone = ShellPhone::new();
    let long = "é".repeat(46);
    let longest = format!("{}x", "é".repeat(45));
    let huge = "'".repeat(20_000);
    let action = Action {
        read: vec!["persist.other.z".to_owned()],
        ..set(&[
            (NAME, "a\0b"),
            ("persist.test.long", &long),
            ("persist.test.longest", &longest),
            ("ro.test.long", &long),
            ("ro.test.huge", &huge),
            ("sealed.lid", "open"),
            ("nowhere", "1"),
        ])
    };
    let reached = phone.act(&action).unwrap();
    assert!(matches!(&reached.faults[NAME], Fault::Refused(why) if why.contains("NUL")));
    let unsupported = |name: &str| match &reached.faults[name] {
        Fault::Unsupported(why) => why.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert!(unsupported("persist.test.long").contains("at most 91 bytes"));
    assert!(unsupported("ro.test.huge").contains("20000 bytes"));
    assert_eq!(unsupported("sealed.lid"), "it is sealed");
    assert_eq!(unsupported("nowhere"), "the profile phone knows no way to set it");
    assert_eq!(unsupported("persist.other.z"), "the profile phone knows no way to set it");
    assert_eq!(reached.faults.len(), 6);
    assert_eq!(reached.shown.len(), 2);
    assert_eq!(reached.shown["persist.test.longest"].as_deref(), Some(longest.as_str()));
    assert_eq!(reached.shown["ro.test.long"].as_deref(), Some(long.as_str()));
    assert_eq!(phone.sets(), 2);
}

#[test]
fn sixty_four_kilobytes_go_in_several_scripts_that_each_prove_identity() {
    let phone = ShellPhone::new();
    let pairs: Vec<(String, String)> = (0..600)
        .map(|n| (format!("persist.test.n{n}"), format!("{n:03}{}", "'".repeat(88))))
        .collect();
    let action = set(&pairs);
    let (catalogue, device) = (catalogue(), device());
    let plan = Plan::new(&catalogue, &device, &action);
    let mut done = 0;
    let mut scripts = 0;
    while done < plan.steps.len() {
        let script = plan.script(done, NONCE);
        assert!(script.text.len() <= SCRIPT_BYTES_MAX, "{}", script.text.len());
        assert!(!script.steps.is_empty());
        assert!(script.text.contains(MARKER));
        done += script.steps.len();
        scripts += 1;
    }
    assert!(scripts > 1);
    assert_eq!(phone.act(&action).unwrap().shown.len(), 600);
    for (name, value) in pairs {
        assert_eq!(phone.get(&name), Some(value));
    }
}

#[test]
fn no_script_is_longer_than_it_may_be() {
    let (catalogue, device) = (catalogue(), device());
    assert!(Plan::new(&catalogue, &device, &Action::default()).script(0, NONCE).text.len() < 2_048);
    for text in ["", "'", "a'b''", "é", "plain"] {
        assert_eq!(quote(text).len(), quote::quoted_bytes(text));
    }
    for profile in ["phone", "su"] {
        let device = Device { profile: profile.to_owned(), ..device.clone() };
        for (piece, count) in [("'", 80), ("x", 91), ("", 0)] {
            let names = ["persist.test.", "once.", "ro.test."];
            let pairs: Vec<(String, String)> = (0..200)
                .map(|n| (format!("{}{n}", names[n % 3]), piece.repeat(count)))
                .chain([
                    ("screen.brightness".to_owned(), piece.repeat(count)),
                    ("tool.value".to_owned(), piece.repeat(count)),
                    ("file.a".to_owned(), piece.repeat(count)),
                ])
                .collect();
            let action = Action { adopt: Adopt::Any, ..set(&pairs) };
            let plan = Plan::new(&catalogue, &device, &action);
            assert_eq!(plan.steps.len(), 203);
            let mut done = 0;
            while done < plan.steps.len() {
                let script = plan.script(done, NONCE);
                assert!(script.text.len() <= SCRIPT_BYTES_MAX, "{}", script.text.len());
                assert!(!script.steps.is_empty());
                done += script.steps.len();
            }
        }
        let empty = Action { adopt: Adopt::Any, ..Action::default() };
        let without = Plan::new(&catalogue, &device, &empty).script(0, NONCE).text.len();
        let functions: usize = FUNCTIONS.iter().map(|function| quote::quoted_bytes(function)).sum();
        assert!(without + functions < AROUND_STEPS_BYTES_MAX, "{without} {functions}");
    }
}

/// Texts that a shell would love to run, mixed with any others.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("'\\''".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("$(touch ran)".to_owned()),
        Just("`touch ran`".to_owned()),
        Just(";touch ran;".to_owned()),
        Just("|touch ran&".to_owned()),
        Just(">ran".to_owned()),
        Just("${PHONE}".to_owned()),
        Just("*".to_owned()),
        Just("~".to_owned()),
        Just("%s%n".to_owned()),
        Just("-".to_owned()),
        Just("\u{7f}".to_owned()),
        Just(format!("\n{NONCE} ")),
        // Dash keeps the bytes 0x81 to 0x88 for itself (CTLESC and its like).
        Just("\u{81}\u{82}\u{88}\u{c1}\u{101}".to_owned()),
        any::<char>().prop_filter("no NUL", |c| *c != '\0').prop_map(String::from),
        "[a-z0-9 ]{0,8}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| {
        let mut value = pieces.concat();
        while value.len() > 91 {
            value.pop();
        }
        value
    })
}

proptest! {
    // 320 scripts of 8 values: 2,560 values.
    #![proptest_config(ProptestConfig { cases: 320, ..ProptestConfig::default() })]

    #[test]
    fn every_value_arrives_as_itself_and_nothing_else_runs(
        texts in proptest::collection::vec(value(), 8),
        before in proptest::collection::vec(value(), 8),
        shell in proptest::sample::select(shells().collect::<Vec<_>>()),
    ) {
        let phone = ShellPhone::with_shell(shell);
        let pairs: Vec<(String, String)> =
            texts.into_iter().enumerate().map(|(n, v)| (format!("persist.test.{n}"), v)).collect();
        for (n, value) in before.iter().enumerate() {
            phone.set(&format!("persist.test.{n}"), value);
        }
        let nonce_is_foreseen = pairs.iter().any(|(_, value)| value.contains(NONCE));
        let reached = phone.act(&set(&pairs));
        for (name, value) in &pairs {
            let held = phone.get(name);
            prop_assert_eq!(held.as_ref(), Some(value));
        }
        let entries = phone.entries();
        prop_assert!(entries.iter().all(|name| name != "ran"));
        prop_assert!(entries.len() <= 6);
        if !nonce_is_foreseen {
            let reached = reached.unwrap();
            prop_assert!(reached.faults.is_empty(), "{:?}", reached.faults);
            for (name, value) in &pairs {
                prop_assert_eq!(reached.shown[name].as_ref(), Some(value));
            }
        }
    }
}
