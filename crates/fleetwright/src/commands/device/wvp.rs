//! `fleetwright device import --from wvp`: devices and channels from the tables of
//! WVP-GB28181-pro.

mod line;
mod read;
mod table;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use anyhow::{Context, Result};
use fleet::{ProjectId, Secret};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::upload::open_file;
use crate::client::answers::Imported;
use crate::client::{self, Client};
use crate::exit::Failure;
use crate::output;
use line::{Line, take_piece};
use read::{At, FileCount, Found, Tables, Untaken};

/// Lines that the server may refuse before the import ends: each takes several calls to find.
const REFUSALS_MAX: usize = 1_000;

/// What is to be imported.
#[derive(Debug)]
pub struct Asked {
    /// The files, of either table.
    pub files: Vec<String>,
    /// The project that the devices go to.
    pub project: ProjectId,
    /// The password of the devices that have none of their own.
    pub password: Option<Secret<String>>,
    /// Whether nothing goes in if a line can't be taken.
    pub is_strict: bool,
}

/// What is in the files.
#[derive(Debug)]
struct Plan {
    names: Vec<String>,
    files: Vec<FileCount>,
    found: Vec<Found>,
    untaken: Vec<Untaken>,
}

/// Says what would be imported.
pub fn rehearse(asked: &Asked, is_json: bool) -> Result<()> {
    let plan = read(asked)?;
    plan.show(None, is_json)?;
    plan.verdict(asked.is_strict)
}

/// Imports what can be taken, and says line by line what can't.
pub fn upload(client: &Client, asked: &Asked, is_json: bool) -> Result<()> {
    let mut plan = read(asked)?;
    if asked.is_strict && !plan.untaken.is_empty() {
        plan.list_untaken();
        return plan.verdict(true);
    }
    let bar = ProgressBar::new(plan.found.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len} devices")?);
    let mut total = Imported::default();
    let sent = send(client, &mut plan, asked.is_strict, &mut total, &bar);
    bar.finish_and_clear();
    sent.with_context(|| match total.new + total.updated {
        0 => "nothing was imported".to_owned(),
        done => format!("the first {done} devices were imported, and no more"),
    })?;
    plan.show(Some(total), is_json)?;
    plan.verdict(asked.is_strict)
}

/// Reads all files.
fn read(asked: &Asked) -> Result<Plan> {
    let mut tables = Tables::default();
    let mut names = Vec::with_capacity(asked.files.len());
    for file in &asked.files {
        let (name, source) = open_file(file)?;
        tables.read(source).map_err(|why| Failure::usage(format!("{name} {why}")))?;
        names.push(name);
    }
    let (found, files, untaken) = tables.finish(&asked.project, asked.password.as_ref());
    Ok(Plan { names, files, found, untaken })
}

/// Sends the devices piece by piece. A piece that the server refuses is halved until the devices
/// that it does not take stand alone, unless nothing may be left out.
fn send(
    client: &Client,
    plan: &mut Plan,
    is_strict: bool,
    total: &mut Imported,
    bar: &ProgressBar,
) -> Result<()> {
    let mut refused = 0;
    let mut lines = VecDeque::with_capacity(plan.found.len());
    lines.extend(plan.found.iter().map(|found| found.line.clone()));
    // By their place in `found`.
    let mut begin = 0;
    let mut pieces: Vec<(usize, Vec<Line>)> = Vec::new();
    loop {
        if pieces.is_empty() {
            let piece = take_piece(&mut lines);
            if piece.is_empty() {
                return Ok(());
            }
            let count = piece.len();
            pieces.push((begin, piece));
            begin += count;
        }
        let Some((first, mut piece)) = pieces.pop() else { return Ok(()) };
        match client.post(&["devices", "import"], &serde_json::to_value(&piece)?) {
            Ok(answer) => {
                let imported: Imported = client.read(&answer)?;
                total.new += imported.new;
                total.updated += imported.updated;
                bar.inc(piece.len() as u64);
            }
            Err(error) if is_strict || !is_about_a_device(&error) => return Err(error.into()),
            Err(_) if piece.len() > 1 => {
                let second = piece.split_off(piece.len() / 2);
                pieces.push((first + piece.len(), second));
                pieces.push((first, piece));
            }
            Err(error) => {
                refused += 1;
                if refused > REFUSALS_MAX {
                    let many = format!("the server refused more than {REFUSALS_MAX} devices");
                    return Err(anyhow::Error::from(error).context(many));
                }
                bar.inc(1);
                plan.refused(first, &error);
            }
        }
    }
}

/// Whether a refusal can be about one device of many: about its record (400), or about what is on
/// record already (409). What is about the call, as a project that is not there (404), is not.
fn is_about_a_device(error: &client::Error) -> bool {
    matches!(error, client::Error::Refused { status: 400 | 409 | 413, .. })
}

impl Plan {
    /// Notes that the server does not take the device at `place`.
    fn refused(&mut self, place: usize, error: &client::Error) {
        let Some(found) = self.found.get(place) else { return };
        let reason = match error {
            client::Error::Refused { detail, .. } => {
                // It was alone in its call, and its line says which it is.
                let called = format!("device 1 ({}), ", found.line.id());
                detail.strip_prefix(&called).unwrap_or(detail).to_owned()
            }
            other => other.to_string(),
        };
        self.untaken.push(Untaken { at: found.at, reason });
        self.untaken.sort_by_key(|untaken| untaken.at);
    }

    /// The name of a file.
    fn name(&self, at: At) -> &str {
        self.names.get(at.file).map_or("", String::as_str)
    }

    /// Lists the lines that can't be taken.
    fn list_untaken(&self) {
        for Untaken { at, reason } in &self.untaken {
            output::tell(&format!("{}:{}: {}", self.name(*at), at.line, output::clean(reason)));
        }
    }

    /// The devices that are in, or would be.
    fn taken(&self) -> impl Iterator<Item = &Found> {
        let is_untaken =
            |found: &Found| self.untaken.binary_search_by_key(&found.at, |it| it.at).is_ok();
        self.found.iter().filter(move |found| !is_untaken(found))
    }

    /// Says what was imported, or would be.
    fn show(&self, imported: Option<Imported>, is_json: bool) -> Result<()> {
        if is_json {
            output::json(&self.as_json(imported))?;
            return Ok(());
        }
        self.list_untaken();
        output::data(&self.words(imported))?;
        Ok(())
    }

    /// For programs.
    fn as_json(&self, imported: Option<Imported>) -> Value {
        let untaken: Vec<Value> = self
            .untaken
            .iter()
            .map(|Untaken { at, reason }| {
                json!({ "file": self.name(*at), "line": at.line, "reason": reason })
            })
            .collect();
        let files = self.counts().map(|(name, count, untaken)| {
            json!({
                "file": name,
                "table": count.kind.name(),
                "lines": count.lines,
                "passed_over": count.passed_over,
                "untaken": untaken,
            })
        });
        let mut report = json!({
            "dry_run": imported.is_none(),
            "devices": self.taken().count(),
            "channels": self.taken().map(|found| found.channels).sum::<usize>(),
            "without_password": self.taken().filter(|found| !found.has_password).count(),
            "files": files.collect::<Vec<_>>(),
            "untaken": untaken,
        });
        if let (Some(Imported { new, updated }), Some(report)) = (imported, report.as_object_mut())
        {
            report.insert("new".to_owned(), json!(new));
            report.insert("updated".to_owned(), json!(updated));
        }
        report
    }

    /// For people.
    fn words(&self, imported: Option<Imported>) -> String {
        let rows = self.counts().map(|(name, count, untaken)| {
            vec![
                name.to_owned(),
                count.kind.name().to_owned(),
                count.lines.to_string(),
                count.passed_over.to_string(),
                untaken.to_string(),
            ]
        });
        let table =
            output::table(&["FILE", "TABLE", "LINES", "PASSED OVER", "NOT TAKEN"], rows.collect());
        let devices = self.taken().count();
        let channels: usize = self.taken().map(|found| found.channels).sum();
        let what = match imported {
            None => format!("would import {devices} devices with {channels} channels"),
            Some(Imported { new, updated }) => format!(
                "imported {devices} devices with {channels} channels: {new} new, {updated} known"
            ),
        };
        let without = self.taken().filter(|found| !found.has_password).count();
        let without = match without {
            0 => String::new(),
            count => format!(
                "\n{count} have no password in these tables, and can't register unless one is on \
                 record.\nSee --password-file"
            ),
        };
        format!("{table}\n\n{what}{without}")
    }

    /// Each file with what was in it, and how many of its lines can't be taken.
    fn counts(&self) -> impl Iterator<Item = (&str, &FileCount, usize)> {
        self.names.iter().zip(&self.files).enumerate().map(|(file, (name, count))| {
            let untaken = self.untaken.iter().filter(|untaken| untaken.at.file == file).count();
            (name.as_str(), count, untaken)
        })
    }

    /// An error if lines were left out.
    fn verdict(&self, is_strict: bool) -> Result<()> {
        match (self.untaken.len(), is_strict) {
            (0, _) => Ok(()),
            (count, true) => {
                let what =
                    format!("{count} lines can't be taken: with --strict nothing is imported");
                Err(Failure::usage(what).into())
            }
            (count, false) => {
                Err(Failure::failed(format!("{count} lines can't be taken; see above")).into())
            }
        }
    }
}
