//! The texts of a profile that a value or a record is put into: which `{placeholders}` they may
//! have, and how large they may be.

use std::ops::Range;

use toml::Spanned;

use super::{Misplaced, Problem};

/// Bytes of one such text, and of all arguments of one command together: a command is part of a
/// script of some tens of kilobytes, and a rule is kept once for each name that it expands.
const BYTES_MAX: usize = 4_096;
/// Arguments of one command.
const ARGUMENTS_MAX: usize = 64;

/// In the argument of a container.
pub(super) const VALUE: &[&str] = &["name", "value"];
/// In what reads, and in names: the value is not known there.
pub(super) const NAME: &[&str] = &["name"];
/// In the operator's commands.
pub(super) const RECORD: &[&str] = &["device", "project", "server", "container", "host", "port"];

/// A program and its arguments, as written.
pub(super) type Argv = Spanned<Vec<Spanned<String>>>;

/// Checks one text: its length, that it has no NUL, and that its placeholders are all in `known`.
pub(super) fn text(
    text: &Spanned<String>,
    known: &'static [&'static str],
) -> Result<(), Misplaced> {
    if text.get_ref().is_empty() {
        return Err((text.span(), Problem::Fields("the text is empty")));
    }
    argument(text, known)
}

/// Checks a program and its arguments, each as [`text`] does; arguments may be empty.
pub(super) fn argv(argv: &Argv, known: &'static [&'static str]) -> Result<Vec<String>, Misplaced> {
    let refuse = |problem| Err((argv.span(), Problem::Fields(problem)));
    let arguments = argv.get_ref();
    let Some(program) = arguments.first() else {
        return refuse("a command has at least its program");
    };
    text(program, known)?;
    if placeholders(program.get_ref()).next().is_some() {
        return Err((program.span(), Problem::Fields("nothing is put into the program's name")));
    }
    for part in arguments {
        argument(part, known)?;
    }
    for pair in arguments.windows(2) {
        if let [option, script] = pair
            && is_script_option(option.get_ref())
            && placeholders(script.get_ref()).any(|placeholder| placeholder != "name")
        {
            let problem = "this would be run as a part of the script: put it behind the script, \
                           which finds it as \"$0\"";
            return Err((script.span(), Problem::Fields(problem)));
        }
    }
    if arguments.len() > ARGUMENTS_MAX {
        return refuse("a command has at most 64 arguments");
    }
    if arguments.iter().map(|part| part.get_ref().len()).sum::<usize>() > BYTES_MAX {
        return refuse("a command has at most 4096 bytes");
    }
    Ok(arguments.iter().map(|part| part.get_ref().clone()).collect())
}

/// Whether an argument says that a script follows: `-c`, alone or behind other letters.
fn is_script_option(text: &str) -> bool {
    let letters = text.strip_prefix('-').unwrap_or_default();
    letters.ends_with('c') && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Checks one text that may be empty.
fn argument(text: &Spanned<String>, known: &'static [&'static str]) -> Result<(), Misplaced> {
    if text.get_ref().len() > BYTES_MAX {
        return Err((text.span(), Problem::Fields("the text has more than 4096 bytes")));
    }
    if text.get_ref().contains('\0') {
        return Err((text.span(), Problem::Fields("the text has a NUL character")));
    }
    match placeholders(text.get_ref()).find(|placeholder| !known.contains(placeholder)) {
        Some(unknown) => {
            let (placeholder, span) = (unknown.to_owned(), text.span());
            Err((span, Problem::Placeholder { placeholder, known: known.join("}, {") }))
        }
        None => Ok(()),
    }
}

/// Whether any of the texts has `{placeholder}`.
pub(super) fn has<'a>(texts: impl IntoIterator<Item = &'a String>, placeholder: &str) -> bool {
    texts.into_iter().any(|text| placeholders(text).any(|found| found == placeholder))
}

/// The words in braces of `text`: lower-case letters and `_` only, so that braces which mean
/// something to the program are left alone.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|after| after.split_once('}')).map(|(word, _)| word).filter(
        |word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        },
    )
}

/// The bytes of the file that a list of names takes, for what is wrong with all of them.
pub(super) fn span_of(names: &[Spanned<String>]) -> Range<usize> {
    match (names.first(), names.last()) {
        (Some(first), Some(last)) => first.span().start..last.span().end,
        _ => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_in_braces_and_nothing_else() {
        let found = |text| placeholders(text).collect::<Vec<_>>();
        assert_eq!(found("{value}"), ["value"]);
        assert_eq!(found("a{host}:{port}b{"), ["host", "port"]);
        assert_eq!(found("{{value}}"), ["value"]);
        assert_eq!(found("a{no_such}"), ["no_such"]);
        assert!(found("{} {0} {a b} ${v##* } {\"a\":1} a{1,3} }x{").is_empty());
    }
}
