//! A relay between the store and the server, which cuts the line at a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::postgres::Options;

use super::server::{Server, USER};

/// Where the line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Before the next commit reaches the server.
    BeforeCommit = 1,
    /// After the server has answered the next commit, before the answer reaches the store.
    AfterCommit = 2,
}

/// A relay.
pub(super) struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// A relay to a server, which cuts nothing yet.
    pub(super) async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (target, cut) = (server.port(), Arc::new(AtomicU8::new(0)));
        let plan = Arc::clone(&cut);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut lines = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                lines.spawn(relay(client, server, Arc::clone(&plan)));
            }
        });
        Self { port, cut, _task: task }
    }

    /// What opens a database through this.
    pub(super) fn options(&self, server: &Server, database: &str) -> Options {
        let url = format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port);
        Options { url, ..server.options(database) }
    }

    /// Cuts the line of the next one that commits.
    pub(super) fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether the line was cut since.
    pub(super) fn has_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == 0
    }
}

/// Moves bytes both ways, until one side ends or the line is cut.
async fn relay(mut client: TcpStream, mut server: TcpStream, cut: Arc<AtomicU8>) {
    let (mut question, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
    let mut swallow = false;
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let count = read.unwrap_or(0);
                if count == 0 {
                    return;
                }
                let commits = question[..count].windows(6).any(|word| word == b"COMMIT");
                let take = |kind: Cut| {
                    commits && cut.compare_exchange(
                        kind as u8, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
                };
                if take(Cut::BeforeCommit) {
                    return;
                }
                swallow |= take(Cut::AfterCommit);
                if server.write_all(&question[..count]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let count = read.unwrap_or(0);
                // The whole answer comes at once: "ready for query", idle (message formats, "Z").
                let ready = answer[..count].ends_with(b"Z\0\0\0\x05I");
                if count == 0 || (swallow && ready) {
                    return;
                }
                if !swallow && client.write_all(&answer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
