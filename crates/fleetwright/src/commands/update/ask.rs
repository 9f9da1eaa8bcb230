//! Asking for an update: of devices that are named, or of those that a selection finds.

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Map, Value, json};

use super::selection::Selection;
use super::{Update, csv_file, entries, follow, predict, rollout, show};
use crate::client::Client;
use crate::client::answers::{AcceptedUpdate, BegunUpdate};
use crate::exit::Failure;
use crate::output;

/// What is said where nothing says of which devices something is asked.
const NO_DEVICES: &str = "no devices are named: give --device ID, --file FILE or --csv FILE, or \
                          --where WORD=VALUE or --kind KIND for those of which it holds; for \
                          example: fleetwright update --project acme --kind phone --set \
                          com.cph.mainkeys=1 --dry-run";

impl Update {
    /// Asks for the update, and waits for its end if that is wanted.
    pub(super) fn ask(mut self) -> Result<()> {
        let Some(project) = self.project.take() else {
            return Err(Failure::usage("--project is missing").into());
        };
        let shared = entries::shared(std::mem::take(&mut self.values))?;
        let mut body = Map::new();
        let has_preset = self.preset.is_some();
        let in_file = self.file.is_some() || self.csv.is_some();
        let is_named = in_file || !self.devices.is_empty();
        if !is_named && self.selection.is_empty() && self.kind.is_none() {
            return Err(Failure::usage(NO_DEVICES).into());
        }
        if is_named {
            let devices = match (&self.file, &self.csv) {
                (Some(file), _) => entries::of_file(file, &shared, has_preset)?,
                (None, Some(file)) => csv_file::of_csv(file, &shared, has_preset)?,
                (None, None) => entries::of_ids(std::mem::take(&mut self.devices), &shared),
            };
            entries::check(&devices, self.restart || has_preset)?;
            let mut devices = json!(devices);
            self.at_revision(&mut devices)?;
            body.insert("devices".to_owned(), devices);
        } else {
            let selection = Selection::of(std::mem::take(&mut self.selection))
                .map_err(|why| Failure::usage(format!("--where: {why}")))?;
            if shared.is_empty() && !self.restart && !has_preset {
                return Err(Failure::usage("nothing is asked for: see --set").into());
            }
            body.insert("selector".to_owned(), json!(selection));
            body.insert("set".to_owned(), json!(shared));
        }
        if let Some(preset) = self.preset.take() {
            let variables = entries::variables(std::mem::take(&mut self.variables))?;
            body.insert("preset".to_owned(), json!(preset));
            body.insert("variables".to_owned(), json!(variables));
        }
        let pace = self.pace.body();
        // An update of named devices at once is answered device by device.
        let is_rollout = !is_named || pace.is_some();
        body.extend(pace.map(|pace| ("rollout".to_owned(), pace)));
        self.send(&project, body, is_rollout)
    }

    /// Says of the one device at which revision it has to be, if that is given.
    fn at_revision(&self, devices: &mut Value) -> Result<()> {
        let Some(revision) = self.if_revision else { return Ok(()) };
        match devices.as_array_mut().map(Vec::as_mut_slice) {
            Some([Value::Object(device)]) => {
                device.insert("if_revision".to_owned(), json!(revision));
                Ok(())
            }
            _ => Err(Failure::usage("--if-revision: is of one device").into()),
        }
    }

    /// Sends the update.
    fn send(self, project: &ProjectId, mut body: Map<String, Value>, rollout: bool) -> Result<()> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        body.insert("project".to_owned(), json!(project));
        body.insert("restart".to_owned(), json!(self.restart));
        body.extend(self.kind.map(|kind| ("kind".to_owned(), json!(kind))));
        if self.dry_run {
            return predict::predict(&client, body, is_json);
        }
        let answer = client.post_once(
            &["updates"],
            &Value::Object(body),
            self.idempotency_key.as_deref(),
        )?;
        let within = self.timeout.map(Some).or(self.wait);
        if rollout {
            let begun: BegunUpdate = client.read(&answer)?;
            return rollout::begun(&client, &answer, &begun, within, is_json);
        }
        let accepted: AcceptedUpdate = client.read(&answer)?;
        match within {
            Some(within) => follow::wait(&client, &accepted, within, is_json),
            None if is_json => {
                output::json(&answer)?;
                show::verdict(&accepted, None)
            }
            None => {
                output::data(&show::accepted(&accepted))?;
                show::verdict(&accepted, None)
            }
        }
    }
}
