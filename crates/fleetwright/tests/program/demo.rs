//! The demo: what it shows, and the server that it is for other programs' tests.

use serde_json::Value;

use crate::process::{Running, fleetwright, run};

#[test]
fn the_show_is_as_expected_and_ends_with_0() {
    let ran = run(&mut fleetwright(&["demo", "--exit", "--phones", "5"]));
    assert_eq!(ran.status, 0, "{}\n{}", ran.stdout, ran.stderr);
    let data = ran.stdout.lines().find_map(|line| line.strip_prefix("  data        ")).unwrap();
    assert!(!std::path::Path::new(data).exists(), "{data} is removed");
    assert!(!ran.stdout.contains('\u{1b}'), "no colours off a terminal");
    assert!(ran.stdout.contains("CPS.0078") && ran.stdout.contains("InvalidArgument"));
    assert!(ran.stdout.contains("<Gbid>Gbid</Gbid>"), "the skeleton's device fails alone");
    assert_eq!(ran.stdout.matches("verified\n").count(), 3, "each camera shows its name");
    assert_eq!(ran.stdout.matches("as asked").count(), 5, "{}", ran.stdout);
    assert!(ran.stdout.ends_with("Everything was as expected.\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('✗'));
}

#[test]
fn a_quiet_demo_serves_fixed_ids_until_it_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("sk");
    std::fs::write(&secret, "demo-secret-of-a-test\n").unwrap();
    let demo = || {
        let args = ["demo", "--quiet", "--project", "p", "--ak", "AK1", "--phones", "4"];
        let mut command = fleetwright(&args);
        let started = Running::start(command.args(["--boot", "0s", "--sk-file"]).arg(&secret));
        started.says("ready http=127.0.0.1:");
        started.prints("{\"kind\":\"phone\",\"project\":\"p\",\"id\":\"");
        started
    };
    let ids = |mut demo: Running| -> Vec<String> {
        demo.signal("TERM");
        assert_eq!(demo.ended().code(), Some(0), "{}", demo.stderr());
        let id = |line: &str| {
            let phone: Value = serde_json::from_str(line).unwrap();
            phone["id"].as_str().unwrap().to_owned()
        };
        demo.stdout().lines().map(id).collect()
    };
    let first = ids(demo());
    assert_eq!(first.len(), 4);
    assert_eq!(first[0], "a7f3a1c5258347d6b6f1def79e11f2bc");
    assert_eq!(first[1], "1678567b8bab40f93711234cb80d0764");
    assert_eq!(ids(demo()), first, "the same at every start");
}

#[test]
fn a_demo_stays_on_loopback_and_says_so() {
    let ran = run(&mut fleetwright(&["demo", "--http", "0.0.0.0:0"]));
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("on loopback only"), "{}", ran.stderr);
    let ran = run(&mut fleetwright(&["demo", "--phones", "1"]));
    assert_eq!(ran.status, 2, "it needs both phones of the vendor's request");
}

#[test]
fn it_says_where_the_console_is_and_how_to_sign_in() {
    let mut demo = Running::start(&mut fleetwright(&["demo"]));
    let url = demo.prints("  address     ");
    let user = demo.prints("  user        ");
    let password = demo.prints("  password    ");
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/ui/"), "{url}");
    let api = url.replace("/ui/", "/api/v1/session/cookie");
    let signed_in = ureq::post(api)
        .header("x-fleetwright-console", "1")
        .send_json(serde_json::json!({ "user": user, "password": password }));
    assert!(signed_in.unwrap().headers().contains_key("set-cookie"));
    demo.signal("INT");
    demo.ended();
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing_behind() {
    let mut demo = Running::start(&mut fleetwright(&["demo", "--phones", "400"]));
    let data = demo.prints("  data        ");
    demo.signal("INT");
    demo.ended();
    assert!(!std::path::Path::new(&data).exists(), "{data} is left");

    let mut demo = Running::start(&mut fleetwright(&["demo", "--phones", "2"]));
    let data = demo.prints("  data        ");
    demo.prints("Serving until Ctrl-C");
    demo.signal("HUP");
    assert_eq!(demo.ended().code(), Some(0), "its terminal is gone: an end like any other");
    assert!(!std::path::Path::new(&data).exists(), "{data} is left");
}
