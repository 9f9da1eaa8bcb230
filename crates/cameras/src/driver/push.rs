//! Setting what differs, by DeviceConfig (GB/T 28181-2016, 9.3.2.6 and A.2.3.2), once.
//!
//! That it is sent is on record before it is sent, so that neither a lost answer nor a restart of
//! the device or of ours makes it be sent again.

use std::time::Duration;

use engine::{Away, Fault};
use fleet::catalogue::{GbProfile, GbShape};
use fleet::fault_point::FaultPoint;
use fleet::{Push, PushOutcome, Revision, Timestamp, limits};
use gb28181::manscdp::{Encoding, Incoming, Outcome, Outgoing};
use tokio::time::Instant;

use super::decision::{Move, Sight, compare, next};
use super::memory::Burst;
use super::query::{ANSWER_WAIT, Heard, lost};
use super::run::Run;
use super::settings::{self, Filling};
use super::target::{Part, Parts, Target};
use crate::line::{Exchange, Undelivered};

/// How long after it was sent a setting may be answered, where what the device shows does not tell
/// that it was taken. Three times the usual wait: a camera that writes its flash is slow.
pub(super) const LATE_WAIT: Duration = Duration::from_secs(15);

/// A setting that was sent.
struct Asked {
    /// What comes of it.
    exchange: Exchange,
    /// When, for the wait.
    sent: Instant,
    /// When, for the record.
    at: Timestamp,
}

/// What a setting was answered with.
enum Answer {
    /// It was taken.
    Yes,
    /// It was not; in the device's own words.
    No(String),
    /// Nothing.
    None,
}

impl Run<'_> {
    /// Brings the target, which shows `shown`, to what it is to show, if that may be sent. Gives
    /// what came of it.
    ///
    /// Errors: the device can't be worked on; what it was sent, if anything, stays on record.
    pub(super) async fn bring_about(
        &mut self,
        gb: &GbProfile,
        target: &Target,
        shown: Parts,
        is_alone: bool,
    ) -> Result<Option<PushOutcome>, Away> {
        let sight = compare(&target.wanted, &shown);
        if target.is_record {
            // It may have been named on the device itself; then it shows that.
            let unseen =
                target.wanted.iter().filter(|(part, value)| shown.get(part) != Some(value));
            self.reached.recorded.extend(unseen.map(|(part, _)| target.property(*part)));
            return Ok(None);
        }
        let mark = self.mark(target);
        match next(&sight, mark.as_ref(), self.revision, self.registration()) {
            Move::Done => Ok(Some(PushOutcome::Verified)),
            Move::Send => self.set(gb, target, shown, is_alone).await,
            Move::Wait(why) => Err(Away::Unreachable(why)),
            Move::Decline(why) => Ok(Some(self.decline(target, &shown, why))),
            Move::Acknowledge => {
                self.acknowledge(target, &shown);
                Ok(Some(PushOutcome::Acknowledged))
            }
            Move::LookAgain => Ok(Some(PushOutcome::Acknowledged)),
        }
    }

    /// What was last sent to the target.
    fn mark(&mut self, target: &Target) -> Option<Push> {
        let revision = self.revision;
        match &self.turn.learned().burst {
            Some(burst) if burst.revision == revision => {
                burst.sent.get(&target.id).or(burst.before.as_ref()).cloned()
            }
            _ => self.camera.push.clone(),
        }
    }

    /// Sends a setting, and finds out what comes of it.
    async fn set(
        &mut self,
        gb: &GbProfile,
        target: &Target,
        shown: Parts,
        is_alone: bool,
    ) -> Result<Option<PushOutcome>, Away> {
        let outgoing = match self.outgoing(gb.shape, target, &shown) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                self.fault(target, &shown, &Fault::Unsupported(why));
                return Ok(None);
            }
        };
        let before = self.camera.push.clone();
        let at = self.handle.now();
        self.note_sent(target, is_alone, at).await?;
        let mut exchange = match self.talk.send(outgoing).await {
            Ok(exchange) => exchange,
            Err(away) => {
                self.never_sent(target, before).await;
                return Err(away);
            }
        };
        self.fault_points.pass(FaultPoint::AfterSend);
        let sent = Instant::now();
        self.forget_what_it_showed(target);
        let answer = self.answer(&mut exchange, sent + ANSWER_WAIT).await?;
        let outcome = match answer {
            Answer::Yes => self.verify(target, is_alone, at).await?,
            Answer::No(why) => self.decline(target, &shown, why),
            Answer::None => {
                let asked = Asked { exchange, sent, at };
                self.find_out(target, asked, is_alone).await?
            }
        };
        self.remember(target, Push { revision: self.revision, at, outcome: outcome.clone() });
        Ok(Some(outcome))
    }

    /// The device said yes: what does it show?
    async fn verify(
        &mut self,
        target: &Target,
        is_alone: bool,
        at: Timestamp,
    ) -> Result<PushOutcome, Away> {
        // Of several, what is on record stays "sent" until all are decided: one word can't tell
        // which of them were not sent yet.
        if is_alone {
            self.note(PushOutcome::Acknowledged, at).await;
        }
        let acknowledged = PushOutcome::Acknowledged;
        self.remember(target, Push { revision: self.revision, at, outcome: acknowledged });
        let shown = self.read(target).await?;
        self.show(target, &shown);
        Ok(match compare(&target.wanted, &shown) {
            Sight::Wanted => PushOutcome::Verified,
            Sight::Unreadable => {
                self.acknowledge(target, &shown);
                PushOutcome::Acknowledged
            }
            Sight::Other(_) => PushOutcome::Acknowledged,
        })
    }

    /// The device said nothing yet: what does it show, and does it answer late?
    async fn find_out(
        &mut self,
        target: &Target,
        mut asked: Asked,
        is_alone: bool,
    ) -> Result<PushOutcome, Away> {
        let shown = self.read(target).await?;
        self.show(target, &shown);
        if compare(&target.wanted, &shown) == Sight::Wanted {
            return Ok(PushOutcome::Verified);
        }
        match self.answer(&mut asked.exchange, asked.sent + LATE_WAIT).await? {
            Answer::Yes => {
                self.forget_what_it_showed(target);
                return self.verify(target, is_alone, asked.at).await;
            }
            Answer::No(why) => return Ok(self.decline(target, &shown, why)),
            Answer::None => {}
        }
        self.forget_what_it_showed(target);
        let shown = self.read(target).await?;
        self.show(target, &shown);
        let seconds = LATE_WAIT.as_secs();
        match compare(&target.wanted, &shown) {
            Sight::Wanted => Ok(PushOutcome::Verified),
            Sight::Other(other) => {
                let why = format!("it did not answer within {seconds} s, and shows {other}");
                Ok(self.decline(target, &shown, why))
            }
            Sight::Unreadable => Err(Away::Unreachable(format!(
                "it did not answer the setting within {seconds} s, and nothing that it answers \
                 shows whether it took it"
            ))),
        }
    }

    /// What the device says to a setting by `until`.
    ///
    /// Errors: it is gone.
    async fn answer(&self, exchange: &mut Exchange, until: Instant) -> Result<Answer, Away> {
        match self.talk.hear(exchange, until).await {
            Ok(Heard::Answer(Incoming::DeviceConfig(answer))) => Ok(match answer.result {
                Outcome::Ok => Answer::Yes,
                Outcome::Error(words) => Answer::No(format!("it answered {}", clipped(&words))),
            }),
            Ok(Heard::Refused(status)) => Ok(Answer::No(format!("it answered SIP {status}"))),
            Ok(Heard::Answer(_) | Heard::Delivered | Heard::Nothing) => Ok(Answer::None),
            Err(Undelivered::Unregistered) => Err(Away::NotRegistered(
                "it took itself off (REGISTER with Expires 0) instead of answering a setting: it \
                 may restart, and is read when it registers"
                    .to_owned(),
            )),
            Err(why) => Err(lost(why)),
        }
    }

    /// The message that sets what differs. It is known to be printable.
    ///
    /// Errors: it can't be made; why, in words.
    fn outgoing(&self, shape: GbShape, target: &Target, shown: &Parts) -> Result<Outgoing, String> {
        let binding = &self.binding;
        let lasts = binding.expires_at.since(binding.refreshed_at).as_secs();
        let filling = Filling {
            id: target.id.as_str(),
            server: self.talk.line.server(binding.flow.remote.ip()),
            password: self.camera.password.as_ref(),
            shown,
            name: &self.device.name,
            expiration: u32::try_from(lasts).unwrap_or(u32::MAX),
        };
        let basic = Box::new(settings::basic_param(shape, &target.wanted, &filling)?);
        let shape = settings::shape(shape);
        let (sn, device_id) = (self.talk.line.next_sn(), target.id.as_str().to_owned());
        let outgoing = Outgoing::Config { sn, device_id, basic, shape };
        match outgoing.to_body(Encoding::Gb2312Label) {
            Ok(_) => Ok(outgoing),
            Err(error) => Err(format!("it can't be written for a device: {error}")),
        }
    }

    /// Puts on record that the target is about to be sent a setting. Durable when this returns.
    ///
    /// Errors: it could not be recorded, so nothing may be sent.
    async fn note_sent(
        &mut self,
        target: &Target,
        is_alone: bool,
        at: Timestamp,
    ) -> Result<(), Away> {
        let revision = self.revision;
        if !is_alone {
            let before = self.camera.push.clone().filter(|push| push.revision == revision);
            let burst = &mut self.turn.learned().burst;
            if burst.as_ref().is_none_or(|burst| burst.revision != revision) {
                *burst = Some(Burst { revision, before, sent: Default::default() });
            }
        }
        let push = Push { revision, at, outcome: PushOutcome::Sent };
        let noted = self.handle.note_push(self.device.key, push.clone()).await;
        noted.map_err(|error| {
            tracing::warn!(device = self.device.key.0, %error, "a setting could not be recorded");
            Away::Unreachable(format!("nothing was sent, since it could not be recorded: {error}"))
        })?;
        self.remember(target, push.clone());
        self.camera.push = Some(push);
        Ok(())
    }

    /// What was put on record has not been sent: what was there before is true again.
    async fn never_sent(&mut self, target: &Target, before: Option<Push>) {
        if let Some(burst) = &mut self.turn.learned().burst {
            burst.sent.remove(&target.id);
        }
        // Of no revision, and nothing to wait for.
        let none = || Push {
            revision: Revision(0),
            at: self.handle.now(),
            outcome: PushOutcome::Verified,
        };
        let push = before.unwrap_or_else(none);
        let noted = self.handle.note_push(self.device.key, push.clone()).await;
        self.camera.push = Some(push);
        self.complain(noted, "a setting that was not sent is on record as sent");
    }

    /// Remembers what was sent to one of several targets.
    fn remember(&mut self, target: &Target, push: Push) {
        if let Some(burst) = &mut self.turn.learned().burst
            && burst.revision == push.revision
        {
            burst.sent.insert(target.id.clone(), push);
        }
    }

    /// Puts on record what came of the settings of this revision, the last of which was sent at
    /// `at`. If it fails, the next action finds out again.
    pub(super) async fn note(&mut self, outcome: PushOutcome, at: Timestamp) {
        let push = Push { revision: self.revision, at, outcome };
        self.camera.push = Some(push.clone());
        let noted = self.handle.note_push(self.device.key, push).await;
        self.complain(noted, "what came of a setting could not be recorded");
    }

    /// What was read before a setting is true no more.
    fn forget_what_it_showed(&mut self, target: &Target) {
        self.catalog = None;
        if target.is_channel {
            self.has_renamed = true;
        } else {
            self.info_is_fresh = false;
        }
    }

    /// Reports what the target shows.
    pub(super) fn show(&mut self, target: &Target, shown: &Parts) {
        let asked = shown.iter().filter(|(part, _)| target.asks_for(**part));
        let shown = asked.map(|(part, value)| (target.property(*part), Some(value.clone())));
        self.reached.shown.extend(shown);
    }

    /// Reports what the device said yes to and does not show.
    fn acknowledge(&mut self, target: &Target, shown: &Parts) {
        let unseen = target.wanted.keys().filter(|part| !shown.contains_key(part));
        self.reached.acknowledged.extend(unseen.map(|part| target.property(*part)));
    }

    /// Reports that the device did not take what it does not show.
    fn decline(&mut self, target: &Target, shown: &Parts, why: String) -> PushOutcome {
        self.fault(target, shown, &Fault::Declined(why.clone()));
        PushOutcome::Declined(why)
    }

    /// Reports what stands in the way of all that the target does not show.
    pub(super) fn fault(&mut self, target: &Target, shown: &Parts, fault: &Fault) {
        let missing = |part: &Part, value: &String| shown.get(part) != Some(value);
        let missing = target.wanted.iter().filter(|(part, value)| missing(part, value));
        let faults = missing.map(|(part, _)| (target.property(*part), fault.clone()));
        self.reached.faults.extend(faults);
    }
}

/// A device's words, no longer than they may be.
fn clipped(words: &str) -> &str {
    words.get(..words.floor_char_boundary(limits::DETAIL_BYTES_MAX)).unwrap_or_default()
}
