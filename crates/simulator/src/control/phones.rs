//! The commands for phones.

use std::sync::Arc;

use super::Operated;
use crate::phone::power::Cause;
use crate::phone::{Faults, NAMED, Phone, Power};
use crate::phones::swap;

impl Operated for Arc<[Arc<Phone>]> {
    async fn act(&self, line: &str) -> Result<Option<String>, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [command, id, rest @ ..] = words.as_slice() else {
            return Err("expected COMMAND ID".to_owned());
        };
        let mut phones = self.iter();
        let phone = phones.find(|phone| phone.id() == *id || phone.name() == *id);
        let phone = phone.ok_or_else(|| format!("no phone {id}"))?;
        match (*command, rest) {
            ("stop", []) => phone.power_off().await,
            ("start", []) if phone.power() != Power::Off => {}
            ("start" | "restart", []) => {
                phone.begin_boot(Cause::Operator);
                phone.settle().await;
            }
            ("factory-reset", []) => {
                phone.begin_factory_reset(Cause::Operator);
                phone.settle().await;
            }
            ("recreate", args) => {
                let wrong = |arg| format!("{arg} is no NAME=VALUE");
                phone.start_with(args, Cause::Operator).map_err(wrong)?;
                phone.settle().await;
            }
            ("freeze", []) => phone.freeze(),
            ("thaw", []) => phone.thaw(),
            ("fault", [_, ..]) => {
                let faults = super::fault(&rest.join(" "), Faults::named, NAMED)?;
                let is_gone = faults.refuse || faults.silent || faults.hang_up;
                phone.set_faults(faults).await;
                if is_gone {
                    // Whoever is connected already is to notice too.
                    phone.drop_connections();
                }
            }
            ("clear", []) => phone.set_faults(Faults::default()).await,
            ("swap", [address]) => {
                let address = address.parse().map_err(|_| format!("{address} is no address"))?;
                let moved = swap(self, phone, address).await;
                moved.map_err(|error| error.to_string())?;
            }
            _ => return Err(format!("unknown command, or wrong arguments: {command}")),
        }
        Ok(None)
    }
}
