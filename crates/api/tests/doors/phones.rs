//! Phones that the engine drives without a wire between: each does as it is told to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use async_trait::async_trait;
use engine::{Action, Away, Driver, Fault, Reached, Report};
use fleet::{BootIdentity, Device, Kind};

/// How a phone behaves.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// It takes every value.
    #[default]
    Works,
    /// Nothing answers.
    Off,
    /// It refuses every value.
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
    moods: Mutex<HashMap<String, Mood>>,
    values: Mutex<HashMap<String, BTreeMap<String, String>>>,
}

impl Phones {
    /// Changes how a phone behaves from now on.
    pub fn set_mood(&self, id: &str, mood: Mood) {
        self.moods.lock().unwrap().insert(id.to_owned(), mood);
    }

    /// The value that a phone has.
    pub fn get(&self, id: &str, name: &str) -> Option<String> {
        self.values.lock().unwrap().get(id)?.get(name).cloned()
    }
}

#[async_trait]
impl Driver for Phones {
    fn kind(&self) -> Kind {
        Kind::Phone
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        let id = device.id.as_str();
        let mood = self.moods.lock().unwrap().get(id).cloned().unwrap_or_default();
        let mut faults = BTreeMap::new();
        match mood {
            Mood::Off => return Report::Away(Away::Unreachable("connection refused".to_owned())),
            Mood::Hangs => std::future::pending().await,
            _ => {}
        }
        let mut all = self.values.lock().unwrap();
        let values = all.entry(id.to_owned()).or_default();
        for (name, value) in action.set.iter().chain(&action.set_after_boot) {
            let fault = match mood {
                Mood::Refuses => Fault::Refused("permission denied".to_owned()),
                Mood::Unsupported => Fault::Unsupported("nothing reads it".to_owned()),
                Mood::Forgets => continue,
                _ => {
                    values.insert(name.clone(), value.clone());
                    continue;
                }
            };
            faults.insert(name.clone(), fault);
        }
        let names = action.set.keys().chain(action.set_after_boot.keys()).chain(&action.read);
        let shown = names.map(|name| (name.clone(), values.get(name).cloned())).collect();
        let boot = BootIdentity { kernel: "kernel".to_owned(), init_start: "1".to_owned() };
        Report::Reached(Reached { boot: Some(boot), shown, faults })
    }

    fn watch(&self, _: &Device) {}
}
