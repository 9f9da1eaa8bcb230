//! `fleetwright preset`: named values of a project, made of what each device has of its own.

use std::io::Read;
use std::process::ExitCode;

use anyhow::Result;
use fleet::limits::BODY_BYTES_MAX;
use fleet::{Kind, PresetName, ProjectId, Values};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::device::open_file;
use super::device::power::assignment;
use crate::client::answers::{self, Presets};
use crate::client::{Client, ServerOptions};
use crate::exit::Failure;
use crate::output;

/// Presets in one page: the most that the server gives.
const PAGE: u32 = 1_000;

/// Sets, lists, shows and deletes presets: named values of a project, in which names stand for what
/// each device has of its own.
#[derive(Debug, clap::Args)]
pub struct Preset {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists the presets of a project, by name.
    #[command(after_help = "Example:\n  fleetwright preset list --project acme")]
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Shows a preset: its values as they were written.
    #[command(after_help = "Examples:\n  fleetwright preset show lobby --project acme\n  \
        fleetwright preset show lobby --project acme --json > lobby.json")]
    Show {
        /// Its name.
        name: PresetName,
        #[command(flatten)]
        of: Of,
    },
    /// Makes a preset, or gives one other values: all of it is as given from then on.
    #[command(after_help = "Examples:\n  \
        fleetwright preset set lobby --project acme --kind phone \\\n    \
        --set com.cph.mainkeys=1 --set 'sys.prop.writephonenum=${var:number}'\n  \
        fleetwright preset set gates --project acme --kind camera \\\n    \
        --set 'Organization=${tag:city:-elsewhere}/Gates' --set 'Name=Gate ${id}'\n  \
        fleetwright preset set lobby --project acme --file lobby.json\n\n\
        In a value these stand for what a device has of its own:\n  \
        ${id}  ${name}  ${server}  ${tag:KEY}  ${var:NAME}\n\
        ${X:-default} gives what stands there for a device that lacks X, and $$ is a $.\n\
        ${var:NAME} is given with the update: fleetwright update --preset, by --var or --csv.\n\
        The file is what `preset show --json` prints, or no more of it than kind and values.")]
    Set {
        /// Its name.
        name: PresetName,
        #[command(flatten)]
        of: Of,
        /// What the devices are that it is for: phone or camera.
        #[arg(long, required_unless_present = "file", conflicts_with = "file")]
        kind: Option<Kind>,
        /// A value; may be given several times.
        #[arg(
            long = "set",
            value_name = "PROPERTY=TEMPLATE",
            value_parser = assignment,
            required_unless_present = "file",
            conflicts_with = "file"
        )]
        values: Vec<(String, String)>,
        /// What is said of it.
        #[arg(long, value_name = "TEXT", conflicts_with = "file")]
        description: Option<String>,
        /// A file with all of it, JSON; - is stdin.
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
        /// Only if it has this version; 0: only if there is none yet.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Deletes a preset. Updates that were made of it keep their values.
    #[command(after_help = "Example:\n  fleetwright preset delete lobby --project acme")]
    Delete {
        /// Its name.
        name: PresetName,
        #[command(flatten)]
        of: Of,
        /// Only if it has this version.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
}

/// Whose presets.
#[derive(Debug, clap::Args)]
struct Of {
    /// The project.
    #[arg(long, value_name = "ID")]
    project: ProjectId,
}

impl Of {
    /// Where they are.
    fn path(&self) -> [&str; 3] {
        ["projects", self.project.as_str(), "presets"]
    }

    /// Where one of them is.
    fn one<'a>(&'a self, name: &'a PresetName) -> [&'a str; 4] {
        ["projects", self.project.as_str(), "presets", name.as_str()]
    }
}

/// A preset in a file: what is sent of it, and what `show` says besides, which is passed over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile {
    /// What the devices are that it is for.
    kind: Kind,
    /// What is said of it.
    #[serde(default)]
    description: String,
    /// The values as they are written, by property.
    values: Values,
    #[serde(rename = "project")]
    _project: Option<IgnoredAny>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "created_at")]
    _created_at: Option<IgnoredAny>,
    #[serde(rename = "updated_at")]
    _updated_at: Option<IgnoredAny>,
}

impl Preset {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        let client = Client::new(&self.server)?;
        let answer = match self.command {
            Command::List { of } => {
                list(&client, &of, is_json)?;
                return Ok(ExitCode::SUCCESS);
            }
            Command::Show { name, of } => client.get(&of.one(&name), &[])?,
            Command::Set { name, of, kind, values, description, file, version } => {
                let mut body = match file {
                    Some(file) => of_file(&file)?,
                    None => json!({
                        "kind": kind,
                        "description": description.unwrap_or_default(),
                        "values": given(values)?,
                    }),
                };
                if let (Value::Object(body), Some(version)) = (&mut body, version) {
                    body.insert("version".to_owned(), json!(version));
                }
                client.put(&of.one(&name), &[], &body)?
            }
            Command::Delete { name, of, version } => {
                let query: Vec<_> =
                    version.iter().map(|version| ("version", version.to_string())).collect();
                client.delete(&of.one(&name), &query)?;
                output::tell(&format!("{name} is deleted"));
                return Ok(ExitCode::SUCCESS);
            }
        };
        if is_json {
            output::json(&answer)?;
        } else {
            output::data(&words(&client.read(&answer)?))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The values of --set.
fn given(values: Vec<(String, String)>) -> Result<Values> {
    let mut all = Values::new();
    for (name, value) in values {
        if let Some(twice) = all.insert(name.clone(), value) {
            let why = format!("--set: {name} is set twice, to {twice:?} first");
            return Err(Failure::usage(why).into());
        }
    }
    Ok(all)
}

/// The preset in a file, as it is sent.
fn of_file(file: &str) -> Result<Value> {
    let (name, source) = open_file(file)?;
    let mut text = Vec::new();
    let read = source.take(BODY_BYTES_MAX as u64).read_to_end(&mut text);
    read.map_err(|error| Failure::unreadable(&name, &error))?;
    let preset: InFile = serde_json::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let InFile { kind, description, values, .. } = preset;
    Ok(json!({ "kind": kind, "description": description, "values": values }))
}

/// Lists the presets of a project: all of them.
fn list(client: &Client, of: &Of, is_json: bool) -> Result<()> {
    let (mut whole, mut presets) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(after.take().map(|after| ("after", after)));
        let mut answer = client.get(&of.path(), &query)?;
        let page: Presets = client.read(&answer)?;
        after = page.next;
        presets.extend(page.presets);
        if let Some(Value::Array(page)) = answer.get_mut("presets").map(Value::take) {
            whole.extend(page);
        }
        if after.is_none() {
            break;
        }
    }
    if is_json {
        output::json(&json!({ "presets": whole }))?;
    } else {
        output::data(&table(presets))?;
    }
    Ok(())
}

/// Presets for people.
fn table(presets: Vec<answers::Preset>) -> String {
    let rows = presets.into_iter().map(|preset| {
        let properties = preset.values.len().to_string();
        let version = preset.version.to_string();
        vec![preset.name, preset.kind, properties, version, preset.updated_at, preset.description]
    });
    let head = ["NAME", "KIND", "VALUES", "VERSION", "UPDATED", "DESCRIPTION"];
    output::table(&head, rows.collect())
}

/// A preset for people.
fn words(preset: &answers::Preset) -> String {
    let head = output::fields(&[
        ("name", preset.name.clone()),
        ("kind", preset.kind.clone()),
        ("description", preset.description.clone()),
        ("version", preset.version.to_string()),
        ("updated", preset.updated_at.clone()),
    ]);
    let rows = preset.values.iter().map(|(name, text)| vec![name.clone(), text.clone()]);
    format!("{head}\n{}", output::table(&["PROPERTY", "VALUE"], rows.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_is_shown_with_its_values_as_they_were_written() {
        let preset: answers::Preset = serde_json::from_value(json!({
            "project": "acme", "name": "lobby", "kind": "phone", "description": "", "version": 3,
            "created_at": "then", "updated_at": "now",
            "values": {"com.cph.mainkeys": "1", "sys.prop.writephonenum": "${var:number}"},
        }))
        .unwrap();
        insta::assert_snapshot!(words(&preset), @r"
        name         lobby
        kind         phone
        version      3
        updated      now

        PROPERTY                VALUE
        com.cph.mainkeys        1
        sys.prop.writephonenum  ${var:number}
        ");
    }

    #[test]
    fn what_is_set_twice_is_named() {
        let pair = |value: &str| ("a".to_owned(), value.to_owned());
        let error = given(vec![pair("1"), pair("2")]).unwrap_err().to_string();
        assert_eq!(error, "--set: a is set twice, to \"1\" first");
    }
}
