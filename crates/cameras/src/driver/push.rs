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

use super::decision::{Move, Sight, compare, is_unanswered, next, worst};
use super::query::{ANSWER_WAIT, Heard, lost};
use super::run::Run;
use super::settings::{self, Filling};
use super::target::{Part, Parts, Target};
use crate::line::{Exchange, Undelivered};

/// How long after it was sent a setting may be answered, where what the device shows does not tell
/// that it was taken. Three times the usual wait: a camera that writes its flash is slow.
pub(super) const LATE_WAIT: Duration = Duration::from_secs(15);

/// How long after a device that said yes did not show it yet it is read again, the first time; then
/// twice as long each time, at most [`LOOK_AGAIN_MAX`].
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(4);

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
        if target.is_record {
            // It may have been named on the device itself; then it shows that.
            let unseen =
                target.wanted.iter().filter(|(part, value)| shown.get(part) != Some(value));
            self.reached.recorded.extend(unseen.map(|(part, _)| target.property(*part)));
            return Ok(None);
        }
        let mark = self.mark(target);
        let (registration, unanswered) = (self.registration(), self.unanswered());
        // What was sent keeps what came of it; what was asked for since is sent.
        let (before, since) = target.split(mark.as_ref().map(|mark| mark.revision));
        let old = next(&compare(&before.wanted, &shown), mark.as_ref(), unanswered, registration);
        let new = next(&compare(&since.wanted, &shown), None, unanswered, registration);
        let to_send = match (&old, &new) {
            (Move::Wait(why), _) | (_, Move::Wait(why)) => {
                return Err(Away::Unreachable(why.clone()));
            }
            (Move::Send, _) => Some(target),
            (_, Move::Send) => Some(&since),
            _ => None,
        };
        let kept = match old {
            Move::Done => Some(PushOutcome::Verified),
            Move::Decline(why) => {
                self.fault(&before, &shown, &Fault::Declined(why.clone()));
                let is_open = mark.as_ref().is_some_and(|mark| is_unanswered(mark, registration));
                Some(if is_open { PushOutcome::Sent } else { PushOutcome::Declined(why) })
            }
            Move::Acknowledge => {
                self.acknowledge(&before, &shown);
                Some(PushOutcome::Acknowledged)
            }
            Move::LookAgain => Some(PushOutcome::Acknowledged),
            Move::Send | Move::Wait(_) => None,
        };
        let (at, sent) = match to_send {
            Some(to_send) => match self.set(gb, to_send, shown, is_alone).await? {
                Some((at, outcome)) => (at, Some(outcome)),
                None => return Ok(kept.filter(|_| !before.wanted.is_empty())),
            },
            None => (mark.map_or_else(|| self.handle.now(), |mark| mark.at), None),
        };
        let outcome = worst(kept.iter().chain(&sent)).cloned();
        if let Some(outcome) = outcome.clone() {
            self.remember(target, Push { revision: self.revision, at, outcome });
        }
        Ok(outcome)
    }

    /// What was last sent to the target.
    fn mark(&mut self, target: &Target) -> Option<Push> {
        match &self.turn.learned().burst {
            Some(burst) => burst.known.get(&target.id).or(burst.before.as_ref()).cloned(),
            None => self.camera.push.clone(),
        }
    }

    /// When the device was sent a setting that it has not answered, if it may be sent nothing
    /// before it has registered or refreshed.
    fn unanswered(&mut self) -> Option<Timestamp> {
        let registration = self.registration();
        let last = match &self.turn.learned().burst {
            Some(burst) => burst.known.values().chain(&burst.before).cloned().collect(),
            None => Vec::from_iter(self.camera.push.clone()),
        };
        let open = last.iter().filter(|push| is_unanswered(push, registration));
        open.map(|push| push.at).max()
    }

    /// What is known to have come of all that the target is to show, from an earlier action.
    pub(super) fn known(&mut self, target: &Target) -> Option<PushOutcome> {
        let burst = self.turn.learned().burst.as_ref()?;
        let push = burst.known.get(&target.id)?;
        target.is_covered(push.revision).then(|| push.outcome.clone())
    }

    /// Sends a setting, and finds out what comes of it. Gives when it was sent, and that; `None` if
    /// there is no way to send it.
    async fn set(
        &mut self,
        gb: &GbProfile,
        target: &Target,
        shown: Parts,
        is_alone: bool,
    ) -> Result<Option<(Timestamp, PushOutcome)>, Away> {
        let is_moved = || {
            let binding = self.talk.line.binding(self.device.key);
            binding.is_some_and(|binding| binding.moved)
        };
        if gb.shape == GbShape::Y2014 && is_moved() {
            // This shape carries the password, and a keepalive proves nothing.
            let why = "a keepalive moved it, and its configuration carries the password: waiting \
                       for REGISTER";
            return Err(Away::Unreachable(why.to_owned()));
        }
        let outgoing = match self.outgoing(gb.shape, target, &shown) {
            Ok(outgoing) => outgoing,
            Err(why) => {
                self.fault(target, &shown, &Fault::Unsupported(why));
                return Ok(None);
            }
        };
        let before = self.camera.push.clone();
        let known = self.turn.learned().burst.as_ref();
        let known = known.and_then(|burst| burst.known.get(&target.id).cloned());
        let at = self.handle.now();
        self.note_sent(target, at).await?;
        let mut exchange = match self.talk.send(outgoing).await {
            Ok(exchange) => exchange,
            Err(away) => {
                self.never_sent(target, before, known).await;
                return Err(away);
            }
        };
        self.fault_points.pass(FaultPoint::AfterSend);
        let sent = Instant::now();
        self.forget_what_it_showed(target);
        self.is_after_set = true;
        let answer = self.answer(&mut exchange, sent + ANSWER_WAIT).await?;
        let outcome = match answer {
            Answer::Yes => self.verify(target, is_alone, sent, at).await?,
            Answer::No(why) => self.decline(target, &shown, why),
            Answer::None => {
                let asked = Asked { exchange, sent, at };
                self.find_out(target, asked, is_alone).await?
            }
        };
        self.is_after_set = false;
        Ok(Some((at, outcome)))
    }

    /// The device said yes: what does it show? One that writes its flash may show the value a while
    /// after it said so; it has as long as for a late answer.
    async fn verify(
        &mut self,
        target: &Target,
        is_alone: bool,
        sent: Instant,
        at: Timestamp,
    ) -> Result<PushOutcome, Away> {
        // Of several, what is on record stays "sent" until all are decided: one word can't tell
        // which of them were not sent yet.
        if is_alone {
            let outcome = PushOutcome::Acknowledged;
            self.note(Push { revision: self.revision, at, outcome }).await;
        }
        let acknowledged = PushOutcome::Acknowledged;
        self.remember(target, Push { revision: self.revision, at, outcome: acknowledged });
        // A look that is begun has its time.
        let last_look = (sent + LATE_WAIT).min(self.talk.until - ANSWER_WAIT);
        let mut pause = LOOK_AGAIN;
        loop {
            let shown = self.read(target).await?;
            let sight = compare(&target.wanted, &shown);
            let is_final = match sight {
                Sight::Wanted => true,
                Sight::Unreadable => !self.has_missed,
                Sight::Other(_) => false,
            };
            if is_final || Instant::now() + pause > last_look {
                self.show(target, &shown);
                if sight == Sight::Unreadable {
                    self.acknowledge(target, &shown);
                }
                let is_shown = sight == Sight::Wanted;
                return Ok(if is_shown {
                    PushOutcome::Verified
                } else {
                    PushOutcome::Acknowledged
                });
            }
            tokio::time::sleep(pause).await;
            pause = LOOK_AGAIN_MAX.min(2 * pause);
            self.forget_what_it_showed(target);
        }
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
                return self.verify(target, is_alone, asked.sent, asked.at).await;
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
                self.fault(target, &shown, &Fault::Declined(why));
                // It said nothing: it may still be writing it, and is sent nothing else.
                Ok(PushOutcome::Sent)
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
    async fn note_sent(&mut self, target: &Target, at: Timestamp) -> Result<(), Away> {
        let push = Push { revision: self.revision, at, outcome: PushOutcome::Sent };
        let noted = self.handle.note_push(self.device.key, push.clone()).await;
        noted.map_err(|error| {
            tracing::warn!(device = self.device.key.0, %error, "a setting could not be recorded");
            Away::Unreachable(format!("nothing was sent, since it could not be recorded: {error}"))
        })?;
        self.remember(target, push.clone());
        if let Some(burst) = &mut self.turn.learned().burst {
            burst.sent_at = Some(at);
        }
        self.camera.push = Some(push);
        Ok(())
    }

    /// What was put on record has not been sent: what was there before is true again, and what was
    /// `known` of the target.
    async fn never_sent(&mut self, target: &Target, before: Option<Push>, known: Option<Push>) {
        if let Some(burst) = &mut self.turn.learned().burst {
            burst.known.remove(&target.id);
            burst.known.extend(known.map(|known| (target.id.clone(), known)));
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

    /// Remembers what came of what one of several targets is to show.
    fn remember(&mut self, target: &Target, push: Push) {
        if let Some(burst) = &mut self.turn.learned().burst {
            burst.known.insert(target.id.clone(), push);
        }
    }

    /// Puts on record what came of the settings that were sent last. If it fails, the next action
    /// finds out again.
    pub(super) async fn note(&mut self, push: Push) {
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
