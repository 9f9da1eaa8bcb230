//! Many at a time, on real sockets and a real disk.

use cameras::Settings;
use gb28181::digest::Form;

use crate::client::Client;
use crate::server::{Server, until};

/// Devices, and how many of them register at a time.
const DEVICES: usize = 1_200;
const AT_A_TIME: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_herd_registers_in_both_forms_over_both_transports_and_all_of_it_is_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with_cameras(directory.path(), Settings::default(), DEVICES).await;
    let address = server.address();
    let workers: Vec<_> = (0..AT_A_TIME)
        .map(|worker| {
            tokio::spawn(async move {
                let mut clients = Vec::new();
                for number in (worker + 1..=DEVICES).step_by(AT_A_TIME) {
                    let mut client = match worker % 2 {
                        0 => Client::udp(number, address).await,
                        _ => Client::tcp(number, address).await,
                    };
                    client.form = if worker % 4 < 2 { Form::QopAuth } else { Form::Rfc2069 };
                    assert_eq!(client.enter().await, 200);
                    clients.push(client);
                }
                clients
            })
        })
        .collect();
    // A TCP device is registered as long as its connection is there.
    let mut clients = Vec::new();
    for worker in workers {
        clients.extend(worker.await.unwrap());
    }
    assert_eq!(server.stored().await.len(), DEVICES);
    until("the count", async || server.sip.tally().registered == DEVICES).await;
    let tally = server.sip.tally();
    assert_eq!((tally.new, tally.overloaded), (DEVICES as u64, 0));
    drop(clients);
    server.stop().await;
}
