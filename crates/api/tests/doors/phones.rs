//! Phones that the engine drives without a wire between: each does as it is told to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use async_trait::async_trait;
use engine::{
    Action, Adopt, Away, Driver, Examination, Fault, PowerReport, Reached, Report, Target,
};
use fleet::{BootIdentity, Device, Facts, Kind, Operation};

/// How a phone behaves.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// It takes every value, and restarts, goes back and stops when it is told to.
    #[default]
    Works,
    /// Nothing answers.
    Off,
    /// It refuses every value, and to restart, to go back and to stop.
    Refuses,
    /// It says yes and keeps what it has.
    Forgets,
    /// Its profile knows no way.
    Unsupported,
    /// It takes for ever to answer.
    Hangs,
}

/// The phones by id. One that was never mentioned works.
#[derive(Default)]
pub struct Phones {
    all: Mutex<HashMap<String, Phone>>,
}

/// One phone.
#[derive(Default)]
struct Phone {
    mood: Mood,
    values: BTreeMap<String, String>,
    /// The values that act: those that it had when it booted.
    acting: BTreeMap<String, String>,
    /// The marker it bears; empty if none.
    marker: String,
    /// How often it has booted since the first time.
    boots: u64,
    /// What it was told to do, in order.
    told: Vec<Operation>,
    /// Whether it has been stopped and answers no more.
    stopped: bool,
}

impl Phones {
    /// Changes how a phone behaves from now on.
    pub fn set_mood(&self, id: &str, mood: Mood) {
        self.with(id, |phone| phone.mood = mood);
    }

    /// The value that a phone has.
    pub fn get(&self, id: &str, name: &str) -> Option<String> {
        self.with(id, |phone| phone.values.get(name).cloned())
    }

    /// What a phone was told to do, in order.
    pub fn told(&self, id: &str) -> Vec<Operation> {
        self.with(id, |phone| phone.told.clone())
    }

    /// Starts a phone that was stopped, as somebody at its server may.
    pub fn start(&self, id: &str) {
        self.with(id, Phone::begin_boot);
    }

    /// Gives a phone another marker, as if it were another phone; none if it is empty.
    pub fn set_marker(&self, id: &str, marker: &str) {
        self.with(id, |phone| marker.clone_into(&mut phone.marker));
    }

    fn with<T>(&self, id: &str, look: impl FnOnce(&mut Phone) -> T) -> T {
        look(self.all.lock().unwrap().entry(id.to_owned()).or_default())
    }
}

impl Phone {
    fn boot(&self) -> BootIdentity {
        BootIdentity { kernel: "kernel".to_owned(), init_start: (self.boots + 1).to_string() }
    }

    fn begin_boot(&mut self) {
        self.stopped = false;
        self.boots += 1;
        self.acting = self.values.clone();
    }

    /// Why it can't be worked on, if it can't. A phone that may be adopted is.
    fn away(&mut self, device: &Device, adopt: Adopt) -> Option<Away> {
        if self.stopped || matches!(self.mood, Mood::Off) {
            return Some(Away::Unreachable("connection refused".to_owned()));
        }
        let may_adopt = match adopt {
            Adopt::No => false,
            Adopt::Unmarked => self.marker.is_empty(),
            Adopt::Any => true,
        };
        if may_adopt {
            self.marker.clone_from(&device.marker);
        }
        let (marker, boot) = (self.marker.clone(), Some(self.boot()));
        (marker != device.marker).then_some(Away::WrongDevice { marker, boot })
    }
}

/// The properties of the profile `simulated` that `dumpsys cph` prints as they act.
const WITH_EFFECT: [&str; 5] = [
    "com.cph.mainkeys",
    "disable.status.bar",
    "ro.com.cph.non_root",
    "com.cph.disable_fb_permission",
    "ro.horizontal.screen",
];

/// What every phone says of itself.
fn facts() -> Facts {
    let facts = [
        (Facts::MODEL, "Simulated"),
        (Facts::RELEASE, "9"),
        (Facts::BUILD, "monbox-9"),
        (Facts::FINGERPRINT, "Huawei/monbox/9"),
        (Facts::USER, "0"),
        (Facts::RIGHTS, "root"),
    ];
    Facts(facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

#[async_trait]
impl Driver for Phones {
    fn kind(&self) -> Kind {
        Kind::Phone
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        let id = device.id.as_str();
        if matches!(self.with(id, |phone| phone.mood.clone()), Mood::Hangs) {
            std::future::pending::<()>().await;
        }
        self.with(id, |phone| {
            if let Some(away) = phone.away(device, action.adopt) {
                return Report::Away(away);
            }
            let boot = phone.boot();
            let is_new_boot = action.known_boot.as_ref() != Some(&boot);
            let mut faults = BTreeMap::new();
            let after_boot = action.set_after_boot.iter().filter(|_| is_new_boot);
            for (name, value) in action.set.iter().chain(after_boot) {
                let fault = match phone.mood {
                    Mood::Refuses => Fault::Refused("permission denied".to_owned()),
                    Mood::Unsupported => Fault::Unsupported("nothing reads it".to_owned()),
                    Mood::Forgets => continue,
                    _ => {
                        phone.values.insert(name.clone(), value.clone());
                        continue;
                    }
                };
                faults.insert(name.clone(), fault);
            }
            let names = action.set.keys().chain(action.set_after_boot.keys()).chain(&action.read);
            let shown = names.map(|name| (name.clone(), phone.values.get(name).cloned())).collect();
            let acting = WITH_EFFECT
                .map(|name| (name.to_owned(), phone.acting.get(name).cloned().unwrap_or_default()));
            Report::Reached(Reached {
                boot: Some(boot),
                shown,
                faults,
                effects: acting.into(),
                facts: is_new_boot.then(facts),
                ..Reached::default()
            })
        })
    }

    async fn power(
        &self,
        device: &Device,
        operation: Operation,
        target: Target<'_>,
    ) -> PowerReport {
        self.with(device.id.as_str(), |phone| {
            if phone.stopped && operation != Operation::Stop {
                phone.told.push(operation);
                phone.begin_boot();
                return PowerReport::Told;
            }
            if let Some(away) = phone.away(device, Adopt::No) {
                return PowerReport::Away(away);
            }
            if matches!(target, Target::Answers(Some(known)) if *known != phone.boot()) {
                return PowerReport::OtherBoot;
            }
            match phone.mood {
                Mood::Refuses => return PowerReport::Refused("permission denied".to_owned()),
                Mood::Unsupported => {
                    return PowerReport::Unsupported("nothing restarts it".to_owned());
                }
                _ => {}
            }
            phone.told.push(operation);
            match operation {
                Operation::Stop => phone.stopped = true,
                Operation::Reset => {
                    phone.values.clear();
                    phone.marker.clear();
                    phone.begin_boot();
                }
                Operation::Restart | Operation::Update => phone.begin_boot(),
            }
            PowerReport::Told
        })
    }

    async fn examine(&self, device: &Device) -> Examination {
        self.with(device.id.as_str(), |phone| {
            if phone.stopped || matches!(phone.mood, Mood::Off) {
                let away = Some(Away::Unreachable("connection refused".to_owned()));
                return Examination { away, ..Examination::default() };
            }
            Examination {
                away: None,
                marker: Some(phone.marker.clone()),
                boot: Some(phone.boot()),
                facts: facts(),
                clock_seconds: Some(device.created_at.0 / 1_000),
            }
        })
    }

    fn watch(&self, _: &Device) {}
}
