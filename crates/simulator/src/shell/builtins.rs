//! The commands of the shell itself.

use std::time::Duration;

use super::ast::List;
use super::interpreter::{Io, Shell, Stop};
use super::{FileKind, OUTPUT_BYTES_MAX, Outcome, SHELL, condition, files, parser, printf};

/// Longest `sleep`.
const SLEEP_MAX: Duration = Duration::from_secs(300);

/// Programs that may end the phone's boot, and the script with it.
const LAST_WORDS: &[&[u8]] = &[b"reboot", b"cmd"];

/// The names that [`Shell::run`] knows, for `command -v`.
const NAMES: &[&[u8]] = &[
    b":",
    b".",
    b"[",
    b"break",
    b"cat",
    b"chmod",
    b"command",
    b"continue",
    b"echo",
    b"eval",
    b"exit",
    b"export",
    b"false",
    b"local",
    b"mkdir",
    b"mv",
    b"printf",
    b"read",
    b"readonly",
    b"return",
    b"rm",
    b"set",
    b"shift",
    b"sleep",
    b"test",
    b"true",
    b"unset",
];

impl Shell {
    /// Runs a command that is no function. `args` begins with its name.
    pub(super) async fn run(&mut self, args: &[Vec<u8>], io: &Io) -> Result<(), Stop> {
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let Some((name, rest)) = args.split_first() else { return Ok(()) };
        let outcome = match *name {
            b":" | b"true" => Outcome::default(),
            b"false" => Outcome::status(1),
            b"echo" => printf::echo(rest),
            b"printf" => printf::printf(rest, OUTPUT_BYTES_MAX),
            b"test" => self.test(rest),
            b"[" => match rest.split_last() {
                Some((&b"]", rest)) => self.test(rest),
                _ => Outcome::error(2, format!("{SHELL}: [: missing ]\n")),
            },
            b"cat" => return self.cat(rest, io).await,
            b"read" => return self.read(rest, io).await,
            b"sleep" => return self.sleep(rest, io).await,
            b"eval" => return self.eval(&rest.join(&b' '), io).await,
            b"." => return self.source(rest, io).await,
            b"break" | b"continue" => return self.leave_loop(name, rest),
            b"return" => return self.leave(rest, Stop::Return, io),
            b"exit" => return self.leave(rest, Stop::Exit, io),
            b"set" => return self.set(rest, io),
            b"shift" => return self.shift(rest, io),
            b"unset" => self.unset_all(rest),
            b"export" | b"readonly" | b"local" => return self.declare(name, rest, io),
            b"command" => return self.command_builtin(rest, io).await,
            b"sh" => return self.sh(rest, io).await,
            b"su" => return self.su(rest, io).await,
            _ => match files::run(&*self.system, &args) {
                Some(outcome) => outcome,
                None => return self.external(&args, io).await,
            },
        };
        self.finish(&outcome, io)
    }

    /// A command of the phone. What the script said so far goes out first: the command may be
    /// the last thing that happens.
    async fn external(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        if LAST_WORDS.contains(&args.first().copied().unwrap_or_default()) {
            self.flush().await?;
        }
        let system = std::sync::Arc::clone(&self.system);
        match system.command(args).await {
            Some(outcome) => self.finish(&outcome, io),
            None => self.not_found(args.first().copied().unwrap_or_default(), io),
        }
    }

    /// `test`, `[`.
    fn test(&self, args: &[&[u8]]) -> Outcome {
        match condition::test(&*self.system, args) {
            Ok(value) => Outcome::status(u8::from(!value)),
            Err(message) => Outcome::error(2, format!("{SHELL}: test: {message}\n")),
        }
    }

    /// `cat FILE...`, or standard input.
    async fn cat(&mut self, paths: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let mut status = 0;
        let own: &[&[u8]] = &[b"-"];
        for path in if paths.is_empty() { own } else { paths } {
            if *path == b"-" {
                while let Some(chunk) = io.stdin.chunk().await {
                    self.write(&io.stdout, &chunk)?;
                    self.flush().await?;
                }
                continue;
            }
            match self.system.read(path) {
                Ok(bytes) => self.write(&io.stdout, &bytes)?,
                Err(error) => {
                    let path = String::from_utf8_lossy(path);
                    self.write(&io.stderr, format!("cat: {path}: {error}\n").as_bytes())?;
                    status = 1;
                }
            }
        }
        self.status = status;
        Ok(())
    }

    /// `read [-r] NAME...`: one line, split by IFS; the last name takes the rest.
    async fn read(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let raw = args.first() == Some(&b"-r".as_slice());
        let names = args.get(usize::from(raw)..).unwrap_or_default();
        let reply: &[&[u8]] = &[b"REPLY"];
        let names = if names.is_empty() { reply } else { names };
        self.flush().await?;
        // Each byte with whether a backslash protects it.
        let mut line: Vec<(u8, bool)> = Vec::new();
        let mut ended = false;
        while let Some(byte) = io.stdin.byte().await {
            match byte {
                b'\n' => {
                    ended = true;
                    break;
                }
                b'\\' if !raw => match io.stdin.byte().await {
                    Some(b'\n') => {}
                    Some(byte) => line.push((byte, true)),
                    None => break,
                },
                // A shell drops NULs.
                0 => {}
                byte => line.push((byte, false)),
            }
            if line.len() > super::TEXT_BYTES_MAX {
                return Err(self.fatal(io, "read: line too long"));
            }
        }
        let ifs = self.variable(b"IFS").unwrap_or_else(|| b" \t\n".to_vec());
        for (name, value) in names.iter().zip(split_line(&line, names.len(), &ifs)) {
            self.assign(name, value, io)?;
        }
        self.status = u8::from(!ended);
        Ok(())
    }

    /// `sleep SECONDS`, with a fraction.
    async fn sleep(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let seconds = args.first().and_then(|text| std::str::from_utf8(text).ok());
        let time = seconds
            .and_then(|text| text.trim_end_matches('s').parse().ok())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let Some(time) = time else {
            return self.finish(&Outcome::error(1, "sleep: bad time\n"), io);
        };
        self.flush().await?;
        tokio::time::sleep(time.min(SLEEP_MAX)).await;
        self.status = 0;
        Ok(())
    }

    /// Runs text as commands of this shell.
    async fn eval(&mut self, text: &[u8], io: &Io) -> Result<(), Stop> {
        let list: List = match parser::parse(text) {
            Ok(list) => list,
            Err(error) => return Err(self.fatal(io, &error.to_string())),
        };
        if list.is_empty() {
            self.status = 0;
        }
        self.list(&list, io).await
    }

    /// `. FILE`.
    async fn source(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let path = args.first().copied().unwrap_or_default();
        match self.system.read(path) {
            Ok(text) => match self.eval(&text, io).await {
                Err(Stop::Return) => Ok(()),
                result => result,
            },
            Err(error) => {
                let path = String::from_utf8_lossy(path).into_owned();
                Err(self.fatal(io, &format!(".: can't open '{path}': {error}")))
            }
        }
    }

    /// `break [N]`, `continue [N]`; outside of loops they do nothing.
    fn leave_loop(&mut self, name: &[u8], args: &[&[u8]]) -> Result<(), Stop> {
        self.status = 0;
        let levels = args.first().and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let levels = levels.unwrap_or(1).clamp(1, self.loops().max(1));
        match (self.loops(), name) {
            (0, _) => Ok(()),
            (_, b"break") => Err(Stop::Break(levels)),
            _ => Err(Stop::Continue(levels)),
        }
    }

    /// `return [STATUS]`, `exit [STATUS]`.
    fn leave(&mut self, args: &[&[u8]], stop: Stop, io: &Io) -> Result<(), Stop> {
        if let Some(text) = args.first() {
            let text = String::from_utf8_lossy(text).into_owned();
            match text.parse::<u32>() {
                Ok(status) => self.status = status.to_le_bytes()[0],
                Err(_) => return Err(self.fatal(io, &format!("Illegal number: {text}"))),
            }
        }
        Err(stop)
    }

    /// `set -- ARG...`; the options of `set` do not exist here.
    fn set(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let values = match args.split_first() {
            None => return self.finish(&Outcome::default(), io),
            Some((&b"--", values)) => values,
            Some(([b'-' | b'+', _, ..], _)) => {
                let option = String::from_utf8_lossy(args.first().unwrap_or(&b"".as_slice()));
                let message = format!("set: {option}: not supported here");
                return Err(self.fatal(io, &message));
            }
            Some(_) => args,
        };
        self.set_positional(values.iter().map(|value| value.to_vec()).collect());
        self.status = 0;
        Ok(())
    }

    /// `shift [N]`.
    fn shift(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let count = args.first().map(|text| String::from_utf8_lossy(text).parse());
        let count: usize = count.and_then(Result::ok).unwrap_or(1);
        match self.positional().get(count..) {
            Some(rest) => {
                let rest = rest.to_vec();
                self.set_positional(rest);
                self.status = 0;
                Ok(())
            }
            None => Err(self.fatal(io, "shift: can't shift that many")),
        }
    }

    /// `unset [-f|-v] NAME...`.
    fn unset_all(&mut self, args: &[&[u8]]) -> Outcome {
        let function = args.first() == Some(&b"-f".as_slice());
        for name in args.iter().filter(|name| !name.starts_with(b"-")) {
            self.unset(name, function);
        }
        Outcome::default()
    }

    /// `local NAME[=VALUE]...` and `export NAME[=VALUE]...`. `readonly` only assigns.
    fn declare(&mut self, name: &[u8], args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        self.status = 0;
        for arg in args {
            let at = arg.iter().position(|byte| *byte == b'=');
            let (variable, value) = match at.and_then(|at| arg.split_at_checked(at)) {
                Some((variable, value)) => (variable, value.get(1..)),
                None => (*arg, None),
            };
            if name == b"local" && !self.hide(variable) {
                return Err(self.fatal(io, "local: not in a function"));
            }
            if name == b"export" {
                self.export(variable);
            }
            if let Some(value) = value {
                self.assign(variable, value.to_vec(), io)?;
            }
        }
        Ok(())
    }

    /// `command NAME ARG...` without functions, and `command -v NAME`.
    async fn command_builtin(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let Some((b"-v", names)) = args.split_first().map(|(first, rest)| (*first, rest)) else {
            let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
            return Box::pin(self.run(&args, io)).await;
        };
        let name = names.first().copied().unwrap_or_default();
        let mut path = b"/system/bin/".to_vec();
        path.extend_from_slice(name);
        let known = NAMES.contains(&name) || self.has_function(name);
        let program = self.system.stat(&path).is_some_and(|stat| stat.kind == FileKind::File);
        let found = if known { Some(name.to_vec()) } else { program.then_some(path) };
        let outcome = match found {
            Some(mut text) => {
                text.push(b'\n');
                Outcome::text(text)
            }
            None => Outcome::status(127),
        };
        self.finish(&outcome, io)
    }
}

/// Splits a line for `read` into `count` values, by IFS; the last takes all that is left but
/// its closing blanks.
fn split_line(line: &[(u8, bool)], count: usize, ifs: &[u8]) -> Vec<Vec<u8>> {
    let blank = |unit: &(u8, bool)| !unit.1 && b" \t\n".contains(&unit.0) && ifs.contains(&unit.0);
    let separator = |unit: &(u8, bool)| !unit.1 && ifs.contains(&unit.0);
    let skip = |rest: &[(u8, bool)]| rest.iter().take_while(|unit| blank(unit)).count();
    let mut rest = line.get(skip(line)..).unwrap_or_default();
    let mut values = Vec::with_capacity(count);
    for at in 0..count {
        let last = at + 1 == count;
        let end = rest.iter().position(separator).unwrap_or(rest.len());
        // The last name takes one field if nothing but separators follows it, else all.
        let (mut field, behind) = rest.split_at_checked(end).unwrap_or_default();
        let mut after = behind.get(skip(behind)..).unwrap_or_default();
        if after.first().is_some_and(|unit| separator(unit) && !blank(unit)) {
            after = after.get(1..).unwrap_or_default();
            after = after.get(skip(after)..).unwrap_or_default();
        }
        if last && !after.is_empty() {
            field = rest;
            while field.last().is_some_and(blank) {
                field = field.get(..field.len() - 1).unwrap_or_default();
            }
        }
        values.push(field.iter().map(|unit| unit.0).collect());
        rest = after;
    }
    values
}
