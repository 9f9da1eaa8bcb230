//! `cargo xtask test fuzz`: hostile bytes for every reader of what strangers send.
//!
//! Each file in `fuzz/fuzz_targets/` is a target, each folder in `fuzz/seeds/` what it begins with.
//! libFuzzer comes as C++ source in a crate and is built by the machine's compiler; the counters
//! that lead it are put in by rustc's own LLVM pass. So the pinned toolchain is all that it takes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, output_of, run};

/// How long each target runs.
const SECONDS: &str = "20";

/// Targets that run at the same time: each keeps a core busy.
const AT_A_TIME: usize = 2;

/// What libFuzzer is told of every target: an input that takes longer than a second, or has the
/// process grow past 1 GiB, is a failure as a panic is. Inputs of 16 KiB hold a full property text
/// twice; longer ones only make each run slower.
const BOUNDS: &[&str] =
    &["-timeout=1", "-rss_limit_mb=1024", "-max_len=16384", "-print_final_stats=1"];

/// Coverage counters and traced comparisons, as cargo-fuzz asks rustc for them.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Lines of a failed target's output that are shown.
const LINES_SHOWN: usize = 60;

/// One target, where it was built.
struct Target {
    name: String,
    program: PathBuf,
    seeds: PathBuf,
    /// What earlier runs here have found worth keeping.
    corpus: PathBuf,
    /// Failing inputs get this prefix.
    artifacts: String,
    log: PathBuf,
}

/// Builds all targets and runs each, two at a time. Fails naming those that failed, with the
/// failing input's file and how to run it again.
pub fn run_all(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join("fuzz");
    let built = workspace.target.join("fuzz");
    let programs = build(workspace, &folder, &built)?;
    let targets = targets(&folder, &built, &programs)?;
    let mut failed = Vec::new();
    for some in targets.chunks(AT_A_TIME) {
        let running: Result<Vec<_>> = some.iter().map(|target| start(workspace, target)).collect();
        for (target, (began, mut child)) in some.iter().zip(running?) {
            let status =
                child.wait().with_context(|| format!("could not await {}", target.name))?;
            if status.success() {
                println!("{:<18} ok: {}", target.name, summary(&target.log)?);
            } else {
                show_failure(target, began, &status.to_string())?;
                failed.push(target.name.clone());
            }
        }
    }
    if !failed.is_empty() {
        bail!("targets failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Builds all targets with the versions of the product's Cargo.lock, apart from all other builds,
/// and gives the folder of the programs. Only what is built for a named platform gets the counters,
/// so that build scripts do without.
fn build(workspace: &Workspace, folder: &Path, built: &Path) -> Result<PathBuf> {
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("could not copy Cargo.lock")?;
    let rustc = output_of(workspace.command("rustc").arg("-vV")).context("rustc -vV failed")?;
    let host = host(&rustc).context("rustc -vV names no host")?;
    let mut command = workspace.cargo("build --profile fuzz --bins --manifest-path");
    command.arg(folder.join("Cargo.toml")).args(["--target", host]);
    run(command.env("CARGO_TARGET_DIR", built).env("RUSTFLAGS", COVERAGE))?;
    Ok(built.join(host).join("fuzz"))
}

/// The platform that `rustc -vV` says it runs on.
fn host(printed: &str) -> Option<&str> {
    printed.lines().find_map(|line| line.strip_prefix("host: "))
}

/// The targets by name. One without seeds is an error: it would begin with nothing.
fn targets(folder: &Path, built: &Path, programs: &Path) -> Result<Vec<Target>> {
    let sources = folder.join("fuzz_targets");
    let listing = fs::read_dir(&sources).context("could not list the targets")?;
    let mut names: Vec<String> = listing
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    if names.is_empty() {
        bail!("{} holds no target", sources.display());
    }
    names
        .into_iter()
        .map(|name| {
            let seeds = folder.join("seeds").join(&name);
            let mut held = fs::read_dir(&seeds).into_iter().flatten();
            if held.next().is_none() {
                bail!("the target {name} has no seeds in {}", seeds.display());
            }
            let artifacts = built.join("failures").join(format!("{name}-"));
            Ok(Target {
                program: programs.join(&name),
                seeds,
                corpus: built.join("corpus").join(&name),
                artifacts: artifacts.to_string_lossy().into_owned(),
                log: built.join(format!("{name}.log")),
                name,
            })
        })
        .collect()
}

/// Starts a target and tells when.
fn start(workspace: &Workspace, target: &Target) -> Result<(SystemTime, Child)> {
    let make = |path: &Path| {
        fs::create_dir_all(path).with_context(|| format!("could not make {}", path.display()))
    };
    make(&target.corpus)?;
    make(Path::new(&target.artifacts).parent().context("a folder for failures")?)?;
    let log = File::create(&target.log)
        .with_context(|| format!("could not write {}", target.log.display()))?;
    let mut command = workspace.command(&target.program);
    command
        .args([&target.corpus, &target.seeds])
        .args(BOUNDS)
        .arg(format!("-max_total_time={SECONDS}"))
        .arg(format!("-artifact_prefix={}", target.artifacts))
        .stdout(Stdio::null())
        .stderr(log);
    let child = command.spawn().with_context(|| format!("could not start {}", target.name))?;
    Ok((now(), child))
}

/// What a run that found nothing says of itself: how many inputs it tried, and its memory.
fn summary(log: &Path) -> Result<String> {
    let text = fs::read(log).with_context(|| format!("could not read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned()).with_context(|| format!("no {name} in the log"))
    };
    let (runs, memory) = (of("stat::number_of_executed_units:")?, of("stat::peak_rss_mb:")?);
    Ok(format!("{runs} inputs, {memory} MB"))
}

/// Prints how a target failed: the end of what it said, and each input that it kept.
fn show_failure(target: &Target, began: SystemTime, status: &str) -> Result<()> {
    println!("{:<18} FAILED: {status}; the end of {}:", target.name, target.log.display());
    let text = fs::read(&target.log).context("could not read the log")?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(LINES_SHOWN)) {
        println!("    {line}");
    }
    for input in kept_since(target, began) {
        let bytes = fs::read(&input).unwrap_or_default();
        println!("input of {} bytes: \"{}\"", bytes.len(), bytes.escape_ascii());
        println!("again: {} {}", target.program.display(), input.display());
    }
    Ok(())
}

/// The failing inputs that a run has written.
fn kept_since(target: &Target, began: SystemTime) -> Vec<PathBuf> {
    let folder = Path::new(&target.artifacts).parent().map(Path::to_path_buf).unwrap_or_default();
    let listing = fs::read_dir(folder).into_iter().flatten().flatten();
    listing
        .filter(|entry| entry.path().to_string_lossy().starts_with(&target.artifacts))
        .filter(|entry| {
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            written.is_ok_and(|written| written >= began)
        })
        .map(|entry| entry.path())
        .collect()
}

/// The wall clock, which file times are told by.
#[allow(clippy::disallowed_methods, reason = "compared with the times of files")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_what_rustc_prints() {
        let printed = "rustc 1.95.0 (x)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(host(printed), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("rustc 1.95.0\n"), None);
    }

    /// The repository's own targets, whatever they are.
    #[test]
    fn every_target_of_the_repository_is_built_and_has_seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz");
        let targets = targets(&folder, Path::new("/built"), Path::new("/programs")).unwrap();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for target in &targets {
            let name = &target.name;
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not built");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
    }

    #[test]
    fn a_target_without_seeds_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("fuzz_targets")).unwrap();
        fs::write(folder.path().join("fuzz_targets/lonely.rs"), "").unwrap();
        let built = Path::new("/built");
        let error = targets(folder.path(), built, built).err().unwrap().to_string();
        assert!(error.contains("lonely") && error.contains("seeds"), "{error}");
    }

    #[test]
    fn only_the_inputs_of_this_run_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| Target {
            name: name.to_owned(),
            program: PathBuf::new(),
            seeds: PathBuf::new(),
            corpus: PathBuf::new(),
            artifacts: folder.path().join(format!("{name}-")).to_string_lossy().into_owned(),
            log: PathBuf::new(),
        };
        let before = SystemTime::UNIX_EPOCH;
        let input = folder.path().join("one-crash-1");
        fs::write(&input, "x").unwrap();
        fs::write(folder.path().join("other-crash-2"), "x").unwrap();
        assert_eq!(kept_since(&of("one"), before), [input]);
        let later = now() + std::time::Duration::from_secs(60);
        assert!(kept_since(&of("one"), later).is_empty());
    }
}
