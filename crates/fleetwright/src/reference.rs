//! The pages of reference that are made from the program itself, and the examples of its help.
//!
//! `UPDATE_DOCS=1` has a test write its page anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::{Args as _, Command, CommandFactory, Parser};

use crate::args::Args;
use crate::client::ServerOptions;
use crate::{config, exit};

/// The folder of the pages.
const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/");

/// The widest line of a page.
const WIDTH: usize = 98;

/// What stands above the list of commands.
const COMMANDS_HEAD: &str = "\
# The command line

Made from the program: the page of each command is what `--help` prints. `fleetwright man DIR`
writes the same as manual pages, and `fleetwright completions SHELL` what bash, zsh, fish,
powershell or elvish needs to complete it.

Commands that talk to a server prove themselves by `FLEETWRIGHT_TOKEN`, and take besides the flags
of their pages

| Flag | Environment | What |
| --- | --- | --- |
";

/// What stands above the statuses.
const STATUS_HEAD: &str = "
Data goes to stdout and everything else to stderr, so a script can go by either.

## Exit status

| Status | Means |
| --- | --- |
";

/// What stands below the table of statuses.
const STATUS_FOOT: &str = "
A status is about what was asked: `update --wait` ends with 1 when one of its jobs failed, `job
wait` with 3 when the job goes on after `--timeout`. `device check` ends with 0 if all holds, 1 if
something does not, and 2 if it could not ask. A reader that closes the pipe early, as `head` does,
is no error.

## Commands

| Command | What |
| --- | --- |
";

/// What stands above the settings.
const CONFIG_HEAD: &str = "\
# The server's configuration

Made from the program. Each setting has a name in the file that `serve --config FILE` reads (TOML:
what stands before the point is the section), and an environment variable that decides over the
file; a flag decides over both. `fleetwright config default` prints the file with every default, and
`fleetwright config check FILE` names everything that is wrong with one, each with its line. A name
that is not in this list is refused.
";

/// The command with nothing of this machine in it.
fn command() -> Command {
    let mut command = plain(Args::command());
    command.build();
    command
}

/// Without this machine's environment, and without what all commands have.
fn plain(command: Command) -> Command {
    command
        .term_width(WIDTH)
        .disable_help_flag(true)
        .mut_args(|arg| {
            let is_hidden = arg.is_global_set() || arg.is_hide_set();
            arg.hide_env_values(true).hide(is_hidden)
        })
        .mut_subcommands(plain)
}

/// Every command below one, itself first, each before those below it, with the names that lead to
/// it.
fn all(command: &Command) -> Vec<(String, Command)> {
    fn add(name: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        found.push((name.to_owned(), command.clone()));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            add(&format!("{name} {}", below.get_name()), below, found);
        }
    }
    let mut found = Vec::new();
    add(command.get_name(), command, &mut found);
    found
}

/// The page of the command line: what all commands have in common, and where each has its page.
fn commands_page() -> String {
    let mut page = COMMANDS_HEAD.to_owned();
    for arg in ServerOptions::augment_args(Command::new("any")).get_arguments() {
        let flag = arg.get_long().unwrap_or_default();
        let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "| `--{flag}` | {} | {help} |", variable.unwrap_or_default());
    }
    page += STATUS_HEAD;
    for (status, meaning) in exit::STATUSES {
        let _ = writeln!(page, "| {} | {meaning} |", *status as u8);
    }
    page += STATUS_FOOT;
    for command in command().get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let name = command.get_name();
        let _ = writeln!(page, "| [{name}](commands/{name}.md) | {about} |");
    }
    page
}

/// The page of a command and those below it.
fn command_page(command: &Command) -> String {
    let mut page = String::new();
    for (name, mut command) in all(command) {
        let level = if page.is_empty() { "#" } else { "\n##" };
        let help = command.render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        // No blank lines between flags.
        let mut text = String::new();
        for (at, line) in help.iter().enumerate() {
            let next = help.get(at + 1).copied().unwrap_or_default();
            if !line.is_empty() || !next.starts_with("      ") {
                let _ = writeln!(text, "{line}");
            }
        }
        let text = text.trim_end();
        let _ = write!(page, "{level} fleetwright {name}\n\n```text\n{text}\n```\n");
    }
    page
}

/// The page of the configuration.
fn configuration_page() -> String {
    let mut page = CONFIG_HEAD.to_owned();
    let defaults = config::Config::default();
    let mut section = None;
    for key in config::keys() {
        let here = key.name.split_once('.').map_or("", |(section, _)| section);
        if section.replace(here) != Some(here) {
            let title = if here.is_empty() { "Without a section" } else { here };
            let _ = write!(page, "\n## {title}\n\n| Name, variable | Default | Meaning |\n");
            page += "| --- | --- | --- |\n";
        }
        let default = match ((key.show)(&defaults), key.example) {
            (Some(value), _) => format!("`{value}`"),
            (None, "") => "none".to_owned(),
            (None, example) => format!("none; as `{example}`"),
        };
        let meaning = key.meaning.replace('\n', " ").replace('|', "\\|");
        let (name, variable) = (key.name, key.variable);
        let _ = writeln!(page, "| `{name}`<br>`{variable}` | {default} | {meaning} |");
    }
    page
}

/// Checks a page that is part of the documentation.
#[track_caller]
fn check(name: &str, page: &str) {
    let path = format!("{PAGES}{name}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let differs = page.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert_eq!(differs, None, "docs/reference/{name} is old: UPDATE_DOCS=1 writes it anew");
    assert_eq!(page.len(), written.len());
}

#[test]
fn the_pages_of_the_command_line_say_what_the_program_says() {
    check("command-line.md", &commands_page());
    let mut names = BTreeSet::new();
    for command in command().get_subcommands() {
        let name = format!("commands/{}.md", command.get_name());
        check(&name, &command_page(command));
        names.insert(name);
    }
    for entry in std::fs::read_dir(format!("{PAGES}commands")).unwrap() {
        let name = format!("commands/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(names.contains(&name), "docs/reference/{name} is of no command: remove it");
    }
}

#[test]
fn the_page_of_the_configuration_says_what_the_program_says() {
    check("configuration.md", &configuration_page());
}

/// The commands of the program in a help's examples, its indented lines, each as its words;
/// continued lines are joined.
fn examples(command: &Command) -> Vec<Vec<String>> {
    let text = [command.get_after_help(), command.get_after_long_help()]
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    let text = text.replace("\\\n", " ");
    text.lines()
        .filter(|line| line.starts_with("  "))
        .flat_map(|line| line.split("&&").flat_map(|part| part.split(" | ")))
        .filter_map(|part| {
            let at = begin(part)?;
            let mut words = words(&part[at..]);
            // It adds what it reads.
            let is_added = part[..at].contains("xargs ");
            words.extend(is_added.then(|| "ID".to_owned()));
            Some(words)
        })
        .collect()
}

/// Where the program is named: as a word of its own, the last one, since `sudo -u fleetwright
/// fleetwright serve` has two.
fn begin(line: &str) -> Option<usize> {
    let named = |(at, _): &(usize, &str)| line[..*at].chars().last().is_none_or(|c| c == ' ');
    line.rmatch_indices("fleetwright ").find(named).map(|(at, _)| at)
}

/// A line's words as a shell parts them, up to what ends a command; `$(...)` is one word.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut any) = (Vec::new(), String::new(), false);
    let (mut quote, mut depth) = (None, 0_u32);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') if depth == 0 => (quote, any) = (Some(c), true),
            (None, '(' | ')') => {
                depth = if c == '(' { depth + 1 } else { depth.saturating_sub(1) };
                word.push(c);
            }
            (None, ' ') if depth == 0 => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (None, '|' | '>' | ';' | '&') if depth == 0 => break,
            (None, '#') if depth == 0 && word.is_empty() => break,
            (None, '\\') if letters.peek().is_none() => break,
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What stands for something of the reader's own, as it can be parsed.
fn filled(word: &str) -> String {
    match word {
        "ID" | "JOB" | "UPDATE" => "0123456789abcdef0123456789abcdef".to_owned(),
        _ => word.to_owned(),
    }
}

#[test]
fn every_example_of_the_help_is_a_command_that_the_program_takes() {
    let (mut seen, mut wrong) = (0, String::new());
    for (name, command) in all(&command()) {
        for example in examples(&command) {
            let words: Vec<String> = example.iter().map(|word| filled(word)).collect();
            if let Err(error) = Args::try_parse_from(&words) {
                let _ = writeln!(wrong, "{name}: {words:?}: {error}");
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen > 80, "{seen}");
}

#[test]
fn every_command_without_others_below_it_has_an_example() {
    for (name, command) in all(&command()).into_iter().skip(1) {
        if !command.has_subcommands() {
            assert!(!examples(&command).is_empty(), "{name}");
        }
    }
}

#[test]
fn words_are_parted_as_a_shell_does() {
    let expect = |line: &str, expected: &[&str]| assert_eq!(words(line), expected, "{line}");
    expect("a 'b c' --d=\"e f\" '' | g", &["a", "b c", "--d=e f", ""]);
    expect("a $(b c) d && e", &["a", "$(b c)", "d"]);
    expect("a b   # c", &["a", "b"]);
}
