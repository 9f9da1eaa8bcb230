//! `rm`, `mkdir`, `mv` and `chmod` on a phone's files.

use super::{FileError, FileKind, Outcome, System};

/// Runs one of the file commands; none when `args` names another command.
pub fn run(system: &dyn System, args: &[&[u8]]) -> Option<Outcome> {
    let (name, rest) = args.split_first()?;
    let known: &[u8] = match *name {
        b"rm" => b"frR",
        b"mkdir" => b"p",
        b"mv" => b"f",
        b"chmod" => return Some(chmod(system, rest)),
        _ => return None,
    };
    let name = String::from_utf8_lossy(name);
    let (flags, paths) = match split_flags(rest, known) {
        Ok(split) => split,
        Err(flag) => {
            let text = format!("{name}: Unknown option '{flag}'\n");
            return Some(Outcome::error(1, text));
        }
    };
    let set = |flag: &u8| flags.contains(flag);
    if paths.is_empty() && !(*name == *"rm" && set(&b'f')) {
        return Some(Outcome::error(1, format!("{name}: Needs 1 argument\n")));
    }
    Some(match &*name {
        "rm" => rm(system, paths, set(&b'r') || set(&b'R'), set(&b'f')),
        "mkdir" => each(paths, "mkdir", |path| system.make_directory(path, set(&b'p'))),
        _ => mv(system, paths),
    })
}

/// Splits `-xy` arguments off; an unknown flag is given back.
fn split_flags<'a>(args: &'a [&'a [u8]], known: &[u8]) -> Result<(Vec<u8>, &'a [&'a [u8]]), char> {
    let mut flags = Vec::new();
    let mut rest = args;
    while let Some((arg, behind)) = rest.split_first() {
        match arg {
            [b'-', b'-'] => return Ok((flags, behind)),
            [b'-', letters @ ..] if !letters.is_empty() => {
                if let Some(other) = letters.iter().find(|letter| !known.contains(letter)) {
                    return Err(char::from(*other));
                }
                flags.extend_from_slice(letters);
            }
            _ => break,
        }
        rest = behind;
    }
    Ok((flags, rest))
}

/// Does `act` for each path and reports what failed.
fn each(paths: &[&[u8]], name: &str, act: impl Fn(&[u8]) -> Result<(), FileError>) -> Outcome {
    let mut outcome = Outcome::default();
    for path in paths {
        if let Err(error) = act(path) {
            let text = format!("{name}: {}: {error}\n", String::from_utf8_lossy(path));
            outcome.stderr.extend_from_slice(text.as_bytes());
            outcome.status = 1;
        }
    }
    outcome
}

/// `rm`: with `force`, what is missing is no failure.
fn rm(system: &dyn System, paths: &[&[u8]], tree: bool, force: bool) -> Outcome {
    each(paths, "rm", |path| match system.remove(path, tree) {
        Err(FileError::Missing) if force => Ok(()),
        result => result,
    })
}

/// `mv FROM TO`, where TO may be a directory.
fn mv(system: &dyn System, paths: &[&[u8]]) -> Outcome {
    let [from, to] = paths else {
        return Outcome::error(1, "mv: Needs 2 arguments\n");
    };
    let mut to = to.to_vec();
    if system.stat(&to).is_some_and(|stat| stat.kind == FileKind::Directory) {
        to.push(b'/');
        to.extend(from.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
    }
    each(&[from], "mv", |from| system.rename(from, &to))
}

/// `chmod MODE FILE...`: modes are checked for their form (toybox takes octal and symbolic ones).
fn chmod(system: &dyn System, args: &[&[u8]]) -> Outcome {
    let Some((mode, paths)) = args.split_first().filter(|(_, paths)| !paths.is_empty()) else {
        return Outcome::error(1, "chmod: Needs 2 arguments\n");
    };
    let octal =
        (1..=4).contains(&mode.len()) && mode.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let symbolic = mode.iter().any(|byte| b"+-=".contains(byte))
        && mode.iter().all(|byte| b"ugoarwxXst+-=,".contains(byte));
    if !octal && !symbolic {
        let mode = String::from_utf8_lossy(mode);
        return Outcome::error(1, format!("chmod: bad mode '{mode}'\n"));
    }
    each(paths, "chmod", |path| system.change_mode(path))
}
