//! A station with a store of its own, and devices that speak to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::{
    DeviceEvent, OldRegistrant, OpenEnrolment, RefusedRegistration, Registrant, Standing,
};
use fleet::{Binding, DeviceId, DeviceKey, PendingDevice, ProjectKey, Secret, Timestamp};
use gb28181::digest::{Challenge, Credentials, Form};
use gb28181::manscdp::{Encoding, Keepalive, Outcome, Outgoing};
use gb28181::sip::{Flow, Message, Name, Start, Transmit};
use jiff::tz::TimeZone;
use store::{SessionKey, StoredBinding};

use crate::registrar::bindings::Bindings;
use crate::station::{Binds, Options, Station, Work};
use crate::{Identity, Line, LiveBinding, Settings};

pub const PASSWORD: &str = "12345678";
pub const SERVER: &str = "34020000002000000001";

/// The id of a device by number.
pub fn id(number: i64) -> String {
    format!("340200000013{number:08}")
}

/// When sites begin, all of them: nodes that stand beside each other go by one clock.
fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(|| tokio::time::Instant::now().into_std())
}

pub struct Site {
    pub station: Station,
    pub line: Line,
    pub now: Instant,
    pub wall: Timestamp,
    pub settings: Settings,
    /// The user and the password of each id.
    pub known: BTreeMap<String, (DeviceKey, String, String)>,
    /// The user and the password that were replaced, and until when they work, of ids that have
    /// such.
    pub replaced: BTreeMap<String, (String, String, Timestamp)>,
    /// What the store has.
    pub stored: BTreeMap<DeviceKey, Binding>,
    /// How many rows each write had.
    pub writes: Vec<usize>,
    pub store_works: bool,
    /// Writes that the store is slow with.
    pub held: Option<Vec<(Binds, Vec<Binding>)>>,
    pub events: Vec<DeviceEvent>,
    pub refused: Vec<RefusedRegistration>,
    /// What is open for enrolment to all ids.
    pub enrolments: Vec<Arc<OpenEnrolment>>,
    /// What the station says is pending.
    pub pending: Vec<(ProjectKey, PendingDevice)>,
    pub lookups: usize,
    /// Registrations that were read because there are other nodes.
    pub remembered: usize,
    /// TCP connections that carry a registered device.
    pub carrying: BTreeSet<u64>,
    pub commands: tokio::sync::mpsc::Receiver<crate::line::Command>,
    /// This node's session, where there are other nodes.
    pub session: Option<SessionKey>,
    /// The session of each binding in the store.
    pub bound_to: BTreeMap<DeviceKey, SessionKey>,
}

/// One device, or somebody who poses as one.
#[derive(Clone)]
pub struct Caller {
    pub id: String,
    pub user: String,
    pub password: String,
    pub flow: Flow,
    pub form: Form,
    pub expires: String,
    /// Further headers, each with its line end.
    pub headers: String,
    /// The Call-ID of its REGISTERs, but for its host.
    pub call: String,
    pub cseq: u32,
}

impl Site {
    pub fn new(settings: Settings) -> Self {
        Self::of_session(settings, None)
    }

    /// A node beside others, with a session of its own.
    pub fn node(session: i64) -> Self {
        Self::of_session(Settings::default(), Some(SessionKey(session)))
    }

    fn of_session(settings: Settings, session: Option<SessionKey>) -> Self {
        let settings = Settings { time_zone: TimeZone::UTC, ..settings };
        let now = beginning();
        let wall = Timestamp::from_basic_text("20261121T224000Z").unwrap();
        let (station, line, commands) = station(&settings, session, now, wall);
        let known = (1..=9)
            .map(|number| (id(number), (DeviceKey(number), id(number), PASSWORD.to_owned())))
            .collect();
        Self {
            station,
            line,
            now,
            wall,
            settings,
            known,
            replaced: BTreeMap::new(),
            stored: BTreeMap::new(),
            writes: Vec::new(),
            store_works: true,
            held: None,
            events: Vec::new(),
            refused: Vec::new(),
            enrolments: Vec::new(),
            pending: Vec::new(),
            lookups: 0,
            remembered: 0,
            carrying: BTreeSet::new(),
            commands,
            session,
            bound_to: BTreeMap::new(),
        }
    }

    /// The store is the one that the other node has written to; it is now a little later than
    /// there.
    pub fn go_on_from(&mut self, other: &Self) {
        (self.stored, self.bound_to) = (other.stored.clone(), other.bound_to.clone());
        let later = Duration::from_millis(1);
        (self.now, self.wall) = (other.now + later, other.wall.plus(later));
    }

    /// The feed tells that another node has bound the device.
    pub fn hear_of(&mut self, number: i64) -> Vec<Transmit> {
        self.line.doubt(DeviceKey(number));
        self.work()
    }

    /// The process ends and begins anew; the store stays.
    pub fn restart(&mut self) {
        self.advance(Duration::from_millis(1));
        let (mut station, line, commands) =
            station(&self.settings, self.session, self.now, self.wall);
        let stored: Vec<_> = self
            .stored
            .values()
            .filter(|binding| binding.ended.is_none())
            .map(|binding| StoredBinding {
                id: DeviceId::new(id(binding.device.0)).unwrap(),
                binding: binding.clone(),
                surveyed_at: Some(binding.registered_at),
                bound_to: self.bound_to.get(&binding.device).copied(),
            })
            .collect();
        station.load(self.wall, &stored);
        (self.station, self.line, self.commands) = (station, line, commands);
        self.carrying.clear();
    }

    /// Lets time pass, with everything that it brings. Gives what is sent meanwhile.
    pub fn advance(&mut self, time: Duration) -> Vec<Transmit> {
        let end = self.now + time;
        let mut sent = Vec::new();
        while let Some(due) = self.station.poll_timeout().filter(|due| *due <= end) {
            let step = due.saturating_duration_since(self.now);
            self.now += step;
            self.wall = self.wall.plus(step);
            self.station.handle_timeout(self.now, self.wall);
            sent.extend(self.work());
            // A due time that stays is a station that would spin.
            assert!(self.station.poll_timeout().is_none_or(|next| next > self.now));
        }
        self.wall = self.wall.plus(end.saturating_duration_since(self.now));
        self.now = end;
        sent
    }

    /// Hands the station bytes, does its work, and gives what it sends.
    pub fn receive(&mut self, from: Flow, bytes: impl Into<Bytes>) -> Vec<Transmit> {
        self.station.receive(self.now, self.wall, from, bytes.into());
        self.work()
    }

    /// Hands it one message and gives the one answer.
    pub fn ask(&mut self, from: Flow, bytes: impl Into<Bytes>) -> Message {
        let mut sent = self.receive(from, bytes);
        assert_eq!(sent.len(), 1, "{sent:?}");
        let answer = sent.remove(0);
        assert_eq!(answer.to, from);
        Message::parse(answer.bytes).unwrap()
    }

    /// Does all that the station can't.
    pub fn work(&mut self) -> Vec<Transmit> {
        while let Some(work) = self.station.poll_work() {
            match work {
                Work::Lookup(claim) => {
                    self.lookups += 1;
                    let registrant = self.registrant(claim.id().as_str());
                    let found = Some((&registrant, self.enrolments.as_slice()));
                    self.station.looked_up(self.now, self.wall, claim, found);
                }
                Work::Remember(proved) => {
                    self.remembered += 1;
                    let stored = self.stored.get(&proved.device());
                    let stored = if self.store_works { Ok(stored) } else { Err(()) };
                    self.station.remembered(self.now, self.wall, proved, stored);
                }
                Work::Compare(device) => {
                    if let Some(stored) = self.stored.get(&device) {
                        self.station.compare(stored, self.bound_to.get(&device).copied());
                    }
                }
                Work::Bind(mut binds) => {
                    let rows = binds.take_rows();
                    match &mut self.held {
                        Some(held) => held.push((binds, rows)),
                        None => self.write(binds, rows),
                    }
                }
                Work::Event(event) => self.events.push(event),
                Work::Refused(refused) => self.refused.push(refused),
                Work::Pending(project, seen) => self.pending.push((project, seen)),
                Work::Carries { connection, live: true } => {
                    assert!(self.carrying.insert(connection));
                }
                Work::Carries { connection, live: false } => {
                    // It may have come and gone between two looks.
                    self.carrying.remove(&connection);
                }
            }
        }
        std::iter::from_fn(|| self.station.poll_transmit()).collect()
    }

    /// The store is quick again.
    pub fn release(&mut self) -> Vec<Transmit> {
        let mut sent = Vec::new();
        for (binds, rows) in self.held.take().unwrap_or_default() {
            self.write(binds, rows);
            sent.extend(self.work());
        }
        sent
    }

    fn write(&mut self, binds: Binds, rows: Vec<Binding>) {
        if self.store_works {
            self.writes.push(rows.len());
            let bound_to = self.session.into_iter();
            self.bound_to.extend(
                bound_to.flat_map(|session| rows.iter().map(move |row| (row.device, session))),
            );
            self.stored.extend(rows.into_iter().map(|row| (row.device, row)));
        }
        self.station.bound(self.now, self.wall, binds, self.store_works);
    }

    /// What a look-up of the id finds.
    pub fn registrant(&self, id: &str) -> Registrant {
        let decoy = (DeviceKey(0), id.to_owned(), "decoy".to_owned());
        let found = self.known.get(id);
        let (device, user, password) = found.unwrap_or(&decoy).clone();
        let standing = match found {
            Some(_) => Standing::Known(device),
            None => Standing::Unknown,
        };
        let replaced = self.replaced.get(id).cloned();
        let standing_old = replaced.is_some();
        let decoy = || (id.to_owned(), "another decoy".to_owned(), Timestamp(0));
        let (old_user, old_password, until) = replaced.unwrap_or_else(decoy);
        let old = OldRegistrant {
            standing: standing_old,
            user: old_user,
            password: Secret::new(old_password),
            until,
        };
        Registrant { standing, user, password: Secret::new(password), old }
    }

    /// Gives a device another user and password; those before work for `overlap` yet.
    pub fn change(&mut self, number: i64, user: &str, password: &str, overlap: Option<Duration>) {
        let known = self.known.get_mut(&id(number)).unwrap();
        let before = std::mem::replace(&mut known.1, user.to_owned());
        let password = std::mem::replace(&mut known.2, password.to_owned());
        self.replaced.remove(&id(number));
        if let Some(overlap) = overlap {
            let until = self.wall.plus(overlap);
            self.replaced.insert(id(number), (before, password, until));
        }
    }

    /// Registers a device as one does; gives the last answer's status.
    pub fn register(&mut self, caller: &mut Caller) -> u16 {
        status(&self.register_whole(caller).1)
    }

    /// Registers a device: the REGISTER with its credentials, and the answer to it.
    pub fn register_whole(&mut self, caller: &mut Caller) -> (Bytes, Message) {
        let first = caller.request(None);
        let challenge = self.ask(caller.flow, first);
        assert_eq!(status(&challenge), 401);
        let bytes = caller.answer(&challenge);
        let answer = self.ask(caller.flow, bytes.clone());
        (bytes, answer)
    }

    /// The registration of a device by number.
    pub fn binding(&self, number: i64) -> Option<LiveBinding> {
        self.line.binding(DeviceKey(number))
    }

    /// Whether it is registered.
    pub fn is_live(&self, number: i64) -> bool {
        self.binding(number).is_some_and(|binding| binding.is_live(self.wall))
    }
}

fn station(
    settings: &Settings,
    session: Option<SessionKey>,
    now: Instant,
    wall: Timestamp,
) -> (Station, Line, tokio::sync::mpsc::Receiver<crate::line::Command>) {
    let identity = Arc::new(Identity::new(settings));
    identity.listens_at(SocketAddr::from(([198, 51, 100, 5], 5060)), None);
    let bindings = Arc::new(Mutex::new(Bindings::new()));
    let (line, commands) = Line::new(bindings.clone(), identity.clone(), 900);
    let station = Station::new(Options {
        settings: settings.clone(),
        identity,
        bindings,
        nonce_key: [7; 32],
        seed: [9; 32],
        now,
        started_at: wall,
        session,
    });
    (station, line, commands)
}

impl Caller {
    /// A device over UDP that knows its password.
    pub fn new(number: i64) -> Self {
        let host = u8::try_from(number % 200).unwrap() + 10;
        Self {
            id: id(number),
            user: id(number),
            password: PASSWORD.to_owned(),
            flow: Flow::udp(SocketAddr::from(([192, 0, 2, host], 5060))),
            form: Form::QopAuth,
            expires: "3600".to_owned(),
            headers: String::new(),
            call: "a1b2c3d4".to_owned(),
            cseq: 0,
        }
    }

    /// A device over TCP.
    pub fn tcp(number: i64, connection: u64) -> Self {
        let caller = Self::new(number);
        Self { flow: Flow::tcp(caller.flow.remote, connection), ..caller }
    }

    /// A REGISTER, each time with a branch and a CSeq of its own.
    pub fn request(&mut self, authorization: Option<&[u8]>) -> Vec<u8> {
        self.cseq += 1;
        let Self { id, cseq, expires, headers, call, .. } = self;
        let remote = self.flow.remote;
        let transport = self.flow.transport;
        let contact = if headers.contains("Contact:") {
            String::new()
        } else {
            format!("Contact: <sip:{id}@{remote}>\r\n")
        };
        let mut text = format!(
            "REGISTER sip:{SERVER}@3402000000 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {remote};rport;branch=z9hG4bK{id}{cseq}\r\n\
             From: <sip:{id}@3402000000>;tag=d1\r\nTo: <sip:{id}@3402000000>\r\n\
             Call-ID: {call}@{id}\r\nCSeq: {cseq} REGISTER\r\n{contact}\
             Max-Forwards: 70\r\nExpires: {expires}\r\n{headers}Content-Length: 0\r\n"
        )
        .into_bytes();
        if let Some(authorization) = authorization {
            text.extend_from_slice(b"Authorization: ");
            text.extend_from_slice(authorization);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text
    }

    /// The REGISTER that answers a challenge.
    pub fn answer(&mut self, challenge: &Message) -> Bytes {
        let header = challenge.header(Name::WwwAuthenticate).unwrap();
        let challenge = Challenge::parse(&header).unwrap();
        self.answer_to(&challenge, 1)
    }

    /// The REGISTER that answers a challenge for the `nc`th time.
    pub fn answer_to(&mut self, challenge: &Challenge<'_>, nc: u32) -> Bytes {
        let uri = format!("sip:{SERVER}@3402000000");
        let credentials = Credentials::create(
            challenge,
            self.user.as_bytes(),
            self.password.as_bytes(),
            b"REGISTER",
            uri.as_bytes(),
            b"0a4f113b",
            nc,
            self.form,
        );
        self.request(Some(&credentials.to_header())).into()
    }

    /// A MESSAGE.
    pub fn message(&mut self, body: &[u8]) -> Bytes {
        self.speak("MESSAGE", "Content-Type: Application/MANSCDP+xml\r\n", body)
    }

    /// Any request.
    pub fn speak(&mut self, method: &str, headers: &str, body: &[u8]) -> Bytes {
        self.cseq += 1;
        let Self { id, cseq, .. } = self;
        let (remote, transport, length) = (self.flow.remote, self.flow.transport, body.len());
        let mut text = format!(
            "{method} sip:{SERVER}@3402000000 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {remote};rport;branch=z9hG4bK{id}m{cseq}\r\n\
             From: <sip:{id}@3402000000>;tag=t1\r\nTo: <sip:{SERVER}@3402000000>\r\n\
             Call-ID: {cseq}@{id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{headers}\
             Content-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        text.extend_from_slice(body);
        text.into()
    }

    /// A keepalive.
    pub fn keepalive(&mut self, status: Outcome) -> Bytes {
        let keepalive = Keepalive { sn: 43, device_id: self.id.clone(), status };
        let body = Outgoing::Keepalive(keepalive).to_body(Encoding::Gb2312Label).unwrap();
        self.message(&body)
    }
}

/// The status of an answer.
pub fn status(message: &Message) -> u16 {
    match message.start() {
        Start::Response { status, .. } => status,
        Start::Request { .. } => panic!("a request"),
    }
}

/// A header of an answer as text.
pub fn header(message: &Message, name: Name) -> Option<String> {
    message.header(name).map(|value| String::from_utf8(value.into_owned()).unwrap())
}

/// Whether a 401 says that the nonce was the fault.
pub fn is_stale(message: &Message) -> bool {
    assert_eq!(status(message), 401);
    let header = message.header(Name::WwwAuthenticate).unwrap();
    Challenge::parse(&header).unwrap().stale
}
