//! What became of a commit whose answer was lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::error::SqlState;

use super::attempt::{Applied, Attempt, number, within};
use super::{Outcome, Writer};
use crate::Error;
use crate::postgres::connection::During as _;
use crate::postgres::link::Link;

/// The pause between two questions about a transaction that is still going on, or to a server that
/// can't be reached.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How long it may take to ask about a commit before the next is begun.
const STATUS_MAX: Duration = Duration::from_secs(2);

/// What the server says of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is committed, and as durable as any commit.
    Committed,
    /// It never will be: nothing of it is there.
    Aborted,
    /// It is still going on, or others may not have it yet.
    Open,
    /// Nobody knows any more.
    Forgotten,
}

impl Writer {
    /// Asks what became of a commit, until that is known or the time is over.
    pub(super) async fn in_doubt(
        &mut self,
        applied: Applied,
        session: Option<i64>,
        until: Instant,
        why: Arc<dyn std::error::Error + Send + Sync>,
    ) -> Attempt {
        self.open = Some(applied.transaction);
        while Instant::now() < until {
            let asked = timeout_at(until, self.ask(&applied, session)).await;
            match asked {
                Ok(Some(Fate::Committed)) => {
                    tracing::info!("a commit without an answer was made");
                    return Attempt::Done(Outcome::Committed(applied.answers));
                }
                Ok(Some(Fate::Aborted)) => {
                    let source = Box::new(why);
                    return Attempt::Lost(Error::Failed { operation: "commit", source });
                }
                Ok(Some(Fate::Forgotten)) => break,
                Ok(Some(Fate::Open) | None) | Err(_) => {}
            }
            sleep(ASK_AGAIN).await;
        }
        Attempt::Done(Outcome::Unknown(why))
    }

    /// Asks once, on the connection that is left from the last time, if one is; `None` if there is
    /// no answer.
    async fn ask(&mut self, applied: &Applied, session: Option<i64>) -> Option<Fate> {
        let link = match self.link.take().filter(|link| self.connector.is_current(link)) {
            Some(link) => link,
            None => {
                let link = self.connector.connect_to_write().await.ok()?;
                metrics::counter!("fleetwright_store_reconnects_total").increment(1);
                link
            }
        };
        let fate = match self.fate(&link, applied, session).await {
            Ok(fate) => fate,
            Err(error) => {
                tracing::debug!(%error, "the fate of a commit could not be asked for");
                return None;
            }
        };
        self.link = Some(link);
        Some(fate)
    }

    /// What a server says of a transaction.
    async fn fate(
        &mut self,
        link: &Link,
        applied: &Applied,
        session: Option<i64>,
    ) -> Result<Fate, tokio_postgres::Error> {
        let fate = status(link, applied.transaction).await?;
        self.open = (fate == Fate::Open).then_some(applied.transaction);
        if fate != Fate::Committed {
            return Ok(fate);
        }
        match is_ours(link, applied, session).await? {
            Some(true) if self.wait_for_standby(link).await? => Ok(Fate::Committed),
            Some(true) => Ok(Fate::Open),
            Some(false) => Ok(Fate::Aborted),
            None => Ok(Fate::Forgotten),
        }
    }

    /// Waits until what is committed is as durable as any commit: it may have been cut off while it
    /// waited for the standby. Whatever is committed after it waits for the standby to have both; a
    /// message is the least that can be. Gives whether this wait was not cut off too.
    async fn wait_for_standby(&mut self, link: &Link) -> Result<bool, tokio_postgres::Error> {
        let client = link.client();
        let begun = client.simple_query("BEGIN; SELECT pg_current_xact_id()").await?;
        let warned = link.warnings();
        // Should no answer come, it goes on.
        self.open = number(&begun).ok();
        let sql = "SELECT pg_logical_emit_message(true, 'fleetwright', ''); COMMIT";
        client.batch_execute(sql).await?;
        self.open = None;
        Ok(link.warnings() == warned)
    }

    /// Gives the connection back unless the last commit without an answer is going on yet: then it
    /// is kept for the next time.
    pub(super) async fn unless_going_on(
        &mut self,
        link: Link,
        until: Instant,
    ) -> Result<Option<Link>, Error> {
        let Some(transaction) = self.open else { return Ok(Some(link)) };
        let until = until.min(Instant::now() + STATUS_MAX);
        let status = async { status(&link, transaction).await.during("ask about a commit") };
        if within(until, status).await? == Fate::Open {
            self.link = Some(link);
            return Ok(None);
        }
        self.open = None;
        Ok(Some(link))
    }
}

/// What a server says of the transaction of this number.
async fn status(link: &Link, transaction: u64) -> Result<Fate, tokio_postgres::Error> {
    // Numbers go as text: the library knows no type for them.
    let sql = "SELECT pg_xact_status($1::text::xid8)";
    let status = match link.client().query_one(sql, &[&transaction.to_string()]).await {
        Ok(row) => row.try_get::<_, Option<String>>(0)?,
        // Its number was not given yet: the server is another than the one that gave it, and had
        // not heard of it when that died.
        Err(error) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => {
            return Ok(Fate::Aborted);
        }
        Err(error) => return Err(error),
    };
    Ok(match status.as_deref() {
        Some("in progress") => Fate::Open,
        Some("aborted") => Fate::Aborted,
        Some("committed") => Fate::Committed,
        _ => Fate::Forgotten,
    })
}

/// Whether the transaction of that number is the one in doubt: a standby that took over may have
/// given the number to another. The feed has what it told; of one that told nothing, nobody knows.
async fn is_ours(
    link: &Link,
    applied: &Applied,
    session: Option<i64>,
) -> Result<Option<bool>, tokio_postgres::Error> {
    let Some(event) = &applied.event else {
        return Ok(None);
    };
    let sql = "SELECT FROM event WHERE tx = $1 AND session IS NOT DISTINCT FROM $2
               AND changes = $3";
    let number = i64::try_from(applied.transaction).unwrap_or(i64::MAX);
    let found = link.client().query_opt(sql, &[&number, &session, event]).await?;
    Ok(Some(found.is_some()))
}
