//! What this process tells of itself to whoever collects metrics.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::native::readiness;
use engine::Handle;
use fleet::{Attention, CameraStatus, Condition, Principal};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use store::ClusterState;
use tokio::time::{Interval, MissedTickBehavior};

use super::warnings::{self, Warnings};

/// How often the histograms are condensed. Without it they grow until somebody reads them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How often it is told where this node stands, as far as it knows by itself.
const STANDING_EVERY: Duration = Duration::from_secs(1);
/// How often the store is asked whether it answers.
const READY_EVERY: Duration = Duration::from_secs(2);
/// How often the store is asked for the cluster, for what operators have paused, and for how the
/// devices were last counted to be doing.
const CLUSTER_EVERY: Duration = Duration::from_secs(15);

/// The upper ends, in seconds, of what durations are sorted into: from a commit to a time-out.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts the collection of this process's metrics.
pub fn record() -> Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .context("the metrics' buckets")?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| anyhow::anyhow!("the metrics can't be started: {error}"))?;
    Ok(handle)
}

/// What `/metrics` calls for its text.
pub fn render(recorder: PrometheusHandle) -> Arc<dyn Fn() -> String + Send + Sync> {
    Arc::new(move || recorder.render())
}

/// Condenses the histograms, and says again and again what operators have paused, how the devices
/// are doing, and where this node stands among others. What waits for the store holds up nothing
/// else.
pub async fn upkeep(recorder: PrometheusHandle, handle: Handle, warnings: Warnings) {
    tokio::join!(
        condense(recorder),
        show_standing(&handle),
        show_readiness(&handle),
        show_cluster(&handle, warnings),
    );
}

/// Turns of this length; one that takes longer is followed by a whole one.
fn turns(every: Duration) -> Interval {
    let mut turns = tokio::time::interval(every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}

async fn condense(recorder: PrometheusHandle) {
    let mut turns = turns(UPKEEP_EVERY);
    loop {
        turns.tick().await;
        recorder.run_upkeep();
    }
}

/// Sets the metrics of what operators have paused.
async fn show_paused(handle: &Handle) -> Result<(), store::Error> {
    let reads = handle.reads();
    let settings = reads.server_settings().await?;
    let projects = reads.projects(&Principal::engine()).await?;
    let paused = projects.iter().filter(|project| project.settings.paused).count();
    metrics::gauge!("fleetwright_paused").set(if settings.paused { 1.0 } else { 0.0 });
    metrics::gauge!("fleetwright_projects_paused").set(paused as f64);
    Ok(())
}

/// Sets the metrics of how the devices are doing, as they were last counted: every node tells the
/// same. Until they were counted there are none, since no devices would look like a fleet that is
/// gone.
async fn show_devices(handle: &Handle) -> Result<(), store::Error> {
    let reads = handle.reads();
    let counted = reads.counted_fleet(&Principal::engine(), None, handle.now()).await?;
    if counted.at.is_none() {
        return Ok(());
    }
    let devices = counted.counts.devices;
    for condition in Condition::ALL {
        let phones = devices.phones.get(&condition).copied().unwrap_or(0);
        let word = condition.name();
        metrics::gauge!("fleetwright_phones", "condition" => word).set(phones as f64);
    }
    for status in [CameraStatus::Register, CameraStatus::OnLine, CameraStatus::OffLine] {
        let cameras = devices.with_status(status);
        let word = status.name();
        metrics::gauge!("fleetwright_cameras", "status" => word).set(cameras as f64);
    }
    for attention in Attention::ALL {
        let those = devices.with_attention(attention);
        let word = attention.name();
        metrics::gauge!("fleetwright_devices_attention", "why" => word).set(those as f64);
    }
    Ok(())
}

/// Sets the metrics of where this node stands, as far as it knows by itself.
async fn show_standing(handle: &Handle) {
    let mut turns = turns(STANDING_EVERY);
    loop {
        turns.tick().await;
        let standing = handle.standing();
        metrics::gauge!("fleetwright_shards_owned").set(standing.shards as f64);
        let lag = Duration::from_millis(standing.report.feed_lag_ms);
        metrics::gauge!("fleetwright_feed_lag_seconds").set(lag.as_secs_f64());
        if let Some(milliseconds) = standing.clock_offset {
            let seconds = milliseconds as f64 / 1000.0;
            metrics::gauge!("fleetwright_clock_offset_seconds").set(seconds);
        }
        if !standing.lease {
            metrics::gauge!("fleetwright_lease_left_seconds").set(0.0);
        }
    }
}

/// Sets the metric that says what `/readyz` says, and logs why where that says little.
async fn show_readiness(handle: &Handle) {
    let mut turns = turns(READY_EVERY);
    let mut was_ready = true;
    loop {
        turns.tick().await;
        let readiness = readiness(handle).await;
        let is_ready = readiness.is_ok();
        metrics::gauge!("fleetwright_ready").set(if is_ready { 1.0 } else { 0.0 });
        match readiness {
            Err(why) if was_ready => tracing::warn!(why = why.details, "not ready"),
            Ok(()) if !was_ready => tracing::info!("ready again"),
            _ => {}
        }
        was_ready = is_ready;
    }
}

/// Sets the metrics of the cluster, of what is paused and of the devices, by the store's word, and
/// warns of what an operator has to mend.
async fn show_cluster(handle: &Handle, mut warnings: Warnings) {
    let mut turns = turns(CLUSTER_EVERY);
    loop {
        turns.tick().await;
        match handle.nodes().await {
            Ok(state) => {
                set_cluster(handle, &state);
                for warning in warnings.of(&state, tokio::time::Instant::now()) {
                    tracing::warn!("{warning}");
                }
            }
            Err(error) => {
                metrics::gauge!("fleetwright_store_connected").set(0.0);
                tracing::debug!(%error, "the cluster can't be shown");
            }
        }
        if let Err(error) = show_paused(handle).await {
            tracing::debug!(%error, "what is paused can't be shown");
        }
        if let Err(error) = show_devices(handle).await {
            tracing::debug!(%error, "how the devices are doing can't be shown");
        }
    }
}

/// Sets the metrics of the cluster.
fn set_cluster(handle: &Handle, state: &ClusterState) {
    metrics::gauge!("fleetwright_store_connected").set(1.0);
    let live = state.nodes.iter().filter(|node| node.left != Some(Duration::ZERO));
    metrics::gauge!("fleetwright_cluster_nodes").set(live.count() as f64);
    metrics::gauge!("fleetwright_cluster_engines").set(warnings::engines(state) as f64);
    metrics::gauge!("fleetwright_shards_orphaned").set(f64::from(state.orphaned_shards));
    if let Some(standbys) = &state.synchronous_standbys {
        metrics::gauge!("fleetwright_store_synchronous_standbys").set(standbys.len() as f64);
    }
    let session = handle.session().map(|session| session.key);
    let own = state.nodes.iter().find(|node| Some(node.session) == session);
    if let Some(left) = own.and_then(|node| node.left) {
        metrics::gauge!("fleetwright_lease_left_seconds").set(left.as_secs_f64());
    }
}
