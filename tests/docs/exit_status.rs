//! Each exit status that `docs/reference/command-line.md` lists, as a script meets it.

use serde_json::json;

use super::run;
use crate::harness::phones::PROJECT;
use crate::harness::{Cli, Phones, Site, Start};

#[test]
fn each_status_is_met() {
    let site = Site::start(&Start::with_deadline(3), Phones::of(1));
    let cli = Cli::new(&site.server);
    let phone = site.phones.id(0);
    let name = "sys.prop.writephonenum";

    // 0: done.
    let set = format!("{name}=13800000000");
    let update = ["update", "--project", PROJECT, "--device", &phone, "--set", &set, "--wait"];
    cli.run(&update).ok();

    // 1: what was asked has failed: the value is refused, the job with it.
    let refused = format!("{name}=x{}", "y".repeat(200));
    let ran = cli.run(&["update", "--project", PROJECT, "--device", &phone, "--set", &refused]);
    assert!(ran.status == Some(1) && ran.stdout.contains(name), "{ran:?}");

    // 2: the command line, a file, or the environment is not right.
    cli.run(&["update", "--project"]).ended(2, "--project");
    cli.run(&["device", "import", "/nowhere/phones.jsonl"]).ended(2, "/nowhere/phones.jsonl");

    // 5: the server refuses, and says why.
    cli.run(&["project", "create", "Again", "--id", PROJECT]).ended(5, PROJECT);
    Cli::at(&site.server.url()).run(&["project", "list"]).ended(5, "token");

    // 3: the time was over first; the job goes on, and fails at its deadline.
    site.phones.power_off(0);
    let job = site.cph().update(&phone, json!({ name: "13800000001" }));
    cli.run(&["job", "wait", &job, "--timeout", "100ms"]).ended(3, &job);
    cli.run(&["job", "wait", &job]).ended(1, "deadline");

    // 4: no server answers.
    let status = site.server.terminate();
    assert!(status.success(), "{status}");
    cli.run(&["project", "list"]).ended(4, "FLEETWRIGHT_URL");
}

#[test]
fn the_page_and_the_help_list_each_status() {
    let page = run::read("docs/reference/command-line.md");
    let help = Cli::at("http://127.0.0.1:1").run(&["--help"]).ok();
    for status in 0..=5 {
        assert!(page.contains(&format!("\n| {status} | ")), "{status}");
        assert!(help.contains(&format!("\n  {status}  ")), "{status}");
    }
}
