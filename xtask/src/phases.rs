//! `cargo xtask test`: the phases of a test run, in order, each with its time.

use std::num::NonZero;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::workspace::{Workspace, run as run_command};
use crate::{console, fuzz, install, tidy};

/// How every cargo command of a test run selects what it builds. One selection for all of them:
/// with another one cargo unifies features differently and builds the dependencies again.
const SELECTION: &str = "--workspace --all-features --locked";

/// Seeds that the simulation runs through here; `unit` runs the engine's own default.
const SIMULATION_SEEDS: &str = "500";

/// End-to-end tests that `--quick` leaves out, by the name of a module they live in.
const SLOW_END_TO_END: &str = "crash|scale|upgrade";

/// End-to-end tests of several nodes: a phase of their own.
const CLUSTER: &str = "package(tests) and test(/^cluster::/)";

/// The console in a browser: a phase of its own, and on SQLite alone, since a browser sees nothing
/// of the store.
const CONSOLE: &str = "package(tests) and test(/^console::/)";

/// The end-to-end tests of one server that run on PostgreSQL too, as one of three nodes: all but
/// those that kill the one server, take it to its bounds, are about files and documents, or need a
/// browser.
const ON_POSTGRESQL: &str = "package(tests) \
     and not test(/^(cluster|console|crash|docs|packaging|scale)::/) \
     and not test(/^native::(rekey|rollout|schema)::/)";

/// Tests that only `--full` runs, in the same way.
const RESERVED_FOR_FULL: &str = "full";

/// Arguments of `cargo xtask test`.
#[derive(Args)]
pub struct TestArgs {
    /// Run these phases only, and those that they build on
    phases: Vec<Phase>,
    /// Leave out what is slow: at most five minutes when all is built
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Add the tests that are too slow for every run
    #[arg(long)]
    full: bool,
    /// Go on after a phase has failed, with the phases that do not build on it
    #[arg(long)]
    keep_going: bool,
}

/// One part of a test run. The order here is the order of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Phase {
    /// What the tests need: adb and adbd, SIP programs, PostgreSQL, a browser, Node's packages,
    /// Huawei's SDK, nextest
    Install,
    /// Formatting, clippy, the repository's own rules, licences and sources of dependencies
    Lint,
    /// The console: its own lints and tests, and how much of it a browser loads first
    Console,
    /// The product with its fault points and the console, and every test
    Build,
    /// All tests but those end to end, and the examples in documentation
    Unit,
    /// The built product, driven from outside
    E2e,
    /// The console in a browser: what people do with it, in both languages
    ConsoleE2e,
    /// Several nodes on PostgreSQL, their faults, and a choice of the tests of one server there
    Cluster,
    /// Hostile bytes for every reader of what strangers send, 20 s each
    Fuzz,
    /// The engine and the store under a seeded simulator
    Simulation,
}

impl Phase {
    /// The phases that must have succeeded before this one makes sense.
    fn builds_on(self) -> &'static [Phase] {
        match self {
            Phase::Install | Phase::Lint => &[],
            // Built apart from all else.
            Phase::Console | Phase::Build | Phase::Fuzz => &[Phase::Install],
            Phase::Unit | Phase::E2e | Phase::ConsoleE2e | Phase::Cluster | Phase::Simulation => {
                &[Phase::Install, Phase::Build]
            }
        }
    }

    /// The name that the command line takes.
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Runs the phase to its end, its output streaming.
    fn run(self, workspace: &Workspace, extent: Extent) -> Result<()> {
        match self {
            Phase::Install => install::for_tests(workspace),
            Phase::Lint => lint(workspace, extent),
            Phase::Console => console::check(workspace),
            Phase::Build => {
                console::build(workspace)?;
                let build = format!("build --profile ci --all-targets {SELECTION}");
                run_command(&mut workspace.cargo(&build))
            }
            Phase::Unit => unit(workspace, extent),
            Phase::E2e => {
                let tests = "package(tests) and not test(/^(cluster|console)::/)";
                let mut run = nextest(workspace, &filter(tests, Phase::E2e, extent));
                run_command(run.args(waiting_much()))
            }
            Phase::ConsoleE2e => {
                let mut run = nextest(workspace, &filter(CONSOLE, Phase::ConsoleE2e, extent));
                run_command(run.args(waiting_much()))
            }
            Phase::Cluster => cluster(workspace, extent),
            Phase::Fuzz => fuzz::run_all(workspace),
            Phase::Simulation => run_command(
                nextest(workspace, "package(engine) and binary(simulation)")
                    .env("FLEETWRIGHT_SEEDS", SIMULATION_SEEDS),
            ),
        }
    }
}

/// How much of each phase is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The inner loop.
    Quick,
    /// What continuous integration runs.
    Usual,
    /// With what is too slow for that.
    Full,
}

/// How a phase ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    /// All of it succeeded.
    Passed,
    /// It failed, with what was printed as the reason.
    Failed(String),
    /// A phase that it builds on had not succeeded, or the run had stopped.
    NotRun,
}

/// Runs the phases asked for, prints a table of their times, and fails naming those that failed.
pub fn run(workspace: &Workspace, args: &TestArgs) -> Result<()> {
    let extent = match (args.quick, args.full) {
        (true, _) => Extent::Quick,
        (_, true) => Extent::Full,
        _ => Extent::Usual,
    };
    let started = now();
    let outcomes = run_in_order(&plan(&args.phases, extent), args.keep_going, |phase| {
        println!("\n=== {} ===", phase.name());
        let started = now();
        let result = phase.run(workspace, extent);
        let took = started.elapsed();
        match &result {
            Ok(()) => println!("=== {}: ok in {} ===", phase.name(), seconds(took)),
            Err(e) => println!("=== {}: FAILED in {}: {e:#} ===", phase.name(), seconds(took)),
        }
        (result, took)
    });
    print!("{}", table(&outcomes, started.elapsed()));
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|(_, ending, _)| matches!(ending, Ending::Failed(_)))
        .map(|(phase, _, _)| phase.name())
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The phases to run, in order, for those asked for: each once, with what they build on. None
/// asked for means all of them, but in a quick run for the simulation, which the unit tests
/// already run over fewer seeds, for the console in a browser and several nodes, which take their
/// time, and for fuzzing, which is built anew.
fn plan(asked: &[Phase], extent: Extent) -> Vec<Phase> {
    let mut plan: Vec<Phase> = if asked.is_empty() {
        let all = Phase::value_variants().iter().copied();
        let left_out = [Phase::ConsoleE2e, Phase::Simulation, Phase::Cluster, Phase::Fuzz];
        all.filter(|phase| extent != Extent::Quick || !left_out.contains(phase)).collect()
    } else {
        let with_base = asked.iter().flat_map(|phase| [phase.builds_on(), &[*phase]].concat());
        with_base.collect()
    };
    plan.sort();
    plan.dedup();
    plan
}

/// Runs each phase by `run_one` and collects how it ended and how long it took. After a failure
/// the rest is not run; with `keep_going`, only what builds on a phase that did not succeed.
fn run_in_order(
    plan: &[Phase],
    keep_going: bool,
    mut run_one: impl FnMut(Phase) -> (Result<()>, Duration),
) -> Vec<(Phase, Ending, Duration)> {
    let mut outcomes: Vec<(Phase, Ending, Duration)> = Vec::new();
    for &phase in plan {
        let blocked = outcomes.iter().any(|(earlier, ending, _)| {
            *ending != Ending::Passed && (!keep_going || phase.builds_on().contains(earlier))
        });
        let (ending, took) = if blocked {
            (Ending::NotRun, Duration::ZERO)
        } else {
            match run_one(phase) {
                (Ok(()), took) => (Ending::Passed, took),
                (Err(e), took) => (Ending::Failed(format!("{e:#}")), took),
            }
        };
        outcomes.push((phase, ending, took));
    }
    outcomes
}

/// The closing table: one line a phase with its time and ending, and the whole time.
fn table(outcomes: &[(Phase, Ending, Duration)], whole: Duration) -> String {
    let mut text = String::from("\nphase           time  result\n");
    for (phase, ending, took) in outcomes {
        let result = match ending {
            Ending::Passed => "ok".to_owned(),
            Ending::Failed(why) => format!("FAILED: {why}"),
            Ending::NotRun => "not run".to_owned(),
        };
        text.push_str(&format!("{:<11} {:>8}  {result}\n", phase.name(), seconds(*took)));
    }
    text.push_str(&format!("{:<11} {:>8}\n", "all", seconds(whole)));
    text
}

/// Formatting, lints and rules. A quick run leaves out cargo-deny, which only a change of the
/// dependencies can upset.
fn lint(workspace: &Workspace, extent: Extent) -> Result<()> {
    run_command(&mut workspace.cargo("fmt --all --check"))?;
    run_command(&mut workspace.cargo("fmt --manifest-path fuzz/Cargo.toml --check"))?;
    tidy::run(workspace)?;
    if extent != Extent::Quick {
        install::cargo_deny(workspace)?;
        run_command(&mut workspace.cargo("deny --locked check bans licenses sources"))?;
    }
    let clippy = format!("clippy --profile ci --all-targets {SELECTION} -- -D warnings");
    run_command(&mut workspace.cargo(&clippy))
}

/// All tests but those end to end, then the examples in documentation, which nextest can't run.
fn unit(workspace: &Workspace, extent: Extent) -> Result<()> {
    let filter = filter("not package(tests)", Phase::Unit, extent);
    run_command(&mut nextest(workspace, &filter))?;
    run_command(&mut workspace.cargo(&format!("test --doc --profile ci {SELECTION}")))
}

/// `tests`, an expression of nextest's filter language, without what `phase` leaves out in a run
/// of this extent.
fn filter(tests: &str, phase: Phase, extent: Extent) -> String {
    let left_out = match (extent, phase) {
        (Extent::Full, _) => return tests.to_owned(),
        (Extent::Quick, Phase::E2e) => format!("{SLOW_END_TO_END}|{RESERVED_FOR_FULL}"),
        _ => RESERVED_FOR_FULL.to_owned(),
    };
    format!("{tests} and not test(/(^|::)({left_out})::/)")
}

/// Several nodes, and one server's tests on what they stand on.
fn cluster(workspace: &Workspace, extent: Extent) -> Result<()> {
    run_command(&mut nextest(workspace, &filter(CLUSTER, Phase::Cluster, extent)))?;
    let tests = filter(ON_POSTGRESQL, Phase::Cluster, extent);
    run_command(nextest(workspace, &tests).env("FLEETWRIGHT_TEST_STORE", "postgres"))
}

/// nextest over the tests that `filter` selects, with what they need to find. No test at all
/// is a failure: a filter that matches nothing proves nothing.
fn nextest(workspace: &Workspace, filter: &str) -> Command {
    let mut command = workspace.cargo("nextest run --cargo-profile ci --no-tests fail");
    command
        .args(SELECTION.split_whitespace())
        .args(["--filterset", filter])
        .env("FLEETWRIGHT_BIN", workspace.ci_binary("fleetwright"))
        .env("FLEETWRIGHT_USERLAND", workspace.ci_binary("android-userland"))
        .env("FLEETWRIGHT_PYTHON", workspace.python());
    // The program that makes packages, which is this one.
    if let Ok(program) = std::env::current_exe() {
        command.env("FLEETWRIGHT_XTASK", program);
    }
    command
}

/// How many tests run at a time that wait for a good part of their time, for deadlines of the
/// product and for what comes back: half as many again as there are cores.
fn waiting_much() -> [String; 2] {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    ["--test-threads".to_owned(), (cores + cores.div_ceil(2)).to_string()]
}

/// A duration as seconds with one decimal.
fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// The time, for measuring phases.
#[allow(clippy::disallowed_methods, reason = "measures real work; nothing here is simulated")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
