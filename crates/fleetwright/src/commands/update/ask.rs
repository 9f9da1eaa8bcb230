//! Asking for an update: of devices that are named, or of those that a selection finds.

use anyhow::Result;
use fleet::ProjectId;
use serde_json::{Map, Value, json};

use super::selection::Selection;
use super::{Update, entries, follow, predict, rollout, show};
use crate::client::Client;
use crate::client::answers::{AcceptedUpdate, BegunUpdate};
use crate::exit::Failure;
use crate::output;

impl Update {
    /// Asks for the update, and waits for its end if that is wanted.
    pub(super) fn ask(mut self) -> Result<()> {
        let Some(project) = self.project.take() else {
            return Err(Failure::usage("--project is missing").into());
        };
        let shared = entries::shared(std::mem::take(&mut self.values))?;
        let mut body = Map::new();
        let is_named = self.file.is_some() || !self.devices.is_empty();
        if is_named {
            let devices = match &self.file {
                Some(file) => entries::of_file(file, &shared)?,
                None => entries::of_ids(std::mem::take(&mut self.devices), &shared),
            };
            entries::check(&devices, self.restart)?;
            body.insert("devices".to_owned(), json!(devices));
        } else {
            let selection = Selection::of(std::mem::take(&mut self.selection))
                .map_err(|why| Failure::usage(format!("--where: {why}")))?;
            if shared.is_empty() && !self.restart {
                return Err(Failure::usage("nothing is asked for: see --set").into());
            }
            body.insert("selector".to_owned(), json!(selection));
            body.insert("set".to_owned(), json!(shared));
        }
        let pace = self.pace.body();
        // An update of named devices at once is answered device by device.
        let is_rollout = !is_named || pace.is_some();
        body.extend(pace.map(|pace| ("rollout".to_owned(), pace)));
        self.send(&project, body, is_rollout)
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
        let answer = client.post(&["updates"], &Value::Object(body))?;
        if rollout {
            let begun: BegunUpdate = client.read(&answer)?;
            let within = self.wait.map(|within| within.or(self.timeout));
            return rollout::begun(&client, &answer, &begun, within, is_json);
        }
        let accepted: AcceptedUpdate = client.read(&answer)?;
        match self.wait {
            Some(within) => follow::wait(&client, &accepted, within.or(self.timeout), is_json),
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
