//! A phone's bytes as what a script printed: an action's answer, that of a restart, that of a look.
//!
//! The phone need not be the one that it should be. Whatever it prints, what is kept of it is
//! bounded, and nothing counts as shown but what a step asked for.

#![no_main]

use fleet::catalogue::SetBy;
use fleet::limits;
use libfuzzer_sys::fuzz_target;
use phones::answer;
use phones::link::ShellOutput;
use phones::script::Step;

/// What the script began its records with; the seeds have it too.
const NONCE: &str = "N0NCE";

/// One step for each way in which a value is set.
fn steps<'a>(effect: &'a [String], get: &'a [String]) -> Vec<Step<'a>> {
    let step = |property, set_by, effect| Step {
        property,
        set_by,
        effect,
        value: Some("1"),
        after_boot: false,
    };
    vec![
        step("a.setprop", SetBy::Setprop { name: "a.setprop" }, &[]),
        step("b.once", SetBy::SetpropOncePerBoot { name: "ro.b.once" }, &[]),
        step("c.setting", SetBy::Settings { namespace: "global", key: "c" }, &[]),
        step("d.command", SetBy::Command { set: get, get }, effect),
        step("e.unread", SetBy::Command { set: get, get: &[] }, &[]),
        step("f.file", SetBy::File { path: "/data/local/tmp/f" }, &[]),
        step("g.start", SetBy::StartArgument { name: "ro.g", argument: "g={value}" }, &[]),
    ]
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte is how the shell ended, and what follows a vertical tab its complaints.
    let Some((exit_code, printed)) = bytes.split_first() else { return };
    let mut parts = printed.splitn(2, |byte| *byte == 0x0b);
    let stdout = parts.next().unwrap_or_default().to_vec();
    let stderr = parts.next().unwrap_or_default().to_vec();
    let output = ShellOutput { stdout, stderr, exit_code: *exit_code };

    let effect = ["dumpsys".to_owned(), "d".to_owned()];
    let get = ["getprop".to_owned(), "d".to_owned()];
    let steps = steps(&effect, &get);
    if let Ok(reached) = answer::read(&output, NONCE, &steps) {
        let asked = |name: &String| steps.iter().any(|step| step.property == name);
        assert!(reached.shown.keys().all(asked), "shown: {:?}", reached.shown);
        assert!(reached.faults.keys().all(asked), "faults: {:?}", reached.faults);
        assert!(reached.effects.keys().all(asked), "effects: {:?}", reached.effects);
        let facts = reached.facts.iter().flat_map(|facts| facts.0.values());
        for fact in facts {
            assert!(fact.len() <= limits::DETAIL_BYTES_MAX, "a fact of {} bytes", fact.len());
        }
    }
    let _ = answer::power(&output, NONCE);
    let examination = answer::examination(&output, NONCE);
    let marker = examination.marker.map_or(0, |marker| marker.len());
    assert!(marker <= limits::DETAIL_BYTES_MAX, "a marker of {marker} bytes");
});
