//! Shells within a shell: `sh`, and `su`, which runs a command as root.

use super::ast::List;
use super::interpreter::{Io, Shell, Stop};
use super::scope::Scope;
use super::{FileKind, Outcome, SHELL, TEXT_BYTES_MAX, parser};

impl Shell {
    /// `sh -c SCRIPT [NAME ARG...]`, `sh FILE [ARG...]`, or `sh` with its script on standard
    /// input. Of the outer shell it sees what is exported, and nothing that it does shows there.
    pub(super) async fn sh(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let (script, args) = match *args {
            [b"-c", script, ref rest @ ..] => (script.to_vec(), rest),
            [] => {
                let mut script = Vec::new();
                while let Some(chunk) = io.stdin.chunk().await {
                    script.extend(chunk);
                    if script.len() > TEXT_BYTES_MAX {
                        return Err(self.fatal(io, "sh: script too long"));
                    }
                }
                (script, args)
            }
            [path, ..] if !path.starts_with(b"-") => match self.system.read(path) {
                Ok(script) => (script, args),
                Err(error) => {
                    let path = String::from_utf8_lossy(path);
                    let text = format!("{SHELL}: {path}: {error}\n");
                    return self.finish(&Outcome::error(127, text), io);
                }
            },
            _ => return self.finish(&Outcome::error(2, "sh: only '-c' is simulated\n"), io),
        };
        match parser::parse(&script) {
            Ok(list) => self.nested(&list, args, io).await,
            Err(error) => self.finish(&Outcome::error(2, format!("{SHELL}: {error}\n")), io),
        }
    }

    /// `su [0|root] [-c SCRIPT]` and `su [0|root] PROGRAM ARG...`: the forms of AOSP's `su` (a
    /// program with its arguments, untouched) and of the usual rooting packages (`-c`).
    pub(super) async fn su(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let Some(system) = self.system.superuser() else {
            return self.not_found(b"su", io);
        };
        let args = match *args {
            [b"0" | b"root", ref rest @ ..] => rest,
            [] | [b"-c", ..] => args,
            [who, ..] => {
                let who = String::from_utf8_lossy(who);
                let text = format!("su: invalid uid/gid '{who}'\n");
                return self.finish(&Outcome::error(1, text), io);
            }
        };
        let outer = std::mem::replace(&mut self.system, system);
        let result = match *args {
            [] | [b"-c", _, ..] => Box::pin(self.sh(args, io)).await,
            _ => Box::pin(self.program(args, io)).await,
        };
        self.system = outer;
        result
    }

    /// Runs a program of /system/bin, as `execvp` does: no function, and nothing that only a shell
    /// has.
    async fn program(&mut self, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let name = args.first().copied().unwrap_or_default();
        let path = [b"/system/bin/", name].concat();
        let there = self.system.stat(&path).is_some_and(|stat| stat.kind == FileKind::File);
        if !there || name.contains(&b'/') {
            let name = String::from_utf8_lossy(name);
            let text = format!("su: failed to exec {name}: No such file or directory\n");
            return self.finish(&Outcome::error(1, text), io);
        }
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
        self.system.ran(&args);
        self.run(&args, io).await
    }

    /// Runs a list as a shell of its own, with `$0` and its arguments in `args`.
    async fn nested(&mut self, list: &List, args: &[&[u8]], io: &Io) -> Result<(), Stop> {
        let mut variables = self.scope.variables.clone();
        variables.retain(|name, _| self.scope.exported.contains(name));
        let inner = Scope {
            variables,
            exported: self.scope.exported.clone(),
            zero: args.first().map(|name| name.to_vec()),
            positional: args.iter().skip(1).map(|arg| arg.to_vec()).collect(),
            ..Scope::default()
        };
        let (outer, depth) = (std::mem::replace(&mut self.scope, inner), self.depth);
        self.status = 0;
        let result = self.list(list, io).await;
        self.depth = depth;
        self.scope = outer;
        self.contain(result)
    }
}
