//! Simulated phones in the test's own process, so that a test can look into them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use simulator::control::{Control, ControlAddress};
use simulator::phones::{Fleet, Options, Phone};
use tokio::runtime::Runtime;

pub use simulator::phones::{Done, FaultMix, Faults, Load, Make, Power};

/// The project that the phones of a test belong to.
pub const PROJECT: &str = "demo";

/// What fleet to start.
#[derive(Debug, Clone, Default)]
pub struct Plan(Options);

impl Plan {
    /// How long a boot takes.
    pub fn boot(mut self, boot: Duration) -> Self {
        self.0.boot = boot;
        self
    }

    /// What make the phones are, and so by which profile they are driven.
    pub fn make(mut self, make: Make) -> Self {
        self.0.make = make;
        self
    }

    /// Their shell is root's.
    pub fn root(mut self) -> Self {
        self.0.root = true;
        self
    }

    /// How many phones live on one server.
    pub fn per_server(mut self, phones: usize) -> Self {
        self.0.phones_per_server = phones;
        self
    }

    /// Each phone writes down what it was told to run.
    pub fn logged(mut self) -> Self {
        self.0.log_bytes = 1 << 20;
        self
    }
}

/// Simulated phones that run, and what a test does with them. They end with this value.
pub struct Phones {
    runtime: Runtime,
    fleet: Fleet,
    control: Option<Control>,
}

impl Phones {
    /// So many phones. A boot takes 200 ms.
    pub fn of(count: usize) -> Plan {
        let boot = Duration::from_millis(200);
        Plan(Options { count, project: PROJECT.to_owned(), boot, ..Options::default() })
    }

    /// One phone for each of these ids.
    pub fn with_ids(ids: &[&str]) -> Plan {
        let mut plan = Self::of(ids.len());
        plan.0.ids = ids.iter().map(|id| (*id).to_owned()).collect();
        plan
    }

    /// Starts them; all have booted and listen.
    pub fn start(plan: Plan) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let fleet = runtime.block_on(Fleet::start(plan.0)).expect("phones");
        Self { runtime, fleet, control: None }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.fleet.phones().len()
    }

    /// The phone with this index.
    fn phone(&self, index: usize) -> &Arc<Phone> {
        self.fleet.phone(index).expect("an index of the fleet")
    }

    /// Their records, as they are imported.
    pub fn records(&self) -> Vec<Value> {
        let lines = self.fleet.emit();
        lines.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    /// A phone's id.
    pub fn id(&self, index: usize) -> String {
        self.phone(index).id().to_owned()
    }

    /// Where a phone listens now.
    pub fn address(&self, index: usize) -> SocketAddr {
        self.phone(index).address()
    }

    /// A property's value; none if it is not set.
    pub fn get(&self, index: usize, name: &str) -> Option<String> {
        Some(self.phone(index).get(name)).filter(|value| !value.is_empty())
    }

    /// Writes a property past all rules, as somebody with the phone in his hand might.
    pub fn set(&self, index: usize, name: &str, value: &str) {
        self.phone(index).set(name, value);
    }

    /// The values that a property was set to over ADB, oldest first, unchanged ones too: the
    /// latest hundred or so sets of the phone are remembered.
    pub fn sets_of(&self, index: usize, name: &str) -> Vec<String> {
        let recent = self.phone(index).effects().recent;
        recent.into_iter().filter(|set| set.name == name).map(|set| set.value).collect()
    }

    /// How many shell commands changed something on the phone.
    pub fn applications(&self, index: usize) -> u64 {
        self.phone(index).applications()
    }

    /// Every phone takes this long to answer.
    pub fn slow_down(&self, slow: Duration) {
        for index in 0..self.count() {
            self.set_faults(index, Faults { slow: Some(slow), ..Faults::default() });
        }
    }

    /// Nothing on the phone answers or moves any more, until it is let go.
    pub fn freeze(&self, index: usize) {
        self.phone(index).freeze();
    }

    /// Lets a frozen phone go.
    pub fn thaw(&self, index: usize) {
        self.phone(index).thaw();
    }

    /// Gives a phone other faults.
    pub fn set_faults(&self, index: usize, faults: Faults) {
        self.runtime.block_on(self.phone(index).set_faults(faults));
    }

    /// The phone reboots by itself. Returns when its port has followed.
    pub fn reboot(&self, index: usize) {
        self.runtime.block_on(self.phone(index).reboot());
    }

    /// The phone goes off. Returns when its port is closed.
    pub fn power_off(&self, index: usize) {
        self.runtime.block_on(self.phone(index).power_off());
    }

    /// Moves a phone to another address, in exchange with the one that is there.
    pub fn swap(&self, index: usize, address: SocketAddr) {
        self.runtime.block_on(self.fleet.swap(self.phone(index), address)).expect("it moves");
    }

    /// Gives a phone a copy of another one's /data.
    pub fn copy_data(&self, to: usize, from: usize) {
        self.phone(to).copy_data(self.phone(from));
    }

    /// The value of a restart property that acts, whatever was set since the last boot.
    pub fn acting(&self, index: usize, name: &str) -> Option<String> {
        self.phone(index).acting(name)
    }

    /// How often a phone has booted; 1 after the start.
    pub fn boots(&self, index: usize) -> u64 {
        self.phone(index).boot_count()
    }

    /// What a phone is doing.
    pub fn power(&self, index: usize) -> Power {
        self.phone(index).power()
    }

    /// What came of the commands that a phone was told to run; it must be [`Plan::logged`].
    pub fn done(&self, index: usize) -> Vec<Done> {
        self.phone(index).log().into_iter().flat_map(|told| told.done).collect()
    }

    /// What went on at most on each server, since the start or the last reset.
    pub fn loads(&self) -> Vec<Load> {
        self.fleet.loads().map(|(_, load)| load).collect()
    }

    /// What goes on in the whole fleet.
    pub fn load(&self) -> Load {
        self.fleet.total_load()
    }

    /// Forgets what went on at most.
    pub fn reset_peaks(&self) {
        self.fleet.reset_peaks();
    }

    /// All phones reboot by themselves at once. Returns when their ports have followed.
    pub fn reboot_all(&self) {
        let phones = self.fleet.phones();
        self.runtime.block_on(async {
            let reboots: Vec<_> = phones
                .iter()
                .cloned()
                .map(|phone| tokio::spawn(async move { phone.reboot().await }))
                .collect();
            for reboot in reboots {
                reboot.await.expect("a phone that reboots");
            }
        });
    }

    /// Lets commands from outside control the phones, as long as these live: the words of such a
    /// command but for the verb and the phone, as TOML has a list's beginning.
    pub fn control(&mut self) -> String {
        let address = ControlAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
        let control = self.runtime.block_on(self.fleet.control(&address)).expect("a control");
        let (program, address) = (super::tools::fleetwright(), control.address().to_string());
        self.control = Some(control);
        format!(r#""{}", "simulate", "control", "{address}""#, program.display())
    }

    /// The phone is switched on and boots.
    pub fn power_on(&self, index: usize) {
        self.runtime.block_on(self.phone(index).power_on());
    }
}
