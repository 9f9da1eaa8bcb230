//! `fleetwright device import`: sending a file of devices to the server.

use std::fs::File;
use std::io::{BufRead, BufReader};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::import::{Error, Pieces};
use crate::client::Client;
use crate::client::answers::Imported;
use crate::exit::Failure;
use crate::output;

/// Imports a file piece by piece.
pub fn import(client: &Client, file: &str, is_json: bool) -> Result<()> {
    let (source, bytes): (Box<dyn BufRead>, Option<u64>) = if file == "-" {
        (Box::new(std::io::stdin().lock()), None)
    } else {
        let open = || -> std::io::Result<(File, u64)> {
            let file = File::open(file)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        let (opened, bytes) = open().map_err(|error| Failure::unreadable(file, &error))?;
        (Box::new(BufReader::new(opened)), Some(bytes))
    };
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}  {msg}")?);
    let mut pieces = Pieces::new(if file == "-" { "stdin" } else { file }, source);
    let mut total = Imported::default();
    let outcome = import_pieces(client, &mut pieces, &mut total, &bar);
    bar.finish_and_clear();
    let done = total.new + total.updated;
    outcome.with_context(|| match done {
        0 => "nothing was imported".to_owned(),
        _ => format!("the first {done} devices were imported, and no more"),
    })?;
    if is_json {
        output::json(&json!({ "new": total.new, "updated": total.updated }))?;
    } else {
        output::data(&format!(
            "imported {done} devices: {} new, {} known",
            total.new, total.updated
        ))?;
    }
    Ok(())
}

fn import_pieces<R: BufRead>(
    client: &Client,
    pieces: &mut Pieces<R>,
    total: &mut Imported,
    bar: &ProgressBar,
) -> Result<()> {
    loop {
        let piece = match pieces.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(()),
            Err(error @ Error::Line { .. }) => {
                return Err(Failure::usage(error.to_string()).into());
            }
            Err(Error::Read { file, source }) => {
                return Err(Failure::unreadable(file, &source).into());
            }
        };
        let (first, last) = piece.lines;
        let answer = client
            .post(&["devices", "import"], &serde_json::to_value(&piece.devices)?)
            .with_context(|| format!("lines {first} to {last}"))?;
        let imported: Imported = client.read(&answer)?;
        total.new += imported.new;
        total.updated += imported.updated;
        bar.set_position(pieces.bytes());
        bar.set_message(format!("{} devices", total.new + total.updated));
    }
}
