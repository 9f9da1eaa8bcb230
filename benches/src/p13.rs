//! P13: the first page of 100 devices out of a million, by one condition after the other, against
//! the same query in PostgreSQL on the same rows: the time of one, with one in flight.
//!
//! Ours is the native API's list, asked over HTTP with a token, of a server whose store is SQLite;
//! the peer is asked by `pgbench` through a Unix socket, by a prepared statement that gives the
//! same devices, in the same order, with what our answer is made of. It has our own tables and
//! indexes, and fresh statistics, and its statements are written as its planner takes them best.
//! Our server is paused: a million devices that nobody answers for would be looked at meanwhile.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::database::Database;
use crate::disk::{self, Disk};
use crate::load::Connection;
use crate::million::{self, PROPERTY};
use crate::ours::{PROJECT, Server};
use crate::pairs::{Pair, Series};
use crate::peer::Peer;
use crate::statistics::{milliseconds, percentile};
use crate::{Options, clock};

/// Devices of a page.
const PAGE: usize = 100;

/// How long each side is asked before it counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// A query: the end of the figure's name, what is asked of ours, the peer's condition, and how the
/// peer is asked.
struct Query {
    name: &'static str,
    asks: String,
    condition: String,
    form: Form,
}

/// How the peer is asked. Of the two it is the one that took it less time here.
#[derive(Clone, Copy)]
enum Form {
    /// The keys of the page are found in the table of devices, and what they have elsewhere is
    /// joined to them alone. Left to itself the planner joins all 2,500 devices of a server, since
    /// it takes the server and the project for independent: 21 ms for 4.
    PageFirst,
    /// All is joined and the page taken from it, walking along the order. The condition needs more
    /// than one table.
    Joined,
}

/// The queries.
fn queries() -> [Query; 5] {
    let query = |name, asks: &str, form, condition: &str| Query {
        name,
        asks: asks.to_owned(),
        condition: condition.to_owned(),
        form,
    };
    [
        query("server", "server=server-10", Form::PageFirst, "d.server = 'server-10'"),
        query(
            "tag",
            "tag=key-3:value-1",
            Form::PageFirst,
            "EXISTS (SELECT 1 FROM tag AS g WHERE g.project = d.project AND g.kind = 0
                 AND g.thing = d.id AND g.key = 'key-3' AND g.value = 'value-1')",
        ),
        query(
            "condition-manufacturer",
            "condition=running&manufacturer=maker%201",
            Form::Joined,
            "s.condition = 'running' AND lower(f.facts::json ->> 'manufacturer') = 'maker 1'",
        ),
        query(
            "value",
            &format!("desired={PROPERTY}:1"),
            Form::Joined,
            &format!("s.desired::json #>> ARRAY['{PROPERTY}', '0'] = '1'"),
        ),
        // Not only at the beginning, and not only of the id: that is what ours means by it.
        query(
            "text",
            "text=phone-9",
            Form::PageFirst,
            "(strpos(lower(d.id), 'phone-9') > 0 OR strpos(lower(d.name), 'phone-9') > 0
                 OR strpos(lower(d.server), 'phone-9') > 0
                 OR strpos(lower(d.address), 'phone-9') > 0)",
        ),
    ]
}

impl Query {
    /// What ours is sent.
    fn request(&self, server: &Server) -> Vec<u8> {
        let (address, token, asks) = (server.address(), server.token(), &self.asks);
        format!(
            "GET /api/v1/devices?project={PROJECT}&limit={PAGE}&{asks} HTTP/1.1\r\n\
             host: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
        )
        .into_bytes()
    }

    /// What the peer is sent.
    fn statement(&self) -> String {
        let columns = "SELECT d.id, d.*, p.id, s.*, f.facts";
        let others = "JOIN project AS p ON p.key = d.project
             JOIN device_state AS s ON s.device = d.key
             LEFT JOIN device_facts AS f ON f.device = d.key";
        let of_project = format!("d.project = (SELECT key FROM project WHERE id = '{PROJECT}')");
        let condition = &self.condition;
        match self.form {
            Form::Joined => format!(
                "{columns} FROM device AS d {others}
                 WHERE {of_project} AND {condition} ORDER BY d.key LIMIT {PAGE}"
            ),
            Form::PageFirst => format!(
                "{columns} FROM (SELECT d.key AS found FROM device AS d
                     WHERE {of_project} AND {condition} ORDER BY d.key LIMIT {PAGE}) AS page
                 JOIN device AS d ON d.key = page.found {others} ORDER BY d.key"
            ),
        }
    }
}

/// Both sides, with the same devices.
struct Sides {
    server: Server,
    peer: Peer,
    database: Database,
    disk: Disk,
    slot: u32,
}

/// Measures and prints the figures.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let sides = Sides::start(options, disk).await?;
    for query in queries() {
        let name = format!("p13-{}", query.name);
        sides.check_alike(&query).await?;
        let mut series = Series::new(name.as_str(), options.pairs);
        while series.wants_more() {
            let tried = series.tried();
            eprintln!("{name}, pair {}:", tried + 1);
            let pair = sides.pair(&query, tried.is_multiple_of(2)).await?;
            if !series.push(pair) {
                eprintln!("  dropped: the disk changed its speed");
            }
        }
        eprintln!("{}", series.summary("ms"));
        if series.figures().is_empty() {
            bail!("{name}: no pair counts, the disk never kept its speed");
        }
        for figure in series.figures() {
            println!("{figure}");
        }
    }
    Ok(())
}

impl Sides {
    /// Starts the peer, has a server of ours make its tables there, fills them, and has that server
    /// go on with a copy in SQLite.
    async fn start(options: &Options, disk: &Disk) -> Result<Self> {
        let peer = Peer::start(disk).await?;
        let database = peer.database(1);
        let server = Server::start(&options.program()?, disk.dir(), Some(&database)).await?;
        eprintln!("p13: {} devices are put there", million::DEVICES);
        let server = server
            .moved_to_sqlite(&database, || million::fill(&database))
            .await
            .context("could not make the fleet")?;
        Ok(Self { server, peer, database, disk: disk.clone(), slot: options.slot })
    }

    /// Sees that both give the same devices in the same order.
    async fn check_alike(&self, query: &Query) -> Result<()> {
        let mut connection = Connection::open(self.server.address()).await?;
        let answer = connection.exchange(&query.request(&self.server)).await?;
        let body: Value = serde_json::from_slice(answer.body).context("no JSON is answered")?;
        let devices = body.get("devices").and_then(Value::as_array);
        let devices = devices.with_context(|| format!("{} is answered {body}", query.name))?;
        let ours: Vec<&str> =
            devices.iter().filter_map(|device| device.get("id")?.as_str()).collect();
        let said = self.database.ask(&query.statement())?;
        let theirs: Vec<&str> = said.lines().filter_map(|line| line.split('|').next()).collect();
        if ours != theirs || ours.len() != PAGE {
            bail!("{}: {} devices here and {} there", query.name, ours.len(), theirs.len());
        }
        Ok(())
    }

    /// Takes a pair: the mean times of a page, in milliseconds.
    async fn pair(&self, query: &Query, ours_first: bool) -> Result<Pair> {
        let before = self.disk.probe(disk::PROBE).await?;
        let (ours, peer);
        if ours_first {
            ours = self.ours(query).await?;
            peer = self.theirs(query).await?;
        } else {
            peer = self.theirs(query).await?;
            ours = self.ours(query).await?;
        }
        let after = self.disk.probe(disk::PROBE).await?;
        Ok(Pair { ours, peer, probes: vec![before.per_second, after.per_second] })
    }

    /// Asks ours for as long as a slot.
    async fn ours(&self, query: &Query) -> Result<f64> {
        let mut connection = Connection::open(self.server.address()).await?;
        let request = query.request(&self.server);
        let started = clock::now();
        let slot = Duration::from_secs(u64::from(self.slot));
        let mut times = Vec::new();
        while started.elapsed() < WARM_UP + slot {
            let sent = clock::now();
            let answer = connection.exchange(&request).await?;
            if answer.status != 200 {
                let text = String::from_utf8_lossy(answer.body);
                bail!("a list was answered with status {}: {text}", answer.status);
            }
            if started.elapsed() >= WARM_UP {
                times.push(sent.elapsed());
            }
        }
        times.sort_unstable();
        let count = u32::try_from(times.len()).unwrap_or(u32::MAX).max(1);
        let mean = milliseconds(times.iter().sum::<Duration>() / count);
        let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
        eprintln!(
            "  ours: {mean:.3} ms a page, p50 {:.3} ms, p99 {:.3} ms",
            milliseconds(p50),
            milliseconds(p99)
        );
        Ok(mean)
    }

    /// Asks the peer for as long as a slot.
    async fn theirs(&self, query: &Query) -> Result<f64> {
        let statement = query.statement();
        let per_second = self.peer.queries(&self.database, &statement, self.slot).await?;
        let mean = 1_000.0 / per_second.max(f64::EPSILON);
        eprintln!("  PostgreSQL: {mean:.3} ms a page");
        Ok(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_has_a_name_of_its_own_and_one_line_of_a_request() {
        let mut names: Vec<_> = queries().iter().map(|query| query.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), queries().len());
        assert!(queries().iter().all(|query| !query.asks.contains([' ', '\r', '\n'])));
    }
}
