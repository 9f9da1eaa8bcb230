//! Stops the process at a fault point, so that a test can kill it exactly there. Not part of a
//! product build: it takes the cargo feature `fault-points`.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use fleet::fault_point::{FaultPoint, FaultPoints};

/// Names the point and the pass of it, as `after-send:3`.
const VARIABLE: &str = "FLEETWRIGHT_FAULT_POINT";

/// What the environment asks for: at the N-th pass of the named point, counted from 1, the process
/// writes `fault point NAME` to stderr, and the thread that passed it stops for ever.
pub fn from_environment() -> Result<FaultPoints> {
    match std::env::var(VARIABLE) {
        Ok(text) => parse(&text).with_context(|| format!("{VARIABLE}={text}")),
        Err(_) => Ok(FaultPoints::none()),
    }
}

fn parse(text: &str) -> Result<FaultPoints> {
    let (name, count) = text.split_once(':').context("must be NAME:N")?;
    let names = FaultPoint::ALL.map(FaultPoint::name).join(", ");
    let Some(wanted) = FaultPoint::ALL.into_iter().find(|point| point.name() == name) else {
        bail!("there is no point {name:?}; there are {names}");
    };
    let count: u64 = count.parse().context("N must be a whole number")?;
    let passes = AtomicU64::new(0);
    Ok(FaultPoints::with(move |point| {
        if point == wanted && passes.fetch_add(1, Ordering::SeqCst) + 1 == count {
            let _ = writeln!(std::io::stderr().lock(), "fault point {}", point.name());
            loop {
                std::thread::park();
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_point_is_refused_in_words() {
        assert!(parse("after-send").is_err());
        let error = parse("after-dinner:1").unwrap_err().to_string();
        assert!(error.contains("before-commit, after-commit, after-send"), "{error}");
        assert!(parse("after-send:x").is_err());
    }

    #[test]
    fn the_nth_pass_of_the_point_stops_its_thread_and_no_other() {
        let points = parse("after-commit:3").unwrap();
        points.pass(FaultPoint::AfterCommit);
        points.pass(FaultPoint::AfterCommit);
        for _ in 0..5 {
            points.pass(FaultPoint::BeforeCommit);
        }
        let (passed, seen) = std::sync::mpsc::channel();
        let stopped = points.clone();
        std::thread::spawn(move || {
            passed.send("before").unwrap();
            stopped.pass(FaultPoint::AfterCommit);
            passed.send("after").unwrap();
        });
        let bound = std::time::Duration::from_millis(200);
        assert_eq!(seen.recv_timeout(bound), Ok("before"));
        assert!(seen.recv_timeout(bound).is_err(), "it stays at the third pass");
        points.pass(FaultPoint::AfterCommit);
    }
}
