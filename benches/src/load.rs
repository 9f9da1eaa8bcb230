//! The load on our server: so many connections with one request in flight each, on requests that
//! were made before.
//!
//! Closed: each connection sends its next request as soon as it has its answer. Open: requests are
//! due at fixed times, whatever the server does, and their time counts from when they were due.

mod connection;
mod said;
mod tally;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::clock;
pub use connection::Connection;
#[cfg(test)]
pub use said::Said;
pub use tally::{Answered, Slot, Tally};

/// How long the answers may take once a slot is over.
const LATE_ANSWERS_MAX: Duration = Duration::from_secs(30);

/// Requests to be sent, each once, by whoever is next.
struct Queue {
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
}

impl Queue {
    fn new(requests: Vec<Vec<u8>>) -> Arc<Self> {
        Arc::new(Self { requests, next: AtomicUsize::new(0) })
    }

    /// The next request and its number; `None` when all are taken.
    fn take(&self) -> Option<(usize, &[u8])> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.requests.get(number).map(|request| (number, request.as_slice()))
    }
}

/// Sends requests for as long as `duration` or until there are no more, always one in flight on
/// each of `connections` connections, which the addresses share.
pub async fn closed(
    addresses: &[SocketAddr],
    requests: Vec<Vec<u8>>,
    connections: usize,
    duration: Duration,
) -> Result<Slot> {
    let queue = Queue::new(requests);
    let start = Arc::new(Barrier::new(connections + 1));
    let mut tasks = JoinSet::new();
    for address in addresses.iter().copied().cycle().take(connections) {
        let mut connection = Connection::open(address).await?;
        let (queue, start) = (Arc::clone(&queue), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let end = clock::now() + duration;
            let mut tally = Tally::default();
            let mut sent = clock::now();
            while sent < end {
                let Some((number, request)) = queue.take() else { break };
                let answer = connection.exchange(request).await?;
                let now = clock::now();
                tally.count(number, &answer, now - sent)?;
                sent = now;
            }
            Ok(tally)
        });
    }
    // None begins before this has come, too.
    let started = clock::now();
    start.wait().await;
    join(tasks, started, duration).await
}

/// Sends `per_second` requests a second for as long as there are any, over as many as
/// `connections` connections. While all of them wait for an answer, what is due waits too.
pub async fn open(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    connections: usize,
    per_second: f64,
) -> Result<Slot> {
    let total = requests.len();
    let queue = Queue::new(requests);
    let due = Arc::new(Semaphore::new(0));
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let schedule = Schedule { started: clock::now(), per_second, total };
    let mut tasks = JoinSet::new();
    for mut connection in opened {
        let (queue, due) = (Arc::clone(&queue), Arc::clone(&due));
        tasks.spawn(async move {
            let mut tally = Tally::default();
            loop {
                due.acquire().await.context("the schedule is gone")?.forget();
                let Some((number, request)) = queue.take() else { break };
                let due_at = schedule.due(number);
                tally.late(clock::now() - due_at);
                let answer = connection.exchange(request).await?;
                tally.count(number, &answer, clock::now() - due_at)?;
            }
            Ok(tally)
        });
    }
    // A thread of its own, for the runtime's timers tick in whole milliseconds.
    let pacer = thread::Builder::new().name("pacer".to_owned());
    pacer
        .spawn(move || {
            schedule.pace(&due);
            // Each connection once more, to find that nothing is left.
            due.add_permits(connections);
        })
        .context("could not start the pacer")?;
    join(tasks, schedule.started, schedule.due(total) - schedule.started).await
}

/// When the requests of an open slot are due.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    started: Instant,
    per_second: f64,
    total: usize,
}

impl Schedule {
    /// When a request is due.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn due(&self, number: usize) -> Instant {
        self.started + Duration::from_secs_f64(number as f64 / self.per_second)
    }

    /// Gives a permit for each request as it becomes due; returns when all have theirs.
    fn pace(&self, due: &Semaphore) {
        let mut given = 0;
        while given < self.total {
            let now = clock::now();
            let next = self.due(given);
            if next > now {
                thread::park_timeout(next - now);
                continue;
            }
            let before = given;
            while given < self.total && self.due(given) <= now {
                given += 1;
            }
            due.add_permits(given - before);
        }
    }
}

/// Waits for all connections of a slot that is to take `duration`.
async fn join(
    mut tasks: JoinSet<Result<Tally>>,
    started: Instant,
    duration: Duration,
) -> Result<Slot> {
    let all = async {
        let mut whole = Tally::default();
        while let Some(tally) = tasks.join_next().await {
            whole.add(tally.context("a connection's task ended")??);
        }
        Ok::<_, anyhow::Error>(whole)
    };
    let whole = timeout(duration + LATE_ANSWERS_MAX, all);
    let whole = whole.await.context("answers are still missing 30 s after the slot")??;
    Ok(whole.into_slot(started.elapsed()))
}

#[cfg(test)]
mod tests;
