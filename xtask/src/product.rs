//! The commands that build the product and hand over to it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, run};
use crate::{console, install};

/// Builds the product and becomes `fleetwright demo ARGS`. Built with the tests' profile: it is
/// fast enough to show thousands of phones, and a release build takes minutes.
pub fn demo(workspace: &Workspace, args: &[String]) -> Result<()> {
    console::build(workspace)?;
    run(&mut workspace.cargo("build --profile ci --package fleetwright --locked"))?;
    become_program(workspace.command(workspace.ci_binary("fleetwright")).arg("demo").args(args))
}

/// Installs the servers that are measured beside ours, builds for release and becomes
/// `benches ARGS`, which finds the product next to itself.
pub fn bench(workspace: &Workspace, args: &[String]) -> Result<()> {
    install::postgresql(workspace)?;
    install::kamailio(workspace)?;
    console::build(workspace)?;
    // One by one: together they would share their features, and the program has none that the
    // benches need.
    run(&mut workspace.cargo("build --release --package fleetwright --locked"))?;
    run(&mut workspace.cargo("build --release --package benches --locked"))?;
    become_program(workspace.command(workspace.target.join("release/benches")).args(args))
}

/// Replaces this process, so that signals and the exit status are the program's own. Returns
/// only if the program can't be started.
fn become_program(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let failure = command.stdin(Stdio::inherit()).exec();
    Err(failure).with_context(|| format!("could not start {}", program.display()))
}
