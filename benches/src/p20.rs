//! P20: a server's phones restart all at once, by themselves: how long after the last of them has
//! booted until every value that the boots wiped is back.
//!
//! The phones are simulated ones in this process, so that their state can be looked at without
//! asking them anything. There is no peer: nobody else puts values back. Runs are whole, one after
//! the other, with the same server and phones; the figure is their median in seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use simulator::phones::{Fleet, Options as FleetOptions, Phone};

use crate::clock;
use crate::disk::Disk;
use crate::load;
use crate::ours::Server;
use crate::requests::{Asks, Updates};
use crate::statistics::{median, range};
use crate::{Options, asking};

/// Phones of the server.
const PHONES: usize = 50;

/// How long a phone boots.
const BOOT: Duration = Duration::from_secs(5);

/// Runs of the figure.
const RUNS: usize = 5;

/// The property that is looked at: a boot wipes it.
const NAME: &str = "sys.prop.writephonenum";

/// What says that a phone has booted.
const BOOTED: &str = "sys.boot_completed";

/// How often the phones are looked at: what the figure is sure to.
const STEP: Duration = Duration::from_millis(1);

/// How long a run may take at most.
const RUN_MAX: Duration = Duration::from_secs(120);

/// Measures and prints the figure.
pub async fn run(options: &Options, disk: &Disk) -> Result<()> {
    let fleet = Fleet::start(FleetOptions {
        count: PHONES,
        project: "bench".to_owned(),
        phones_per_server: PHONES,
        boot: BOOT,
        ..FleetOptions::default()
    });
    let fleet = fleet.await.context("could not start simulated phones")?;
    let server = Server::start(&options.program()?, disk.dir(), None).await?;
    server.import(&fleet.emit())?;
    give_values(&server, fleet.phones()).await?;
    let mut seconds = Vec::with_capacity(RUNS);
    for run in 1..=RUNS {
        let took = restart_all(fleet.phones()).await?;
        eprintln!(
            "p20, run {run}: every value is back {:.3} s after the last boot",
            took.as_secs_f64()
        );
        seconds.push(took.as_secs_f64());
    }
    let (low, high) = range(&seconds).context("no run")?;
    let middle = median(&seconds).context("no run")?;
    println!("p20-seconds {middle:.3} {low:.3} {high:.3} {RUNS}");
    Ok(())
}

/// Gives each phone a number of its own, and waits until it shows it.
async fn give_values(server: &Server, phones: &[Arc<Phone>]) -> Result<()> {
    let ids: Vec<String> = phones.iter().map(|phone| phone.id().to_owned()).collect();
    let updates =
        Updates { asks: Asks::Properties, devices: &ids, per_request: PHONES, first: 0, count: 1 };
    let requests = server.signer().updates(updates)?;
    let slot = load::closed(&[server.address()], requests, 1, RUN_MAX).await?;
    let ended =
        asking::wait_until_ended(server.address(), server.signer(), &slot.answered, RUN_MAX)
            .await?;
    if ended.failed > 0 || ended.jobs != PHONES {
        bail!("{} jobs of {PHONES} phones, {} failed", ended.jobs, ended.failed);
    }
    Ok(())
}

/// Restarts all phones at once; gives the time from the last one's boot until all values are back.
async fn restart_all(phones: &[Arc<Phone>]) -> Result<Duration> {
    let before: Vec<String> = phones.iter().map(|phone| phone.get(NAME)).collect();
    if before.iter().any(String::is_empty) {
        bail!("a phone shows no value before it restarts");
    }
    let reboots: Vec<_> = phones
        .iter()
        .map(|phone| {
            let phone = Arc::clone(phone);
            tokio::spawn(async move { phone.reboot().await })
        })
        .collect();
    for reboot in reboots {
        reboot.await.context("a phone did not restart")?;
    }
    if phones.iter().any(|phone| !phone.get(NAME).is_empty()) {
        bail!("a boot has wiped nothing");
    }
    let began = clock::now();
    let last_boot = wait(began, || phones.iter().all(|phone| phone.get(BOOTED) == "1")).await?;
    let all_back = || phones.iter().zip(&before).all(|(phone, value)| phone.get(NAME) == *value);
    Ok(wait(began, all_back).await?.saturating_duration_since(last_boot))
}

/// Waits until something holds, and gives when.
async fn wait(began: Instant, holds: impl Fn() -> bool) -> Result<Instant> {
    loop {
        if holds() {
            return Ok(clock::now());
        }
        if began.elapsed() > RUN_MAX {
            bail!("a run took longer than {RUN_MAX:?}");
        }
        tokio::time::sleep(STEP).await;
    }
}
