//! The list of 100,000 devices under a thousand events a second: no task of the page takes longer
//! than a reader notices, and its memory stays as it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{DEVICES, record, server};
use crate::harness::browser::{Browser, Script};
use crate::harness::waiting::pause;
use crate::harness::{Native, Server, Stopwatch};

/// Events that are made in a second.
const EVENTS_A_SECOND: u64 = 1_000;

/// Devices that one call changes: each is one event.
const A_CALL: usize = 100;

/// The longest task that the page may have, in milliseconds.
const TASK_MAX_MS: u64 = 200;

/// How much the page's memory may grow from the end of the first quarter on, in bytes: what a
/// browser's own caches and counters come to. A row that is kept for each event would be more.
const GROWTH_MAX: u64 = 8 << 20;

/// Changes devices until it is told to end, as many a second as it is to. Counts them.
fn make_events(native: &Native, ends: &AtomicBool, made: &AtomicU64) {
    let watch = Stopwatch::start();
    let mut number = 0;
    while !ends.load(Ordering::Relaxed) {
        let due = EVENTS_A_SECOND * watch.elapsed().as_millis() as u64 / 1_000;
        if made.load(Ordering::Relaxed) >= due {
            pause(Duration::from_millis(5));
            continue;
        }
        let round = number / DEVICES;
        let records: Vec<Value> = (number..number + A_CALL)
            .map(|each| record(each % DEVICES, &format!("gate {} r{round}", each % DEVICES)))
            .collect();
        native.post("/api/v1/devices/import", &json!(records));
        number += A_CALL;
        made.fetch_add(A_CALL as u64, Ordering::Relaxed);
    }
}

/// Has a script use the list for so long while events come.
fn stays_smooth(server: &Server, seconds: u64) {
    let (ends, made) = (AtomicBool::new(false), AtomicU64::new(0));
    let native = server.native();
    std::thread::scope(|scope| {
        scope.spawn(|| make_events(&native, &ends, &made));
        // Ended also where the script fails, so that the thread does.
        let _end = End(&ends);
        let facts = json!({
            "seconds": seconds,
            "taskMax": TASK_MAX_MS,
            "growthMax": GROWTH_MAX,
            "eventsASecond": EVENTS_A_SECOND,
        });
        let script = Script::new("smooth").facts(facts);
        let script = script.bound(Duration::from_secs(seconds + 150));
        script.run_with(&mut Browser::default(), &server.url(), |what, _| {
            assert_eq!(what, "made");
            json!(made.load(Ordering::Relaxed))
        });
    });
}

/// Tells the thread that makes events to end.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_list_under_a_thousand_events_a_second_stays_smooth_and_small() {
    stays_smooth(&server(), 120);
}

/// What is too slow for every run.
mod full {
    use super::{server, stays_smooth};

    #[test]
    fn it_stays_so_for_ten_minutes() {
        stays_smooth(&server(), 600);
    }
}
