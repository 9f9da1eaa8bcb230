//! A network that loses nothing: the server's wire, and an inbox for each device.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cameras::{Received, Wire};
use gb28181::sip::{Flow, Transmit, Transport};
use tokio::sync::mpsc;

/// Where the server listens.
pub const SERVER: &str = "198.51.100.5:5060";

#[derive(Clone, Default)]
pub struct Network(Arc<Mutex<Hosts>>);

#[derive(Default)]
struct Hosts {
    server: Option<mpsc::UnboundedSender<Received>>,
    devices: HashMap<SocketAddr, mpsc::UnboundedSender<Bytes>>,
}

impl Network {
    /// The server's end, in place of one that was there before.
    pub fn server(&self) -> ServerWire {
        let (sender, inbox) = mpsc::unbounded_channel();
        self.0.lock().unwrap().server = Some(sender);
        ServerWire { network: self.clone(), inbox }
    }

    /// A device's end.
    pub fn device(&self, address: SocketAddr) -> mpsc::UnboundedReceiver<Bytes> {
        let (sender, inbox) = mpsc::unbounded_channel();
        self.0.lock().unwrap().devices.insert(address, sender);
        inbox
    }

    /// Carries a datagram from a device to the server; lost if no server runs.
    pub fn to_server(&self, from: SocketAddr, bytes: Bytes) {
        let from = Flow { transport: Transport::Udp, remote: from, connection: 0 };
        if let Some(server) = &self.0.lock().unwrap().server {
            let _ = server.send(Received::Message { from, bytes });
        }
    }
}

pub struct ServerWire {
    network: Network,
    inbox: mpsc::UnboundedReceiver<Received>,
}

impl Wire for ServerWire {
    fn address(&self) -> SocketAddr {
        SERVER.parse().unwrap()
    }

    async fn receive(&mut self, into: &mut Vec<Received>) {
        if self.inbox.recv_many(into, 64).await == 0 {
            std::future::pending::<()>().await;
        }
    }

    async fn send(&mut self, batch: &mut Vec<Transmit>) {
        for transmit in batch.drain(..) {
            let hosts = self.network.0.lock().unwrap();
            if let Some(device) = hosts.devices.get(&transmit.to.remote) {
                let _ = device.send(transmit.bytes);
            }
        }
    }
}
