//! A server's life: its first start, its end, and what it refuses to start with.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::process::{Running, fleetwright, run};

/// A server on a free port with its data in `directory`.
fn serve(directory: &Path) -> Running {
    let data = directory.join("data");
    let args =
        ["serve", "--http", "127.0.0.1:0", "--sip", "none", "--data", data.to_str().unwrap()];
    Running::start(&mut fleetwright(&args))
}

/// A plain GET: the status line and the rest.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_first_start_makes_its_secrets_and_sigterm_ends_it_with_0() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = serve(directory.path());
    let address = server.says("ready http=");
    assert!(!address.ends_with(":0"), "the true port: {address}");
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 "));

    let data = directory.path().join("data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for secret in ["master-key", "admin-token", "adb-host-key"] {
        assert_eq!(mode(&data.join(secret)), 0o600, "{secret}");
    }
    let token = std::fs::read_to_string(data.join("admin-token")).unwrap();
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0), "{}", server.stderr());
    assert_eq!(server.stdout(), "", "a server prints no data");
    let made = format!("is made file={}", data.join("admin-token").display());
    assert!(server.stderr().contains(&made), "who begins is told where: {}", server.stderr());
    for secret in ["master-key", "admin-token"] {
        let text = std::fs::read_to_string(data.join(secret)).unwrap();
        assert!(!server.stderr().contains(text.trim()), "{secret} is in the log");
    }
    assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");

    let again = serve(directory.path());
    again.says("ready http=");
    assert!(!again.stderr().contains("is made file="), "{}", again.stderr());
    assert_eq!(std::fs::read_to_string(data.join("admin-token")).unwrap(), token);
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let first = serve(directory.path());
    let address = first.says("ready http=");
    let mut second = serve(directory.path());
    assert_eq!(second.ended().code(), Some(1));
    assert!(second.stderr().contains("is in use by another server"), "{}", second.stderr());
    // The same data directory with another database shares the secrets, and is refused too.
    let data = directory.path().join("data");
    let store = format!("sqlite:{}/elsewhere/x.db", directory.path().display());
    let args =
        ["serve", "--http", "127.0.0.1:0", "--sip", "none", "--data", data.to_str().unwrap()];
    let third = run(fleetwright(&args).args(["--store", &store]));
    assert_eq!(third.status, 1);
    assert!(third.stderr.contains("is in use by another server"), "{}", third.stderr);
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 "));
}

#[test]
fn plain_http_off_loopback_takes_an_explicit_setting() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let args = ["serve", "--http", "0.0.0.0:0", "--sip", "none", "--data", data.to_str().unwrap()];
    let refused = run(&mut fleetwright(&args));
    assert_eq!(refused.status, 2);
    for word in ["--http: http.listen: 0.0.0.0:0", "http.tls_cert", "http.insecure = true"] {
        assert!(refused.stderr.contains(word), "{word} is not in {}", refused.stderr);
    }
    assert!(!data.exists(), "a server that does not start leaves nothing behind");
    let allowed = Running::start(fleetwright(&args).env("FLEETWRIGHT_HTTP_INSECURE", "true"));
    allowed.says("ready http=0.0.0.0:");
}

#[test]
fn what_it_can_not_start_with_is_said_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut first = serve(directory.path());
    let address = first.says("ready http=");

    let other = directory.path().join("other");
    let taken = ["serve", "--http", &address, "--sip", "none", "--data", other.to_str().unwrap()];
    let taken = run(&mut fleetwright(&taken));
    assert_eq!(taken.status, 1);
    assert!(taken.stderr.contains(&format!("cannot listen on {address}")), "{}", taken.stderr);

    first.signal("INT");
    assert_eq!(first.ended().code(), Some(0), "SIGINT ends it in order too");
    let token = data.join("admin-token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut open = serve(directory.path());
    assert_eq!(open.ended().code(), Some(1));
    assert!(open.stderr().contains("open to others (mode 0644)"), "{}", open.stderr());
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();

    let database = data.join("fleetwright.db");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, [b'x'; 8192]).unwrap();
    let mut damaged = serve(directory.path());
    assert_eq!(damaged.ended().code(), Some(1));
    for part in [database.to_str().unwrap(), "docs/operate/backup-and-restore.md"] {
        assert!(damaged.stderr().contains(part), "{part}: {}", damaged.stderr());
    }
    std::fs::write(&database, whole).unwrap();

    std::fs::remove_file(data.join("master-key")).unwrap();
    let mut lost = serve(directory.path());
    assert_eq!(lost.ended().code(), Some(1));
    assert!(lost.stderr().contains("docs/operate/lost-key.md"), "{}", lost.stderr());
}

#[test]
fn a_config_file_is_read_and_its_problems_named_with_their_lines() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("fleetwright.toml");
    let data = directory.path().join("from-config");
    let text = format!(
        "data = {:?}\n[http]\nlisten = '127.0.0.1:0'\n[sip]\nlisten = 'none'\n[log]\nformat = 'json'\n",
        data
    );
    std::fs::write(&config, text).unwrap();
    let args = ["serve", "--config", config.to_str().unwrap()];
    let mut server = Running::start(&mut fleetwright(&args));
    server.says("ready http=127.0.0.1:");
    assert!(data.join("admin-token").exists());
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    let stderr = server.stderr();
    let stopping = stderr.lines().find(|line| line.contains("stopping")).unwrap();
    let logged: serde_json::Value = serde_json::from_str(stopping).unwrap();
    assert_eq!(logged["signal"], "SIGTERM", "the log is JSON as the file has it");

    std::fs::write(&config, "datta = 'x'\n[engine]\nsweep_per_second = 'x'\n").unwrap();
    let refused = run(&mut fleetwright(&args));
    assert_eq!(refused.status, 2);
    for word in ["fleetwright.toml:1: datta", "fleetwright.toml:3: engine.sweep_per_second"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
}

/// A certificate of one's own for `localhost`, and its key, as PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn sighup_reads_the_certificate_again_and_a_bad_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (cert, key, data) = (path("tls.crt"), path("tls.key"), path("data"));
    let write = |(cert_pem, key_pem): (String, String)| {
        std::fs::write(&cert, cert_pem).unwrap();
        std::fs::write(&key, key_pem).unwrap();
    };
    let first = certificate();
    write(first.clone());
    let args =
        ["serve", "--http", "127.0.0.1:0", "--sip", "none", "--data", &data, "--tls-cert", &cert];
    let server = Running::start(fleetwright(&args).args(["--tls-key", &key]));
    let address = server.says("ready http=");
    let url = format!("https://localhost:{}", address.rsplit(':').next().unwrap());
    let token = std::fs::read_to_string(path("data/admin-token")).unwrap();
    // What a client that trusts this certificate alone gets.
    let list = |trusted: &str| {
        let authority = path("ca.crt");
        std::fs::write(&authority, trusted).unwrap();
        let args = ["project", "list", "--url", &url, "--ca-cert", &authority];
        run(fleetwright(&args).env("FLEETWRIGHT_TOKEN", &token)).status
    };
    assert_eq!(list(&first.0), 0);
    let stranger = ["project", "list", "--url", &url];
    let stranger = run(fleetwright(&stranger).env("FLEETWRIGHT_TOKEN", &token));
    assert_eq!(stranger.status, 4);
    assert!(stranger.stderr.contains("--ca-cert"), "{}", stranger.stderr);

    std::fs::write(&cert, "broken").unwrap();
    server.signal("HUP");
    server.logs("the certificate stays as it was");
    assert_eq!(list(&first.0), 0);

    let second = certificate();
    write(second.clone());
    server.signal("HUP");
    server.logs("the certificate was read again");
    assert_eq!(list(&second.0), 0);
    assert_eq!(list(&first.0), 4, "who trusts another certificate does not get in");
}
