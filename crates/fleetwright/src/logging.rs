//! The log: to stderr, filtered, for people or as JSON. Spans that are meant for traces go to their
//! collector and are no part of it.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use engine::spans;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use crate::config::{Log, LogFormat};
use crate::traces::Traces;

/// Starts the log of this process and, if there are any, its traces. Errors: a filter that is none,
/// or a second call.
pub fn start(log: &Log, traces: Option<&Traces>) -> Result<()> {
    let filter = EnvFilter::builder().parse(&log.filter).context("the log filter")?;
    let filter = filter.and(filter_fn(|metadata| metadata.target() != spans::TARGET));
    let lines =
        fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match log.format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let mut layers = vec![lines];
    layers.extend(traces.map(|traces| traces.layer().boxed()));
    let started = registry().with(layers).try_init();
    started.map_err(|error| anyhow::anyhow!("the log can't be started: {error}"))
}
