//! `GET /api/v1/events`: nobody misses anything over a kill, nobody sees what is another's, and
//! nobody who does not read costs the server more than a place.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::phones::PROJECT;
use crate::harness::server::{Process, own_environment};
use crate::harness::site::import;
use crate::harness::{
    Native, PATIENCE, Phones, Server, Site, Start, Stopwatch, tools, wait_for, wait_until,
};

/// No stream of a test lasts longer.
const STREAM_MAX: Duration = Duration::from_secs(120);

/// The project of somebody else.
const OTHER: &str = "other";
const PASSWORD: &str = "correct horse battery staple";

/// One event.
#[derive(Debug, Clone)]
struct Event {
    name: String,
    data: Value,
}

/// A stream of events as a client reads it: by the HTML standard, section 9.2.6.
struct Stream {
    content: BufReader<Box<dyn Read + Send>>,
    /// The last id, of an event or of none.
    id: String,
}

impl Stream {
    /// Opens one, which must be let in, and waits for the place that it begins at.
    fn open(server: &Server, token: &str, query: &str, last_id: Option<&str>) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(STREAM_MAX));
        let agent = config.http_status_as_error(false).build().new_agent();
        let mut request = agent
            .get(format!("{}/api/v1/events?{query}", server.url()))
            .header("authorization", format!("Bearer {token}"));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let answer = request.call().expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let content = answer.into_body().into_with_config().limit(u64::MAX).reader();
        let mut stream = Self { content: BufReader::new(Box::new(content)), id: String::new() };
        assert!(stream.block().expect("a beginning").is_none(), "it begins with a place");
        assert!(!stream.id.is_empty(), "it begins with a place");
        stream
    }

    /// What stands before the next blank line: an event, or none; `Err` at the stream's end.
    fn block(&mut self) -> Result<Option<Event>, ()> {
        let (mut name, mut data, mut id) = (String::new(), String::new(), None);
        loop {
            let mut line = String::new();
            let read = self.content.read_line(&mut line);
            if read.is_err() || !line.ends_with('\n') {
                return Err(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ").expect("a field or a comment") {
                ("event", value) => name = value.to_owned(),
                ("data", value) => data = value.to_owned(),
                ("id", value) => id = Some(value.to_owned()),
                ("" | "retry", _) => {}
                other => panic!("{other:?}"),
            }
        }
        if let Some(id) = id {
            self.id = id;
        }
        if data.is_empty() {
            return Ok(None);
        }
        let data = serde_json::from_str(&data).expect("JSON");
        Ok(Some(Event { name, data }))
    }

    /// The next event; none at the stream's end.
    fn next(&mut self) -> Option<Event> {
        loop {
            match self.block() {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(()) => return None,
            }
        }
    }

    /// The next event of this type.
    fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// Updates all phones of a site at once and gives the jobs.
pub(super) fn update_all(site: &Site, value: usize) -> Vec<String> {
    let ids: Vec<String> = (0..site.phones.count()).map(|phone| site.phones.id(phone)).collect();
    let property = json!({"com.cph.mainkeys": (value % 2).to_string()});
    let phones: Vec<_> = ids.iter().map(|id| (id.as_str(), property.clone())).collect();
    let body = site.cph().try_update(&phones).expect("an answer").ok();
    let jobs = body["jobs"].as_array().expect("jobs");
    jobs.iter().map(|job| text(&job["job_id"])).collect()
}

#[test]
fn a_client_that_comes_back_misses_no_jobs_end_though_the_server_was_killed() {
    const KILLS: usize = 3;
    let mut site = Site::start(&Start::default(), Phones::of(10).boot(Duration::ZERO));
    site.phones.slow_down(Duration::from_millis(40));
    let mut jobs: BTreeSet<String> = BTreeSet::new();
    let ended: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut id: Option<String> = None;
    let query = format!("project={PROJECT}&types=job.ended");
    for round in 0..KILLS {
        let token = site.server.admin_token();
        let mut stream = Stream::open(&site.server, &token, &query, id.as_deref());
        let told = ended.clone();
        let reader = std::thread::spawn(move || {
            while let Some(event) = stream.next() {
                assert_eq!(event.name, "job.ended", "{event:?}");
                assert_eq!(event.data["project"], PROJECT);
                told.lock().expect("told").insert(text(&event.data["id"]));
            }
            stream.id
        });
        let before = ended.lock().expect("told").len();
        for value in 0..4 {
            jobs.extend(update_all(&site, round + value));
        }
        // In the middle: some have ended and were told, others have not.
        wait_until("some to be told", PATIENCE, || ended.lock().expect("told").len() > before + 3);
        site.server.kill9();
        id = Some(reader.join().expect("the reader"));
        site.server.restart(&Start::default());
    }
    let token = site.server.admin_token();
    let mut stream = Stream::open(&site.server, &token, &query, id.as_deref());
    let mut ended = ended.lock().expect("told").clone();
    while ended.len() < jobs.len() {
        let event = stream.next().expect("the stream goes on");
        ended.insert(text(&event.data["id"]));
    }
    assert_eq!(ended, jobs);
    let native = site.native();
    for job in &jobs {
        assert!(["succeeded", "failed"].contains(&native.job(job)["state"].as_str().expect("it")));
    }
}

/// A server with two projects, and a token of a viewer of each.
fn two_projects() -> (Site, [String; 2]) {
    let site = Site::start(&Start::default(), Phones::of(2).boot(Duration::ZERO));
    let native = site.native();
    native.new_project(OTHER);
    let token = |project: &str| {
        let user = json!({"name": project, "password": PASSWORD, "role": "viewer"});
        native.post(&format!("/api/v1/projects/{project}/users"), &user);
        let session = json!({"user": project, "password": PASSWORD});
        text(&native.post("/api/v1/session", &session)["token"])
    };
    let tokens = [token(PROJECT), token(OTHER)];
    (site, tokens)
}

/// The record of a phone that is nowhere.
fn nowhere(project: &str, id: &str, name: &str) -> Value {
    json!({"project": project, "kind": "phone", "id": id, "name": name, "profile": "android",
        "address": "127.0.0.1:9"})
}

/// Puts a phone on record that is nowhere.
fn import_one(native: &Native, project: &str, id: &str) {
    import(native, &[nowhere(project, id, id)]);
}

#[test]
fn a_user_of_another_project_sees_nothing() {
    let (site, [own, other]) = two_projects();
    let mut own = Stream::open(&site.server, &own, "", None);
    let mut stranger = Stream::open(&site.server, &other, "", None);
    let native = site.native();
    let jobs: BTreeSet<String> = update_all(&site, 1).into_iter().collect();
    assert_eq!(own.next_of("update.accepted").data["jobs"], 2);
    let ends: BTreeSet<String> =
        (0..2).map(|_| text(&own.next_of("job.ended").data["id"])).collect();
    assert_eq!(ends, jobs);
    native.new_project("third");
    import_one(&native, PROJECT, "gone");
    while own.next_of("device.changed").data["id"] != "gone" {}
    let gone = format!("/api/v1/devices/gone?project={PROJECT}");
    native.call(&http::Method::DELETE, &gone, &Value::Null).expect("an answer").ok();
    loop {
        let event = own.next_of("device.changed");
        assert_eq!(event.data["project"], PROJECT, "{event:?}");
        if event.data["what"] == "deleted" {
            assert_eq!(event.data["id"], "gone");
            break;
        }
    }
    // The first thing that the stranger is told of is the stranger's own.
    import_one(&native, OTHER, "mine");
    let event = stranger.next().expect("an event");
    let seen = [&event.data["project"], &event.data["id"], &event.data["what"]];
    assert_eq!(seen, [OTHER, "mine", "record"], "{event:?}");
    // Nor does asking for it help.
    let target = format!("/api/v1/events?project={PROJECT}");
    let refused = Native::new(site.server.address(), &other);
    let refused = refused.call(&http::Method::GET, &target, &Value::Null).expect("an answer");
    assert_eq!((refused.status, &refused.body["code"]), (404, &json!("no_such_project")));
    for query in ["types=job.begun", "after=nonsense", "colour=red"] {
        let target = format!("/api/v1/events?{query}");
        let refused = native.call(&http::Method::GET, &target, &Value::Null).expect("an answer");
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("invalid")), "{query}");
    }
}

/// A connection of which as little as may be is kept by the kernel, with a request for all events.
fn silent(address: SocketAddr, token: &str) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let stream = runtime.expect("a runtime").block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        socket.connect(address).await.expect("a connection").into_std().expect("a socket")
    });
    stream.set_nonblocking(false).expect("a socket that waits");
    let request =
        format!("GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    (&stream).write_all(request.as_bytes()).expect("a request");
    stream
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_costs_no_memory() {
    const DEVICES: usize = 10_000;
    const ROUNDS: usize = 8;
    let server = Server::start(&Start::default());
    let (native, token) = (server.native(), server.admin_token());
    native.new_project(PROJECT);
    // The devices are nowhere.
    native.put("/api/v1/settings", &json!({"paused": true}));
    let records = |name: usize| -> Vec<Value> {
        let name = format!("round {name}");
        (0..DEVICES).map(|id| nowhere(PROJECT, &format!("nowhere-{id}"), &name)).collect()
    };
    import(&native, &records(0));
    let mut faithful = Stream::open(&server, &token, "", None);
    let silent: Vec<TcpStream> = (0..20).map(|_| silent(server.address(), &token)).collect();
    let before = server.memory();
    let reader = std::thread::spawn(move || {
        let mut told = 0;
        while told < DEVICES * ROUNDS {
            let event = faithful.next().expect("the stream goes on");
            assert_ne!(event.name, "dropped", "{event:?}");
            told += usize::from(event.data["what"] == "record");
        }
    });
    for round in 1..=ROUNDS {
        import(&native, &records(round));
    }
    reader.join().expect("one that reads is told all");
    let cut = || native.metric("fleetwright_http_connections_cut_total");
    wait_until("those that do not read to be cut off", 3 * PATIENCE, || cut() >= 20.0);
    let grown = server.memory().saturating_sub(before) >> 20;
    assert!(grown < 150, "the server has grown by {grown} MB");
    drop(silent);
    assert!(server.terminate().success());
}

#[test]
fn a_stop_ends_streams_at_once_and_after_it_they_go_on() {
    let mut server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    let token = server.admin_token();
    let mut streams: Vec<Stream> =
        (0..5).map(|_| Stream::open(&server, &token, "", None)).collect();
    native.new_project(OTHER);
    for stream in &mut streams {
        assert_eq!(stream.next().expect("an event").name, "projects.changed");
    }
    let watch = Stopwatch::start();
    assert!(server.terminate().success());
    assert!(watch.elapsed() < Duration::from_secs(10), "{:?}", watch.elapsed());
    let ids: Vec<String> = streams
        .iter_mut()
        .map(|stream| {
            while stream.next().is_some() {}
            stream.id.clone()
        })
        .collect();
    server.restart(&Start::default());
    server.native().new_project("third");
    for id in ids {
        let mut stream = Stream::open(&server, &token, "", Some(&id));
        assert_eq!(stream.next().expect("an event").name, "projects.changed");
    }
}

#[test]
fn the_command_line_tells_what_happens_and_goes_on_after_a_restart() {
    let mut server = Server::start(&Start::default());
    server.native().new_project(PROJECT);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events");
    let output = std::fs::File::create(&path).expect("a file");
    let mut command = Command::new(tools::fleetwright());
    command.args(["events", "--json", "--types", "device.changed", "--project", PROJECT]);
    command.env("FLEETWRIGHT_URL", server.url());
    command.env("FLEETWRIGHT_TOKEN", server.admin_token()).stdout(Stdio::from(output));
    own_environment(&mut command);
    let process = Process::start(&mut command);
    let lines = || -> Vec<Value> {
        let text = std::fs::read_to_string(&path).expect("the file");
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let native = server.native();
    // It may not listen yet: it is told of what happens from then on.
    let mut tries = 0;
    let first = wait_for("the first line", PATIENCE, || {
        tries += 1;
        import(&native, &[nowhere(PROJECT, "one", &format!("try {tries}"))]);
        lines().first().cloned()
    });
    assert_eq!((&first["event"], &first["data"]["id"]), (&json!("device.changed"), &json!("one")));
    assert!(process.status().is_none());
    server.kill9();
    // Another port, so the command can't find it again by itself: `--after` does.
    let last = lines().iter().rev().find_map(|line| line["id"].as_str().map(str::to_owned));
    server.restart(&Start::default());
    import_one(&server.native(), PROJECT, "two");
    let again = folder.path().join("again");
    let output = std::fs::File::create(&again).expect("a file");
    let mut command = Command::new(tools::fleetwright());
    command.args(["events", "--after", &last.expect("a place")]);
    command.env("FLEETWRIGHT_URL", server.url());
    command.env("FLEETWRIGHT_TOKEN", server.admin_token()).stdout(Stdio::from(output));
    own_environment(&mut command);
    let _process = Process::start(&mut command);
    wait_until("what came after", PATIENCE, || {
        let text = std::fs::read_to_string(&again).expect("the file");
        text.contains(&format!("device.changed  {PROJECT}  two  record"))
    });
}
