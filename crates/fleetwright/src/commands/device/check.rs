//! `fleetwright device check` and `start-args`.

use anyhow::Result;

use super::target::Target;
use crate::client::Client;
use crate::client::answers::{Check, CheckItem, StartArguments};
use crate::exit::Failure;
use crate::output;

/// Looks at a device and shows what was found. Errors: something does not hold, or nothing could be
/// asked.
pub fn check(client: &Client, target: &Target, is_json: bool) -> Result<()> {
    // Apart from what was found, as scripts go by the status: 1 is about the device.
    let asked = || -> Result<_> {
        let answer = client.get(&target.path("check"), &target.query())?;
        let check: Check = client.read(&answer)?;
        Ok((answer, check))
    };
    let (answer, check) = asked().map_err(|error| {
        Failure::usage(format!("the device could not be checked: {}", output::chain(&error)))
    })?;
    if is_json {
        output::json(&answer)?;
    } else {
        output::data(&words(&check.items))?;
    }
    if check.holds {
        return Ok(());
    }
    let failed = check.items.iter().filter(|item| item.result == "failed").count();
    let not_reached = check.items.iter().filter(|item| item.result == "not_reached").count();
    let unseen = match not_reached {
        0 => String::new(),
        more => format!(", {more} could not be looked at"),
    };
    Err(Failure::failed(format!("{}: {failed} failed{unseen}", target.id)).into())
}

/// What was found, for people: a line each, and its remedy below what failed.
fn words(items: &[CheckItem]) -> String {
    let width = items.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for item in items {
        let mark = match item.result.as_str() {
            "passed" => "ok",
            "failed" => "FAIL",
            "not_reached" => "not reached",
            other => other,
        };
        let (name, detail) = (output::clean(&item.name), output::clean(&item.detail));
        text.push_str(format!("{mark:11}  {name:width$}  {detail}").trim_end());
        text.push('\n');
        if let Some(remedy) = &item.remedy {
            text.push_str(&format!("{:11}  {:width$}  -> {}\n", "", "", output::clean(remedy)));
        }
    }
    text
}

/// Prints the arguments that a device's container has to be made with, one a line.
pub fn start_arguments(
    client: &Client,
    target: &Target,
    for_shell: bool,
    is_json: bool,
) -> Result<()> {
    let answer = client.get(&target.path("start-args"), &target.query())?;
    if is_json {
        return Ok(output::json(&answer)?);
    }
    let StartArguments { arguments } = client.read(&answer)?;
    if arguments.is_empty() {
        output::tell("Nothing that is asked of this device is fixed at its start.");
        return Ok(());
    }
    let lines: Vec<String> =
        arguments.iter().map(|word| if for_shell { quote(word) } else { word.clone() }).collect();
    Ok(output::data(&lines.join("\n"))?)
}

/// A word as a POSIX shell reads it back (POSIX.1-2024, Shell Command Language, 2.2.2): as it is
/// where nothing in it means anything to a shell, else in single quotes.
fn quote(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%=".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, result: &str, detail: &str, remedy: Option<&str>) -> CheckItem {
        let (name, result, detail) = (name.to_owned(), result.to_owned(), detail.to_owned());
        CheckItem { name, result, detail, remedy: remedy.map(str::to_owned) }
    }

    #[test]
    fn what_failed_is_shown_with_its_remedy() {
        let items = [
            item("reachable", "passed", "10.0.0.7:5555 answers", None),
            item("rights", "failed", "commands run as shell", Some("Start adbd as root.")),
            item("com.cph.mainkeys", "not_reached", "", None),
            item("ro.x", "unsupported", "\u{1b}[0m", None),
        ];
        insta::assert_snapshot!(words(&items), @"
        ok           reachable         10.0.0.7:5555 answers
        FAIL         rights            commands run as shell
                                       -> Start adbd as root.
        not reached  com.cph.mainkeys
        unsupported  ro.x              \\u{1b}[0m
        ");
    }

    #[test]
    fn a_quoted_word_comes_back_from_a_shell_as_it_was() {
        for word in
            ["androidboot.serialno=A1", "", "a b", "it's", "$(reboot)", "`x`", "a\nb", "\\", "ü*?~"]
        {
            let quoted = quote(word);
            let script = format!("printf %s {quoted}");
            let ran = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(ran.stdout).unwrap(), word, "{quoted}");
        }
        assert_eq!(quote("androidboot.serialno=A1"), "androidboot.serialno=A1");
    }
}
