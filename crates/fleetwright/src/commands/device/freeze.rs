//! `fleetwright device freeze` and `unfreeze`: one device, or all that are meant.

use anyhow::Result;
use fleet::{DeviceId, Kind, ProjectId};
use serde::Deserialize;
use serde_json::{Map, json};

use super::target::Target;
use super::tell;
use crate::client::Client;
use crate::commands::update::{Parts, Selection};
use crate::exit::Failure;
use crate::output;

/// Which devices a command is about.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Its id.
    #[arg(
        required_unless_present_any = ["selection", "kind"],
        conflicts_with_all = ["selection", "kind", "dry_run"]
    )]
    id: Option<DeviceId>,
    /// Its project; needed where the id exists in several, and with --where or --kind.
    #[arg(long, value_name = "ID")]
    project: Option<ProjectId>,
    /// Means the devices of which this holds; may be given several times. The words are those of
    /// fleetwright update.
    #[arg(id = "selection", long = "where", value_name = "WORD=VALUE,...")]
    selection: Vec<Parts>,
    /// Means devices of this kind alone, phone or camera.
    #[arg(long)]
    kind: Option<Kind>,
    /// Says how many would be changed, and changes none.
    #[arg(long)]
    dry_run: bool,
}

/// What came of it, as the server says it.
#[derive(Debug, Deserialize)]
struct Count {
    /// Devices that are meant.
    devices: u64,
    /// Those of them that are changed.
    changed: u64,
}

impl Which {
    /// Freezes them, or unfreezes them.
    pub fn freeze(self, client: &Client, is_frozen: bool, is_json: bool) -> Result<()> {
        let verb = if is_frozen { "freeze" } else { "unfreeze" };
        let Self { id, project, selection, kind, dry_run } = self;
        if let Some(id) = id {
            let done = if is_frozen { "is frozen" } else { "takes updates" };
            return tell(client, &Target { id, project }, verb, done);
        }
        let Some(project) = project else {
            return Err(
                Failure::usage("--project is missing: --where and --kind are of one").into()
            );
        };
        let selection =
            Selection::of(selection).map_err(|why| Failure::usage(format!("--where: {why}")))?;
        let mut body = Map::new();
        body.insert("selector".to_owned(), json!(selection));
        body.insert("dry_run".to_owned(), json!(dry_run));
        body.extend(kind.map(|kind| ("kind".to_owned(), json!(kind))));
        let answer = client.post(&["projects", project.as_str(), verb], &body.into())?;
        if is_json {
            return Ok(output::json(&answer)?);
        }
        output::tell(&words(&client.read(&answer)?, is_frozen, dry_run));
        Ok(())
    }
}

/// What came of it, for people.
fn words(count: &Count, is_frozen: bool, dry_run: bool) -> String {
    let Count { devices, changed } = count;
    let done = match (dry_run, is_frozen) {
        (true, true) => "would be frozen",
        (true, false) => "would take updates again",
        (false, true) => "are frozen now",
        (false, false) => "take updates again",
    };
    let before = if is_frozen { "were already" } else { "did all along" };
    match devices.saturating_sub(*changed) {
        0 => format!("{changed} of {devices} devices {done}"),
        others => format!("{changed} of {devices} devices {done}; {others} {before}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_many_and_how_many_were_so() {
        let told = |devices, changed, is_frozen, dry_run| {
            words(&Count { devices, changed }, is_frozen, dry_run)
        };
        assert_eq!(told(3, 3, true, true), "3 of 3 devices would be frozen");
        assert_eq!(told(3, 1, true, false), "1 of 3 devices are frozen now; 2 were already");
        assert_eq!(told(3, 1, false, false), "1 of 3 devices take updates again; 2 did all along");
        assert_eq!(told(0, 0, false, true), "0 of 0 devices would take updates again");
    }
}
