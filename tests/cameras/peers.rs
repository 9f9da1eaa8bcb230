//! SIP programs that others wrote register: sipsak and baresip.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use crate::harness::cameras::{record, server};
use crate::harness::server::Process;
use crate::harness::site::import;
use crate::harness::{PATIENCE, Start, tools, wait_until};

const PASSWORD: &str = "12345678";

/// `sipsak` in the mode of a user who registers.
fn sipsak(id: &str, password: &str, server: SocketAddr) -> Output {
    let port = server.port();
    let mut command = Command::new(tools::sipsak());
    // -i: no Via of its own in a location table, which is not what is tested.
    command.args(["-i", "-U", "-x", "3600", "-u", id, "-a", password]);
    command.args(["-C", &format!("sip:{id}@127.0.0.1:5060")]);
    command.args(["-s", &format!("sip:{id}@127.0.0.1:{port}")]);
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

#[test]
fn sipsak_registers() {
    let (server, native) = server(&Start::with_cameras());
    let id = "34020000001320000001";
    import(&native, &[record(id, PASSWORD)]);
    let output = sipsak(id, "wrong", server.sip());
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(native.camera_status(id), "Register");
    let output = sipsak(id, PASSWORD, server.sip());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(native.camera_status(id), "OnLine");
    assert_eq!(native.device(id)["camera"]["transport"], "udp");
}

#[test]
fn baresip_registers_and_takes_itself_off() {
    let (server, native) = server(&Start::with_cameras());
    for (id, transport) in [("34020000001320000001", "udp"), ("34020000001320000002", "tcp")] {
        import(&native, &[record(id, PASSWORD)]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("write");
        };
        file(
            "config",
            "sip_listen 127.0.0.1:0\nmodule_path /usr/lib/baresip/modules\n\
             module account.so\nmodule menu.so\n",
        );
        let to = server.sip();
        file(
            "accounts",
            &format!(
                "<sip:{id}@{to};transport={transport}>;auth_user={id};auth_pass={PASSWORD};\
                 regint=3600\n"
            ),
        );
        file("contacts", "");
        let mut command = Command::new(tools::baresip());
        command.arg("-f").arg(folder.path()).env("HOME", folder.path()).stdout(Stdio::null());
        let baresip = Process::start(&mut command);
        native.wait_for_status(id, "OnLine");
        assert_eq!(native.device(id)["camera"]["transport"], transport);
        // It says goodbye when it is asked to end.
        baresip.signal("TERM");
        baresip.wait("baresip to end");
        wait_until("it to be offline", PATIENCE, || native.camera_status(id) == "OffLine");
        assert_eq!(native.device(id)["camera"]["offline"]["why"], "unregistered");
    }
}
