//! The same over UDP sockets and in real time: that nothing hangs on the simulated network.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::camera::{Camera, Script};
use crate::world::{self, IPC, verified};

#[tokio::test]
async fn a_device_on_a_udp_socket_is_named() {
    let server = world::serve_sockets().await;
    world::import(&server, IPC, "generic").await;
    let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = socket.local_addr().unwrap();
    let listens = server.sip.as_ref().unwrap().address();
    socket.connect(listens).await.unwrap();
    let socket = Arc::new(socket);

    let (sender, inbox) = mpsc::unbounded_channel();
    let receiving = socket.clone();
    let pump = tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(length) = receiving.recv(&mut buffer).await {
            let _ = sender.send(Bytes::copy_from_slice(&buffer[..length]));
        }
    });
    let send = Arc::new(move |bytes: Bytes| drop(socket.try_send(&bytes)));
    let camera = Camera::start(IPC, Script::default(), address, listens, inbox, send);
    camera.register();
    server.registered(IPC, true).await;
    server.surveyed(IPC).await;
    assert_eq!(server.set(IPC, &[("Name", "东门-𠮷")]).await, verified());
    assert_eq!(camera.name(), "东门-𠮷");
    pump.abort();
}
