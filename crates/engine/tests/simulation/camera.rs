//! Simulated cameras on a simulated network: they speak SIP as the simulator's do, and their
//! datagrams are lost, doubled, late and out of order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use cameras::{Received, Wire};
use fleet::DeviceId;
use gb28181::sip::{Flow, Transmit, Transport};
use simulator::camera::{Camera, Faults, Late, Make, Options, Output, Place, device_id};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::chance::{Chance, Life};

/// Where the server is on the simulated network.
const SERVER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// The password of all cameras.
pub const PASSWORD: &str = "12345678";

pub fn camera_id(number: usize) -> DeviceId {
    DeviceId::new(device_id("34020000001320000001", number).unwrap()).unwrap()
}

/// A datagram on its way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    due: Instant,
    /// Keeps the order of those that are due together.
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Bytes,
}

/// One camera, and what it was seen to do.
struct Site {
    camera: Camera,
    /// Its address, unless it has closed its socket.
    address: Option<SocketAddr>,
    /// Every name that it has had, in order.
    names: Vec<String>,
}

struct Inner {
    sites: Vec<Site>,
    on_the_way: BinaryHeap<Reverse<Datagram>>,
    sent: u64,
    /// The nodes that run, by number.
    nodes: Vec<Option<mpsc::UnboundedSender<Received>>>,
    /// Per camera the node that its datagrams are brought to: all know one address of the server.
    routes: Vec<usize>,
    /// One datagram in so many is lost, doubled, or very late; 0 for none.
    shaky_one_in: u32,
}

/// The cameras and the network.
#[derive(Clone)]
pub struct Cameras {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
    chance: Chance,
}

impl Cameras {
    /// Cameras that are off.
    pub fn new(count: usize, nodes: usize, chance: Chance, shaky_one_in: u32) -> Self {
        let sites = (0..count)
            .map(|number| {
                let options = Options {
                    id: camera_id(number).as_str().to_owned(),
                    server: SERVER,
                    make: [Make::Generic, Make::Hikvision, Make::Uniview][number % 3],
                    recorder: (number % 2 == 1).then_some(4),
                    retry: Duration::from_secs(5),
                    // Longer than what was last sent again may be late: what reaches a camera after
                    // its restart was sent after it, whichever node sent it.
                    boot: Duration::from_secs(8),
                    expires_seconds: 300,
                    ..Options::default()
                };
                let camera = Camera::new(options, chance.below(u64::MAX));
                let names = vec![camera.held().name];
                Site { camera, address: None, names }
            })
            .collect();
        let inner = Inner {
            sites,
            on_the_way: BinaryHeap::new(),
            sent: 0,
            nodes: vec![None; nodes],
            routes: (0..count).map(|number| number % nodes).collect(),
            shaky_one_in,
        };
        Self { inner: Arc::new(Mutex::new(inner)), changed: Arc::default(), chance }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Switches all on and lets them live, for as long as this is polled.
    pub async fn live(self) {
        for site in &mut self.inner().sites {
            site.camera.start(now());
        }
        loop {
            let due = self.turn();
            let changed = self.changed.notified();
            match due {
                Some(due) => drop(tokio::time::timeout_at(due, changed).await),
                None => changed.await,
            }
        }
    }

    /// Does all that is due, and says when there is more.
    fn turn(&self) -> Option<Instant> {
        let mut inner = self.inner();
        loop {
            let time = Instant::now();
            let mut again = false;
            while let Some(datagram) = take_due(&mut inner, time) {
                again = true;
                deliver(&mut inner, datagram);
            }
            for number in 0..inner.sites.len() {
                let site = &mut inner.sites[number];
                if site.camera.poll_timeout().is_some_and(|due| due <= now()) {
                    site.camera.handle_timeout(now());
                    again = true;
                }
                self.follow(&mut inner, number);
            }
            if !again {
                let packet = inner.on_the_way.peek().map(|Reverse(datagram)| datagram.due);
                let timers = inner.sites.iter().filter_map(|site| site.camera.poll_timeout());
                return timers.map(Instant::from_std).chain(packet).min();
            }
        }
    }

    /// Does what a camera wants done.
    fn follow(&self, inner: &mut Inner, number: usize) {
        while let Some(output) = inner.sites[number].camera.poll_transmit() {
            let site = &mut inner.sites[number];
            match output {
                Output::Open(place) => {
                    let home = SocketAddr::from(([10, 0, 1, u8::try_from(number).unwrap()], 5060));
                    let at = site.address.unwrap_or(home);
                    let address = match place {
                        Place::Home => home,
                        Place::OtherPort => SocketAddr::new(at.ip(), at.port() + 1),
                        Place::OtherAddress => {
                            SocketAddr::from(([10, 0, 2, u8::try_from(number).unwrap()], 5060))
                        }
                    };
                    site.address = Some(address);
                    site.camera.bound(now(), address);
                }
                Output::Close => site.address = None,
                Output::Send(bytes) => {
                    if let Some(from) = site.address {
                        self.send(inner, from, SERVER, &bytes);
                    }
                }
            }
        }
        let site = &mut inner.sites[number];
        let name = site.camera.held().name;
        if site.names.last() != Some(&name) {
            site.names.push(name);
        }
    }

    /// Sends a datagram on its way, whatever that does to it.
    fn send(&self, inner: &mut Inner, from: SocketAddr, to: SocketAddr, bytes: &Bytes) {
        let shaky = inner.shaky_one_in;
        if self.chance.strikes(shaky) {
            return;
        }
        let copies = if self.chance.strikes(shaky) { 2 } else { 1 };
        for _ in 0..copies {
            let late = if self.chance.strikes(shaky) { 3_000 } else { 30 };
            let due = Instant::now() + Duration::from_millis(1 + self.chance.below(late));
            inner.sent += 1;
            let number = inner.sent;
            let bytes = bytes.clone();
            inner.on_the_way.push(Reverse(Datagram { due, number, from, to, bytes }));
        }
    }

    /// From now on a camera's datagrams are brought to another node.
    pub fn route(&self, number: usize, node: usize) {
        self.inner().routes[number] = node;
    }

    /// The network as a life of a node sees it.
    pub fn wire(&self, node: usize, life: &Life) -> SimulatedWire {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.inner().nodes[node] = Some(sender);
        SimulatedWire { cameras: self.clone(), receiver, life: life.clone() }
    }

    /// Gives a camera a fault, or none.
    pub fn set_faults(&self, number: usize, faults: Faults) {
        self.inner().sites[number].camera.set_faults(faults);
    }

    /// Something goes wrong with one of them for a while.
    pub fn trouble(&self, number: usize) {
        let late = Some(Late { ms: 7_000 });
        let faults = match self.chance.below(7) {
            0 => Faults { lost_answers: true, ..Faults::default() },
            1 => Faults { late_answers: late, ..Faults::default() },
            2 => Faults { error_answers: true, ..Faults::default() },
            3 => Faults { unregister_and_restart: true, ..Faults::default() },
            4 => Faults { silence: true, ..Faults::default() },
            5 => Faults { forgets_name: true, ..Faults::default() },
            _ => Faults { changed_port: true, ..Faults::default() },
        };
        self.set_faults(number, faults);
    }

    /// Restarts a camera, as its own power supply would.
    pub fn restart(&self, number: usize) {
        self.inner().sites[number].camera.restart(now());
        self.changed.notify_one();
    }

    /// From now on all behave, and so does the network.
    pub fn calm(&self) {
        let mut inner = self.inner();
        inner.shaky_one_in = 0;
        inner.sites.iter_mut().for_each(|site| site.camera.set_faults(Faults::default()));
    }

    /// All lose their power.
    pub fn switch_off(&self) {
        self.inner().sites.iter_mut().for_each(|site| site.camera.stop());
        self.changed.notify_one();
    }

    /// Every name that a camera has had, in order.
    pub fn names(&self, number: usize) -> Vec<String> {
        self.inner().sites[number].names.clone()
    }

    /// How many configurations a camera was sent and has understood.
    pub fn configs(&self, number: usize) -> u64 {
        self.inner().sites[number].camera.held().counts.device_configs
    }

    /// How often the cameras have registered in all.
    pub fn registrations(&self) -> u64 {
        let inner = self.inner();
        inner.sites.iter().map(|site| site.camera.held().counts.registrations).sum()
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn take_due(inner: &mut Inner, time: Instant) -> Option<Datagram> {
    let is_due = inner.on_the_way.peek().is_some_and(|Reverse(datagram)| datagram.due <= time);
    if is_due { inner.on_the_way.pop().map(|Reverse(datagram)| datagram) } else { None }
}

/// Hands a datagram to whoever is at its address; nobody may be.
fn deliver(inner: &mut Inner, datagram: Datagram) {
    let Datagram { from, to, bytes, .. } = datagram;
    if to == SERVER {
        let std::net::IpAddr::V4(address) = from.ip() else { return };
        let camera = usize::from(address.octets()[3]);
        let from = Flow { transport: Transport::Udp, remote: from, connection: 0 };
        if let Some(node) = &inner.nodes[inner.routes[camera]] {
            // A node that has died hears nothing.
            let _ = node.send(Received::Message { from, bytes });
        }
        return;
    }
    if let Some(site) = inner.sites.iter_mut().find(|site| site.address == Some(to)) {
        site.camera.receive(now(), bytes);
    }
}

/// The server's end of the network.
pub struct SimulatedWire {
    cameras: Cameras,
    receiver: mpsc::UnboundedReceiver<Received>,
    life: Life,
}

impl Wire for SimulatedWire {
    fn address(&self) -> SocketAddr {
        SERVER
    }

    async fn receive(&mut self, into: &mut Vec<Received>) {
        const AT_A_TIME: usize = 64;
        if self.receiver.recv_many(into, AT_A_TIME).await == 0 {
            std::future::pending::<()>().await;
        }
        self.life.go_on().await;
    }

    async fn send(&mut self, batch: &mut Vec<Transmit>) {
        self.life.go_on().await;
        {
            let mut inner = self.cameras.inner();
            for transmit in batch.drain(..) {
                self.cameras.send(&mut inner, SERVER, transmit.to.remote, &transmit.bytes);
            }
        }
        self.cameras.changed.notify_one();
    }
}
