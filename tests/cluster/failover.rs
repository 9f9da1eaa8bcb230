//! The primary dies and a synchronous standby takes its place: nothing answered is lost, and
//! updates are answered again within five seconds of that.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::faults::{finish, under_way};
use super::load;
use crate::harness::patroni::Patroni;
use crate::harness::{Cluster, PATIENCE, Phones, Start, Stopwatch, wait_until};

/// How long updates may still fail once a standby has taken over.
const AFTER: Duration = Duration::from_secs(5);

/// How long Patroni may take to find a primary dead and promote its standby.
const FAILOVER: Duration = Duration::from_secs(90);

#[test]
fn a_standby_takes_over_twice() {
    let mut patroni = Patroni::start();
    let mut cluster = Cluster::on(patroni.url(), 3, &Start::default());
    let (phones, key) = cluster.with_phones(Phones::of(9).boot(Duration::ZERO));
    phones.slow_down(Duration::from_millis(25));
    let mut failed_over = Duration::ZERO;
    let mut mended = None;
    let ledger = load::beside(&mut cluster, &phones, &key, 61, |cluster, answered| {
        for (dead, heir) in [(0, 1), (1, 0)] {
            under_way(answered);
            let watch = Stopwatch::start();
            patroni.kill9(dead);
            wait_until("the standby to take over", FAILOVER, || patroni.takes_writes(heir));
            failed_over = failed_over.max(watch.elapsed());
            let promoted = Stopwatch::start();
            let before = answered.load(Ordering::Relaxed);
            wait_until("an answer", PATIENCE, || answered.load(Ordering::Relaxed) > before);
            println!(
                "taken over {:?} after the kill, answered {:?} later",
                watch.elapsed() - promoted.elapsed(),
                promoted.elapsed()
            );
            assert!(promoted.elapsed() < AFTER, "{:?}", promoted.elapsed());
            // The dead one comes back as a standby, without which the next death would be a loss.
            patroni.run(dead);
            wait_until("a standby again", FAILOVER, || patroni.has_standby(heir));
        }
        under_way(answered);
        cluster.wait_until_balanced();
        mended = Some(Stopwatch::start());
    });
    assert!(ledger.gap < failed_over + AFTER, "{:?} for {failed_over:?}", ledger.gap);
    finish(&cluster, &phones, &key, &ledger, 0, mended.expect("the load has ended"));
}
