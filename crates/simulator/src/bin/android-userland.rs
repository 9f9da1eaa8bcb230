//! Android's `getprop`, `setprop`, `settings`, `wm`, `dumpsys`, `cmd` and `reboot` for a machine
//! that has only a real `adbd`: called by one of these names through a symbolic link, or as
//! `android-userland COMMAND ARG...`. `android-userland boot` makes or reboots the phone in
//! `FLEETWRIGHT_PHONE_DIR`.

use std::io::Write;
use std::process::ExitCode;

use simulator::shell::Outcome;
use simulator::userland::{FOLDER_VARIABLE, Folder, FolderError};

fn main() -> ExitCode {
    let mut args = Vec::new();
    for arg in std::env::args_os() {
        match arg.into_string() {
            Ok(arg) => args.push(arg),
            Err(_) => return finish(&Outcome::error(1, "arguments must be UTF-8\n")),
        }
    }
    let own = args.first().map(|path| path.rsplit('/').next().unwrap_or_default().to_owned());
    if own.as_deref() == Some("android-userland") {
        args.remove(0);
    } else if let (Some(first), Some(own)) = (args.first_mut(), own) {
        *first = own;
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else {
        return finish(&Outcome::error(1, format!("{FOLDER_VARIABLE} is not set\n")));
    };
    let outcome = run(folder, &args).unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Outcome::error(1, format!("{error}: {}\n", cause.unwrap_or_default()))
    });
    finish(&outcome)
}

/// Runs one command on the phone in `folder`.
fn run(folder: std::ffi::OsString, args: &[&str]) -> Result<Outcome, FolderError> {
    let folder = Folder::open(folder)?;
    if args == ["boot"] {
        folder.boot()?;
        return Ok(Outcome::default());
    }
    let unknown = || Outcome::error(127, "usage: android-userland COMMAND ARG...\n");
    Ok(folder.command(args)?.unwrap_or_else(unknown))
}

/// Writes what the command said; a reader that is gone is no failure of the command.
fn finish(outcome: &Outcome) -> ExitCode {
    let _ = std::io::stdout().write_all(&outcome.stdout);
    let _ = std::io::stderr().write_all(&outcome.stderr);
    ExitCode::from(outcome.status)
}
