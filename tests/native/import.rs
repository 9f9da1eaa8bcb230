//! Files of devices, in and out: each bad line by its number, what is exported comes back as it
//! was, and nobody gets what is not his.

use std::fmt::Write as _;
use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use crate::harness::site::import;
use crate::harness::{Answer, Cli, Native, Request, Server, Start};

const PROJECT: &str = "acme";
const PASSWORD: &str = "correct horse battery staple";

/// What registers with nothing: cameras cost the server no work.
fn camera_id(number: usize) -> String {
    format!("3402000000132{number:07}")
}

/// A server with the project.
fn server() -> Server {
    let server = Server::start(&Start::default());
    server.native().new_project(PROJECT);
    server
}

/// Posts a file with the admin's token, or another.
fn post(server: &Server, token: &str, query: &str, content_type: &str, file: &str) -> Answer {
    let mut request = Request::new("POST", &format!("/api/v1/devices/import{query}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", content_type);
    request.body = file.as_bytes().to_vec();
    request.send(server.address())
}

/// What an export says.
#[track_caller]
fn export(native: &Native, query: &str) -> String {
    let target = format!("/api/v1/devices/export{query}");
    let answer = native.call(&Method::GET, &target, &Value::Null).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// How many devices there are, at most 1,000.
fn count(native: &Native) -> usize {
    native.get("/api/v1/devices?limit=1000")["devices"].as_array().expect("devices").len()
}

/// Makes a user in a project and signs it in: gives the token.
fn signed_in(server: &Server, name: &str, project: &str, role: &str) -> String {
    let target = format!("/api/v1/projects/{project}/users");
    let user = json!({ "name": name, "password": PASSWORD, "role": role });
    server.native().post(&target, &user);
    let body = json!({ "user": name, "password": PASSWORD }).to_string();
    let session = Request::new("POST", "/api/v1/session").body(body).send(server.address());
    session.ok()["token"].as_str().expect("a token").to_owned()
}

/// A thousand lines of cameras, seven of which are not right.
fn thousand() -> String {
    let mut file = "kind,project,id,name,address,password,profile\n".to_owned();
    for number in 0..1_000 {
        let id = camera_id(number);
        let line = match number {
            10 => "camera,acme,3402,x,,secret-12345678,".to_owned(),
            20 => format!("camera,acme,{id},,,secret-12345678,"),
            30 => format!("toaster,acme,{id},x,,secret-12345678,"),
            40 => format!("camera,acme,{id},x,x:1,secret-12345678,"),
            50 => format!("camera,acme,{id},x,,secret-12345678,nonesuch"),
            60 => format!("camera,acme,{},x,,secret-12345678,", camera_id(61)),
            _ => format!("camera,acme,{id},camera {number},,secret-12345678,"),
        };
        let _ = writeln!(file, "{line}");
    }
    file
}

#[test]
fn each_of_seven_bad_lines_among_a_thousand_is_named() {
    let server = server();
    let (native, token) = (server.native(), server.admin_token());
    let post = |query: &str| post(&server, &token, query, "text/csv", &thousand());
    let expected = json!([
        [12, "id", "invalid"],
        [22, "name", "missing"],
        [32, "kind", "invalid"],
        [42, "address", "not_of_kind"],
        [52, "profile", "invalid"],
        [62, "id", "repeated_id"],
        [63, "id", "repeated_id"],
    ]);
    let check = |report: &Value, counts: [usize; 4]| {
        let errors = report["errors"].as_array().expect("errors").iter();
        let errors: Vec<Value> =
            errors.map(|error| json!([error["line"], error["field"], error["code"]])).collect();
        assert_eq!(json!(errors), expected);
        let shown = ["lines", "new", "changed", "failed"].map(|name| report[name].as_u64());
        assert_eq!(shown, counts.map(|count| Some(count as u64)), "{report}");
        assert_eq!((&report["more"], &report["errors"][0]["column"]), (&json!(0), &json!(3)));
        assert!(!report.to_string().contains("secret-12345678"), "{report}");
    };

    for query in ["", "?mode=all_or_none", "?dry_run=true"] {
        let answer = post(query);
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("lines_invalid")));
        let content_type = answer.headers.get("content-type").expect("a type");
        assert_eq!(content_type, "application/problem+json");
        check(&answer.body["report"], [1_000, 0, 0, 7]);
        assert_eq!(count(&native), 0);
    }
    let rehearsed = post("?mode=good_lines&dry_run=true").ok();
    assert_eq!(rehearsed["dry_run"], true);
    check(&rehearsed, [1_000, 993, 0, 7]);
    assert_eq!(count(&native), 0);
    check(&post("?mode=good_lines").ok(), [1_000, 993, 0, 7]);
    assert_eq!(count(&native), 993);
    check(&post("?mode=good_lines").ok(), [1_000, 0, 993, 7]);
    let named = post("?mode=good_lines").ok()["errors"][5]["detail"].clone();
    assert_eq!(named, "line 63 has the same id");
    let camera = native.device(&camera_id(999));
    assert_eq!(
        (&camera["name"], &camera["camera"]["has_password"]),
        (&json!("camera 999"), &json!(true))
    );
}

#[test]
fn what_can_not_be_meant_is_refused() {
    let server = server();
    let token = server.admin_token();
    let post = |query: &str, content_type: &str, file: &str| {
        let answer = post(&server, &token, query, content_type, file);
        (answer.status, answer.text)
    };
    let line = json!({ "kind": "camera", "id": camera_id(1), "name": "x" }).to_string();
    let (status, text) = post("?mode=good_lines", "application/json", "[]");
    assert!(status == 400 && text.contains("a list takes no parameters"), "{text}");
    let (status, text) = post("?project=nowhere", "application/x-ndjson", &line);
    assert!(status == 404 && text.contains("no_such_project"), "{text}");
    let (status, text) = post("", "application/x-ndjson", &line);
    assert!(status == 422 && text.contains("needs `project`"), "{text}");
    let (status, text) = post("", "text/csv; charset=utf-16", "id");
    assert!(status == 422 && text.contains("is not read"), "{text}");
    let (status, text) = post("", "application/x-ndjson", &"{}\n".repeat(10_001));
    assert!(status == 400 && text.contains("more than 10000 lines"), "{text}");
    let (status, text) = post("?project=acme", "application/x-ndjson", &line);
    assert!(status == 200 && text.contains("\"new\":1"), "{text}");
    for query in ["?limit=1", "?format=xml", "?state=true&property=nonesuch", "?property=Name"] {
        let target = format!("/api/v1/devices/export{query}");
        let answer = server.native().call(&Method::GET, &target, &Value::Null);
        assert_eq!(answer.expect("an answer").status, 400, "{query}");
    }
}

#[test]
fn a_channel_goes_to_a_camera_of_the_file_or_on_record() {
    let server = server();
    let (native, token) = (server.native(), server.admin_token());
    let channel = |number: usize| format!("3402000000131{number:07}");
    let file = |rows: &[String]| format!("kind,project,parent,id,name\n{}\n", rows.join("\n"));
    let camera = |number: usize| format!("camera,acme,,{},gate", camera_id(number));
    let of = |parent: usize, id: usize| {
        format!("channel,acme,{},{},lens {id}", camera_id(parent), channel(id))
    };
    let post =
        |rows: &[String]| post(&server, &token, "?mode=good_lines", "text/csv", &file(rows)).ok();
    let report = post(&[of(1, 1), camera(1), of(1, 2), of(2, 3), "toaster,,,,".to_owned()]);
    let shown = [&report["new"], &report["channels"], &report["failed"]];
    assert_eq!(shown, [&json!(1), &json!(2), &json!(2)], "{report}");
    assert_eq!(report["errors"][0]["code"], "no_device", "{report}");
    let report = post(&[of(1, 4), of(1, 1)]);
    let shown = [&report["new"], &report["changed"], &report["channels"], &report["failed"]];
    assert_eq!(shown, [&json!(0), &json!(0), &json!(2), &json!(0)], "{report}");
    let target = format!("/api/v1/devices/{}/channels", camera_id(1));
    let listed = native.get(&target);
    let names: Vec<&Value> =
        listed["channels"].as_array().expect("channels").iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["lens 1", "lens 2", "lens 4"]);
    assert_eq!(native.device(&camera_id(1))["name"], "gate");
}

/// Records of 5,000 devices with names that are hard on a file.
fn fleet() -> Vec<Value> {
    (0..5_000)
        .map(|number| {
            let name = ["=1+{}", "\"a, {}\"", "东门 {}", "'=x {}", "- {}; y"][number % 5]
                .replace("{}", &number.to_string());
            if number % 25 == 0 {
                return json!({
                    "kind": "phone", "project": PROJECT, "id": format!("phone-{number}"),
                    "name": name, "server": "@farm", "address": "127.0.0.1:9",
                    "container": "c", "profile": "redroid",
                });
            }
            let channels: Vec<Value> = (0..number % 3)
                .map(|at| json!({ "id": format!("34020000001{number:06}31{at}"), "name": name }))
                .collect();
            json!({
                "kind": "camera", "project": PROJECT, "id": camera_id(number), "name": name,
                "user": format!("u{number}"), "password": "secret-12345678", "channels": channels,
            })
        })
        .collect()
}

#[test]
fn what_is_exported_comes_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, to) = (server(), server());
    import(&from.native(), &fleet());
    let file = folder.path().join("devices.csv");
    let file = file.to_string_lossy();
    Cli::new(&from).run(&["device", "export", "--project", PROJECT, "--output", &file]).ok();
    let text = std::fs::read_to_string(&*file).expect("the file");
    assert!(!text.contains("secret-12345678"), "a password was exported");
    assert_eq!(text.lines().filter(|line| line.starts_with("phone,")).count(), 200);
    let beside = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(beside, 1, "what was written first is gone");

    let channels = text.lines().filter(|line| line.starts_with("channel,")).count();
    let cli = Cli::new(&to);
    let done = cli.run(&["device", "import", &file]).ok();
    let expected = format!("imported 5000 devices and {channels} channels: 5000 new, 0 known\n");
    assert_eq!(done, expected);
    let (before, after) =
        (export(&from.native(), "?format=jsonl"), export(&to.native(), "?format=jsonl"));
    assert_eq!(before.lines().count(), 5_000 + channels);
    assert!(before == after, "the records differ");
    assert_eq!(export(&to.native(), ""), text);

    // With what it says besides, which is passed over; by the other way.
    let lines = folder.path().join("devices.jsonl");
    let lines = lines.to_string_lossy();
    let args = ["device", "export", "--format", "jsonl", "--state", "--output", &lines];
    Cli::new(&from).run(&args).ok();
    let done = cli.run(&["device", "import", &lines]).ok();
    assert!(done.contains("0 new, 5000 known"), "{done}");
    assert!(export(&to.native(), "?format=jsonl") == before, "the records differ");
}

#[test]
fn a_viewer_exports_his_projects_and_imports_nothing() {
    let server = server();
    let native = server.native();
    native.new_project("elsewhere");
    let record = |project: &str, number: usize| {
        json!({
            "kind": "camera", "project": project, "id": camera_id(number), "name": "gate",
        })
    };
    import(&native, &[record(PROJECT, 1), record("elsewhere", 2)]);
    let token = signed_in(&server, "vera", PROJECT, "viewer");
    let viewer = Native::new(server.address(), &token);
    for query in ["", "?format=jsonl&state=true", "?project=acme"] {
        let text = export(&viewer, query);
        assert!(text.contains(&camera_id(1)) && !text.contains(&camera_id(2)), "{text}");
    }
    let target = "/api/v1/devices/export?project=elsewhere";
    let answer = viewer.call(&Method::GET, target, &Value::Null).expect("an answer");
    assert_eq!((answer.status, &answer.body["code"]), (404, &json!("no_such_project")));
    let template = "/api/v1/devices/import/template?kind=phone";
    let answer = viewer.call(&Method::GET, template, &Value::Null).expect("an answer");
    assert!(answer.status == 200 && answer.text.starts_with("kind,project,id,name,"), "{answer:?}");

    let file = format!("kind,project,id,name\ncamera,acme,{},x\n", camera_id(3));
    let answer = post(&server, &token, "", "text/csv", &file);
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("forbidden")));
    // Who may import elsewhere is told of each line that is not for there.
    let token = signed_in(&server, "olga", "elsewhere", "operator");
    let answer = post(&server, &token, "?mode=good_lines", "text/csv", &file);
    assert_eq!(answer.status, 422, "{answer:?}");
    let error = &answer.body["report"]["errors"][0];
    assert_eq!((&error["field"], &error["code"]), (&json!("project"), &json!("no_such_project")));
    assert_eq!(count(&native), 2);
}

/// Writes a file; gives its name.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("write a file");
    path.to_string_lossy().into_owned()
}

#[test]
fn the_command_says_which_lines_are_bad_and_ends_by_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server();
    let (native, cli) = (server.native(), Cli::new(&server));
    let name = file(folder.path(), "thousand.csv", thousand().as_bytes());
    let ran = cli.run(&["device", "import", &name]);
    assert!(ran.stderr.contains("thousand.csv:32") && ran.stderr.contains("toaster"), "{ran:?}");
    ran.ended(2, "nothing was imported: 7 lines can't be taken");
    cli.run(&["device", "import", &name, "--dry-run"]).ended(2, "nothing would be imported");
    let ran = cli.run(&["device", "import", &name, "--good-lines", "--dry-run"]);
    assert_eq!(ran.stdout, "would import 993 devices: 993 new, 0 known\n");
    ran.ended(1, "7 lines can't be taken");
    assert_eq!(count(&native), 0);
    let ran = cli.run(&["device", "import", &name, "--good-lines", "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&report["new"], &report["failed"]), (&json!(993), &json!(7)));
    assert_eq!(report["errors"][6]["line"], 63);
    ran.ended(1, "7 lines can't be taken");
    assert_eq!(count(&native), 993);

    // As a spreadsheet of a Chinese Windows writes it: GB18030 for 东门, semicolons, CR LF, and an
    // id that it was kept from making a number of.
    let mut bytes = b"sep=;\r\nKind;ID;Name\r\n".to_vec();
    bytes.extend(format!("Camera;=\"{}\";", camera_id(5_000)).bytes());
    bytes.extend(b"\xb6\xab\xc3\xc5\r\n");
    let name = file(folder.path(), "gb.csv", &bytes);
    let done = cli.run(&["device", "import", &name, "--project", PROJECT]).ok();
    let read_as = format!("{name} was read as gb18030");
    assert_eq!(done, format!("imported 1 devices: 1 new, 0 known\n{read_as}\n"));
    assert_eq!(native.device(&camera_id(5_000))["name"], "东门");
    let formula = "kind,id,name\ncamera,34020000001320005001,=A1\n";
    let name = file(folder.path(), "formula.csv", formula.as_bytes());
    let ran = cli.run(&["device", "import", &name, "--project", PROJECT]);
    assert!(ran.stderr.contains("formula.csv:2") && ran.stderr.contains("a formula"), "{ran:?}");
    ran.ended(2, "1 line can't be taken");

    let template = folder.path().join("template.csv");
    let template = template.to_string_lossy();
    cli.run(&["device", "template", "--kind", "camera", "--output", &template]).ok();
    let ran = cli.run(&["device", "import", &template]);
    assert!(ran.stderr.contains("put a device of yours in its place"), "{ran:?}");
    ran.ended(2, "2 lines can't be taken");
    let printed = cli.run(&["device", "template", "--kind", "phone", "--format", "jsonl"]).ok();
    assert!(printed.starts_with("# Needed: kind, project"), "{printed}");
}

#[test]
fn a_large_file_goes_in_pieces_and_keeps_its_line_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server();
    let cli = Cli::new(&server);
    let mut text = "kind,project,id,name\n".to_owned();
    for number in 0..10_005 {
        let kind = if number == 10_002 { "toaster" } else { "camera" };
        let _ = writeln!(text, "{kind},acme,{},\"camera\"", camera_id(number));
    }
    let name = file(folder.path(), "large.csv", text.as_bytes());
    let ran = cli.run(&["device", "import", &name, "--good-lines"]);
    assert_eq!(ran.stdout, "imported 10004 devices: 10004 new, 0 known\n");
    assert!(ran.stderr.contains("large.csv:10004"), "{ran:?}");
    ran.ended(1, "1 line can't be taken");
    let ran = cli.run(&["device", "import", &name]);
    ran.ended(2, "the first 10000 devices were imported, and no more: 1 line can't be taken");
}
