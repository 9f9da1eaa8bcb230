use proptest::prelude::*;

use super::*;
use crate::fixtures::NONCE;

fn steps(names: &[&'static str]) -> Vec<Step<'static>> {
    let step = |property| Step { property, name: property, value: None, after_boot: false };
    names.iter().map(|name| step(*name)).collect()
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

#[test]
fn a_whole_answer_is_taken() {
    let records: &[(&str, &[u8])] = &[
        BOOT,
        ("fault 1 2000", b"Failed to set.\nSee dmesg."),
        ("value 0", b"\n\nx\n"),
        ("value 1", b""),
    ];
    let reached = read(&answer(records), NONCE, &steps(&["a", "b"])).unwrap();
    let boot = BootIdentity { kernel: "6f1e".to_owned(), init_start: "22".to_owned() };
    assert_eq!(reached.boot, Some(boot));
    assert_eq!(reached.shown["a"].as_deref(), Some("\n\nx\n"));
    assert_eq!(reached.shown["b"].as_deref(), Some(""));
    let fault = "Failed to set. (needs root: the shell runs as user 2000)";
    assert_eq!(reached.faults["b"], Fault::Refused(fault.to_owned()));
}

#[test]
fn root_is_not_asked_for_where_the_shell_is_root() {
    for (line, content, expected) in [
        ("fault 0 0", &b"no"[..], "no"),
        ("fault 0 ", b"no", "no"),
        ("fault 0 2000", b"", "setprop failed (needs root: the shell runs as user 2000)"),
        ("fault 0 0", b"\xff\x1b[2J", "\u{fffd}[2J"),
    ] {
        let answer = answer(&[BOOT, (line, content), ("value 0", b"")]);
        let reached = read(&answer, NONCE, &steps(&["a"])).unwrap();
        assert_eq!(reached.faults["a"], Fault::Refused(expected.to_owned()));
    }
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
    assert_eq!(away(&[("booting", b"")]), Away::Booting);
    assert_eq!(away(&[("wrong", b"")]), Away::WrongDevice("it bears no marker".to_owned()));
    let long = [b'm'; 4_000];
    let Away::WrongDevice(detail) = away(&[("wrong", &long)]) else { panic!() };
    assert!(detail.len() < 100, "{detail}");
    assert!(matches!(away(&[("unmarked", b"no")]), Away::Unauthorised(why) if why.ends_with("no")));
    assert!(matches!(away(&[("else", b"")]), Away::Garbled(_)));
    assert!(matches!(away(&[]), Away::Garbled(_)));
}

#[test]
fn a_missing_doubled_or_foreign_record_is_no_success() {
    let steps = steps(&["a", "b"]);
    let whole: &[(&str, &[u8])] = &[BOOT, ("value 0", b"1"), ("value 1", b"2")];
    assert!(read(&answer(whole), NONCE, &steps).is_ok());
    for records in [
        &[BOOT, ("value 0", b"1")][..],
        &[BOOT, ("value 0", b"1"), ("value 0", b"1")],
        &[BOOT, ("value 0", b"1"), ("value 1", b"2"), ("value 1", b"2")],
        &[BOOT, ("value 0", b"1"), ("value 2", b"2")],
        &[BOOT, ("value 0", b"1"), ("value x", b"2")],
        &[BOOT, ("value 0", b"1"), ("value 1", b"2"), ("booting", b"")],
        &[BOOT, ("value 0", b"1"), ("value 1", b"2"), BOOT],
        &[("value 0", b"1"), ("value 1", b"2")],
    ] {
        assert!(matches!(read(&answer(records), NONCE, &steps), Err(Away::Garbled(_))));
    }
    let mut late = answer(whole);
    late.stdout.push(b'x');
    assert!(matches!(read(&late, NONCE, &steps), Err(Away::Garbled(_))));
    let mut early = answer(whole);
    early.stdout.insert(0, b'x');
    assert!(matches!(read(&early, NONCE, &steps), Err(Away::Garbled(_))));
    let other = NONCE.replace('0', "1");
    assert!(matches!(read(&answer(whole), &other, &steps), Err(Away::Garbled(_))));
}

#[test]
fn what_is_not_utf8_is_not_shown_as_something_else() {
    let answer = answer(&[BOOT, ("value 0", b"\xff")]);
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
            "(fleetwright 1|boot|end|value 0|fault 0|wrong|\n| )".prop_map(String::into_bytes),
            Just(format!("\n{NONCE} ").into_bytes()),
            Just(format!("\n{NONCE} {FORM}\n\n{NONCE} boot\na\n1").into_bytes()),
        ], 0..12),
    ) {
        let _ = read(&output(pieces.concat()), NONCE, &steps(&["a"]));
    }

    #[test]
    fn a_truncated_answer_is_never_a_success(
        value in proptest::collection::vec(any::<u8>(), 0..30),
        cut in any::<proptest::sample::Index>(),
    ) {
        let whole = answer(&[BOOT, ("fault 0 2000", &value), ("value 0", &value)]);
        prop_assert!(read(&whole, NONCE, &steps(&["a"])).is_ok());
        let mut part = whole.clone();
        part.stdout.truncate(cut.index(whole.stdout.len()));
        prop_assert!(read(&part, NONCE, &steps(&["a"])).is_err());
    }
}
