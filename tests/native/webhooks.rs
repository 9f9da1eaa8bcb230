//! Webhooks: receivers are told all of their own and nothing else, in order, over a receiver that
//! is away and over a kill of the server, and know a genuine delivery by the page's own program.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::events::update_all;
use crate::docs::blocks;
use crate::harness::phones::PROJECT;
use crate::harness::server::{Process, own_environment};
use crate::harness::sip::free_port;
use crate::harness::site::import;
use crate::harness::{
    Cli, Native, PATIENCE, Phones, Server, Site, Start, Stopwatch, tools, wait_for, wait_until,
};

/// The project of somebody else.
const OTHER: &str = "other";

/// What deliveries to the page's program are signed with.
const SECRET: &str = "a-secret-of-the-receiver";

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It takes what comes.
    Takes,
    /// It closes each connection without a word, as one does that is starting.
    Closes,
    /// It reads and never answers.
    Hangs,
    /// It answers this status.
    Answers(u16),
}

/// A receiver: an HTTP server of a few lines, on the loopback address.
struct Receiver {
    address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    /// The deliveries that it has taken, in order.
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let receiver = Self { address, mode: Arc::new(Mutex::new(mode)), taken: Arc::default() };
        let (mode, taken) = (receiver.mode.clone(), receiver.taken.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mode, taken) = (mode.clone(), taken.clone());
                std::thread::spawn(move || receive(stream.expect("a connection"), &mode, &taken));
            }
        });
        receiver
    }

    fn url(&self) -> String {
        format!("http://{}/hook?key=hidden", self.address)
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().expect("the mode") = mode;
    }

    /// The data of all events of a type, in the order in which they came.
    fn events(&self, event_type: &str) -> Vec<Value> {
        let taken = self.taken.lock().expect("deliveries");
        let events = taken.iter().flat_map(|delivery| delivery["events"].as_array().expect("them"));
        let events = events.filter(|event| event["type"] == event_type);
        events.map(|event| event["data"].clone()).collect()
    }

    /// The ids of the jobs that it was told the end of.
    fn jobs(&self) -> Vec<String> {
        self.events("job.ended").iter().map(|data| text(&data["id"])).collect()
    }
}

/// Reads one request and answers it.
fn receive(mut stream: TcpStream, mode: &Mutex<Mode>, taken: &Mutex<Vec<Value>>) {
    let mode = *mode.lock().expect("the mode");
    if mode == Mode::Closes {
        return;
    }
    let Some((head, body)) = request(&mut stream) else { return };
    let status = match mode {
        Mode::Takes => 204,
        Mode::Answers(status) => status,
        Mode::Hangs | Mode::Closes => {
            // Until the server has had enough.
            let _ = stream.read(&mut [0]);
            return;
        }
    };
    if mode == Mode::Takes {
        let delivery: Value = serde_json::from_slice(&body).expect("JSON");
        let id = text(&delivery["delivery"]);
        assert!(head.contains(&format!("fleetwright-delivery: {id}\r\n")), "{head}");
        assert!(head.starts_with("post /hook?key=hidden http/1.1\r\n"), "{head}");
        assert!(delivery["events"].as_array().expect("events").len() <= 100);
        taken.lock().expect("deliveries").push(delivery);
    }
    let _ = write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

/// A request's head, in lower case, and its body; none if the sender has gone.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut read, mut piece) = (Vec::new(), [0; 16 * 1024]);
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end + 2]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").parse().expect("a number");
            if read.len() >= end + 4 + length {
                return Some((head, read[end + 4..end + 4 + length].to_vec()));
            }
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => read.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// Makes a webhook and gives its id.
fn create(native: &Native, project: Option<&str>, types: &str, url: &str) -> String {
    let types: Vec<&str> = types.split(',').collect();
    let body = json!({ "project": project, "types": types, "url": url });
    let made = native.post("/api/v1/webhooks", &body);
    assert_eq!(text(&made["secret"]).len(), 64, "{made}");
    assert_eq!((&made["project"], &made["enabled"]), (&json!(project), &json!(true)));
    text(&made["id"])
}

fn shown(native: &Native, id: &str) -> Value {
    native.get(&format!("/api/v1/webhooks/{id}"))
}

/// Updates all phones of a site, and waits until all the jobs have ended.
fn round(site: &Site, value: usize) -> BTreeSet<String> {
    let jobs = update_all(site, value);
    let native = site.native();
    wait_until("the jobs to end", 3 * PATIENCE, || {
        jobs.iter().all(|job| {
            let state = text(&native.job(job)["state"]);
            state == "succeeded" || state == "failed"
        })
    });
    jobs.into_iter().collect()
}

/// A record of a phone that is nowhere.
fn nowhere(project: &str, id: &str) -> Value {
    json!({ "project": project, "kind": "phone", "id": id, "name": id, "profile": "android",
        "address": "127.0.0.1:9" })
}

/// What came is these rounds, one after the other, each job once. Where there are several nodes the
/// share of one may just pass to another, which may tell a little of it again.
fn check_rounds(came: &[String], rounds: &[BTreeSet<String>]) {
    let is_alone = std::env::var_os("FLEETWRIGHT_TEST_STORE").is_none();
    let mut seen = BTreeSet::new();
    let mut came = came.iter().filter(|job| seen.insert(*job) || is_alone).cloned();
    for round in rounds {
        let next: Vec<String> = came.by_ref().take(round.len()).collect();
        assert_eq!(next.iter().cloned().collect::<BTreeSet<_>>(), *round);
    }
    assert_eq!(came.next(), None, "some came twice");
}

#[test]
fn the_end_of_a_phones_job_is_delivered_once_and_in_order() {
    let site = Site::start(&Start::default(), Phones::of(5).boot(Duration::ZERO));
    let receiver = Receiver::start(Mode::Takes);
    let id = create(&site.native(), Some(PROJECT), "job.ended", &receiver.url());
    let rounds: Vec<_> = (0..3).map(|value| round(&site, value)).collect();
    let expected: usize = rounds.iter().map(BTreeSet::len).sum();
    wait_until("all to be told", PATIENCE, || receiver.jobs().len() >= expected);
    check_rounds(&receiver.jobs(), &rounds);
    for data in receiver.events("job.ended") {
        assert_eq!((&data["project"], &data["state"]), (&json!(PROJECT), &json!("succeeded")));
    }
    for delivery in receiver.taken.lock().expect("deliveries").iter() {
        assert_eq!((&delivery["webhook"], &delivery["dropped"]), (&json!(id), &json!(false)));
    }
    wait_until("it to be on record", PATIENCE, || {
        let now = shown(&site.native(), &id);
        now["last_success_at"].is_string() && now["failures"] == 0
    });
    // Whichever node delivers.
    assert!(shown(&site.native(), &id)["last_failure_at"].is_null());
}

#[test]
fn a_receiver_that_was_away_is_told_all_in_order() {
    let site = Site::start(&Start::default(), Phones::of(5).boot(Duration::ZERO));
    let receiver = Receiver::start(Mode::Closes);
    let native = site.native();
    let id = create(&native, Some(PROJECT), "job.ended", &receiver.url());
    let mut rounds: Vec<_> = (0..3).map(|value| round(&site, value)).collect();
    wait_until("it to be tried again", PATIENCE, || {
        shown(&native, &id)["failures"].as_u64() >= Some(2)
    });
    let failing = shown(&native, &id);
    assert!(failing["next_attempt_at"].is_string(), "{failing}");
    assert!(!text(&failing["last_failure"]).is_empty(), "{failing}");
    let told = Cli::new(&site.server).run(&["webhook", "show", &id]).ok();
    assert!(told.contains("failing") && told.contains("next attempt"), "{told}");
    assert!(receiver.jobs().is_empty());
    receiver.set(Mode::Takes);
    rounds.push(round(&site, 3));
    let expected: usize = rounds.iter().map(BTreeSet::len).sum();
    // It waits longer and longer: some seconds by then.
    wait_until("all to be told", 3 * PATIENCE, || receiver.jobs().len() >= expected);
    check_rounds(&receiver.jobs(), &rounds);
}

#[test]
fn nothing_is_lost_though_the_server_was_killed() {
    const KILLS: usize = 3;
    let mut site = Site::start(&Start::default(), Phones::of(10).boot(Duration::ZERO));
    site.phones.slow_down(Duration::from_millis(40));
    let receiver = Receiver::start(Mode::Takes);
    create(&site.native(), Some(PROJECT), "job.ended", &receiver.url());
    let mut jobs: BTreeSet<String> = BTreeSet::new();
    for kill in 0..KILLS {
        let before = receiver.jobs().len();
        for value in 0..4 {
            jobs.extend(update_all(&site, kill + value));
        }
        // In the middle: some were told, others have not ended. Once with a receiver that is away.
        wait_until("some to be told", 3 * PATIENCE, || receiver.jobs().len() > before + 3);
        receiver.set(if kill == 1 { Mode::Answers(503) } else { Mode::Takes });
        site.server.kill9();
        site.server.restart(&Start::default());
        receiver.set(Mode::Takes);
    }
    let told = || receiver.jobs().into_iter().collect::<BTreeSet<_>>();
    // Another node may have been about to wait for long.
    wait_until("all to be told", 6 * PATIENCE, || told().len() >= jobs.len());
    assert_eq!(told(), jobs);
    assert!(receiver.taken.lock().expect("deliveries").iter().all(|d| d["dropped"] == false));
}

#[test]
fn a_project_is_told_of_its_own_alone() {
    let server = Server::start(&Start::default());
    let native = server.native();
    let receivers = [PROJECT, OTHER, ""].map(|project| {
        if !project.is_empty() {
            native.new_project(project);
        }
        Receiver::start(Mode::Takes)
    });
    let [own, other, all] = &receivers;
    create(&native, Some(PROJECT), "device.changed", &own.url());
    create(&native, Some(OTHER), "device.changed", &other.url());
    create(&native, None, "device.changed,projects.changed", &all.url());
    for number in 0..3 {
        for project in [PROJECT, OTHER] {
            import(&native, &[nowhere(project, &format!("{project}-{number}"))]);
        }
    }
    let ids = |receiver: &Receiver| -> BTreeSet<String> {
        receiver.events("device.changed").iter().map(|data| text(&data["id"])).collect()
    };
    let of = |project: &str| -> BTreeSet<String> {
        (0..3).map(|number| format!("{project}-{number}")).collect()
    };
    for (receiver, expected) in [
        (own, of(PROJECT)),
        (other, of(OTHER)),
        (all, of(PROJECT).union(&of(OTHER)).cloned().collect()),
    ] {
        wait_until("all to be told", PATIENCE, || ids(receiver).is_superset(&expected));
        assert_eq!(ids(receiver), expected);
    }
    native.new_project("third");
    wait_until("a project to be told", PATIENCE, || !all.events("projects.changed").is_empty());
    assert!(own.events("projects.changed").is_empty());
    // What a project's admin sees of them, and may make.
    let users = format!("/api/v1/projects/{OTHER}/users");
    let password = "correct horse battery staple";
    native.post(&users, &json!({ "name": "stan", "password": password, "role": "admin" }));
    let session = json!({ "user": "stan", "password": password });
    let token = text(&native.post("/api/v1/session", &session)["token"]);
    let stan = Native::new(server.address(), &token);
    let seen = stan.get("/api/v1/webhooks");
    let seen = seen["webhooks"].as_array().expect("webhooks");
    assert_eq!(seen.iter().map(|w| text(&w["project"])).collect::<Vec<_>>(), [OTHER]);
    let post = http::Method::POST;
    for (project, status, code) in
        [(json!(PROJECT), 404, "no_such_project"), (Value::Null, 403, "forbidden")]
    {
        let body = json!({ "project": project, "url": own.url() });
        let refused = stan.call(&post, "/api/v1/webhooks", &body).expect("an answer");
        assert_eq!((refused.status, &refused.body["code"]), (status, &json!(code)));
    }
    for (body, word) in [
        (json!({ "url": "http://receiver.example/" }), "insecure"),
        (json!({ "url": "https://a:b@receiver.example/" }), "user name"),
        (json!({ "url": own.url(), "secret": "short" }), "16 to 256"),
        (json!({ "url": own.url(), "types": ["job.begun"] }), "job.begun"),
        (json!({ "url": own.url(), "colour": "red" }), "colour"),
    ] {
        let refused = native.call(&post, "/api/v1/webhooks", &body).expect("an answer");
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("invalid")), "{body}");
        assert!(refused.text.contains(word), "{}", refused.text);
        assert!(!refused.text.contains("short\""), "{}", refused.text);
    }
}

#[test]
fn a_receiver_that_hangs_keeps_no_other_waiting() {
    let server = Server::start(&Start::default());
    let native = server.native();
    native.new_project(PROJECT);
    let hanging = Receiver::start(Mode::Hangs);
    let receiver = Receiver::start(Mode::Takes);
    for receiver in [&hanging, &receiver] {
        create(&native, Some(PROJECT), "device.changed", &receiver.url());
    }
    import(&native, &[nowhere(PROJECT, "first")]);
    let told = |id: &str| receiver.events("device.changed").iter().any(|data| data["id"] == id);
    wait_until("the first", PATIENCE, || told("first"));
    let watch = Stopwatch::start();
    for number in 0..20 {
        let id = format!("more-{number}");
        import(&native, &[nowhere(PROJECT, &id)]);
        wait_until("the next", PATIENCE, || told(&id));
    }
    // One after the other: if each had waited for the one that hangs, this were 200 s.
    assert!(watch.elapsed() < Duration::from_secs(100), "{:?}", watch.elapsed());
    assert!(hanging.taken.lock().expect("deliveries").is_empty());
}

#[test]
fn a_receiver_that_is_gone_disables_its_webhook_until_a_person_enables_it() {
    let server = Server::start(&Start::default());
    let (native, cli) = (server.native(), Cli::new(&server));
    native.new_project(PROJECT);
    let receiver = Receiver::start(Mode::Answers(410));
    let url = receiver.url();
    let args = ["webhook", "create", "--project", PROJECT, "--types", "device.changed", "--json"];
    let made = cli.run(&[&args[..], &["--to", &url]].concat()).ok();
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let id = text(&made["id"]);
    import(&native, &[nowhere(PROJECT, "first")]);
    wait_until("it to be disabled", PATIENCE, || shown(&native, &id)["enabled"] == false);
    let listed = cli.run(&["webhook", "list", "--project", PROJECT]).ok();
    assert!(listed.contains(&id) && listed.contains("disabled"), "{listed}");
    import(&native, &[nowhere(PROJECT, "second")]);
    cli.run(&["webhook", "test", &id]).ended(1, "has not taken it");
    receiver.set(Mode::Takes);
    let tried = cli.run(&["webhook", "test", &id]).ok();
    assert!(tried.contains("204"), "{tried}");
    assert_eq!(receiver.events("test").len(), 1);
    let changed = cli.run(&["webhook", "change", &id, "--enable", "--new-secret"]).ok();
    assert!(changed.contains("enabled") && changed.contains("secret"), "{changed}");
    let told = |id: &str| receiver.events("device.changed").iter().any(|data| data["id"] == id);
    wait_until("what happened meanwhile", PATIENCE, || told("first") && told("second"));
    assert!(!cli.run(&["webhook", "show", &id]).ok().contains("secret"));
    cli.run(&["webhook", "delete", &id]).ok();
    cli.run(&["webhook", "show", &id]).ended(5, "no such webhook");
    let acts = cli.run(&["audit", "list", "--json"]).ok();
    assert!(acts.contains("webhook.delete") && !acts.contains("hidden"), "{acts}");
}

#[test]
fn the_program_of_the_page_takes_what_is_genuine_and_nothing_else() {
    let site = Site::start(&Start::default(), Phones::of(1).boot(Duration::ZERO));
    let native = site.native();
    let page = tools::workspace().join("docs/operate/events.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let program = blocks(&page).into_iter().find(|block| block.language == "python");
    let program = program.expect("a receiver in Python").text;
    let folder = tempfile::tempdir().expect("a folder");
    let (path, port) = (folder.path().join("receiver.py"), free_port());
    std::fs::write(&path, program).expect("the program");
    let output = folder.path().join("output");
    let mut command = Command::new(tools::python());
    command.arg(&path).args([SECRET, &port.to_string()]);
    command.stdout(std::fs::File::create(&output).expect("a file"));
    own_environment(&mut command);
    let _process = Process::start(&mut command);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait_until("the program to listen", PATIENCE, || TcpStream::connect(address).is_ok());

    let url = format!("http://{address}/");
    let make = |secret: &str, enabled: bool| {
        let body = json!({ "project": PROJECT, "types": ["job.ended"], "url": url,
            "secret": secret, "enabled": enabled });
        let made = native.post("/api/v1/webhooks", &body);
        assert!(made["secret"].is_null(), "it is not shown: {made}");
        text(&made["id"])
    };
    let (right, wrong) = (make(SECRET, true), make("0123456789abcdef", false));
    let tried = |id: &str| native.post(&format!("/api/v1/webhooks/{id}/test"), &json!({}));
    assert_eq!((&tried(&right)["taken"], &tried(&right)["status"]), (&json!(true), &json!(204)));
    assert_eq!((&tried(&wrong)["taken"], &tried(&wrong)["status"]), (&json!(false), &json!(401)));
    // Nor without a signature, nor with one for another time.
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    for (time, signature) in [("", ""), ("1800000000", "v1=00"), ("0", "v1=0")] {
        let answer = agent
            .post(&url)
            .header("fleetwright-timestamp", time)
            .header("fleetwright-signature", signature)
            .send("{\"events\":[]}");
        assert_eq!(answer.expect("an answer").status(), 401, "{time} {signature}");
    }
    let job = update_all(&site, 1).remove(0);
    let line = wait_for("the job's end", PATIENCE, || {
        let text = std::fs::read_to_string(&output).expect("the file");
        text.lines().find(|line| line.starts_with("job.ended")).map(str::to_owned)
    });
    assert!(line.contains(&job) && line.contains("succeeded"), "{line}");
}
