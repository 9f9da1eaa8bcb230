//! Cameras and recorders over GB/T 28181: the registrar that they register with, and the driver
//! that asks and configures them for the engine.
//!
//! A device comes to us: it registers with a digest, sends keepalives, and answers what it is
//! asked by messages of its own. The registrar believes nothing that is not proved: every REGISTER,
//! refresh and un-REGISTER is challenged and checked, and nothing else tells where a device is but
//! what `sip.follow` allows a keepalive.
//!
//! It must never accept a REGISTER without a digest that answers a nonce of ours, fresh and not
//! answered before; never keep state for a request that is not proved; never answer 200 to a new or
//! moved registration that is not on disk; never advertise a wildcard address, nor a loopback one
//! to another host; and never decide what a device should hold: that comes in with the action.
//!
//! Start with [`Cameras`], which the engine holds, and [`Sip`], which is the running half of it.
//! [`station`] is what happens to a message, without any IO; `registrar` is what it decides by;
//! [`runner`] moves bytes, work and time between a [`Wire`], the station and the engine; `socket`
//! is the wire of real sockets. [`line`](mod@line) is what the driver holds of all that.

mod driver;
mod exchanges;
mod identity;
pub mod line;
mod registrar;
pub mod runner;
mod socket;
pub mod station;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use engine::{Clock, Entropy, EventSender, Handle};
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::FaultPoints;
use jiff::tz::TimeZone;
use store::SessionKey;
use tokio::sync::mpsc;

pub use identity::{Advertise, AdvertiseError, Identity};
pub use line::{Exchange, Expect, Line, LineError, LiveBinding, ServerAddress, Undelivered};
pub use registrar::{Follow, bindings::Bindings};
pub use runner::{Received, Sip, Wire};
pub use socket::SocketError;

/// How cameras are served: the settings `sip.*`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Our 20-digit id.
    pub id: String,
    /// Our domain, which stands in the URIs of our messages.
    pub domain: String,
    /// The realm of our challenges.
    pub realm: String,
    /// Where devices reach us, by the network that they are in.
    pub advertise: Vec<Advertise>,
    /// What a keepalive may move.
    pub follow: Follow,
    /// Whether the 200 to a REGISTER tells the time (GB/T 28181-2016, 9.10.1); some cameras set
    /// their clock by it.
    pub date_header: bool,
    /// The zone of that time.
    pub time_zone: TimeZone,
    /// Whether SHA-256 is offered before MD5.
    pub sha256: bool,
    /// Seconds between a device's keepalives; 0 expects none.
    pub keepalive_seconds: u32,
    /// Missed keepalives after which a device counts as gone.
    pub keepalive_misses: u32,
    /// The shortest registration that is granted, in seconds; under it 423.
    pub expires_min_seconds: u32,
    /// The longest registration that is granted, in seconds; a longer one is cut to it.
    pub expires_max_seconds: u32,
    /// Devices a second that the engine is told of to look at.
    pub survey_per_second: u32,
    /// TCP connections at a time.
    pub connections_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            id: "34020000002000000001".to_owned(),
            domain: "3402000000".to_owned(),
            realm: "3402000000".to_owned(),
            advertise: Vec::new(),
            follow: Follow::SameIp,
            date_header: true,
            time_zone: TimeZone::system(),
            sha256: false,
            // GB/T 28181-2016, 9.6.1: every 60 s, three misses.
            keepalive_seconds: 60,
            keepalive_misses: 3,
            // GB/T 28181-2016, 9.1.1, has 3,600 s at least; cameras in use ask for less.
            expires_min_seconds: 60,
            expires_max_seconds: 7 * 86_400,
            survey_per_second: 100,
            connections_max: 20_000,
        }
    }
}

/// What [`Cameras`] is made from.
pub struct Options {
    /// What is known of properties and profiles: the same as the engine's.
    pub catalogue: Arc<CatalogueCell>,
    /// How cameras are served.
    pub settings: Settings,
    /// Where the engine hears of devices that registered.
    pub events: EventSender,
    /// Random bits.
    pub entropy: Arc<dyn Entropy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where a test may stop the process.
    pub fault_points: FaultPoints,
}

/// The driver of cameras. Made before the engine; [`Cameras::listen`] starts SIP after it.
pub struct Cameras {
    pub(crate) catalogue: Arc<CatalogueCell>,
    pub(crate) settings: Settings,
    pub(crate) events: EventSender,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fault_points: FaultPoints,
    pub(crate) line: Line,
    /// What the driver remembers of devices.
    pub(crate) driver: driver::Memory,
    identity: Arc<Identity>,
    bindings: Arc<Mutex<Bindings>>,
    /// The engine, from `listen` until SIP stops: it holds us, so we must let go of it.
    handle: RwLock<Option<Handle>>,
    commands: Mutex<Option<mpsc::Receiver<line::Command>>>,
}

/// Sockets that nobody reads yet.
pub struct Bound(socket::Sockets);

impl Bound {
    /// Where they are; the port is the true one.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

/// Why SIP does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be listened on.
    #[error("SIP can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: SocketError,
    },
    /// The bindings can't be read.
    #[error("the registrations on record can't be read")]
    Bindings(#[source] engine::Error),
    /// It was started before.
    #[error("SIP was started before")]
    Started,
}

impl Cameras {
    /// A driver that answers "SIP has not started" until [`Self::listen`].
    pub fn new(options: Options) -> Arc<Self> {
        let Options { catalogue, settings, events, entropy, clock, fault_points } = options;
        let identity = Arc::new(Identity::new(&settings));
        let bindings = Arc::new(Mutex::new(Bindings::new()));
        let mut sn = [0; 4];
        entropy.fill(&mut sn);
        let (line, commands) =
            Line::new(bindings.clone(), identity.clone(), u32::from_le_bytes(sn));
        Arc::new(Self {
            catalogue,
            settings,
            events,
            entropy,
            clock,
            fault_points,
            line,
            driver: driver::Memory::default(),
            identity,
            bindings,
            handle: RwLock::new(None),
            commands: Mutex::new(Some(commands)),
        })
    }

    /// Who we are to whoever sets up a device, with every address that it may reach us at; see
    /// [`Identity::all_advertised`]. Empty until SIP listens, and if no address is known.
    pub fn advertised(&self) -> Vec<ServerAddress> {
        let id = || self.identity.id().to_owned();
        let domain = || self.identity.domain().to_owned();
        let all = self.identity.all_advertised().into_iter();
        all.map(|(host, port)| ServerAddress { id: id(), domain: domain(), host, port }).collect()
    }

    /// Seconds without a keepalive after which a device counts as gone, unless its own
    /// configuration says otherwise; 0 if none are expected.
    pub fn keepalive_timeout_seconds(&self) -> u32 {
        let Settings { keepalive_seconds, keepalive_misses, .. } = self.settings;
        keepalive_seconds.saturating_mul(keepalive_misses.max(1))
    }

    /// What speaks to registered devices.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The engine, while SIP runs.
    pub(crate) fn handle(&self) -> Option<Handle> {
        self.handle.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the address, over UDP and TCP on one port (port 0: one that is free for both). What
    /// comes meanwhile waits for [`Self::serve`].
    ///
    /// Errors: the address can't be listened on.
    pub fn bind(&self, listen: SocketAddr) -> Result<Bound, Error> {
        let sockets = socket::Sockets::bind(listen, self.settings.connections_max)
            .map_err(|source| Error::Listen { address: listen, source })?;
        Ok(Bound(sockets))
    }

    /// [`Self::bind`] and [`Self::serve`].
    pub async fn listen(
        self: &Arc<Self>,
        handle: Handle,
        listen: SocketAddr,
    ) -> Result<Sip, Error> {
        let bound = self.bind(listen)?;
        self.serve(handle, bound).await
    }

    /// Loads the bindings and serves devices. Once.
    ///
    /// Errors: the bindings can't be read, or SIP was started before.
    pub async fn serve(self: &Arc<Self>, handle: Handle, bound: Bound) -> Result<Sip, Error> {
        let Bound(sockets) = bound;
        self.identity.listens_at(sockets.address(), Some(socket::address_towards));
        self.start(sockets, handle).await
    }

    /// Serves devices over another wire, such as a simulation's network. Otherwise as
    /// [`Self::listen`].
    pub async fn run_with(self: &Arc<Self>, wire: impl Wire, handle: Handle) -> Result<Sip, Error> {
        self.identity.listens_at(wire.address(), None);
        self.start(wire, handle).await
    }

    /// For a node that serves no devices: what is asked of it of a device is answered by what is on
    /// record, until [`Self::leave`].
    pub fn stand_by(&self, handle: Handle) {
        *self.handle.write().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Ends what [`Self::stand_by`] began. SIP that stops does so by itself.
    pub fn leave(&self) {
        *self.handle.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn start(self: &Arc<Self>, wire: impl Wire, handle: Handle) -> Result<Sip, Error> {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner).take();
        let commands = commands.ok_or(Error::Started)?;
        // A session that does not expire is that of a store's only node.
        let session = handle.session().filter(|session| session.expires);
        let session = session.map(|session| session.key);
        let options = self.station_options(&handle, session);
        let mut station = station::Station::new(options);
        runner::load(&mut station, &handle, self.clock.now()).await.map_err(Error::Bindings)?;
        *self.handle.write().unwrap_or_else(PoisonError::into_inner) = Some(handle.clone());
        let end = {
            let cameras = Arc::downgrade(self);
            move || {
                if let Some(cameras) = cameras.upgrade() {
                    cameras.leave();
                }
            }
        };
        let sip = Sip::start(runner::Parts {
            wire,
            station,
            handle: handle.clone(),
            commands,
            clock: self.clock.clone(),
            events: self.events.clone(),
            compares: session.is_some(),
            end: Box::new(end),
        });
        // Lanes that had their turn before found nobody registered, and whoever is, need not
        // register anew.
        handle.driver_is_ready();
        Ok(sip)
    }

    fn station_options(&self, handle: &Handle, session: Option<SessionKey>) -> station::Options {
        let mut seed = [0; 32];
        self.entropy.fill(&mut seed);
        station::Options {
            settings: self.settings.clone(),
            identity: self.identity.clone(),
            bindings: self.bindings.clone(),
            nonce_key: handle.nonce_key(),
            seed,
            now: tokio::time::Instant::now().into_std(),
            started_at: self.clock.now(),
            session,
        }
    }
}
