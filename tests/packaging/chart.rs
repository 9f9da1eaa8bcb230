//! The Helm chart, read: there is no Helm where tests run. What YAML and names can get wrong is
//! found all the same.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{files_below, finish, text, variables, variables_in};
use crate::harness::tools;

const CHART: &str = "packaging/helm/fleetwright";

/// What stands in a text of YAML: its documents.
fn yaml(text: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("text.yaml");
    std::fs::write(&file, text).expect("write it");
    let program = "import json, sys, yaml\n\
                   print(json.dumps([d for d in yaml.safe_load_all(open(sys.argv[1])) if d]))";
    let mut python = Command::new(tools::python());
    let printed = finish(python.args(["-c", program]).arg(&file));
    serde_json::from_str(&printed).expect("JSON")
}

/// The templates: each one's name and text.
fn templates() -> Vec<(String, String)> {
    let folder = tools::workspace().join(CHART).join("templates");
    let files = [files_below(&folder, "yaml"), files_below(&folder, "tpl")].concat();
    assert!(files.len() > 3, "{files:?}");
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("a template"))
    };
    files.into_iter().map(read).collect()
}

/// What stands between `{{` and `}}`, without the dashes.
fn actions(template: &str) -> Vec<String> {
    let pieces = template.split("{{").skip(1);
    let inside = pieces.map(|piece| piece.split("}}").next().unwrap_or_default());
    inside.map(|action| action.trim_matches('-').trim().to_owned()).collect()
}

/// The paths of values that an action reads: `store.kind` of `.Values.store.kind`.
fn values_in(action: &str) -> Vec<String> {
    let pieces = action.split(".Values.").skip(1);
    let path = |piece: &str| {
        let end = piece.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
        piece[..end.unwrap_or(piece.len())].trim_end_matches('.').to_owned()
    };
    pieces.map(path).collect()
}

/// The paths of all values; those in lists and empty maps are the template's own business.
fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value.as_object().filter(|map| !map.is_empty()) {
        Some(map) => {
            for (name, inner) in map {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(inner, &format!("{path}{dot}{name}"), found);
            }
        }
        None => drop(found.insert(path.to_owned())),
    }
}

#[test]
fn every_value_is_used_and_every_use_has_a_value() {
    let values = yaml(&text(&format!("{CHART}/values.yaml"))).remove(0);
    let mut known = BTreeSet::new();
    leaves(&values, "", &mut known);
    let mut used: BTreeSet<String> = BTreeSet::new();
    for (_, template) in templates() {
        used.extend(actions(&template).iter().flat_map(|action| values_in(action)));
        let of_postgres = actions(&template).join(" ");
        let short = of_postgres.split("$postgres.").skip(1);
        used.extend(short.map(|piece| {
            let end = piece.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(piece.len());
            format!("store.postgres.{}", &piece[..end])
        }));
    }
    for path in &used {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert!(values.pointer(&pointer).is_some(), "values.yaml lacks {path}");
    }
    for path in &known {
        let is_used = used.iter().any(|used| {
            used == path || (path.starts_with(&format!("{used}.")) && used != "store.postgres")
        });
        assert!(is_used, "no template uses {path}");
    }
}

#[test]
fn the_templates_are_yaml_around_their_actions_and_name_what_there_is() {
    let known = variables();
    for (name, template) in templates() {
        let all = actions(&template);
        let opened = all.iter().filter(|action| {
            let word = action.split(' ').next().unwrap_or_default();
            ["if", "with", "range", "define"].contains(&word)
        });
        let closed = all.iter().filter(|action| *action == "end");
        assert_eq!(opened.count(), closed.count(), "{name}: each block has an end");
        for variable in variables_in(&template) {
            assert!(known.contains(&variable), "{name}: {variable} sets nothing");
        }
        let bare: String = template
            .lines()
            .filter(|line| !line.trim().starts_with("{{"))
            .map(|line| {
                let mut line = line.to_owned();
                while let (Some(start), Some(end)) = (line.find("{{"), line.find("}}")) {
                    line.replace_range(start..end + 2, "x");
                }
                format!("{line}\n")
            })
            .collect();
        if name.ends_with(".yaml") {
            for document in yaml(&bare) {
                assert!(document["kind"].is_string(), "{name}: {document}");
                assert!(document["metadata"]["name"].is_string(), "{name}: {document}");
            }
        }
    }
}

#[test]
fn the_chart_says_the_versions_of_what_it_runs() {
    let chart = yaml(&text(&format!("{CHART}/Chart.yaml"))).remove(0);
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    let values = yaml(&text(&format!("{CHART}/values.yaml"))).remove(0);
    let unit = text("packaging/fleetwright.service");
    let stop = format!("TimeoutStopSec={}\n", values["terminationGracePeriodSeconds"]);
    assert!(unit.contains(&stop), "a stop may take as long in a pod as in the unit");
}
