//! The servers that phones count to: the kernel that containers share, and how much went on at a
//! time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::power::new_boot_id;

/// How much goes on on a server, or in a whole fleet, and the most that ever went on at a time
/// since the start or the last reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Shell commands that run now.
    pub commands: usize,
    /// The most that ran at a time.
    pub commands_max: usize,
    /// Phones told to restart, over ADB or by an operator's command, whose boot is under way: from
    /// being told until `sys.boot_completed`. One that never comes back no longer counts.
    pub restarts: usize,
    /// The most such phones at a time.
    pub restarts_max: usize,
    /// Phones whose boot is under way, whoever began it.
    pub boots: usize,
    /// The most such phones at a time.
    pub boots_max: usize,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Command,
    Restart,
    Boot,
}

/// A count with its peak.
#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn read(&self) -> (usize, usize) {
        (self.now.load(Ordering::SeqCst), self.most.load(Ordering::SeqCst))
    }
}

/// The counts of a server or a fleet.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    commands: Gauge,
    restarts: Gauge,
    boots: Gauge,
}

impl Gauges {
    fn of(&self, counted: Counted) -> &Gauge {
        match counted {
            Counted::Command => &self.commands,
            Counted::Restart => &self.restarts,
            Counted::Boot => &self.boots,
        }
    }

    /// What they show.
    pub(crate) fn load(&self) -> Load {
        let (commands, commands_max) = self.commands.read();
        let (restarts, restarts_max) = self.restarts.read();
        let (boots, boots_max) = self.boots.read();
        Load { commands, commands_max, restarts, restarts_max, boots, boots_max }
    }

    /// Forgets the peaks: they begin at what goes on now.
    pub(crate) fn reset(&self) {
        for gauge in [&self.commands, &self.restarts, &self.boots] {
            gauge.most.store(gauge.now.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) gauges: Gauges,
    total: Arc<Gauges>,
    /// The boot id of its kernel.
    boot_id: Mutex<String>,
}

impl Server {
    /// A server that counts to `total` too.
    pub(crate) fn new(name: String, total: Arc<Gauges>) -> Self {
        let boot_id = Mutex::new(new_boot_id());
        Server { name, gauges: Gauges::default(), total, boot_id }
    }

    /// One more.
    pub(crate) fn enter(&self, counted: Counted) {
        self.gauges.of(counted).enter();
        self.total.of(counted).enter();
    }

    /// One less.
    pub(crate) fn leave(&self, counted: Counted) {
        self.gauges.of(counted).leave();
        self.total.of(counted).leave();
    }

    /// The boot id of its kernel, a UUID.
    pub(crate) fn boot_id(&self) -> String {
        self.boot_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Boots its kernel.
    pub(crate) fn reboot(&self) {
        *self.boot_id.lock().unwrap_or_else(PoisonError::into_inner) = new_boot_id();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_kept_until_they_are_reset() {
        let total = Arc::new(Gauges::default());
        let [a, b] = ["a", "b"].map(|name| Server::new(name.to_owned(), Arc::clone(&total)));
        a.enter(Counted::Command);
        b.enter(Counted::Command);
        b.enter(Counted::Command);
        b.leave(Counted::Command);
        a.enter(Counted::Restart);
        let shown = |load: Load| (load.commands, load.commands_max, load.restarts_max);
        assert_eq!(shown(a.gauges.load()), (1, 1, 1));
        assert_eq!(shown(b.gauges.load()), (1, 2, 0));
        assert_eq!(shown(total.load()), (2, 3, 1));
        total.reset();
        assert_eq!(shown(total.load()), (2, 2, 1));
    }
}
