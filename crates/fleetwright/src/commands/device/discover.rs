//! `fleetwright device discover`: finding phones at addresses, and recording what is news.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fleet::ProjectId;
use fleet::limits::DISCOVERED_PER_CALL_MAX;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{docker, range};
use crate::client::Client;
use crate::client::answers::{Discovered, FoundPhone};
use crate::exit::Failure;
use crate::output;

/// What can be found, in the order in which it is counted.
const KINDS: [&str; 7] =
    ["new", "moved", "known", "copy", "foreign", "unauthorised", "unreachable"];

/// Where to look, and what to do.
#[derive(Debug, clap::Args)]
pub struct Discover {
    /// The project that the phones belong to.
    #[arg(long, value_name = "ID")]
    project: ProjectId,
    /// The output of `docker ps`, as its table or with --format json; - is stdin.
    #[arg(long, value_name = "FILE")]
    docker_ps: Option<PathBuf>,
    /// Addresses, HOST:PORT, with ranges in brackets, both ends included. Repeatable.
    #[arg(long, value_name = "SPEC")]
    range: Vec<String>,
    /// Where the host of the containers is reached, for ports that docker publishes on 0.0.0.0.
    #[arg(long, value_name = "HOST", requires = "docker_ps")]
    host: Option<String>,
    /// The profile that new phones get.
    #[arg(long, value_name = "NAME", default_value = "redroid")]
    profile: String,
    /// What the host that the phones live on is called: so many of one are worked on at a time.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Records what was found: new phones are imported, moved ones get their new address, and
    /// containers that have no name on record get theirs.
    #[arg(long)]
    apply: bool,
    /// Shows addresses of ranges too where nobody answers.
    #[arg(long)]
    all: bool,
}

/// An address to look at.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    address: String,
    /// The container's name; empty for an address of a range.
    container: String,
}

impl Discover {
    /// Does it.
    pub fn run(self, client: &Client, is_json: bool) -> Result<()> {
        let candidates = self.candidates()?;
        let bar = ProgressBar::new(candidates.len() as u64);
        bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len}  {elapsed}  {msg}")?);
        let mut found: Vec<FoundPhone> = Vec::new();
        let mut whole: Vec<Value> = Vec::new();
        for piece in candidates.chunks(DISCOVERED_PER_CALL_MAX) {
            let answer = client.post(&["devices", "discover"], &self.body(piece));
            let mut answer = answer.with_context(|| match (self.apply, found.len()) {
                (true, done) if done > 0 => {
                    format!("the first {done} addresses were looked at and recorded, and no more")
                }
                _ => "nothing was recorded".to_owned(),
            })?;
            let part: Discovered = client.read(&answer)?;
            found.extend(part.found);
            if let Some(Value::Array(part)) = answer.get_mut("found").map(Value::take) {
                whole.extend(part);
            }
            bar.set_position(found.len() as u64);
            bar.set_message(counts(&found));
        }
        bar.finish_and_clear();
        if is_json {
            return Ok(output::json(&json!({ "applied": self.apply, "found": whole }))?);
        }
        let shown = found.iter().zip(&candidates).filter(|(found, candidate)| {
            self.all || found.what != "unreachable" || !candidate.container.is_empty()
        });
        let first = first_addresses(&found);
        let rows: Vec<_> =
            shown.map(|(found, candidate)| row(found, &candidate.container, &first)).collect();
        if !rows.is_empty() {
            let header = ["ADDRESS", "FOUND", "ID", "CONTAINER", "MODEL", "DETAIL"];
            output::data(&output::table(&header, rows))?;
            output::data("")?;
        }
        output::data(&format!("{} addresses: {}", found.len(), counts(&found)))?;
        let is_news = found
            .iter()
            .any(|found| matches!(&*found.what, "new" | "moved") || found.container.is_some());
        if is_news && !self.apply {
            output::tell("A preview: nothing was recorded. With --apply it is.");
        }
        Ok(())
    }

    /// The addresses to look at, each once.
    fn candidates(&self) -> Result<Vec<Candidate>> {
        let mut all: BTreeMap<String, usize> = BTreeMap::new();
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut add = |candidate: Candidate| {
            if !all.contains_key(&candidate.address) {
                all.insert(candidate.address.clone(), candidates.len());
                candidates.push(candidate);
            }
        };
        if let Some(path) = &self.docker_ps {
            let text = read(path).map_err(|error| Failure::unreadable(path.display(), &error))?;
            let found = docker::containers(&text, self.host.as_deref())
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            if !found.others.is_empty() {
                let names = output::clean(&found.others.join(", "));
                output::tell(&format!("Without a published port 5555, and left out: {names}"));
            }
            for container in found.phones {
                add(Candidate { address: container.address, container: container.name });
            }
        }
        for spec in &self.range {
            let found =
                range::addresses(spec).map_err(|error| Failure::usage(error.to_string()))?;
            for address in found {
                add(Candidate { address, container: String::new() });
            }
        }
        if self.docker_ps.is_none() && self.range.is_empty() {
            return Err(Failure::usage("nowhere to look: give --docker-ps or --range").into());
        }
        if candidates.len() > range::ADDRESSES_MAX {
            let what = format!(
                "{} addresses; at most {} are looked at in one go",
                candidates.len(),
                range::ADDRESSES_MAX
            );
            return Err(Failure::usage(what).into());
        }
        Ok(candidates)
    }

    /// One call's worth, as the server takes it.
    fn body(&self, piece: &[Candidate]) -> Value {
        let candidates = piece.iter().map(
            |candidate| json!({ "address": candidate.address, "container": candidate.container }),
        );
        json!({
            "project": self.project,
            "profile": self.profile,
            "server": self.server.as_deref().unwrap_or_default(),
            "candidates": candidates.collect::<Vec<_>>(),
            "apply": self.apply,
        })
    }
}

/// The output of `docker ps` in a file, - being stdin.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let bytes_max = docker::OUTPUT_BYTES_MAX + 1;
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(bytes_max).read_to_string(&mut text)?
    } else {
        std::fs::File::open(path)?.take(bytes_max).read_to_string(&mut text)?
    };
    if read as u64 == bytes_max {
        let what = format!("has more than {} bytes", docker::OUTPUT_BYTES_MAX);
        return Err(std::io::Error::other(what));
    }
    Ok(text)
}

/// The address at which each device is named first.
fn first_addresses(found: &[FoundPhone]) -> BTreeMap<&str, &str> {
    let mut first = BTreeMap::new();
    for found in found {
        if let Some(id) = &found.id {
            first.entry(id.as_str()).or_insert(found.address.as_str());
        }
    }
    first
}

/// What was found at an address, for people. `first` says where each device is named first.
fn row(found: &FoundPhone, container: &str, first: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut detail: Vec<String> = Vec::new();
    let first = found.id.as_deref().and_then(|id| first.get(id));
    let first = first.filter(|first| **first != found.address);
    detail.extend(first.map(|first| format!("the same phone as at {first}")));
    detail.extend(found.from.iter().map(|from| format!("was at {from}")));
    let named = found.container.iter();
    detail.extend(named.map(|name| format!("its record gets the container name {name}")));
    if !found.copies.is_empty() {
        detail.push(format!("bears one marker with {}", found.copies.join(", ")));
    }
    detail.extend(found.why.clone());
    vec![
        found.address.clone(),
        found.what.clone(),
        found.id.clone().unwrap_or_default(),
        container.to_owned(),
        found.model.clone().unwrap_or_default(),
        detail.join("; "),
    ]
}

/// How much of what was found.
fn counts(found: &[FoundPhone]) -> String {
    let count = |kind: &str| found.iter().filter(|found| found.what == kind).count();
    let counts = KINDS.iter().map(|kind| (count(kind), kind)).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, kind)| format!("{count} {kind}")).collect();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(what: &str) -> FoundPhone {
        serde_json::from_value(json!({
            "address": "10.0.3.11:5555", "what": what, "id": null, "from": null, "copies": [],
            "why": null, "model": null
        }))
        .unwrap()
    }

    fn asked(ranges: &[&str], docker_ps: Option<PathBuf>) -> Discover {
        Discover {
            project: ProjectId::new("acme").unwrap(),
            docker_ps,
            range: ranges.iter().map(|range| (*range).to_owned()).collect(),
            host: Some("10.0.3.11".to_owned()),
            profile: "redroid".to_owned(),
            server: None,
            apply: false,
            all: false,
        }
    }

    #[test]
    fn each_address_is_looked_at_once_and_a_container_gives_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ps");
        std::fs::write(&file, "{\"Names\":\"a\",\"Ports\":\"0.0.0.0:5555->5555/tcp\"}").unwrap();
        let candidates = asked(&["10.0.3.11:[5555-5556]"], Some(file)).candidates().unwrap();
        let all: Vec<_> =
            candidates.iter().map(|found| (&*found.address, &*found.container)).collect();
        assert_eq!(all, [("10.0.3.11:5555", "a"), ("10.0.3.11:5556", "")]);
        assert!(asked(&[], None).candidates().is_err());
        assert!(asked(&["10.0.0.1"], None).candidates().is_err());
        let twice = ["10.[0-255].[0-255].1:5555", "10.0.0.1:5556"];
        let error = asked(&twice, None).candidates().unwrap_err().to_string();
        assert!(error.starts_with("65537 addresses; at most 65536"), "{error}");
    }

    #[test]
    fn what_was_found_is_counted_and_told() {
        let all = [found("unreachable"), found("new"), found("unreachable")];
        assert_eq!(counts(&all), "1 new, 2 unreachable");
        assert_eq!(counts(&[]), "nothing");
        let mut moved = found("moved");
        (moved.id, moved.from) = (Some("a".into()), Some("10.0.3.12:5555".into()));
        moved.model = Some("redroid12".to_owned());
        let again = FoundPhone { address: "farm-1:5555".into(), from: None, ..found("known") };
        let mut again = FoundPhone { id: moved.id.clone(), ..again };
        again.container = Some("phone-1".to_owned());
        let all = [moved, again];
        let first = first_addresses(&all);
        let detail = row(&all[1], "phone-1", &first).pop().unwrap();
        let words =
            "the same phone as at 10.0.3.11:5555; its record gets the container name phone-1";
        assert_eq!(detail, words);
        let row = row(&all[0], "phone-1", &first);
        assert_eq!(
            row,
            ["10.0.3.11:5555", "moved", "a", "phone-1", "redroid12", "was at 10.0.3.12:5555"]
        );
    }
}
