//! What the parts are set to, by the configuration.

use std::time::Duration;

use anyhow::Result;
use cameras::AdvertiseError;

use crate::config::{Config, History, SECONDS_PER_DAY, Sip};

/// How cameras are served.
pub fn cameras(sip: &Sip) -> Result<cameras::Settings> {
    let advertise = sip.advertise.iter().map(|address| address.parse());
    Ok(cameras::Settings {
        id: sip.id.clone(),
        domain: sip.domain.clone(),
        realm: sip.realm.clone().unwrap_or_else(|| sip.domain.clone()),
        advertise: advertise.collect::<Result<_, AdvertiseError>>()?,
        follow: sip.follow,
        date_header: sip.date_header,
        sha256: sip.sha256,
        keepalive_seconds: sip.keepalive_seconds,
        keepalive_misses: sip.keepalive_misses,
        expires_min_seconds: sip.expires_min_seconds,
        expires_max_seconds: sip.expires_max_seconds,
        survey_per_second: sip.survey_per_second,
        ..cameras::Settings::default()
    })
}

/// The engine's settings.
pub fn engine(config: &Config) -> engine::Settings {
    let mut settings = engine::Settings::default();
    settings.bounds.per_server = config.engine.actions_per_server;
    settings.bounds.per_node = config.engine.actions_per_node;
    settings.bounds.restarts_per_server = config.engine.restarts_per_server;
    settings.bounds.boots_per_server = config.engine.boots_per_server;
    settings.bounds.restarts_per_project = config.engine.restarts_per_project;
    settings.rules.job_deadline = Duration::from_secs(config.engine.job_deadline_seconds);
    settings.rules.boot_deadline = Duration::from_secs(config.engine.boot_deadline_seconds);
    settings.token_lifetime = Duration::from_secs(config.http.token_lifetime_seconds);
    settings.sweep_per_second = config.engine.sweep_per_second;
    settings.history = history(&config.history);
    settings
}

/// What is kept of what is over.
fn history(history: &History) -> engine::History {
    let days = (history.keep_days > 0).then_some(history.keep_days);
    engine::History {
        kept: days.map(|days| Duration::from_secs(days.saturating_mul(SECONDS_PER_DAY))),
        jobs_max: (history.keep_jobs > 0).then_some(history.keep_jobs),
        disk_free_percent: history.disk_free_percent,
        ..engine::History::default()
    }
}
