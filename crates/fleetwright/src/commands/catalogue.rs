//! `fleetwright catalogue`: what is known of properties, and how each make of device takes them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use fleet::Catalogue as Loaded;

use crate::catalogue_files::{self, OperatorFile, sources};
use crate::client::answers::{self, Reloaded};
use crate::client::{Client, ServerOptions};
use crate::output;

/// Shows, reloads and checks the catalogue. An operator adds properties in DATA/catalogue/*.toml
/// and profiles in DATA/catalogue/profiles/*.toml, DATA being the server's data directory.
#[derive(Debug, clap::Args)]
pub struct Catalogue {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows the properties and profiles that are in force.
    #[command(after_help = "Examples:\n  fleetwright catalogue show\n  \
        fleetwright catalogue show --profile redroid\n  \
        fleetwright catalogue show --profile hikvision\n  \
        fleetwright catalogue show --json | jq '.properties[] | select(.updatable)'")]
    Show {
        /// Shows how devices of this profile take each property that they have.
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
    },
    /// Makes the server read its operator's files again. If one is not right, it is named with line
    /// and reason, and what was in force stays.
    #[command(after_help = "Example:\n  fleetwright catalogue reload\n\n\
        SIGHUP does the same; what became of it is then in the server's log.")]
    Reload,
    /// Checks files before they are given to a server; asks none.
    #[command(after_help = "Example:\n  \
        fleetwright catalogue check own.toml profiles/own.toml\n\n\
        Files are checked together, in the order of their names as the server reads them, with\n\
        the catalogue that is part of this program. A file with [[property]] entries is one of\n\
        properties; any other is a profile.")]
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

impl Catalogue {
    /// Does it.
    pub fn run(self) -> Result<ExitCode> {
        let is_json = self.server.json;
        match self.command {
            Command::Show { profile } => {
                let client = Client::new(&self.server)?;
                let query: Vec<(&str, String)> =
                    profile.iter().map(|profile| ("profile", profile.clone())).collect();
                let answer = client.get(&["catalogue"], &query)?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    let catalogue: answers::Catalogue = client.read(&answer)?;
                    output::data(&words(&catalogue, profile.is_some()))?;
                }
            }
            Command::Reload => {
                let client = Client::new(&self.server)?;
                let answer = client.post(&["catalogue", "reload"], &serde_json::json!({}))?;
                if is_json {
                    output::json(&answer)?;
                } else {
                    let reloaded: Reloaded = client.read(&answer)?;
                    output::data(&format!(
                        "{} properties and {} profiles are in force, with {} files of the operator",
                        reloaded.properties,
                        reloaded.profiles,
                        reloaded.operator_files.len()
                    ))?;
                }
            }
            Command::Check { files } => {
                let (properties, profiles) = read(&files)?;
                let made = Loaded::with(&sources(&properties), &sources(&profiles));
                // As a source's error, since that is what the program's exit status goes by.
                made.map_err(engine::operate::CatalogueSourceError::from)?;
                output::tell(&format!("{} files are in order", files.len()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads files of properties and files of profiles, told apart by what is in them, each sort by
/// name: the server reads a directory's files in that order, and of two entries with one name the
/// later counts.
fn read(files: &[PathBuf]) -> Result<(Vec<OperatorFile>, Vec<OperatorFile>)> {
    let (mut properties, mut profiles) = (Vec::new(), Vec::new());
    let mut files: Vec<&PathBuf> = files.iter().collect();
    files.sort_by_key(|path| path.file_name());
    for path in files {
        let file = catalogue_files::read(path)?;
        // What is no TOML is no profile either way; the catalogue says where and why.
        let table: toml::Table = toml::from_str(&file.text).unwrap_or_default();
        let is_profile = !table.is_empty() && !table.contains_key("property");
        if is_profile { profiles.push(file) } else { properties.push(file) }
    }
    Ok((properties, profiles))
}

/// The catalogue for people; `with_routes` if it was asked for a profile.
fn words(catalogue: &answers::Catalogue, with_routes: bool) -> String {
    let properties = catalogue.properties.iter().map(|property| {
        let mark = match (property.updatable, property.identity) {
            (false, _) => "read only",
            (true, true) => "identity",
            (true, false) => "",
        };
        let mut row = vec![property.name.clone()];
        match (&property.route, with_routes) {
            (Some(route), _) => {
                row.extend(
                    [&route.how, &route.retention, &route.timing, &route.detail]
                        .map(|word| plain(word)),
                );
            }
            (None, true) => row.extend(["no way", "", "", ""].map(str::to_owned)),
            (None, false) => row.extend([
                property.device_kind.clone(),
                plain(&property.timing),
                property.allows.clone(),
            ]),
        }
        row.push(mark.to_owned());
        row
    });
    let header: &[&str] = if with_routes {
        &["PROPERTY", "SET BY", "HOLDS", "ACTS", "WHERE", ""]
    } else {
        &["PROPERTY", "OF A", "ACTS", "ALLOWED", ""]
    };
    let properties = output::table(header, properties.collect());
    let profiles = profiles(catalogue);
    let files = match catalogue.operator_files.as_slice() {
        [] => "No files of the operator.".to_owned(),
        files => {
            let files: Vec<String> = files.iter().map(|file| output::clean(file)).collect();
            format!("Files of the operator:\n  {}", files.join("\n  "))
        }
    };
    format!("{properties}\n\n{profiles}\n\n{files}")
}

/// The profiles: those of phones, and those of cameras.
fn profiles(catalogue: &answers::Catalogue) -> String {
    let (mut phones, mut cameras) = (Vec::new(), Vec::new());
    for profile in &catalogue.profiles {
        let mut row = vec![profile.name.clone()];
        if let Some(gb) = &profile.gb {
            let channels = if gb.channel_names { "set" } else { "kept here" };
            row.extend([gb.shape.clone(), channels.to_owned(), gb.manufacturers.join(", ")]);
            row.push(profile.meaning.clone());
            cameras.push(row);
        } else {
            let words = [&profile.restart, &profile.factory_reset, &profile.privilege];
            row.extend(words.map(|word| plain(word)));
            row.push(profile.meaning.clone());
            phones.push(row);
        }
    }
    let tables = [
        (["PROFILE", "RESTART", "RESET", "RIGHTS", "FOR"], phones),
        (["PROFILE", "SHAPE", "CHANNEL NAMES", "MANUFACTURERS", "FOR"], cameras),
    ];
    let tables = tables.into_iter().filter(|(_, rows)| !rows.is_empty());
    let tables: Vec<String> = tables.map(|(header, rows)| output::table(&header, rows)).collect();
    tables.join("\n\n")
}

/// A word of the API as people write it.
fn plain(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_catalogue_is_shown_with_how_a_profile_takes_it() {
        let property = |name: &str, route: serde_json::Value| {
            json!({"device_kind": "phone", "name": name, "allows": "0 or 1", "timing": "after_restart", "updatable": true,
                "identity": name == "ro.b", "route": route})
        };
        let route = json!({"how": "setprop", "detail": "ro.a", "retention": "boot",
            "timing": "at_once"});
        let catalogue = |a: serde_json::Value| -> answers::Catalogue {
            serde_json::from_value(json!({
                "operator_files": ["/data/catalogue/x.toml", "/data/catalogue/y.toml"],
                "properties": [property("ro.a", a), property("ro.b", json!(null))],
                "profiles": [{"name": "own", "meaning": "Ours.", "restart": "adb_reboot",
                    "factory_reset": "none", "privilege": "root_shell"},
                    {"name": "acme", "meaning": "Theirs.", "restart": "none",
                    "factory_reset": "none", "privilege": "none", "gb": {"shape": "2016",
                    "channel_names": false, "manufacturers": ["acme", "艾可美"]}}],
            }))
            .unwrap()
        };
        insta::assert_snapshot!(words(&catalogue(json!(null)), false), @r"
        PROPERTY  OF A   ACTS           ALLOWED
        ro.a      phone  after restart  0 or 1   -
        ro.b      phone  after restart  0 or 1   identity

        PROFILE  RESTART     RESET  RIGHTS      FOR
        own      adb reboot  none   root shell  Ours.

        PROFILE  SHAPE  CHANNEL NAMES  MANUFACTURERS  FOR
        acme     2016   kept here      acme, 艾可美   Theirs.

        Files of the operator:
          /data/catalogue/x.toml
          /data/catalogue/y.toml
        ");
        let with_route = words(&catalogue(route), true);
        let lines: Vec<&str> = with_route.lines().take(3).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        PROPERTY  SET BY   HOLDS  ACTS     WHERE
        ro.a      setprop  boot   at once  ro.a   -
        ro.b      no way   -      -        -      identity
        ");
    }

    #[test]
    fn files_are_told_apart_by_what_is_in_them_and_read_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        // The server reads them by name, whatever the order in which they are given here.
        let files = [
            write("d.toml", ""),
            write("b.toml", "name = 'own'\n"),
            write("a.toml", "[[property]]\nname = 'a'\n"),
            write("c.toml", "no toml"),
        ];
        let (properties, profiles) = read(&files).unwrap();
        let names = |files: &[OperatorFile]| {
            files.iter().map(|file| file.name.rsplit('/').next().unwrap().to_owned()).collect()
        };
        let (properties, profiles): (Vec<String>, Vec<String>) =
            (names(&properties), names(&profiles));
        assert_eq!(
            (properties, profiles),
            (vec!["a.toml".into(), "c.toml".into(), "d.toml".into()], vec!["b.toml".to_owned()],)
        );
    }
}
