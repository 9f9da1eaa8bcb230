//! The Dockerfile, read: no container can be built where tests run.

use super::{text, variables, variables_in};

#[test]
fn the_image_runs_as_nobody_special_and_is_looked_after() {
    let dockerfile = text("packaging/docker/Dockerfile");
    let line = |start: &str| {
        let found = dockerfile.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start}"))
    };
    assert_eq!(line("FROM"), "FROM debian:12-slim");
    let user = line("USER ").trim_start_matches("USER ");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 999)), "{user}");
    let chart = text("packaging/helm/fleetwright/templates/_helpers.tpl");
    let uid = user.split(':').next().expect("a user");
    assert!(chart.contains(&format!("runAsUser: {uid}\n")), "the chart runs it as another");
    assert!(line("HEALTHCHECK").contains("--start-period") && dockerfile.contains("/healthz"));
    assert!(line("ENTRYPOINT").contains("/usr/bin/fleetwright"));
    // The cause of a SIGKILL ten seconds later is a shell that keeps the signal to itself.
    assert!(line("CMD").starts_with("CMD [\"serve\""));
    assert_eq!(line("STOPSIGNAL"), "STOPSIGNAL SIGTERM");
    let known = variables();
    for name in variables_in(&dockerfile) {
        assert!(known.contains(&name), "{name} sets nothing");
    }
}
