//! Simulated cameras that register and then are idle: they send nothing but keepalives.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use simulator::camera::{Options as Camera, Secret};
use simulator::cameras::{Fleet, Options as FleetOptions};
use tokio::time::timeout;

use crate::cameras::{PASSWORD, id};

/// Cameras that are started at once.
pub const GROUP: u32 = 100_000;

/// Cameras of a group that begin to register in a second.
const PER_SECOND: u32 = 4_000;

/// Ports that a group shares.
const PORTS: usize = 100;

/// Seconds between two keepalives of a camera: seldom enough for 500,000 of them on two cores, and
/// often enough for a server that waits for three times 60 seconds.
const KEEPALIVE_SECONDS: u32 = 150;

/// How long a group may take to register.
const REGISTER_MAX: Duration = Duration::from_secs(300);

/// The cameras, in groups.
#[derive(Debug)]
pub struct Herd {
    server: SocketAddr,
    groups: Vec<Fleet>,
}

impl Herd {
    /// No cameras yet.
    pub fn new(server: SocketAddr) -> Self {
        Self { server, groups: Vec::new() }
    }

    /// Registers groups until there are so many of them, one group after the other.
    pub async fn grow(&mut self, groups: u32) -> Result<()> {
        for group in u32::try_from(self.groups.len())?..groups {
            let fleet = Fleet::start(FleetOptions {
                count: usize::try_from(GROUP)?,
                first_id: id(group * GROUP),
                password: Some(Secret::new(PASSWORD)),
                seed: group.into(),
                camera: Camera {
                    server: self.server,
                    keepalive_seconds: KEEPALIVE_SECONDS,
                    retry: Duration::from_secs(2),
                    ..Camera::default()
                },
                ports_max: PORTS,
                register_rate: PER_SECOND,
                ..FleetOptions::default()
            });
            let fleet = fleet.await.context("could not start simulated cameras")?;
            let registered = timeout(REGISTER_MAX, fleet.all_registered()).await;
            if registered.is_err() {
                bail!("not all cameras of a group are registered: {:?}", fleet.progress());
            }
            self.groups.push(fleet);
        }
        Ok(())
    }

    /// How many are registered, as far as they know.
    pub fn registered(&self) -> usize {
        self.groups.iter().map(|fleet| fleet.progress().registered).sum()
    }

    /// Switches all off.
    pub async fn stop(self) {
        for fleet in self.groups {
            fleet.stop().await;
        }
    }
}
