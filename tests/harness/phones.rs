//! Simulated phones in the test's own process, so that a test can look into them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use simulator::phones::{Fleet, Options, Phone};
use tokio::runtime::Runtime;

pub use simulator::phones::{FaultMix, Faults};

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
}

/// Simulated phones that run, and what a test does with them. They end with this value.
pub struct Phones {
    runtime: Runtime,
    fleet: Fleet,
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
        Self { runtime, fleet }
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

    /// A property's value; none if it is not set.
    pub fn get(&self, index: usize, name: &str) -> Option<String> {
        Some(self.phone(index).get(name)).filter(|value| !value.is_empty())
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

    /// The phone is switched on and boots.
    pub fn power_on(&self, index: usize) {
        self.runtime.block_on(self.phone(index).power_on());
    }
}
