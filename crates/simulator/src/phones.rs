//! A fleet of simulated phones in one process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::adb::auth::{Door, KeyError};
use crate::cameras;
use crate::control::{Both, Control, ControlAddress, ControlError};
use crate::phone::power::Cause;
use crate::phone::server::{Gauges, Server};
use crate::phone::{Common, Identity, port};
pub use crate::phone::{Done, Effect, Effects, FaultMix, Faults, Load, Make, Phone, Power, Told};

/// The profile that a simulated phone of the default make is to be driven by; others have their
/// make's name.
pub const PROFILE: &str = "simulated";
/// Most phones in a fleet: there are no more ports.
pub const PHONES_MAX: usize = 60_000;
/// Longest id of a phone, in bytes, as the vendor has it (Huawei CPH, UpdateCloudPhoneProperty).
const ID_BYTES_MAX: usize = 32;

/// What fleet to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first phone's address; the others follow port by port. With port 0 each phone gets
    /// some free port.
    pub listen: SocketAddr,
    /// How many phones.
    pub count: usize,
    /// The project that the phones belong to; it goes into their ids.
    pub project: String,
    /// The ids of the first phones; the others get 32 hex digits made of project and index.
    pub ids: Vec<String>,
    /// How many phones count to one server.
    pub phones_per_server: usize,
    /// How long a boot takes. All phones have booted when the fleet starts.
    pub boot: Duration,
    /// What make the phones are.
    pub make: Make,
    /// Shell commands run as root, not as adb's shell user, whatever the make.
    pub root: bool,
    /// `su` is there, whatever the make.
    pub su: bool,
    /// The phones are containers, whatever the make: those of a server share their kernel's boot
    /// id, a reboot keeps it and changes only when pid 1 started.
    pub container: bool,
    /// How many bytes of [`Phone::log`] each phone keeps; with 0 there is no log. A command of a
    /// driver's leaves a few kilobytes.
    pub log_bytes: usize,
    /// Who may connect.
    pub auth: Auth,
    /// Faults for a share of the phones.
    pub faults: Option<FaultMix>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            count: 1,
            project: "demo".to_owned(),
            ids: Vec::new(),
            phones_per_server: 50,
            boot: Duration::from_secs(2),
            make: Make::Simulated,
            root: false,
            su: false,
            container: false,
            log_bytes: 0,
            auth: Auth::Off,
            faults: None,
        }
    }
}

/// Who may connect to the phones.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// Anybody.
    #[default]
    Off,
    /// Who has the private half of one of these public keys: lines as in `adbkey.pub`.
    Keys(Vec<String>),
}

/// Why a fleet did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No phone, or more than [`PHONES_MAX`].
    #[error("{count} phones: a fleet has 1 to {PHONES_MAX}")]
    Count {
        /// How many were asked for.
        count: usize,
    },
    /// The last port would pass 65535.
    #[error("{count} phones from port {port} need ports beyond 65535")]
    Ports {
        /// The first port.
        port: u16,
        /// How many phones were asked for.
        count: usize,
    },
    /// A phone cannot listen on its address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An id that is empty, too long, or has other characters than letters, digits and `-`.
    #[error("'{id}' is no phone id: 1 to 32 letters, digits or '-'")]
    Id {
        /// The id.
        id: String,
    },
    /// An authorised key that is none.
    #[error("authorised key {number} cannot be read")]
    Key {
        /// Which key, from 1.
        number: usize,
        /// Why.
        #[source]
        source: KeyError,
    },
}

/// What is said of a phone to those who import it, in this order.
#[derive(Serialize)]
struct Line<'p> {
    kind: &'static str,
    project: &'p str,
    id: &'p str,
    name: &'p str,
    server: &'p str,
    address: SocketAddr,
    profile: &'static str,
}

/// Why a phone did not move to another address.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// It is not of this fleet.
    #[error("no such phone")]
    Phone,
    /// It cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A running fleet. It stops when it is dropped.
#[derive(Debug)]
pub struct Fleet {
    project: String,
    phones: Arc<[Arc<Phone>]>,
    servers: Vec<Arc<Server>>,
    total: Arc<Gauges>,
    common: Arc<Common>,
    _stop: DropGuard,
}

impl Fleet {
    /// Starts the phones; when it returns, all ports listen. Must be called within a Tokio
    /// runtime. A phone needs one file descriptor, and one more for each connection.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let addresses = addresses(&options)?;
        let common = Arc::new(Common {
            make: options.make,
            boot: options.boot,
            root: options.root || options.make.has_root_shell(),
            container: options.container || options.make.is_container(),
            log_bytes: options.log_bytes,
            door: door(&options.auth)?,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            moving: tokio::sync::Mutex::default(),
        });
        let stop = common.stop.clone().drop_guard();
        let (servers, total) = servers(&options);
        let mut phones = Vec::with_capacity(options.count);
        for (index, address) in addresses.enumerate() {
            let failed = |source| StartError::Listen { address, source };
            let listener = port::listen(address).map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            let identity = identity(&options, &servers, index)?;
            let faults = options.faults.and_then(|mix| mix.fault_of(index)).unwrap_or_default();
            let phone = Arc::new(Phone::new(identity, address, Arc::clone(&common), faults));
            if options.su {
                phone.set_su(true);
            }
            common.tasks.spawn(Arc::clone(&phone).live(listener));
            phones.push(phone);
        }
        // A phone whose fault it is to refuse has to close its port first.
        for phone in phones.iter().filter(|phone| phone.lock().faults.refuse) {
            phone.settle().await;
        }
        let phones = phones.into();
        Ok(Fleet { project: options.project, phones, servers, total, common, _stop: stop })
    }

    /// The phones, in order.
    pub fn phones(&self) -> &[Arc<Phone>] {
        &self.phones
    }

    /// The phone with this index, from 0.
    pub fn phone(&self, index: usize) -> Option<&Arc<Phone>> {
        self.phones.get(index)
    }

    /// One JSON object a line for each phone, as `fleetwright device import` takes it.
    pub fn emit(&self) -> String {
        let mut text = String::new();
        for phone in self.phones.iter() {
            let line = Line {
                kind: "phone",
                project: &self.project,
                id: phone.id(),
                name: phone.name(),
                server: phone.server(),
                address: phone.address(),
                profile: phone.make().name(),
            };
            // A struct of plain values always becomes JSON.
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        text
    }

    /// How much goes on, and went on at most, on a server; none for a name that no server has.
    pub fn load(&self, server: &str) -> Option<Load> {
        let server = self.servers.iter().find(|known| known.name == server)?;
        Some(server.gauges.load())
    }

    /// The same of every server, by its name, in order.
    pub fn loads(&self) -> impl Iterator<Item = (&str, Load)> {
        self.servers.iter().map(|server| (server.name.as_str(), server.gauges.load()))
    }

    /// The same of the whole fleet.
    pub fn total_load(&self) -> Load {
        self.total.load()
    }

    /// Forgets what went on at most: the peaks begin anew.
    pub fn reset_peaks(&self) {
        self.total.reset();
        for server in &self.servers {
            server.gauges.reset();
        }
    }

    /// Reboots a server with all phones on it that are on, at once: containers find another kernel
    /// afterwards. Returns when the ports have followed.
    pub async fn restart_server(&self, server: &str) {
        if let Some(server) = self.servers.iter().find(|known| known.name == server) {
            server.reboot();
        }
        let its = || {
            self.phones
                .iter()
                .filter(|phone| phone.server() == server && phone.power() != Power::Off)
        };
        let its: Vec<_> = its().collect();
        for phone in &its {
            phone.begin_boot(Cause::Hand);
        }
        for phone in its {
            phone.settle().await;
        }
    }

    /// Moves a phone to another address. A phone of this fleet that is there moves to where this
    /// one was: each then answers at the other's address. Connections to either drop.
    pub async fn swap(&self, phone: &Phone, address: SocketAddr) -> Result<(), MoveError> {
        if !self.phones.iter().any(|known| std::ptr::eq(Arc::as_ptr(known), phone)) {
            return Err(MoveError::Phone);
        }
        swap(&self.phones, phone, address).await
    }

    /// Lets an operator's commands control the phones from outside: see [`Control`]. Must be
    /// called within a Tokio runtime.
    pub async fn control(&self, address: &ControlAddress) -> Result<Control, ControlError> {
        let Common { stop, tasks, .. } = &*self.common;
        Control::start(Arc::clone(&self.phones), stop.child_token(), tasks, address).await
    }

    /// The same for these cameras too, at the same address. It ends with the phones.
    pub async fn control_beside(
        &self,
        cameras: &cameras::Fleet,
        address: &ControlAddress,
    ) -> Result<Control, ControlError> {
        let Common { stop, tasks, .. } = &*self.common;
        let both = Both { phones: Arc::clone(&self.phones), cameras: cameras.hub() };
        Control::start(both, stop.child_token(), tasks, address).await
    }

    /// Stops every phone; returns when all ports are closed.
    pub async fn stop(self) {
        self.common.stop.cancel();
        self.common.tasks.close();
        self.common.tasks.wait().await;
    }
}

/// Moves a phone to `address`, in exchange with the one of `phones` that is there.
pub(crate) async fn swap(
    phones: &[Arc<Phone>],
    phone: &Phone,
    address: SocketAddr,
) -> Result<(), MoveError> {
    if phone.address() == address {
        return Ok(());
    }
    match phones.iter().find(|other| other.address() == address) {
        Some(other) => phone.exchange(other).await,
        None => {
            let failed = |source| MoveError::Listen { address, source };
            phone.move_to(address).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// The servers, and what counts for all of them.
fn servers(options: &Options) -> (Vec<Arc<Server>>, Arc<Gauges>) {
    let total = Arc::new(Gauges::default());
    let count = options.count.div_ceil(options.phones_per_server.max(1));
    let named = (1..=count)
        .map(|number| Arc::new(Server::new(format!("server-{number:03}"), Arc::clone(&total))));
    (named.collect(), total)
}

/// The addresses to listen on.
fn addresses(options: &Options) -> Result<impl Iterator<Item = SocketAddr> + use<>, StartError> {
    let (listen, count) = (options.listen, options.count);
    let Some(steps) = u16::try_from(count).ok().filter(|count| *count > 0) else {
        return Err(StartError::Count { count });
    };
    if count > PHONES_MAX {
        return Err(StartError::Count { count });
    }
    let port = listen.port();
    if port != 0 && port.checked_add(steps - 1).is_none() {
        return Err(StartError::Ports { port, count });
    }
    Ok((0..steps).map(move |step| {
        let port = if port == 0 { 0 } else { port + step };
        SocketAddr::new(listen.ip(), port)
    }))
}

/// Who may connect, with the keys read.
fn door(auth: &Auth) -> Result<Door, StartError> {
    let Auth::Keys(lines) = auth else { return Ok(Door::Open) };
    for (at, line) in lines.iter().enumerate() {
        if let Err(source) = Door::keys(std::slice::from_ref(line)) {
            return Err(StartError::Key { number: at + 1, source });
        }
    }
    Door::keys(lines).map_err(|source| StartError::Key { number: lines.len(), source })
}

/// The identity of the phone with this index.
fn identity(
    options: &Options,
    servers: &[Arc<Server>],
    index: usize,
) -> Result<Identity, StartError> {
    let id = match options.ids.get(index) {
        Some(id) => {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(legal) {
                return Err(StartError::Id { id: id.clone() });
            }
            id.clone()
        }
        None => phone_id(&options.project, index),
    };
    let per_server = options.phones_per_server.max(1);
    let count = StartError::Count { count: options.count };
    let server = servers.get(index / per_server).cloned().ok_or(count)?;
    let place = u64::try_from(index % per_server).unwrap_or(u64::MAX);
    Ok(Identity { id, name: format!("phone-{:04}", index + 1), server, place })
}

/// The id of a project's phone with this index, from 0: 32 hex digits, always the same.
pub fn phone_id(project: &str, index: usize) -> String {
    let digest = Sha256::new().chain_update(format!("simulated phone\n{project}\n{index}"));
    let digest = digest.finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
