//! SIPp plays the server: it checks the digest by its own means, and sends a DeviceConfig whose
//! bytes were made by Python.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use simulator::adbd;
use simulator::camera::{DigestForm, Options as Camera, Secret, Transport};
use simulator::cameras::{Fleet, Options};

use super::{PATIENCE, until};

/// `"萳园𠮷-1".encode("gb18030")` in Python.
const NAME_GB18030: &[u8] = b"\xc8\x6c\xd4\xb0\x95\x34\xb2\x35-1";

/// The scenario, but for the name.
const SCENARIO: &str = include_str!("server.sipp.xml");

/// A SIPp that runs; it ends with the test.
struct Sipp {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sipp() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("sipp")).find(|p| p.is_file());
    found.expect("sipp is not on the PATH; Debian's package sip-tester brings it")
}

impl Sipp {
    fn start(port: u16, transport: Transport) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scenario = folder.path().join("server.xml");
        fs::write(&scenario, scenario_bytes()).unwrap();
        let transport = if transport == Transport::Tcp { "t1" } else { "u1" };
        let child = Command::new(sipp())
            .arg("-sf")
            .arg(&scenario)
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-t", transport])
            .args(["-nostdin", "-nd", "-trace_err", "-error_file"])
            .arg(folder.path().join("errors"))
            .args(["-trace_logs", "-log_file"])
            .arg(folder.path().join("log"))
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(folder.path())
            .spawn()
            .unwrap();
        Sipp { child, folder }
    }

    fn read(&self, name: &str) -> String {
        let path: &Path = self.folder.path();
        String::from_utf8_lossy(&fs::read(path.join(name)).unwrap_or_default()).into_owned()
    }
}

/// The scenario with the name's bytes in it.
fn scenario_bytes() -> Vec<u8> {
    let (before, after) = SCENARIO.split_once("@NAME@").unwrap();
    [before.as_bytes(), NAME_GB18030, after.as_bytes()].concat()
}

/// A port that is free for UDP too, and stays so until SIPp takes it.
fn free_port() -> u16 {
    let is_free = |port: &u16| UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| adbd::free_port().unwrap()).take(1_000);
    ports.find(is_free).expect("a free port")
}

async fn check(transport: Transport, digest: DigestForm) {
    let port = free_port();
    let sipp = Sipp::start(port, transport);
    let camera = Camera {
        server: ([127, 0, 0, 1], port).into(),
        user: Some("admin".to_owned()),
        transport,
        digest,
        // SIPp may need a while until it listens.
        retry: Duration::from_millis(300),
        t1: Duration::from_millis(100),
        ..Camera::default()
    };
    let options = Options {
        count: 20,
        password: Some(Secret::new("12345678")),
        camera,
        ..Options::default()
    };
    let fleet = Fleet::start(options).await.unwrap();
    let registered = tokio::time::timeout(PATIENCE, fleet.all_registered()).await;
    let told = || format!("{:?}\n{}\n{}", fleet.progress(), sipp.read("errors"), sipp.read("log"));
    assert!(registered.is_ok(), "{}", told());
    let all_renamed =
        || fleet.ids().all(|id| fleet.held(id).is_some_and(|held| held.name == "萳园𠮷-1"));
    until("all have the name", all_renamed).await;
    // Each answers with a MESSAGE of its own, which SIPp must find good.
    until("all have answered", || sipp.read("log").matches("answer <Result>OK<").count() >= 20)
        .await;
    assert!(!sipp.read("log").contains("wrong digest"), "{}", told());

    // A wrong password is found out.
    let id = "34020000001320000007";
    fleet.with(id, |camera, now| camera.set_password(now, Secret::new("other"))).unwrap();
    until("403", || fleet.held(id).unwrap().counts.last_status == Some(403)).await;
    until("SIPp says so", || sipp.read("log").contains("wrong digest")).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_takes_md5_with_qop_over_udp() {
    check(Transport::Udp, DigestForm::Md5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_takes_md5_without_qop_over_udp() {
    check(Transport::Udp, DigestForm::Md5NoQop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_takes_md5_with_qop_over_tcp() {
    check(Transport::Tcp, DigestForm::Md5).await;
}
