//! The order of phases, and what a failure does to the ones after it.

use super::*;

#[test]
fn every_phase_runs_once_and_in_order() {
    let all = Phase::value_variants().to_vec();
    assert_eq!(plan(&[], Extent::Usual), all);
    assert_eq!(plan(&[], Extent::Full), all);
    assert!(all.is_sorted());
}

#[test]
fn a_quick_run_leaves_out_what_is_long() {
    for phase in [Phase::ConsoleE2e, Phase::Simulation, Phase::Cluster, Phase::Fuzz] {
        assert!(!plan(&[], Extent::Quick).contains(&phase));
        assert!(plan(&[phase], Extent::Quick).contains(&phase));
    }
}

#[test]
fn a_named_phase_brings_what_it_builds_on() {
    let planned = plan(&[Phase::E2e, Phase::Unit, Phase::E2e], Extent::Usual);
    assert_eq!(planned, [Phase::Install, Phase::Build, Phase::Unit, Phase::E2e]);
    assert_eq!(plan(&[Phase::Lint], Extent::Usual), [Phase::Lint]);
}

#[test]
fn what_a_phase_builds_on_comes_before_it() {
    for phase in Phase::value_variants() {
        assert!(phase.builds_on().iter().all(|base| base < phase), "{phase:?}");
    }
}

/// Runs all phases with `failing` failing; gives each phase's ending.
fn endings(failing: Phase, keep_going: bool) -> Vec<(Phase, Ending)> {
    let outcomes = run_in_order(Phase::value_variants(), keep_going, |phase| {
        let result = if phase == failing { Err(anyhow::anyhow!("broken")) } else { Ok(()) };
        (result, Duration::from_secs(1))
    });
    outcomes.into_iter().map(|(phase, ending, _)| (phase, ending)).collect()
}

#[test]
fn the_first_failure_stops_the_run() {
    for (phase, ending) in endings(Phase::Build, false) {
        let expected = match phase {
            Phase::Install | Phase::Lint | Phase::Console => Ending::Passed,
            Phase::Build => Ending::Failed("broken".to_owned()),
            _ => Ending::NotRun,
        };
        assert_eq!(ending, expected, "{phase:?}");
    }
}

#[test]
fn keep_going_runs_what_does_not_build_on_the_failure() {
    for (phase, ending) in endings(Phase::Unit, true) {
        let failed = phase == Phase::Unit;
        assert_eq!(matches!(ending, Ending::Failed(_)), failed, "{phase:?}");
        assert_eq!(ending == Ending::Passed, !failed, "{phase:?}");
    }
    let after_build = endings(Phase::Build, true);
    assert!(after_build.contains(&(Phase::E2e, Ending::NotRun)));
    assert!(after_build.contains(&(Phase::Lint, Ending::Passed)));
}

#[test]
fn the_table_has_a_line_for_each_phase_and_the_whole() {
    let outcomes = [
        (Phase::Install, Ending::Passed, Duration::from_millis(12_340)),
        (Phase::Build, Ending::Failed("broken".to_owned()), Duration::from_secs(600)),
        (Phase::E2e, Ending::NotRun, Duration::ZERO),
    ];
    let expected = "
phase           time  result
install       12.3 s  ok
build        600.0 s  FAILED: broken
e2e            0.0 s  not run
all          612.3 s
";
    assert_eq!(table(&outcomes, Duration::from_millis(612_340)), expected);
}

#[test]
fn each_extent_leaves_out_what_is_too_slow_for_it() {
    let check = |extent, phase, expected: &str| {
        assert_eq!(filter("package(x)", phase, extent), expected);
    };
    let usual = "package(x) and not test(/(^|::)(full)::/)";
    let quick = "package(x) and not test(/(^|::)(crash|scale|upgrade|full)::/)";
    check(Extent::Full, Phase::E2e, "package(x)");
    check(Extent::Usual, Phase::E2e, usual);
    check(Extent::Quick, Phase::E2e, quick);
    check(Extent::Quick, Phase::Unit, usual);
}

#[test]
fn more_tests_that_wait_run_at_a_time_than_there_are_cores() {
    let [flag, count] = waiting_much();
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(flag, "--test-threads");
    assert!(count.parse::<usize>().unwrap() > cores, "{count} for {cores} cores");
}
