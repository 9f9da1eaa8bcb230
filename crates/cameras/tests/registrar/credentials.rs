//! Passwords that change and devices that are deleted, from the engine to the wire.

use std::time::Duration;

use cameras::Settings;
use engine::RegistrationFault;
use fleet::Offline;

use crate::client::Client;
use crate::server::{PASSWORD, Server, until};

const NEW: &str = "87654321";

/// Waits until the store says with which password the device last registered.
async fn stored(server: &Server, old: bool) {
    until("the disk", async || server.stored().await[0].binding.old_credentials == old).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_replaced_while_its_device_stays_registered() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut client = Client::udp(1, server.address()).await;
    assert_eq!(client.enter().await, 200);
    server.set_password(1, NEW, Duration::from_secs(3_600)).await;
    // Both work, and a restart of ours changes nothing of it.
    assert_eq!(client.enter().await, 200);
    stored(&server, true).await;
    client.password = NEW.to_owned();
    assert_eq!(client.enter().await, 200);
    stored(&server, false).await;
    client.password = PASSWORD.to_owned();
    assert_eq!(client.enter().await, 200);
    stored(&server, true).await;
    let address = server.address().to_string();
    server.stop().await;
    let server = Server::start(directory.path(), Settings::default(), &address).await;
    stored(&server, true).await;
    assert_eq!(client.enter().await, 200);

    // The next one ends the first at once, and leaves the second no time.
    server.set_password(1, "11223344", Duration::ZERO).await;
    for password in [PASSWORD, NEW] {
        client.password = password.to_owned();
        assert_eq!(client.enter().await, 401);
        let refused = server.handle.refused_registrations().remove(0);
        assert_eq!(refused.why, RegistrationFault::WrongDigest);
    }
    assert_eq!(server.sip.tally().registered, 1, "what was granted holds until it ends");
    client.password = "11223344".to_owned();
    assert_eq!(client.enter().await, 200);
    stored(&server, false).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_deleted_is_registered_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 2).await;
    let (mut udp, mut tcp) =
        (Client::udp(1, server.address()).await, Client::tcp(2, server.address()).await);
    assert_eq!((udp.enter().await, tcp.enter().await), (200, 200));
    let devices: Vec<_> = server.stored().await.iter().map(|it| it.binding.device).collect();
    for (number, client) in [(1, &mut udp), (2, &mut tcp)] {
        server.delete(number).await;
        let binding = server.cameras.line().binding(devices[number - 1]).unwrap();
        assert_eq!(binding.ended.unwrap().1, Offline::CredentialsChanged);
        let keepalive = client.keepalive();
        assert_eq!(client.ask(keepalive).await, 403);
        assert_eq!(client.enter().await, 401);
        assert_eq!(server.handle.refused_registrations()[0].why, RegistrationFault::UnknownId);
    }
    assert!(server.stored().await.is_empty());
    until("none", async || server.sip.tally().registered == 0).await;
    until("nobody awaits an answer", async || server.sip.counts().exchanges == 0).await;
    server.stop().await;
}
