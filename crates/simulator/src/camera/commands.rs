//! What a camera does when its server asks it something.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use gb28181::manscdp::{BasicParam, Control, ControlCommand, Incoming, Query};
use gb28181::sip::via::Via;
use gb28181::sip::{Flow, Message, MessageBuilder, Method, Name, reason_phrase};

use super::answers::{Asked, Reply};
use super::identity::channel_id;
use super::registration::After;
use super::{Camera, Make, Stage};

/// How many requests are known again when they are repeated.
const HEARD_MAX: usize = 32;

/// The requests that came last, and how they were answered: one that is repeated is answered again
/// and not done again (RFC 3261 17.2.2).
#[derive(Debug, Default)]
pub(super) struct Heard(VecDeque<(u64, u16)>);

impl Heard {
    /// How this request was answered, if it was.
    fn status(&self, key: u64) -> Option<u16> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, status)| *status)
    }

    /// Notes how a request is answered.
    fn note(&mut self, key: u64, status: u16) {
        if self.0.len() >= HEARD_MAX {
            self.0.pop_front();
        }
        self.0.push_back((key, status));
    }
}

/// What makes a request the same as another (RFC 3261 17.2.3, and 8.2.2.2 for old branches).
fn key_of(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(line) = message.header(Name::Via)
        && let Ok((via, _)) = Via::parse(&line)
    {
        (via.host, via.port, via.branch()).hash(&mut hasher);
    }
    for name in [Name::CallId, Name::CSeq] {
        message.header(name).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}

impl Camera {
    /// Takes a request: answers it, and does it if it is not a repetition.
    pub(super) fn receive_request(&mut self, now: Instant, method: Method, message: &Message) {
        if method == Method::Ack {
            return;
        }
        let key = key_of(message);
        if let Some(status) = self.heard.status(key) {
            return self.respond(message, key, status);
        }
        let (status, command) = self.judge(method, message);
        self.heard.note(key, status);
        self.respond(message, key, status);
        match command {
            Some(Incoming::Query(query)) => self.query(now, &query),
            Some(Incoming::Control(control)) => self.control(now, &control),
            _ => {}
        }
    }

    /// The status that answers a request, and the command in it if it is to be done.
    fn judge(&self, method: Method, message: &Message) -> (u16, Option<Incoming>) {
        match method {
            Method::Options => (200, None),
            Method::Message => match (self.stage, self.faults.status) {
                (_, Some(status)) => (status.clamp(300, 699), None),
                // The 200 to its REGISTER may be on its way still.
                (Stage::Registered | Stage::Registering, None) => {
                    match Incoming::parse(message.body()) {
                        Ok(command) => (200, Some(command)),
                        Err(_) => (400, None),
                    }
                }
                _ => (403, None),
            },
            Method::Cancel | Method::Bye => (481, None),
            _ => (405, None),
        }
    }

    fn respond(&mut self, message: &Message, key: u64, status: u16) {
        let flow =
            Flow { transport: self.options.transport, remote: self.options.server, connection: 0 };
        let tag = format!("{:08x}", key >> 32);
        let reason = reason_phrase(status);
        let mut response = MessageBuilder::response(message, &flow, status, reason, tag.as_bytes());
        if status == 405 {
            response = response.header(Name::Allow, b"MESSAGE, OPTIONS");
        }
        self.send(response.finish());
    }

    /// The number of one of its channels, from 1.
    pub(super) fn channel_number(&self, id: &str) -> Option<u32> {
        let channels = self.options.channels();
        (1..=channels).find(|number| channel_id(&self.options.id, channels, *number) == id)
    }

    /// What a command is about.
    fn asked(&self, sn: u32, device_id: &str) -> Option<Asked> {
        if device_id == self.options.id {
            return Some(Asked { sn, channel: None });
        }
        Some(Asked { sn, channel: Some(self.channel_number(device_id)?) })
    }

    /// Answers a query.
    fn query(&mut self, now: Instant, query: &Query) {
        self.counts.queries += 1;
        let Some(asked) = self.asked(query.sn, &query.device_id) else { return };
        match query.cmd_type.as_str() {
            "Catalog" => self.catalog(now, asked),
            "DeviceInfo" => self.reply(now, Reply::DeviceInfo(asked)),
            "DeviceStatus" => self.reply(now, Reply::DeviceStatus(asked)),
            "ConfigDownload" => {
                let types = query.config_type.as_deref().unwrap_or_default();
                let basic = types.split('/').any(|name| name == "BasicParam");
                let able = self.options.edition.has_config() && !self.faults.no_config_download;
                if basic && able {
                    let result = self.takes_config_at(asked.channel);
                    self.reply(now, Reply::ConfigDownload { asked, ok: result });
                }
            }
            _ => {}
        }
    }

    /// Answers a Catalog query, in as many messages as the make would.
    fn catalog(&mut self, now: Instant, asked: Asked) {
        let count = self.options.channels();
        let sent = if self.faults.catalog_incomplete { count.saturating_sub(1) } else { count };
        let step = self.options.make.items_per_message(self.options.transport);
        if sent == 0 {
            return self.reply(now, Reply::Catalog { asked, first: 1, items: 0 });
        }
        let mut first = 1;
        while first <= sent {
            let items = step.min(sent - first + 1);
            self.reply(now, Reply::Catalog { asked, first, items });
            first += items;
        }
    }

    /// Does what a control says.
    fn control(&mut self, now: Instant, control: &Control) {
        match &control.command {
            ControlCommand::DeviceConfig(basic) => {
                self.counts.device_configs += 1;
                let asked = self.asked(control.sn, &control.device_id);
                if let Some(asked) = asked.filter(|_| self.options.edition.has_config()) {
                    self.configure(now, asked, basic);
                }
            }
            // No answer: it is gone before one could come (GB/T 28181-2016 9.3.1).
            ControlCommand::TeleBoot => {
                self.counts.restarts += 1;
                self.restart(now);
            }
            ControlCommand::Other { .. } => {}
        }
    }

    /// Whether the make takes a configuration at the device's id, or at a channel's.
    fn takes_config_at(&self, channel: Option<u32>) -> bool {
        channel.is_none() || self.options.make != Make::Dahua
    }

    /// Takes a DeviceConfig, and answers it or not as its make and its faults have it.
    fn configure(&mut self, now: Instant, asked: Asked, basic: &BasicParam) {
        let takes = self.takes_config_at(asked.channel) && !self.faults.error_answers;
        if !takes {
            return self.reply(now, Reply::ConfigResult { asked, ok: false });
        }
        let restarts = self.faults.unregister_and_restart || self.options.make == Make::Uniview;
        if !(restarts && self.faults.loses_config) {
            let keep_name = self.faults.forgets_name;
            self.memory.configure(self.options.edition, asked.channel, basic, keep_name);
        }
        if restarts {
            self.leave(now, After::Boot);
        } else {
            self.reply(now, Reply::ConfigResult { asked, ok: true });
        }
    }
}
