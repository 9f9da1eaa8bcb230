use engine::Fault;
use fleet::Facts;
use fleet::catalogue::SetBy;
use proptest::prelude::*;

use super::*;
use crate::fixtures::NONCE;
use crate::script::FORM;

fn step(property: &'static str) -> Step<'static> {
    let set_by = SetBy::Setprop { name: property };
    Step { property, set_by, effect: &[], value: Some("v"), after_boot: false }
}

fn steps(names: &[&'static str]) -> Vec<Step<'static>> {
    names.iter().map(|name| step(name)).collect()
}

fn output(stdout: impl Into<Vec<u8>>) -> ShellOutput {
    ShellOutput { stdout: stdout.into(), ..ShellOutput::default() }
}

/// An answer with these records between its form and its end.
fn answer(records: &[(&str, &[u8])]) -> ShellOutput {
    let mut stdout = format!("\n{NONCE} {FORM}\n").into_bytes();
    for (line, content) in records {
        stdout.extend_from_slice(format!("\n{NONCE} {line}\n").as_bytes());
        stdout.extend_from_slice(content);
    }
    stdout.extend_from_slice(format!("\n{NONCE} end\n").as_bytes());
    output(stdout)
}

const BOOT: (&str, &[u8]) = ("boot", b"6f1e\n22");

const REMEDY: &str = "(needs root: commands run as user 2000; give its profile the privilege \"su\", \
                      or use an image whose adbd runs as root)";

#[test]
fn a_whole_answer_is_taken() {
    let records: &[(&str, &[u8])] = &[
        BOOT,
        ("fact model", b"Pixel\n"),
        ("fact build", b""),
        ("fact user", b"2000"),
        ("fault 1 2000", b"Failed to set.\nSee dmesg."),
        ("value 0 0", b"\n\nx\n"),
        ("value 1 0", b""),
    ];
    let reached = read(&answer(records), NONCE, &steps(&["a", "b"])).unwrap();
    let boot = BootIdentity { kernel: "6f1e".to_owned(), init_start: "22".to_owned() };
    assert_eq!(reached.boot, Some(boot));
    assert_eq!(reached.shown["a"].as_deref(), Some("\n\nx\n"));
    assert_eq!(reached.shown["b"].as_deref(), Some(""));
    assert_eq!(reached.faults["b"], Fault::Refused(format!("Failed to set. {REMEDY}")));
    let facts = [(Facts::MODEL, "Pixel"), (Facts::RIGHTS, "shell"), (Facts::USER, "2000")];
    let facts = facts.map(|(name, said)| (name.to_owned(), said.to_owned())).into();
    assert_eq!(reached.facts, Some(Facts(facts)));
}

#[test]
fn root_is_not_asked_for_where_the_shell_is_root() {
    let without_words = format!("setprop failed {REMEDY}");
    for (line, content, expected) in [
        ("fault 0 0", &b"no"[..], "no"),
        ("fault 0 ", b"no", "no"),
        ("fault 0 2000", b"", &without_words),
        ("fault 0 0", b"\xff\x1b[2J", "\u{fffd}[2J"),
    ] {
        let answer = answer(&[BOOT, (line, content), ("value 0 0", b"")]);
        let reached = read(&answer, NONCE, &steps(&["a"])).unwrap();
        assert_eq!(reached.faults["a"], Fault::Refused(expected.to_owned()));
    }
    let records: &[(&str, &[u8])] = &[
        BOOT,
        ("su", b"su: \nsu: inaccessible"),
        ("fault 0 2000", &[b'n'; 400]),
        ("value 0 0", b""),
    ];
    let reached = read(&answer(records), NONCE, &steps(&["a"])).unwrap();
    let Fault::Refused(why) = &reached.faults["a"] else { panic!() };
    assert!(why.contains("needs root: commands run as user 2000, since its profile's su"), "{why}");
    assert!(why.len() <= limits::DETAIL_BYTES_MAX, "{}", why.len());
}

#[test]
fn each_way_of_setting_is_read_in_its_own_way() {
    let none = Vec::new();
    let program = vec!["tool".to_owned(), "{value}".to_owned()];
    let with = |set_by| Step { set_by, ..step("a") };
    let of = |step: Step<'_>, line: &str, said: &[u8]| {
        read(&answer(&[BOOT, (line, said)]), NONCE, &[step]).unwrap()
    };
    let refused = |step, line, said| match of(step, line, said).faults.remove("a") {
        Some(Fault::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    let setting = with(SetBy::Settings { namespace: "system", key: "k" });
    assert_eq!(of(setting, "value 0 0", b"null").shown["a"], None);
    assert_eq!(of(setting, "value 0 0", b"nul").shown["a"].as_deref(), Some("nul"));
    assert_eq!(of(step("a"), "value 0 0", b"null").shown["a"].as_deref(), Some("null"));
    let why = refused(setting, "value 0 255", b"");
    assert_eq!(why, "settings ended with 255 when asked for the value");

    let file = with(SetBy::File { path: "/f" });
    assert_eq!(of(file, "none 0", b"").shown["a"], None);
    assert_eq!(of(file, "value 0 0", b"x\n").shown["a"].as_deref(), Some("x\n"));
    assert_eq!(refused(file, "value 0 -", b""), "it shows more than fits into an answer");

    let once = with(SetBy::SetpropOncePerBoot { name: "ro.a" });
    let why = refused(once, "value 0 0", b"other");
    let expected =
        "ro.a is set once a boot and holds other: it takes the value at the next restart";
    assert_eq!(why, expected);
    assert!(of(once, "value 0 0", b"v").faults.is_empty());
    assert!(of(once, "value 0 0", b"").faults.is_empty());

    let start = with(SetBy::StartArgument { name: "ro.a", argument: "boot.a={value}" });
    let reached = of(start, "value 0 0", b"other");
    assert_eq!(reached.faults["a"], Fault::NeedsRecreate("boot.a=v".to_owned()));
    assert_eq!(reached.shown["a"].as_deref(), Some("other"));
    assert!(of(start, "value 0 0", b"v").faults.is_empty());
    assert!(of(Step { value: None, ..start }, "value 0 0", b"other").faults.is_empty());

    let blind = with(SetBy::Command { set: &program, get: &none });
    let reached = of(blind, "done 0", b"");
    assert!(reached.acknowledged.contains("a") && reached.shown.is_empty());
    assert_eq!(refused(blind, "fault 0 2000", b""), "tool failed (as user 2000)");
    assert_eq!(refused(blind, "fault 0 0", b"no"), "no");

    let effect = Step { effect: &program, ..step("a") };
    let records: &[(&str, &[u8])] = &[BOOT, ("value 0 0", b"v"), ("effect 0 1", b" a \n")];
    let reached = read(&answer(records), NONCE, &[effect]).unwrap();
    assert_eq!(reached.effects["a"], "a");
    assert!(read(&answer(&records[..2]), NONCE, &[effect]).is_err());
    let only_read = Step { value: None, ..effect };
    assert!(read(&answer(&records[..2]), NONCE, &[only_read]).is_ok());
}

#[test]
fn a_hidden_boot_is_none_and_half_a_boot_is_one() {
    let boot = |content: &'static [u8]| {
        read(&answer(&[("boot", content)]), NONCE, &[]).map(|reached| reached.boot)
    };
    assert_eq!(boot(b"\n"), Ok(None));
    assert_eq!(boot(b"\n7").unwrap().unwrap().init_start, "7");
    assert_eq!(boot(b"k\n").unwrap().unwrap().kernel, "k");
    for content in [&b""[..], b"k", b"k/\n7", b"k\n7\n", b"\xff\n", &[b'1'; 99]] {
        assert!(matches!(boot(content), Err(Away::Garbled(_))), "{content:?}");
    }
}

#[test]
fn every_refusal_has_its_own_name() {
    let away = |records: &[(&str, &[u8])]| read(&answer(records), NONCE, &[]).unwrap_err();
    let boot = Some(BootIdentity { kernel: "6f1e".to_owned(), init_start: "22".to_owned() });
    assert_eq!(away(&[("booting", b"")]), Away::Booting);
    let expected = Away::WrongDevice { marker: String::new(), boot: boot.clone() };
    assert_eq!(away(&[BOOT, ("wrong", b"")]), expected);
    let long = [b'm'; 4_000];
    let expected = Away::WrongDevice { marker: "m".repeat(MARKER_BYTES_MAX), boot };
    assert_eq!(away(&[BOOT, ("wrong", &long)]), expected);
    assert!(
        matches!(away(&[BOOT, ("unmarked", b"no")]), Away::Unmarkable(why) if why.ends_with("no"))
    );
    assert!(matches!(away(&[("wrong", b"")]), Away::Garbled(_)), "the boot comes first");
    assert!(matches!(away(&[BOOT, ("else", b"")]), Away::Garbled(_)));
    assert!(matches!(away(&[]), Away::Garbled(_)));
}

#[test]
fn what_a_phone_does_when_told_is_told() {
    let told = |records: &[(&str, &[u8])]| power(&answer(records), NONCE);
    assert_eq!(told(&[BOOT]), Ok(PowerReport::Told));
    assert_eq!(told(&[BOOT, ("other", b"")]), Ok(PowerReport::OtherBoot));
    assert_eq!(told(&[("booting", b"")]), Err(Away::Booting));
    let refused = |why: &str| Ok(PowerReport::Refused(why.to_owned()));
    assert_eq!(told(&[BOOT, ("refused 0", b"locked")]), refused("locked"));
    assert_eq!(told(&[BOOT, ("refused 0", b"")]), refused("it did not say why"));
    assert_eq!(told(&[BOOT, ("refused 2000", b"no")]), refused(&format!("no {REMEDY}")));
    assert!(matches!(told(&[BOOT, ("wrong", b"x")]), Err(Away::WrongDevice { .. })));
    for records in [&[BOOT, ("value 0 0", &b""[..])][..], &[BOOT, ("other", b""), ("other", b"")]] {
        assert!(matches!(told(records), Err(Away::Garbled(_))));
    }
}

#[test]
fn a_look_takes_what_there_is() {
    let look = |records: &[(&str, &[u8])]| examination(&answer(records), NONCE);
    let whole: &[(&str, &[u8])] = &[
        BOOT,
        ("marker", b"mark"),
        ("fact model", b"Pixel"),
        ("fact user", b"0"),
        ("clock", b"1700000000"),
    ];
    let seen = look(whole);
    assert_eq!((seen.away, seen.marker.as_deref()), (None, Some("mark")));
    assert_eq!((seen.facts.get("model"), seen.facts.get("rights")), (Some("Pixel"), Some("root")));
    assert_eq!(seen.boot.unwrap().kernel, "6f1e");
    assert_eq!(seen.clock_seconds, Some(1_700_000_000));
    let booting = look(&[("booting", b""), BOOT, ("marker", b""), ("clock", b"?")]);
    assert_eq!((booting.away, booting.marker.as_deref()), (Some(Away::Booting), Some("")));
    assert_eq!(booting.clock_seconds, None);
    for records in [&[BOOT][..], &[BOOT, ("marker", b""), ("value 0 0", b"")]] {
        assert!(matches!(look(records).away, Some(Away::Garbled(_))));
    }
}

#[test]
fn a_missing_doubled_or_foreign_record_is_no_success() {
    let steps = steps(&["a", "b"]);
    let whole: &[(&str, &[u8])] = &[BOOT, ("value 0 0", b"1"), ("value 1 0", b"2")];
    assert!(read(&answer(whole), NONCE, &steps).is_ok());
    for added in [
        &[("value 1 0", &b"2"[..]), ("value 1 0", b"2")][..],
        &[("value 0 0", b"1")],
        &[("value 2 0", b"2")],
        &[("value x 0", b"2")],
        &[("value 1 0", b"2"), ("booting", b"")],
        &[("value 1 0", b"2"), ("none 0", b"")],
        &[("value 1 0", b"2"), ("done 0", b"")],
        &[("value 1 0", b"2"), ("effect 0 0", b"")],
        &[("value 1 0", b"2"), ("fact shoe", b"42")],
        &[("value 1 0", b"2"), ("fault 0 0", b""), ("fault 0 0", b"")],
        &[("value 1 0", b"2"), BOOT],
        &[],
    ] {
        let records = [&whole[..2], added].concat();
        assert!(matches!(read(&answer(&records), NONCE, &steps), Err(Away::Garbled(_))));
    }
    assert!(matches!(read(&answer(&whole[1..]), NONCE, &steps), Err(Away::Garbled(_))));
    let mut late = answer(whole);
    late.stdout.push(b'x');
    assert!(matches!(read(&late, NONCE, &steps), Err(Away::Garbled(_))));
}

#[test]
fn what_is_not_utf8_is_not_shown_as_something_else() {
    let answer = answer(&[BOOT, ("value 0 0", b"\xff")]);
    let reached = read(&answer, NONCE, &steps(&["a"])).unwrap();
    assert!(reached.shown.is_empty());
    assert!(matches!(&reached.faults["a"], Fault::Refused(why) if why.contains("UTF-8")));
}

#[test]
fn the_shells_complaint_is_repeated_in_short() {
    let mut broken = output("");
    broken.stderr = [b"\nsh: syntax error\nmore\n".as_slice(), &[b'y'; 9_000]].concat();
    broken.exit_code = 2;
    let expected = "not in the expected form (the shell ended with 2: sh: syntax error)";
    assert_eq!(read(&broken, NONCE, &[]), Err(Away::Garbled(expected.to_owned())));
    broken.stderr = [b'y'; 9_000].to_vec();
    let Err(Away::Garbled(detail)) = read(&broken, NONCE, &[]) else { panic!() };
    assert!(detail.len() < limits::DETAIL_BYTES_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(
        pieces in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            "(fleetwright 2|boot|end|value 0 0|fault 0|fact model|su|marker|wrong|\n| )".prop_map(String::into_bytes),
            Just(format!("\n{NONCE} ").into_bytes()),
            Just(format!("\n{NONCE} {FORM}\n\n{NONCE} boot\na\n1").into_bytes()),
        ], 0..12),
    ) {
        let output = output(pieces.concat());
        let _ = read(&output, NONCE, &steps(&["a"]));
        let _ = power(&output, NONCE);
        let _ = examination(&output, NONCE);
    }

    #[test]
    fn a_truncated_answer_is_never_a_success(
        value in proptest::collection::vec(any::<u8>(), 0..30),
        cut in any::<proptest::sample::Index>(),
    ) {
        let whole = answer(&[BOOT, ("fault 0 2000", &value), ("value 0 0", &value)]);
        prop_assert!(read(&whole, NONCE, &steps(&["a"])).is_ok());
        let mut part = whole.clone();
        part.stdout.truncate(cut.index(whole.stdout.len()));
        prop_assert!(read(&part, NONCE, &steps(&["a"])).is_err());
    }
}
