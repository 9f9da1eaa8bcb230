//! From the socket to the disk and back.

use cameras::Settings;
use engine::{RegistrantWork, RegistrationFault};
use fleet::{Offline, SipTransport};
use gb28181::digest::Form;

use crate::client::Client;
use crate::server::{Server, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_register_over_udp_and_tcp_and_outlive_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 4).await;
    let address = server.address();
    let mut udp = Client::udp(1, address).await;
    let mut tcp = Client::tcp(2, address).await;
    let mut plain = Client::udp(3, address).await;
    plain.form = Form::Rfc2069;
    for client in [&mut udp, &mut tcp, &mut plain] {
        assert_eq!(client.enter().await, 200);
        let keepalive = client.keepalive();
        assert_eq!(client.ask(keepalive).await, 200);
    }
    let mut wrong = Client::udp(4, address).await;
    wrong.password = "guess".to_owned();
    assert_eq!(wrong.enter().await, 401);
    let refused = server.handle.refused_registrations();
    assert_eq!((refused.len(), refused[0].why), (1, RegistrationFault::WrongDigest));
    assert_eq!(refused[0].remote, wrong.local());

    let stored = server.stored().await;
    let transports: Vec<_> = stored.iter().map(|it| it.binding.transport).collect();
    assert_eq!(transports, [SipTransport::Udp, SipTransport::Tcp, SipTransport::Udp]);
    assert_eq!(stored[0].binding.remote, udp.local());
    until("the last turn", async || server.sip.tally().registered == 3).await;
    server.die().await;

    let again = Server::start(directory.path(), Settings::default(), &address.to_string()).await;
    until("the bindings", async || again.sip.tally().registered == 3).await;
    // Nobody has to register anew.
    for client in [&mut udp, &mut plain] {
        let keepalive = client.keepalive();
        assert_eq!(client.ask(keepalive).await, 200);
    }
    assert!(tcp.next().await.is_none(), "its connection died with the server");
    assert_eq!(udp.enter().await, 200);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_connection_takes_its_device_offline_on_disk_too() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut client = Client::tcp(1, server.address()).await;
    assert_eq!(client.enter().await, 200);
    let device = server.stored().await[0].binding.device;
    drop(client);
    until("the end", async || server.sip.tally().registered == 0).await;
    let ended = server.cameras.line().binding(device).unwrap().ended.unwrap();
    assert_eq!(ended.1, Offline::ConnectionClosed);
    until("the disk", async || server.stored().await.is_empty()).await;
    until("an empty station", async || server.sip.counts().is_empty()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_is_on_disk_after_a_stop_in_good_order() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut client = Client::udp(1, server.address()).await;
    assert_eq!(client.enter().await, 200);
    let registered_at = server.stored().await[0].binding.registered_at;
    until("the next millisecond", async || server.handle.now() > registered_at).await;
    client.expires = 7_200;
    assert_eq!(client.enter().await, 200);
    server.stop().await;
    let again = Server::start(directory.path(), Settings::default(), "127.0.0.1:0").await;
    let binding = again.stored().await.remove(0).binding;
    assert_eq!(binding.expires_at.since(binding.refreshed_at).as_secs(), 7_200);
    assert!(binding.registered_at < binding.refreshed_at);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_id_costs_the_engine_what_a_known_one_does() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), 1).await;
    let mut work = Vec::new();
    for number in [1, 9] {
        let before = (server.handle.registrant_work(), server.sip.tally().digests);
        let mut client = Client::udp(number, server.address()).await;
        client.password = "guess".to_owned();
        // The second time memory knows what there is to know, and is not believed.
        for _ in 0..2 {
            assert_eq!(client.enter().await, 401);
        }
        // Each try is checked against two pairs, the second one by what memory knows too.
        let digests = before.1 + 2 + 4;
        until("the digests", async || server.sip.tally().digests == digests).await;
        let RegistrantWork { lookups, opens } = server.handle.registrant_work();
        work.push((lookups - before.0.lookups, opens - before.0.opens));
    }
    assert_eq!(work[0], work[1]);
    assert_eq!(work[0], (2, 4));
    let why: Vec<_> = server.handle.refused_registrations().iter().map(|it| it.why).collect();
    assert_eq!(why, [RegistrationFault::UnknownId, RegistrationFault::WrongDigest]);
    server.stop().await;
}
