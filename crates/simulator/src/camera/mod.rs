//! One simulated camera, without IO or clock: [`Camera`].
//!
//! Whoever runs it gives it what came from its server ([`Camera::receive`]) and the time when
//! [`Camera::poll_timeout`] says so ([`Camera::handle_timeout`]), and after each of these, and
//! after whatever was done to it by hand, does what [`Camera::poll_transmit`] hands out.

mod answers;
mod commands;
mod faults;
mod held;
mod identity;
mod options;
mod registration;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gb28181::sip::{Message, Start};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub use faults::{FaultMix, Faults, Late, NAMED};
pub use held::{Channel, Counts, Held};
pub use identity::{device_id, operator_name};
pub use options::{
    CHANNELS_MAX, DigestForm, Edition, Make, Options, Secret, Transport, UnknownWord,
};

use answers::Reply;
use commands::Heard;
use held::Memory;
pub use registration::camera_of;
use registration::{After, Attempt, Dialog};
use requests::{Ended, Requests, What};

/// Most answers that wait to be sent; what is asked beyond is not answered. A recorder's whole
/// catalog fits in, one item a message.
const REPLIES_MAX: usize = CHANNELS_MAX as usize + 64;
/// How many answers may wait for their 200 at the same time.
const REPLIES_UNDER_WAY_MAX: usize = 4;

/// What a camera wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Give it a way to its server: a UDP socket, or a TCP connection. Close the one it has. Then
    /// tell it by [`Camera::bound`], or by [`Camera::unbound`] that there is none.
    Open(Place),
    /// Send its server this, one whole message.
    Send(Bytes),
    /// Close its way to the server. It needs none until it opens one again.
    Close,
}

/// From where a camera's messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where it lives.
    Home,
    /// Another port than it has at the moment.
    OtherPort,
    /// Another address than it has at the moment.
    OtherAddress,
}

/// What a camera is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is switched off.
    Off,
    /// It starts; the registration's timer says until when.
    Booting,
    /// Its registration failed, and it waits to try again.
    Waiting,
    /// It has asked for a way to its server.
    Opening,
    /// It registers for the first time since it started, or since that last failed.
    Registering,
    /// It is registered, as far as it knows.
    Registered,
    /// It takes itself off.
    Leaving(After),
}

/// A simulated camera.
pub struct Camera {
    options: Options,
    faults: Faults,
    random: SmallRng,
    stage: Stage,
    local: Option<SocketAddr>,
    /// Whether [`Faults::changed_port`] or [`Faults::changed_address`] has struck.
    moved: bool,
    memory: Memory,
    dialog: Dialog,
    requests: Requests,
    replies: VecDeque<(Instant, Reply)>,
    heard: Heard,
    /// When to start, to try again, or to refresh.
    register_at: Option<Instant>,
    keepalive_at: Option<Instant>,
    /// Keepalives without a 200, one after another.
    missed: u32,
    /// The number of its own notifications.
    sn: u32,
    counts: Counts,
    outputs: VecDeque<Output>,
}

impl Camera {
    /// A camera that is off. All that is random in it comes from `seed`.
    pub fn new(options: Options, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let dialog = Dialog::new(&mut random);
        Camera {
            faults: options.faults.clone(),
            memory: Memory::new(&options),
            stage: Stage::Off,
            local: None,
            moved: false,
            dialog,
            requests: Requests::default(),
            replies: VecDeque::new(),
            heard: Heard::default(),
            register_at: None,
            keepalive_at: None,
            missed: 0,
            sn: 0,
            counts: Counts::default(),
            outputs: VecDeque::new(),
            random,
            options,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.options.id
    }

    /// Whether it is registered, as far as it knows.
    pub fn is_registered(&self) -> bool {
        self.stage == Stage::Registered
    }

    /// What carries its messages.
    pub fn transport(&self) -> Transport {
        self.options.transport
    }

    /// While it waits to try again: the status that its registration was refused with, or none if
    /// there was no answer.
    pub fn waits_after(&self) -> Option<Option<u16>> {
        (self.stage == Stage::Waiting).then_some(self.counts.last_status)
    }

    /// Where its messages come from at the moment, if it has a way to its server.
    pub fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The faults that it has.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Gives it these faults instead of those that it has. One that moves the camera moves it
    /// again, at the next keepalive, though it may have moved before.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.moved = false;
    }

    /// Switches it on if it is off: it registers at `at`, or at once if that has passed.
    pub fn start(&mut self, at: Instant) {
        if self.stage == Stage::Off {
            self.stage = Stage::Booting;
            self.register_at = Some(at);
        }
    }

    /// Cuts its power: it says nothing to anybody.
    pub fn stop(&mut self) {
        self.go_down(Stage::Off);
    }

    /// Restarts it, whether it is on or not: it says nothing, and registers when it is up again.
    pub fn restart(&mut self, now: Instant) {
        self.go_down(Stage::Booting);
        self.register_at = Some(now + self.options.boot);
    }

    /// Registers at once, whatever it waits for; one that is off is switched on.
    pub fn register(&mut self, now: Instant) {
        match self.stage {
            Stage::Off | Stage::Booting | Stage::Waiting => self.open(),
            Stage::Registered | Stage::Registering => {
                self.requests.forget_registers();
                self.begin_registration(now);
            }
            // An answer is on its way, and the registration follows.
            Stage::Opening => {}
            Stage::Leaving(_) => self.stage = Stage::Leaving(After::Boot),
        }
    }

    /// Takes itself off at its server, and stays off.
    pub fn unregister(&mut self, now: Instant) {
        match self.stage {
            Stage::Registered | Stage::Registering => self.leave(now, After::StayOff),
            _ => self.stop(),
        }
    }

    /// Somebody sets another password at its web page: it registers with that at once.
    pub fn set_password(&mut self, now: Instant, password: Secret) {
        self.memory.change_password(password);
        self.try_credentials(now);
    }

    /// The same with another user name, and with another password if one is given.
    pub fn set_user(&mut self, now: Instant, user: &str, password: Option<Secret>) {
        self.options.user = Some(user.to_owned());
        if let Some(password) = password {
            self.memory.change_password(password);
        }
        self.try_credentials(now);
    }

    /// Registers anew unless it is off, busy starting, or leaving.
    fn try_credentials(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Registered | Stage::Registering | Stage::Waiting) {
            self.register(now);
        }
    }

    /// Somebody renames it, or one of its channels, at its web page. False if it has no such
    /// channel.
    pub fn set_name(&mut self, channel: Option<&str>, name: &str) -> bool {
        let number = match channel {
            None => None,
            Some(id) => match self.channel_number(id) {
                Some(number) => Some(number),
                None => return false,
            },
        };
        self.memory.rename(number, name);
        true
    }

    /// What it holds, and what happened to it.
    pub fn held(&self) -> Held {
        held::held(self)
    }

    /// It has a way to its server now, and this is its own address on it.
    pub fn bound(&mut self, now: Instant, local: SocketAddr) {
        self.local = Some(local);
        match self.stage {
            Stage::Opening => {
                self.stage = Stage::Registering;
                self.dialog = Dialog::new(&mut self.random);
                self.begin_registration(now);
            }
            // It has moved, for a keepalive.
            Stage::Registered if self.keepalive_at.is_none() => self.send_keepalive(now),
            _ => {}
        }
    }

    /// Its way to the server is gone, or there is none.
    pub fn unbound(&mut self, now: Instant) {
        self.local = None;
        self.requests.clear();
        match self.stage {
            Stage::Opening | Stage::Registering | Stage::Registered => self.fail(now, None),
            Stage::Leaving(after) => self.left(now, after),
            Stage::Off | Stage::Booting | Stage::Waiting => {}
        }
    }

    /// Takes one message, a datagram or one of a stream, that its server has sent.
    pub fn receive(&mut self, now: Instant, bytes: Bytes) {
        if let Ok(message) = Message::parse(bytes) {
            self.receive_message(now, &message);
        }
    }

    /// The same for a message that has been read already.
    pub fn receive_message(&mut self, now: Instant, message: &Message) {
        if self.faults.silence || matches!(self.stage, Stage::Off | Stage::Booting) {
            return;
        }
        match message.start() {
            Start::Request { method, .. } => self.receive_request(now, method, message),
            Start::Response { status, .. } => self.receive_response(now, status, message),
        }
        self.send_replies(now);
    }

    /// What it wants done next.
    pub fn poll_transmit(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Camera::handle_timeout`] is to be called; none as long as only its server or somebody
    /// by hand can move it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let reply = self.replies.front().map(|(due, _)| *due);
        let reply = reply.filter(|_| self.may_reply());
        [self.register_at, self.keepalive_at, self.requests.next_at(), reply]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(bytes) = self.requests.resend(now) {
            self.send(bytes);
        }
        for ended in self.requests.expired(now) {
            self.request_failed(now, ended);
        }
        if self.register_at.is_some_and(|at| at <= now) {
            self.register_at = None;
            match self.stage {
                Stage::Booting | Stage::Waiting => self.open(),
                Stage::Registered => self.begin_registration(now),
                _ => {}
            }
        }
        if self.keepalive_at.is_some_and(|at| at <= now) {
            self.keepalive_at = None;
            self.keepalive(now);
        }
        self.send_replies(now);
    }

    /// Asks for a way to the server.
    fn open(&mut self) {
        self.stage = Stage::Opening;
        self.register_at = None;
        self.moved = false;
        self.outputs.push_back(Output::Open(Place::Home));
    }

    /// Forgets what is under way, and closes.
    fn go_down(&mut self, stage: Stage) {
        self.stage = stage;
        self.register_at = None;
        self.keepalive_at = None;
        self.missed = 0;
        self.requests.clear();
        self.replies.clear();
        self.heard = Heard::default();
        self.local = None;
        self.outputs.push_back(Output::Close);
    }

    /// Hands a message out, unless nothing leaves the camera.
    fn send(&mut self, bytes: Bytes) {
        if !self.faults.silence {
            self.outputs.push_back(Output::Send(bytes));
        }
    }

    /// Sends the keepalive that is due, from elsewhere if it is to move first.
    fn keepalive(&mut self, now: Instant) {
        if self.stage != Stage::Registered {
            return;
        }
        let place = match (&self.faults, self.moved) {
            (Faults { changed_address: true, .. }, false) => Place::OtherAddress,
            (Faults { changed_port: true, .. }, false) => Place::OtherPort,
            _ => return self.send_keepalive(now),
        };
        self.moved = true;
        self.outputs.push_back(Output::Open(place));
    }

    fn send_keepalive(&mut self, now: Instant) {
        self.keepalive_at = Some(now + self.keepalive_interval());
        self.sn = self.sn.wrapping_add(1);
        if let Some(body) = self.keepalive_body() {
            self.counts.keepalives += 1;
            self.send_message(now, What::Keepalive, &body);
        }
    }

    /// The time between keepalives, as it was last set.
    fn keepalive_interval(&self) -> Duration {
        Duration::from_secs(u64::from(self.memory.heartbeat_interval.max(1)))
    }

    /// Whether another answer may be sent now.
    fn may_reply(&self) -> bool {
        let able = matches!(self.stage, Stage::Registered | Stage::Registering);
        able && self.requests.answers() < REPLIES_UNDER_WAY_MAX
    }

    /// Puts an answer where it waits for its time.
    fn reply(&mut self, now: Instant, reply: Reply) {
        let late = self.faults.late_answers.map_or(Duration::ZERO, |late| {
            // A day is late enough, and no time is beyond what can be added.
            Duration::from_millis(late.ms.min(86_400_000))
        });
        if !self.faults.lost_answers && self.replies.len() < REPLIES_MAX {
            self.replies.push_back((now + late, reply));
        }
    }

    /// Sends the answers whose time has come, as many as may be under way.
    fn send_replies(&mut self, now: Instant) {
        while self.may_reply() {
            let Some((_, reply)) = self.replies.pop_front_if(|(due, _)| *due <= now) else {
                return;
            };
            if let Some(body) = self.reply_body(&reply) {
                self.counts.answers += 1;
                self.send_message(now, What::Answer, &body);
            }
        }
    }

    /// Sends a MESSAGE.
    fn send_message(&mut self, now: Instant, what: What, body: &[u8]) {
        let Some(local) = self.local else { return };
        let branch = self.random.random();
        let bytes = requests::message(&self.options, local, branch, &mut self.random, body);
        self.requests.add(now, &self.options, branch, what, bytes.clone());
        self.send(bytes);
    }

    /// Takes a response, if it is to something that is under way.
    fn receive_response(&mut self, now: Instant, status: u16, message: &Message) {
        if status < 200 {
            return self.requests.slow_down(message);
        }
        match self.requests.take(message) {
            Some(What::Register(attempt)) => self.register_answered(now, attempt, status, message),
            Some(What::Keepalive) if status < 300 => self.missed = 0,
            Some(What::Keepalive) => self.keepalive_missed(now),
            Some(What::Answer) | None => {}
        }
    }

    /// A request got no answer in time.
    fn request_failed(&mut self, now: Instant, ended: Ended) {
        match ended {
            Ended::Register(Attempt { expires: 0, .. }) => {
                if let Stage::Leaving(after) = self.stage {
                    self.left(now, after);
                }
            }
            Ended::Register(_) => {
                self.counts.last_status = None;
                self.fail(now, None);
            }
            Ended::Keepalive => self.keepalive_missed(now),
            Ended::Answer => {}
        }
    }

    /// After some of these one after another it takes its server for gone, and registers anew
    /// (GB/T 28181-2016 9.6.1).
    fn keepalive_missed(&mut self, now: Instant) {
        self.missed += 1;
        if self.stage == Stage::Registered && self.missed >= self.memory.heartbeat_count.max(1) {
            self.missed = 0;
            self.requests.forget_registers();
            self.dialog = Dialog::new(&mut self.random);
            self.begin_registration(now);
        }
    }
}

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Camera")
            .field("id", &self.options.id)
            .field("stage", &self.stage)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
