//! All that every engine must do, in one test: the server is started once, and each case has a
//! database of its own.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::server::Server;
use crate::Store;
use crate::conformance::{self, Case, NodeCase, Nodes};
use crate::postgres::Postgres;

/// Cases that run at a time.
const AT_A_TIME: usize = 4;

/// The database that the others are copies of.
const MODEL: &str = "model";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_passes() {
    let server = Arc::new(Server::start(&[]).await);
    server.open(MODEL).await.close().await;
    let of_one = conformance::cases().into_iter().map(|case| (case.0, Kind::One(case)));
    let of_nodes = conformance::node_cases().into_iter().map(|case| (case.0, Kind::Nodes(case)));
    let cases: VecDeque<_> = of_one.chain(of_nodes).enumerate().collect();
    assert!(cases.len() > 150, "{}", cases.len());
    let cases = Arc::new(Mutex::new(cases));
    let mut runners = JoinSet::new();
    for _ in 0..AT_A_TIME {
        runners.spawn(run_some(Arc::clone(&server), Arc::clone(&cases)));
    }
    let failed: Vec<String> = runners.join_all().await.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
}

/// What is run.
enum Kind {
    /// On one node.
    One(Case),
    /// On several.
    Nodes(NodeCase),
}

/// The cases that are left, with their numbers and names.
type Left = Arc<Mutex<VecDeque<(usize, (&'static str, Kind))>>>;

/// Runs cases until there are none, and gives those that failed.
async fn run_some(server: Arc<Server>, cases: Left) -> Vec<String> {
    let mut failed = Vec::new();
    loop {
        let next = cases.lock().unwrap().pop_front();
        let Some((number, (name, kind))) = next else { return failed };
        let database = format!("case_{number}");
        // Its own connection each time: no case is to keep another's.
        server.sql("postgres", &format!("CREATE DATABASE {database} TEMPLATE {MODEL}")).await;
        let run = run(Arc::clone(&server), database.clone(), kind);
        if let Err(error) = tokio::spawn(run).await {
            failed.push(format!("{name}: {error}"));
        }
        server.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)")).await;
    }
}

/// Runs one case.
fn run(
    server: Arc<Server>,
    database: String,
    kind: Kind,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        match kind {
            Kind::One((_, case)) => {
                let store = Postgres::open(server.options(&database)).await.unwrap();
                case(&store).await;
                store.close().await;
            }
            Kind::Nodes((_, case)) => case(&Shared { server, database }).await,
        }
    })
}

/// A database that nodes share.
struct Shared {
    server: Arc<Server>,
    database: String,
}

#[async_trait]
impl Nodes for Shared {
    async fn node(&self) -> Arc<dyn Store> {
        Arc::new(Postgres::open(self.server.options(&self.database)).await.unwrap())
    }

    /// The server's clock is everybody's: what it has written down lies so much further back
    /// instead.
    async fn pass(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap();
        let sql = format!(
            "UPDATE session SET started_at = started_at - {time}, renewed_at = renewed_at - {time},
                 expires_at = expires_at - {time};
             UPDATE shard SET quiet_until = quiet_until - {time};
             UPDATE binding SET expires_at = expires_at - {time};
             UPDATE event SET at = at - {time};
             UPDATE idempotency SET begun_at = begun_at - {time},
                 expires_at = expires_at - {time}"
        );
        self.server.sql(&self.database, &sql).await;
    }
}
