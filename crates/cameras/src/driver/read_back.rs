//! What a device or a channel shows: by ConfigDownload (GB/T 28181-2016, 9.5.3.7 and A.2.6.9), else
//! the name by DeviceInfo or by the catalog. A way that was never answered is not tried again in
//! the same registration.

use engine::Away;
use gb28181::manscdp::{DeviceInfo, Incoming, QueryKind};

use super::run::Run;
use super::settings;
use super::survey::{self, Catalog};
use super::target::{Part, Parts, Target};

impl Run<'_> {
    /// What the target shows of all that is asked of it. A part that it does not show is absent.
    ///
    /// Errors: nobody answers.
    pub(super) async fn read(&mut self, target: &Target) -> Result<Parts, Away> {
        let mut shown = self.config(target).await?;
        if !shown.contains_key(&Part::Name) && target.asks_for(Part::Name) {
            let name = if target.is_channel {
                self.catalog().await?.name(&target.id).map(str::to_owned)
            } else {
                self.info().await?.and_then(|info| info.device_name.clone())
            };
            shown.extend(name.map(|name| (Part::Name, name)));
        }
        Ok(shown)
    }

    /// What ConfigDownload shows.
    async fn config(&mut self, target: &Target) -> Result<Parts, Away> {
        self.has_missed = false;
        let learned = self.turn.learned();
        let is_hidden =
            if target.is_channel { learned.hides_channels } else { learned.hides_config };
        if is_hidden {
            return Ok(Parts::new());
        }
        let answer = self.talk.ask(QueryKind::ConfigDownload, &target.id).await?;
        if let Some(Incoming::ConfigDownload(answer)) = answer
            && answer.result.is_ok()
            && let Some(basic) = &answer.basic
        {
            if !target.is_channel {
                self.expect_keepalives(basic.heartbeat_interval, basic.heartbeat_count);
            }
            let learned = self.turn.learned();
            if target.is_channel {
                learned.shows_channels = true;
            } else {
                learned.shows_config = true;
            }
            return Ok(settings::parts(basic));
        }
        let is_after_set = self.is_after_set;
        let learned = self.turn.learned();
        let (shows, hides) = if target.is_channel {
            (learned.shows_channels, &mut learned.hides_channels)
        } else {
            (learned.shows_config, &mut learned.hides_config)
        };
        // One that has answered before has missed this one, and one that was just set is busy.
        *hides |= !shows && !is_after_set;
        self.has_missed = shows;
        Ok(Parts::new())
    }

    /// What the device says it is; `None` if it does not say.
    pub(super) async fn info(&mut self) -> Result<Option<&DeviceInfo>, Away> {
        if !self.info_is_fresh && !self.turn.learned().hides_info {
            let answer = self.talk.ask(QueryKind::DeviceInfo, &self.device.id).await?;
            match answer {
                Some(Incoming::DeviceInfo(info)) if info.result.is_ok() => {
                    self.info = Some(info);
                    self.info_is_fresh = true;
                }
                _ => self.turn.learned().hides_info = true,
            }
        }
        Ok(self.info.as_ref().filter(|_| self.info_is_fresh))
    }

    /// The device's catalog.
    pub(super) async fn catalog(&mut self) -> Result<&Catalog, Away> {
        let catalog = match self.catalog.take() {
            Some(catalog) => catalog,
            None => survey::catalog(&self.talk, &self.device.id).await?,
        };
        Ok(self.catalog.insert(catalog))
    }

    /// Tells the registrar how often the device sends keepalives, as far as that makes sense: what
    /// its properties may be ([`fleet::catalogue::HEARTBEAT_INTERVAL`] and its neighbour).
    fn expect_keepalives(&self, interval: Option<u32>, count: Option<u32>) {
        let seconds = interval.filter(|seconds| (5..=3_600).contains(seconds)).unwrap_or(0);
        let misses = count.filter(|misses| (1..=100).contains(misses)).unwrap_or(0);
        self.talk.line.expect_keepalives(self.device.key, seconds, misses);
    }
}
