//! Accepting and rejecting pending cameras, as many calls as it takes.

use std::process::ExitCode;

use anyhow::Result;
use clap::ArgGroup;
use fleet::limits::PENDING_PER_CALL_MAX;
use fleet::{DeviceId, IdPrefix};
use serde_json::{Map, Value, json};

use super::{Of, file};
use crate::client::Client;
use crate::client::answers::{AcceptedDevice, AcceptedPending, RejectedPending};
use crate::exit::Exit;
use crate::output;

/// Which cameras to accept.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("which").required(true).args(["ids", "all", "csv"])))]
pub struct Which {
    /// Their ids. A password is made for each.
    ids: Vec<DeviceId>,
    /// All that are pending.
    #[arg(long, requires = "generate")]
    all: bool,
    /// With --all, those whose ids begin with this: 1 to 20 digits.
    #[arg(long, value_name = "DIGITS", requires = "all")]
    prefix: Option<IdPrefix>,
    /// A password is made for each to which none is given. Needed with --all.
    #[arg(long)]
    generate: bool,
    /// A file with a camera a line; - is stdin.
    #[arg(long, value_name = "FILE")]
    csv: Option<String>,
}

/// Which cameras to reject.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("which").required(true).args(["ids", "all"])))]
pub struct Rejected {
    /// Their ids.
    ids: Vec<DeviceId>,
    /// All that are pending.
    #[arg(long)]
    all: bool,
    /// With --all, those whose ids begin with this: 1 to 20 digits.
    #[arg(long, value_name = "DIGITS", requires = "all")]
    prefix: Option<IdPrefix>,
}

/// What is asked of all that are pending, or of those with a prefix.
fn of_all(prefix: Option<&IdPrefix>) -> Map<String, Value> {
    let mut body = Map::from_iter([("all".to_owned(), json!(true))]);
    body.extend(prefix.map(|prefix| ("prefix".to_owned(), json!(prefix))));
    body
}

impl Which {
    /// Accepts them, and shows the passwords that were made: those too that were made before a call
    /// failed, for nobody is told them again.
    pub(super) fn accept(self, client: &Client, of: &Of, is_json: bool) -> Result<ExitCode> {
        let mut devices = Vec::new();
        let done = self.call(client, of, &mut devices);
        let read: Vec<AcceptedDevice> =
            devices.iter().map(|device| client.read(device)).collect::<Result<_, _>>()?;
        let refused = read.iter().filter(|device| device.error.is_some()).count();
        if is_json {
            let accepted = read.len() - refused;
            output::json(&json!({ "devices": devices, "accepted": accepted }))?;
        } else {
            output::data(&table(read))?;
        }
        done?;
        Ok(if refused == 0 { Exit::Ok } else { Exit::Failed }.into())
    }

    /// Makes the calls that it takes; `devices` get what came of each camera.
    fn call(&self, client: &Client, of: &Of, devices: &mut Vec<Value>) -> Result<()> {
        let path = of.call("accept");
        if self.all {
            let mut body = of_all(self.prefix.as_ref());
            body.insert("generate".to_owned(), json!(self.generate));
            let body = Value::Object(body);
            loop {
                let answer: AcceptedPending = client.read(&client.post(&path, &body)?)?;
                devices.extend(answer.devices);
                // Those that are refused stay: where nothing goes on, all that is left is refused.
                if !answer.more || answer.accepted == 0 {
                    return Ok(());
                }
            }
        }
        let named = match &self.csv {
            Some(file) => file::read(file)?,
            None => self.ids.iter().map(|id| json!({ "id": id })).collect(),
        };
        for piece in named.chunks(PENDING_PER_CALL_MAX) {
            let answer = client.post(&path, &json!({ "devices": piece }))?;
            devices.extend(client.read::<AcceptedPending>(&answer)?.devices);
        }
        Ok(())
    }
}

impl Rejected {
    /// Rejects them.
    pub(super) fn reject(self, client: &Client, of: &Of, is_json: bool) -> Result<()> {
        let path = of.call("reject");
        let mut rejected = 0;
        if self.all {
            loop {
                let body = Value::Object(of_all(self.prefix.as_ref()));
                let answer: RejectedPending = client.read(&client.post(&path, &body)?)?;
                rejected += answer.rejected;
                if !answer.more || answer.rejected == 0 {
                    break;
                }
            }
        }
        for piece in self.ids.chunks(PENDING_PER_CALL_MAX) {
            let answer = client.post(&path, &json!({ "devices": piece }))?;
            rejected += client.read::<RejectedPending>(&answer)?.rejected;
        }
        if is_json {
            output::json(&json!({ "rejected": rejected }))?;
        } else {
            output::tell(&format!("{rejected} rejected"));
        }
        Ok(())
    }
}

/// What came of cameras, for people.
fn table(devices: Vec<AcceptedDevice>) -> String {
    let rows = devices.into_iter().map(|device| {
        let result = device.error.map_or_else(|| "accepted".to_owned(), |error| error.detail);
        vec![device.id, device.password.unwrap_or_default(), result]
    });
    output::table(&["ID", "PASSWORD", "RESULT"], rows.collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        which: Which,
    }

    #[test]
    fn it_is_said_in_one_way_which_cameras_are_meant() {
        let id = "34020000001320000001";
        for right in [&["x", id][..], &["x", "--all", "--generate"], &["x", "--csv", "f"]] {
            assert!(Line::try_parse_from(right).is_ok(), "{right:?}");
        }
        for wrong in [
            &["x"][..],
            &["x", "--all"],
            &["x", id, "--all", "--generate"],
            &["x", id, "--prefix", "34"],
            &["x", "--all", "--generate", "--prefix", "x"],
        ] {
            assert!(Line::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_password_that_was_made_is_shown_and_a_refusal_told() {
        let devices = json!([
            { "id": "1", "accepted": true, "password": "123456789012", "error": null },
            { "id": "2", "accepted": false, "password": null,
              "error": { "code": "not_pending", "detail": "no pending device has this id" } },
        ]);
        let devices = serde_json::from_value(devices).unwrap();
        insta::assert_snapshot!(table(devices), @r"
        ID  PASSWORD      RESULT
        1   123456789012  accepted
        2   -             no pending device has this id
        ");
    }
}
