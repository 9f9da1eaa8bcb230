use std::fs;

use super::*;
use crate::fixtures::device;

/// Runs this script of the machine's shell as the operator's command, with `limit`.
async fn run(limit: Duration, script: &str, arguments: &[&str]) -> Result<(), CommandError> {
    let argv: Vec<String> =
        ["/bin/sh", "-c", script, "sh"].iter().chain(arguments).map(ToString::to_string).collect();
    Commands::new(limit).run(&argv, &device()).await
}

/// A time that nothing here takes.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn places_are_filled_once_from_the_record() {
    let mut device = device();
    device.server = "{port}".to_owned();
    let fill = |argument: &str| fill(argument, &device).unwrap();
    assert_eq!(fill("{device}/{project}/{server}/{container}"), "phone-1/project/{port}/box-1");
    assert_eq!(fill("{host}:{port}"), "127.0.0.1:1");
    assert_eq!(fill("{}{x}{{port}{ a}"), "{}{x}{1{ a}");
    assert_eq!(fill(""), "");
    device.address = "[::1]:5555".to_owned();
    assert_eq!(super::fill("{host} {port}", &device).unwrap(), "::1 5555");
}

#[test]
fn nothing_and_options_are_filled_in_nowhere() {
    let mut device = device();
    for (container, argument, filled) in [
        ("", "{container}", None),
        ("", "x{container}", None),
        ("-a", "{container}", None),
        ("-a", "x{container}", Some("x-a")),
        ("a", "{container}", Some("a")),
    ] {
        device.container = container.to_owned();
        let outcome = fill(argument, &device);
        assert_eq!(outcome.as_ref().ok().map(String::as_str), filled);
        if let Err(error) = outcome {
            assert!(error.is_unsupported());
            assert!(error.to_string().contains("{container}"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_program_runs_without_a_shell_and_without_input() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out");
    let script = "cat; printf '%s|' \"$@\" >\"$1\"";
    let file = file.to_str().unwrap();
    run(LONG, script, &[file, "{device} $(id)", "{host}"]).await.unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), format!("{file}|phone-1 $(id)|127.0.0.1|"));
}

#[tokio::test]
async fn a_failure_is_told_in_the_programs_last_words() {
    let script =
        "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo 'no such' >&2; exit 4";
    let error = run(LONG, script, &[]).await.unwrap_err().to_string();
    assert!(error.starts_with("/bin/sh ended with status 4: "), "{error}");
    assert!(error.contains("no such") && error.contains("line 2999"), "{error}");
    assert!(error.len() <= fleet::limits::DETAIL_BYTES_MAX, "{}", error.len());
    let error = run(LONG, "kill -9 $$", &[]).await.unwrap_err().to_string();
    assert_eq!(error, "/bin/sh ended with signal 9");
    let missing = ["/no/such/program".to_owned()];
    let error = Commands::new(LONG).run(&missing, &device()).await.unwrap_err();
    assert!(matches!(error, CommandError::Start { .. }), "{error}");
    assert!(!error.is_unsupported());
    let error = Commands::new(LONG).run(&[], &device()).await.unwrap_err();
    assert!(error.is_unsupported());
}

/// Waits until no process runs whose number stands in `file`, as the script writes it.
async fn until_dead(file: &std::path::Path) {
    let wait = async {
        loop {
            let text = fs::read_to_string(file).unwrap_or_default();
            let state = fs::read_to_string(format!("/proc/{}/stat", text.trim()));
            // One that is dead and not yet buried counts.
            let dead = state.map_or(true, |stat| stat.contains(") Z "));
            if text.ends_with('\n') && dead {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(LONG, wait).await.is_ok());
}

#[tokio::test]
async fn what_takes_too_long_ends_with_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("child");
    let script = "echo slow; sleep 300 & echo $! >\"$1\"; wait";
    // Time enough for a busy machine to come as far as the script's `wait`.
    let outcome = run(Duration::from_secs(5), script, &[file.to_str().unwrap()]).await;
    let error = outcome.unwrap_err().to_string();
    assert_eq!(error, "/bin/sh was not done within 5 s and was ended: slow");
    until_dead(&file).await;
}

#[tokio::test]
async fn a_dropped_command_ends_with_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("child");
    let script = "sleep 300 & echo $! >\"$1\"; wait";
    let arguments = [file.to_str().unwrap()];
    let running = run(LONG, script, &arguments);
    let started = async {
        while !fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = running => panic!("{outcome:?}"),
        () = started => {}
    }
    until_dead(&file).await;
}

#[tokio::test]
async fn what_a_command_leaves_running_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("child");
    let script = "sleep 300 & echo $! >\"$1\"";
    run(LONG, script, &[file.to_str().unwrap()]).await.unwrap();
    let child = fs::read_to_string(&file).unwrap();
    let child = child.trim().parse().ok().and_then(Pid::from_raw).unwrap();
    rustix::process::kill_process(child, Signal::KILL).expect("it lives on");
}
