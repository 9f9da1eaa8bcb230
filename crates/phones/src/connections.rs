//! The connections that are kept: at most one a phone and so many in all.
//!
//! An action takes its phone's connection out and puts it back when it is done; an action that
//! failed, timed out or was cancelled has dropped it. A connection at rest has a task that waits
//! for its end. Over the bound, the one that has rested longest is closed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::{Device, DeviceKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::link::{LinkError, PhoneLink, PhoneSession};

/// How long a connection has rested at least when its end is told: a phone that closes each one at
/// once is looked at so often and no more. It also leaves the engine time to ask for the watch.
const REST_MIN: Duration = Duration::from_secs(1);

/// Deleted phones that are remembered, so that an action that was begun before leaves nothing
/// behind when it ends: many more than can be deleted while one lasts. They are gone through in
/// turn.
const FORGOTTEN_MAX: usize = 1_024;

/// An open connection and its place among all. Dropping it closes the one and frees the other.
pub struct Connection {
    /// What speaks to the phone.
    pub session: Box<dyn PhoneSession>,
    address: String,
    _place: OwnedSemaphorePermit,
    _open: Open,
}

/// Counts a connection while it exists.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::gauge!("fleetwright_phone_connections").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("fleetwright_phone_connections").decrement(1.0);
    }
}

/// Is told of each watched phone that has gone away.
pub type Lost = Box<dyn Fn(DeviceKey) + Send + Sync>;

/// The connections of one driver.
pub struct Connections {
    shared: Arc<Shared>,
}

struct Shared {
    link: Arc<dyn PhoneLink>,
    connect_timeout: Duration,
    lost: Lost,
    places: Arc<Semaphore>,
    phones: Mutex<Phones>,
    tasks: TaskTracker,
    end: CancellationToken,
}

#[derive(Default)]
struct Phones {
    by_key: HashMap<DeviceKey, Entry>,
    last_turn: u64,
    /// Deleted phones, the last one last: nothing of them is kept. A key is never given twice.
    forgotten: VecDeque<DeviceKey>,
}

/// What is known of one phone that is connected or being worked on.
struct Entry {
    /// Goes up with every use in the whole driver: who came last, and whose entry this is.
    turn: u64,
    /// Whether the engine wants to hear of this phone's going away.
    watched: bool,
    /// The connection at rest; `None` while it is in use.
    resting: Option<Resting>,
}

/// A connection at rest, held by its own task.
struct Resting {
    address: String,
    /// Where its task looks for somebody who wants it back. Dropping this closes the connection.
    recall: oneshot::Sender<oneshot::Sender<Connection>>,
}

/// A phone in use by one action. Dropping it forgets the phone; [`Lease::keep`] does not.
pub struct Lease {
    shared: Arc<Shared>,
    device: DeviceKey,
    address: String,
    turn: u64,
}

impl Connections {
    /// Room for `connections_max` connections, opened by `link`, each within `connect_timeout`.
    pub fn new(
        link: Arc<dyn PhoneLink>,
        connections_max: usize,
        connect_timeout: Duration,
        lost: Lost,
    ) -> Self {
        let shared = Shared {
            link,
            connect_timeout,
            lost,
            places: Arc::new(Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS))),
            phones: Mutex::default(),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes `device` into use: the lease on it, and its connection if one rests that leads to its
    /// present address and is not known to have ended.
    pub async fn take(&self, device: &Device) -> (Lease, Option<Connection>) {
        let (lease, resting) = self.shared.lease(device);
        let connection = match resting {
            Some(resting) if resting.address == device.address => resting.recall().await,
            _ => None,
        };
        (lease, connection)
    }

    /// Opens a connection to `device` that has nothing to do with the one that is kept, if any is:
    /// who uses the phone is not disturbed. It counts, and is never kept.
    pub async fn open_apart(&self, device: &Device) -> Result<Connection, LinkError> {
        self.shared.connect(&device.address).await
    }

    /// Has the engine told when `device` goes away. Where no connection is left it is told at once:
    /// the phone went away before anybody watched, and who answers at its address by now has to
    /// prove itself. Nothing is told while there is no place free: a look would close another's
    /// connection.
    pub fn watch(&self, device: &Device) {
        if self.shared.mark_watched(device.key) || self.shared.is_forgotten(device.key) {
            return;
        }
        if self.shared.places.available_permits() == 0 {
            metrics::counter!("fleetwright_phone_watches_declined_total").increment(1);
            return;
        }
        (self.shared.lost)(device.key);
    }

    /// The phone's record is gone: its connection is closed, at once or when the action that uses
    /// it ends, and none is kept from then on. Nobody is told.
    pub fn forget(&self, device: DeviceKey) {
        let mut phones = self.shared.phones();
        phones.by_key.remove(&device);
        if phones.forgotten.len() >= FORGOTTEN_MAX {
            phones.forgotten.pop_front();
        }
        phones.forgotten.push_back(device);
    }

    /// Closes every connection at rest and waits until they are closed. Later ones are not kept.
    pub async fn close(&self) {
        self.shared.end.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.shared.end.cancel();
    }
}

impl Shared {
    fn phones(&self) -> MutexGuard<'_, Phones> {
        self.phones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the caller the one user of `device`, and gives what was at rest.
    fn lease(self: &Arc<Self>, device: &Device) -> (Lease, Option<Resting>) {
        let mut phones = self.phones();
        phones.last_turn += 1;
        let turn = phones.last_turn;
        let former = phones.by_key.remove(&device.key);
        let (watched, resting) = former.map_or((false, None), |old| (old.watched, old.resting));
        let entry = Entry { turn, watched, resting: None };
        phones.by_key.insert(device.key, entry);
        let shared = Arc::clone(self);
        (Lease { shared, device: device.key, address: device.address.clone(), turn }, resting)
    }

    /// Marks a phone that is connected or in use; `false` if it is neither.
    fn mark_watched(&self, device: DeviceKey) -> bool {
        match self.phones().by_key.get_mut(&device) {
            Some(entry) => {
                entry.watched = true;
                true
            }
            None => false,
        }
    }

    /// Whether the phone's record is gone.
    fn is_forgotten(&self, device: DeviceKey) -> bool {
        self.phones().forgotten.contains(&device)
    }

    /// A place for one more connection. Where there is none, the connection that has rested longest
    /// is closed; where all are in use, this waits until one no longer is.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        {
            let mut phones = self.phones();
            let resting = phones.by_key.iter().filter(|(_, entry)| entry.resting.is_some());
            let longest = resting.min_by_key(|(_, entry)| entry.turn).map(|(device, _)| *device);
            if let Some(device) = longest {
                phones.by_key.remove(&device);
                metrics::counter!("fleetwright_phone_connections_closed_idle_total").increment(1);
            }
        }
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Opens a connection as soon as there is a place for it.
    async fn connect(&self, address: &str) -> Result<Connection, LinkError> {
        let place = self.place().await;
        let place = place.ok_or_else(|| LinkError::Lost("the driver is closing".to_owned()))?;
        self.connect_at(address, place).await
    }

    /// Opens a connection at this place.
    async fn connect_at(
        &self,
        address: &str,
        place: OwnedSemaphorePermit,
    ) -> Result<Connection, LinkError> {
        let session = self.link.connect(address, self.connect_timeout).await?;
        Ok(Connection { session, address: address.to_owned(), _place: place, _open: Open::new() })
    }

    /// Holds `connection` while nobody uses it.
    async fn rest(
        self: Arc<Self>,
        device: DeviceKey,
        turn: u64,
        mut connection: Connection,
        mut recalled: oneshot::Receiver<oneshot::Sender<Connection>>,
    ) {
        let earliest = Instant::now() + REST_MIN;
        tokio::select! {
            biased;
            () = self.end.cancelled() => {}
            back = &mut recalled => {
                if let Ok(back) = back {
                    let _ = back.send(connection);
                }
            }
            how = connection.session.ended() => {
                drop(connection);
                tokio::select! {
                    () = self.end.cancelled() => return,
                    () = tokio::time::sleep_until(earliest) => {}
                }
                let gone = {
                    let mut phones = self.phones();
                    match phones.by_key.get(&device) {
                        Some(entry) if entry.turn == turn => phones.by_key.remove(&device),
                        _ => None,
                    }
                };
                tracing::debug!(?device, %how, "a phone's connection ended");
                if gone.is_some_and(|entry| entry.watched) {
                    (self.lost)(device);
                }
            }
        }
    }
}

impl Resting {
    /// The connection itself; `None` if it has ended.
    async fn recall(self) -> Option<Connection> {
        let (back, connection) = oneshot::channel();
        self.recall.send(back).ok()?;
        connection.await.ok()
    }
}

impl Lease {
    /// Opens a new connection to the phone, as soon as there is a place for it.
    pub async fn connect(&self) -> Result<Connection, LinkError> {
        self.shared.connect(&self.address).await
    }

    /// Lets `connection` rest until the phone's next action, unless a later action has taken the
    /// phone over meanwhile or its record is gone.
    pub fn keep(&self, connection: Connection) {
        let shared = &self.shared;
        let mut phones = shared.phones();
        if phones.forgotten.contains(&self.device) {
            return;
        }
        let own = phones.by_key.get_mut(&self.device).filter(|entry| entry.turn == self.turn);
        let Some(entry) = own else { return };
        if shared.end.is_cancelled() {
            return;
        }
        let (recall, recalled) = oneshot::channel();
        entry.resting = Some(Resting { address: connection.address.clone(), recall });
        let rest = Arc::clone(shared).rest(self.device, self.turn, connection, recalled);
        shared.tasks.spawn(rest);
    }
}

impl Drop for Lease {
    /// Forgets the phone, if it is still this lease's and nothing of it rests.
    fn drop(&mut self) {
        let mut phones = self.shared.phones();
        let own = phones.by_key.get(&self.device).filter(|entry| entry.turn == self.turn);
        if own.is_some_and(|entry| entry.resting.is_none()) {
            phones.by_key.remove(&self.device);
        }
    }
}
