//! The driver itself: one action, from the plan to the report.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{
    Action, Away, DeviceEvent, Driver, Entropy, EventSender, Examination, PowerReport, Reached,
    Report, Target,
};
use fleet::catalogue::CatalogueCell;
use fleet::fault_point::{FaultPoint, FaultPoints};
use fleet::{Device, DeviceKey, Kind, Operation, limits};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::adb::{Adb, HostKey};
use crate::answer;
use crate::connections::{Connection, Connections, Lease};
use crate::link::{LinkError, PhoneLink, ShellOutput};
use crate::operator::Commands;
use crate::script::Plan;

/// Connections that are kept at most, unless told otherwise: each costs a descriptor here and a
/// process on the phone, and some 10 KiB of memory.
const CONNECTIONS_MAX: usize = 4_096;

/// How long a connection may take, handshake included. A third of an action's time, so that an
/// action whose kept connection was dead still has time to be done on a new one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Phones that are looked at a time besides all actions: a whole project may be asked for.
const EXAMINATIONS_AT_A_TIME: usize = 64;

/// How the driver works.
#[derive(Clone)]
pub struct Options {
    /// Connections open at a time. Over it the longest unused is closed, or an action waits.
    pub connections_max: usize,
    /// Where the nonces of scripts come from.
    pub entropy: Arc<dyn Entropy>,
    /// What happens when a fault point is passed.
    pub fault_points: FaultPoints,
}

impl Options {
    /// The usual bounds, no fault points.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { connections_max: CONNECTIONS_MAX, entropy, fault_points: FaultPoints::none() }
    }
}

/// The phone driver. Used inside a Tokio runtime with its time and its network on.
pub struct Phones {
    pub(crate) catalogue: Arc<CatalogueCell>,
    pub(crate) connections: Connections,
    pub(crate) commands: Commands,
    pub(crate) examinations: Semaphore,
    entropy: Arc<dyn Entropy>,
    fault_points: FaultPoints,
}

impl Phones {
    /// A driver for phones over ADB, which know this server by `host_key`. Each piece of work goes
    /// by what is in `catalogue` when it begins. It tells `events` of watched phones that go away.
    pub fn new(
        host_key: Arc<HostKey>,
        catalogue: Arc<CatalogueCell>,
        events: EventSender,
        options: Options,
    ) -> Self {
        let lost = move |device| events.send(DeviceEvent::Lost(device));
        Self::with_link(Arc::new(Adb::new(host_key)), catalogue, Box::new(lost), options)
    }

    /// A driver for phones behind any link. `lost` is told of watched phones that go away; it must
    /// not block.
    pub fn with_link(
        link: Arc<dyn PhoneLink>,
        catalogue: Arc<CatalogueCell>,
        lost: Box<dyn Fn(DeviceKey) + Send + Sync>,
        options: Options,
    ) -> Self {
        let Options { connections_max, entropy, fault_points } = options;
        let connections = Connections::new(link, connections_max, CONNECT_TIMEOUT, lost);
        Self {
            catalogue,
            connections,
            commands: Commands::new(limits::COMMAND_TIMEOUT),
            examinations: Semaphore::new(EXAMINATIONS_AT_A_TIME),
            entropy,
            fault_points,
        }
    }

    /// Closes every connection that no action uses, and keeps none from then on.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// Does `action` on `device`, in as many exchanges as its values take.
    async fn act(&self, device: &Device, action: &Action) -> Result<Reached, Away> {
        let catalogue = self.catalogue.get();
        let mut plan = Plan::new(&catalogue, device, action);
        let mut total = Reached {
            faults: std::mem::take(&mut plan.faults),
            recorded: std::mem::take(&mut plan.recorded),
            ..Reached::default()
        };
        let (lease, connection) = self.connections.take(device).await;
        let mut exchange = Exchange { driver: self, lease: &lease, connection, renewed: false };
        let mut done = 0;
        loop {
            let nonce = self.nonce();
            let script = plan.script(done, &nonce);
            let output = exchange.run(&script.text).await.map_err(|error| away(&error))?;
            let answer = answer::read(&output, &nonce, script.steps);
            if matches!(answer, Err(Away::Garbled(_))) {
                return answer;
            }
            done += script.steps.len();
            let last = done >= plan.steps.len();
            let part = match answer {
                Ok(part) if done > script.steps.len() && part.boot != total.boot => {
                    Err(Away::Unreachable("it restarted in the middle of the action".to_owned()))
                }
                other => other,
            };
            if last || part.is_err() {
                exchange.keep();
            }
            add(&mut total, part?);
            if last {
                return Ok(total);
            }
        }
    }

    /// 128 bits that nobody can foresee, as 32 digits.
    pub(crate) fn nonce(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.entropy.fill(&mut bytes);
        format!("{:032x}", u128::from_be_bytes(bytes))
    }
}

/// The connection of one action.
struct Exchange<'a> {
    driver: &'a Phones,
    lease: &'a Lease,
    connection: Option<Connection>,
    /// Whether this action has opened a connection already. It opens one only.
    renewed: bool,
}

impl Exchange<'_> {
    /// Runs one script. A kept connection may have died unnoticed: then once more on a new one,
    /// which does no harm even if the first was carried out, since a script sets only what differs.
    async fn run(&mut self, script: &str) -> Result<ShellOutput, LinkError> {
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => {
                    self.renewed = true;
                    self.lease.connect().await?
                }
            };
            let fault_points = &self.driver.fault_points;
            let sent = || fault_points.pass(FaultPoint::AfterSend);
            let limit = limits::PHONE_ACTION_TIMEOUT;
            match connection.session.shell(script, limit, &sent).await {
                Ok(output) => {
                    self.connection = Some(connection);
                    return Ok(output);
                }
                Err(LinkError::Lost(_)) if !self.renewed => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets the connection rest for the phone's next action.
    fn keep(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.lease.keep(connection);
        }
    }
}

/// Adds what a further script of an action saw to what those before it did.
pub(crate) fn add(total: &mut Reached, part: Reached) {
    let Reached { boot, shown, effects, acknowledged, recorded, facts, faults } = part;
    total.boot = boot;
    total.shown.extend(shown);
    total.effects.extend(effects);
    total.acknowledged.extend(acknowledged);
    total.recorded.extend(recorded);
    total.facts = total.facts.take().or(facts);
    total.faults.extend(faults);
}

/// How an error of the link is told to the engine.
pub(crate) fn away(error: &LinkError) -> Away {
    let mut words = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        words = format!("{words}: {source}");
    }
    match error {
        LinkError::Connect(_)
        | LinkError::Handshake(_)
        | LinkError::TimedOut(_)
        | LinkError::Lost(_) => Away::Unreachable(words),
        LinkError::Unauthorised(_) => Away::Unauthorised(words),
        LinkError::TooMuch | LinkError::Refused(_) | LinkError::Protocol(_) => Away::Garbled(words),
    }
}

/// The outcome of an action in the metrics.
fn outcome(report: &Report) -> &'static str {
    match report {
        Report::Reached(reached) if reached.faults.is_empty() => "done",
        Report::Reached(_) => "faults",
        Report::Away(away) => away_label(away),
    }
}

/// Why a phone could not be worked on, in the metrics.
pub(crate) fn away_label(away: &Away) -> &'static str {
    match away {
        Away::NotRegistered(_) => "not_registered",
        Away::Unreachable(_) => "unreachable",
        Away::Unauthorised(_) => "unauthorised",
        Away::Booting => "booting",
        Away::WrongDevice { .. } => "wrong_device",
        Away::Unmarkable(_) => "unmarkable",
        Away::Copied(_) => "copied",
        Away::Garbled(_) => "garbled",
    }
}

#[async_trait]
impl Driver for Phones {
    fn kind(&self) -> Kind {
        Kind::Phone
    }

    async fn run(&self, device: &Device, action: Action) -> Report {
        let begun = Instant::now();
        let report = match self.act(device, &action).await {
            Ok(reached) => Report::Reached(reached),
            Err(away) => Report::Away(away),
        };
        let outcome = outcome(&report);
        metrics::counter!("fleetwright_phone_actions_total", "outcome" => outcome).increment(1);
        metrics::histogram!("fleetwright_phone_action_seconds").record(begun.elapsed());
        report
    }

    async fn power(
        &self,
        device: &Device,
        operation: Operation,
        target: Target<'_>,
    ) -> PowerReport {
        self.switch(device, operation, target).await
    }

    async fn examine(&self, device: &Device) -> Examination {
        self.look_at(device).await
    }

    fn watch(&self, device: &Device) {
        self.connections.watch(device);
    }

    fn forget(&self, device: DeviceKey) {
        self.connections.forget(device);
    }
}

#[cfg(test)]
mod tests;
