//! Simulated phones and the driver that speaks to them: Android's rules for properties, and all the
//! ways in which a phone can be away, late, or another one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use engine::Clock;
use engine::{
    Action, Adopt, Away, DeviceEvent, Driver, EventSender, Examination, Fault, PowerReport,
    Reached, Report, Target,
};
use fleet::{BootIdentity, Device, Epoch, Kind, Operation, Timestamp};
use tokio::time::Instant;

use crate::chance::{Chance, Life, SimulatedClock};
use crate::tokens::{Tokens, Worker};

/// How often misfortune strikes: once in so many times; 0 for never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Misfortune {
    /// The answer of an action is lost after it took effect.
    pub answer_lost: u32,
    /// The phone restarts between two properties of an action.
    pub restart_within: u32,
    /// The answer comes after the engine has given up.
    pub late: u32,
    /// The phone refuses one value, this time.
    pub refuse: u32,
    /// The phone is told to restart and does not.
    pub deaf: u32,
}

/// One phone.
#[derive(Debug, Default)]
struct Phone {
    properties: BTreeMap<String, String>,
    marker: Option<String>,
    boots: u64,
    off: bool,
    /// Until when it boots because it was told to.
    booting_until: Option<Instant>,
    /// When it was told to restart, and did.
    told: Vec<Timestamp>,
    /// Who has actions in flight on it, under which token.
    in_flight: Vec<(Worker, Epoch)>,
    /// The highest token under which an action was begun on it.
    token: Epoch,
    /// When the last one was.
    last_begun: Option<Instant>,
    /// The nodes that have acted on it.
    nodes: BTreeSet<usize>,
    /// Every value that it took, with the boot in which it did.
    effects: Vec<(u64, String, String)>,
}

impl Phone {
    fn restart(&mut self) {
        self.boots += 1;
        self.properties.retain(|name, _| name.starts_with("persist."));
    }

    fn is_booting(&self) -> bool {
        self.booting_until.is_some_and(|until| Instant::now() < until)
    }

    fn boot(&self) -> BootIdentity {
        BootIdentity { kernel: format!("boot-{}", self.boots), init_start: "100".to_owned() }
    }
}

/// All phones, by the number in their address.
#[derive(Clone)]
pub struct Phones {
    phones: Arc<Mutex<Vec<Phone>>>,
    chance: Chance,
    misfortune: Arc<Mutex<Misfortune>>,
    broken: Arc<Mutex<Vec<String>>>,
    restarts: Arc<Mutex<u64>>,
}

impl Phones {
    pub fn new(count: usize, chance: Chance, misfortune: Misfortune) -> Self {
        let phones = std::iter::repeat_with(Phone::default).take(count).collect();
        Self {
            phones: Arc::new(Mutex::new(phones)),
            chance,
            misfortune: Arc::new(Mutex::new(misfortune)),
            broken: Arc::default(),
            restarts: Arc::default(),
        }
    }

    fn phones(&self) -> MutexGuard<'_, Vec<Phone>> {
        self.phones.lock().unwrap()
    }

    fn misfortune(&self) -> Misfortune {
        *self.misfortune.lock().unwrap()
    }

    /// From now on the phones behave.
    pub fn calm(&self) {
        *self.misfortune.lock().unwrap() = Misfortune::default();
        let count = self.phones().len();
        for number in 0..count {
            self.set_off(number, false);
        }
    }

    /// The process that had actions in flight has died, and they with it.
    pub fn forget_actions(&self, node: usize) {
        for phone in self.phones().iter_mut() {
            phone.in_flight.retain(|(worker, _)| worker.node != node);
        }
    }

    /// When the last action on a phone was begun, and how many nodes have acted on it.
    pub fn worked_on(&self, number: usize) -> (Option<Instant>, usize) {
        let phones = self.phones();
        (phones[number].last_begun, phones[number].nodes.len())
    }

    pub fn restart(&self, number: usize) {
        *self.restarts.lock().unwrap() += 1;
        self.phones()[number].restart();
    }

    pub fn restarts(&self) -> u64 {
        *self.restarts.lock().unwrap()
    }

    pub fn set_off(&self, number: usize, off: bool) {
        let phone = &mut self.phones()[number];
        if phone.off && !off {
            phone.restart();
        }
        phone.off = off;
    }

    pub fn value(&self, number: usize, name: &str) -> Option<String> {
        self.phones()[number].properties.get(name).cloned()
    }

    pub fn effects(&self, number: usize) -> Vec<(u64, String, String)> {
        self.phones()[number].effects.clone()
    }

    /// When a phone was told to restart, and did.
    pub fn told(&self, number: usize) -> Vec<Timestamp> {
        self.phones()[number].told.clone()
    }

    pub fn broken(&self) -> Vec<String> {
        self.broken.lock().unwrap().clone()
    }

    /// Puts another phone's marker on a phone, as if its address had been given to that one.
    pub fn put_foreign_marker(&self, number: usize) {
        self.phones()[number].marker = Some("of-another".to_owned());
    }
}

/// The driver of one life of a node's process.
pub struct SimulatedDriver {
    pub phones: Phones,
    pub life: Life,
    pub worker: Worker,
    pub tokens: Tokens,
    /// Whether an action of an owner before may still be in flight.
    pub may_overlap: bool,
    pub events: EventSender,
    pub actions_per_server: usize,
    pub boots_per_server: usize,
    pub clock: SimulatedClock,
}

/// The number of the phone at an address: its port less one, since there is no port 0.
fn number_of(device: &Device) -> usize {
    let port: usize = device.address.rsplit_once(':').unwrap().1.parse().unwrap();
    port - 1
}

#[async_trait]
impl Driver for SimulatedDriver {
    fn kind(&self) -> Kind {
        Kind::Phone
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        self.life.step().await;
        let number = number_of(device);
        let guard = InFlight::begin(self, device, number);
        self.phones.chance.pause(40).await;
        if self.life.suffering.phones_are_cut() {
            return Report::Away(self.cut_off().await);
        }
        let misfortune = self.phones.misfortune();
        if self.phones.chance.strikes(misfortune.late) {
            // Half of the late ones take effect before the engine gives up.
            tokio::time::sleep(Duration::from_secs(10)).await;
            let report = self.exchange(device, number, &action).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
            return report;
        }
        let report = self.exchange(device, number, &action).await;
        self.life.step().await;
        self.phones.chance.pause(20).await;
        drop(guard);
        if self.phones.chance.strikes(misfortune.answer_lost)
            || self.life.suffering.phones_are_cut()
        {
            return Report::Away(Away::Unreachable("the connection was lost".to_owned()));
        }
        report
    }

    async fn power(
        &self,
        device: &Device,
        operation: Operation,
        target: Target<'_>,
    ) -> PowerReport {
        assert_eq!(operation, Operation::Restart, "the clients ask for nothing else");
        self.life.step().await;
        let number = number_of(device);
        let guard = InFlight::begin(self, device, number);
        self.phones.chance.pause(40).await;
        self.life.step().await;
        if self.life.suffering.phones_are_cut() {
            return PowerReport::Away(self.cut_off().await);
        }
        let misfortune = self.phones.misfortune();
        {
            let mut phones = self.phones.phones();
            let phone = &mut phones[number];
            if phone.off || phone.is_booting() {
                return PowerReport::Away(Away::Unreachable("connection refused".to_owned()));
            }
            if phone.marker.as_ref() != Some(&device.marker) {
                let marker = phone.marker.clone().unwrap_or_default();
                return PowerReport::Away(Away::WrongDevice { marker, boot: Some(phone.boot()) });
            }
            if target != Target::Answers(Some(&phone.boot())) {
                return PowerReport::OtherBoot;
            }
            if !self.phones.chance.strikes(misfortune.deaf) {
                phone.restart();
                let takes = Duration::from_millis(500 + self.phones.chance.below(4_000));
                phone.booting_until = Some(Instant::now() + takes);
                phone.told.push(self.clock.now());
            }
            // Phones with an even number live on one server, the others on another.
            let boots = phones.iter().enumerate().filter(|(other, _)| other % 2 == number % 2);
            let boots = boots.filter(|(_, phone)| phone.is_booting()).count();
            if boots > self.boots_per_server {
                let broken = format!("{boots} phones boot at a time on server {}", device.server);
                self.phones.broken.lock().unwrap().push(broken);
            }
        }
        self.life.step().await;
        drop(guard);
        if self.phones.chance.strikes(misfortune.answer_lost)
            || self.life.suffering.phones_are_cut()
        {
            return PowerReport::Away(Away::Unreachable("the connection was lost".to_owned()));
        }
        PowerReport::Told
    }

    async fn examine(&self, _device: &Device) -> Examination {
        Examination::default()
    }

    fn watch(&self, device: &Device) {
        // The watch of a real driver sees the connection drop; here some are seen and some not.
        if self.phones.chance.strikes(4) {
            self.events.send(DeviceEvent::Returned(device.key));
        }
    }
}

impl SimulatedDriver {
    /// Nothing comes back from any phone.
    async fn cut_off(&self) -> Away {
        tokio::time::sleep(Duration::from_millis(500 + self.phones.chance.below(3_000))).await;
        Away::Unreachable("no route".to_owned())
    }

    async fn exchange(&self, device: &Device, number: usize, action: &Action) -> Report {
        let misfortune = self.phones.misfortune();
        {
            let mut phones = self.phones.phones();
            let phone = &mut phones[number];
            if phone.off {
                return Report::Away(Away::Unreachable("connection refused".to_owned()));
            }
            if phone.is_booting() {
                return Report::Away(Away::Booting);
            }
            match &phone.marker {
                None if action.adopt != Adopt::No => phone.marker = Some(device.marker.clone()),
                Some(marker) if *marker == device.marker => {}
                found => {
                    let marker = found.clone().unwrap_or_default();
                    let boot = Some(phone.boot());
                    return Report::Away(Away::WrongDevice { marker, boot });
                }
            }
        }
        let boot = self.phones.phones()[number].boot();
        let rebooted = action.known_boot.as_ref() != Some(&boot);
        let mut reached = Reached { boot: Some(boot.clone()), ..Reached::default() };
        let after_boot = action.set_after_boot.iter().filter(|_| rebooted);
        for (name, value) in action.set.iter().chain(after_boot) {
            self.life.step().await;
            if self.phones.chance.strikes(misfortune.restart_within) {
                self.phones.restart(number);
                return Report::Away(Away::Unreachable("the connection was lost".to_owned()));
            }
            if self.phones.chance.strikes(misfortune.refuse) {
                let fault = Fault::Refused("not today".to_owned());
                reached.faults.insert(name.clone(), fault);
                continue;
            }
            let mut phones = self.phones.phones();
            let phone = &mut phones[number];
            if phone.off || phone.is_booting() || phone.boot() != boot {
                return Report::Away(Away::Unreachable("the connection was lost".to_owned()));
            }
            if phone.properties.get(name) != Some(value) {
                phone.properties.insert(name.clone(), value.clone());
                phone.effects.push((phone.boots, name.clone(), value.clone()));
            }
        }
        let phones = self.phones.phones();
        let phone = &phones[number];
        if phone.off || phone.is_booting() || phone.boot() != boot {
            return Report::Away(Away::Unreachable("the connection was lost".to_owned()));
        }
        let names = action.set.keys().chain(action.set_after_boot.keys()).chain(&action.read);
        for name in names {
            reached.shown.insert(name.clone(), phone.properties.get(name).cloned());
        }
        Report::Reached(reached)
    }
}

/// Counts an action as in flight for as long as it is held, and notes where a bound is broken.
struct InFlight<'a> {
    driver: &'a SimulatedDriver,
    number: usize,
    token: Epoch,
}

impl<'a> InFlight<'a> {
    fn begin(driver: &'a SimulatedDriver, device: &Device, number: usize) -> Self {
        let (worker, token) = (driver.worker, driver.tokens.of(driver.worker, device.key));
        let mut phones = driver.phones.phones();
        let mut broken = driver.phones.broken.lock().unwrap();
        let phone = &mut phones[number];
        for (other, its_token) in &phone.in_flight {
            let is_before = other.node != worker.node && *its_token < token;
            if !(is_before && driver.may_overlap) {
                broken.push(format!(
                    "two actions at a time on phone {number}: {worker:?} begins under {token:?} \
                     while one of {other:?} is in flight under {its_token:?}"
                ));
            }
        }
        if token < phone.token {
            let later = phone.token;
            broken.push(format!(
                "{worker:?} acts on phone {number} under {token:?} after the owner of {later:?} did"
            ));
        }
        phone.token = phone.token.max(token);
        phone.in_flight.push((worker, token));
        phone.last_begun = Some(Instant::now());
        phone.nodes.insert(worker.node);
        // Phones with an even number live on one server, the others on another.
        let on_server = phones
            .iter()
            .enumerate()
            .filter(|(other, _)| other % 2 == number % 2)
            .map(|(_, phone)| phone.in_flight.len())
            .sum::<usize>();
        if on_server > driver.actions_per_server {
            broken.push(format!("{on_server} actions at a time on server {}", device.server));
        }
        Self { driver, number, token }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut phones = self.driver.phones.phones();
        let phone = &mut phones[self.number];
        let own = (self.driver.worker, self.token);
        if let Some(at) = phone.in_flight.iter().position(|one| *one == own) {
            phone.in_flight.remove(at);
        }
    }
}
