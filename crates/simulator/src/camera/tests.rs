//! One camera against a registrar that a test plays by hand, with the time that the test says.

mod configuring;
mod registering;

use std::time::{Duration, Instant};

use bytes::Bytes;
use gb28181::digest::{Challenge, Credentials};
use gb28181::manscdp::{BasicParam, Encoding, Incoming, Outgoing, QueryKind, Shape};
use gb28181::sip::{Flow, Message, MessageBuilder, Method, Name, reason_phrase};

use super::*;

const ID: &str = "34020000001320000001";
const CHANNEL: &str = "34020000001310000001";

/// A camera, and a server to it.
struct Bed {
    camera: Camera,
    now: Instant,
    /// Messages that the camera sent, oldest first.
    sent: VecDeque<Message>,
    /// Ways that it opened, and how often it closed one.
    opened: Vec<Place>,
    closed: usize,
    requests: u32,
}

impl Bed {
    fn new(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { id: ID.to_owned(), ..Options::default() };
        change(&mut options);
        Bed {
            camera: Camera::new(options, 7),
            now: start(),
            sent: VecDeque::new(),
            opened: Vec::new(),
            closed: 0,
            requests: 0,
        }
    }

    /// One that is registered.
    fn registered(change: impl FnOnce(&mut Options)) -> Self {
        let mut bed = Bed::new(change);
        bed.camera.start(bed.now);
        bed.tick();
        bed.accept_registration();
        bed
    }

    /// Does what the camera wants.
    fn follow(&mut self) {
        while let Some(output) = self.camera.poll_transmit() {
            match output {
                Output::Send(bytes) => self.sent.push_back(Message::parse(bytes).unwrap()),
                Output::Close => self.closed += 1,
                Output::Open(place) => {
                    self.opened.push(place);
                    let port = 40_000 + u16::try_from(self.opened.len()).unwrap();
                    self.camera.bound(self.now, SocketAddr::from(([127, 0, 0, 1], port)));
                }
            }
        }
    }

    /// Lets the camera do what is due now.
    fn tick(&mut self) {
        self.camera.handle_timeout(self.now);
        self.follow();
    }

    /// Lets time pass to the camera's next timer, which must be within `most`.
    fn pass(&mut self, most: Duration) {
        let at = self.camera.poll_timeout().expect("a timer");
        assert!(at - self.now <= most, "{:?}", at - self.now);
        self.now = at.max(self.now);
        self.tick();
    }

    /// Lets this much time pass, and the camera do what it does meanwhile.
    fn pass_all(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.camera.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.tick();
        }
        self.now = end;
    }

    /// The next message that it sent.
    fn next(&mut self) -> Message {
        self.sent.pop_front().expect("a message")
    }

    fn nothing(&self) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
    }

    /// Answers one of its requests.
    fn answer(&mut self, request: &Message, status: u16, headers: &[(Name, &[u8])]) {
        let flow = Flow::udp(self.camera.local().unwrap());
        let reason = reason_phrase(status);
        let mut response = MessageBuilder::response(request, &flow, status, reason, b"p1");
        for (name, value) in headers {
            response = response.header(*name, value);
        }
        self.camera.receive(self.now, response.finish());
        self.follow();
    }

    /// Answers its REGISTER with a challenge, and gives the credentials that come back.
    fn challenge(&mut self, challenge: &Challenge<'_>) -> (Message, Credentials) {
        let request = self.next();
        assert_eq!(request.method(), Some(Method::Register));
        self.answer(&request, 401, &[(Name::WwwAuthenticate, &challenge.to_header())]);
        let answered = self.next();
        let header = answered.header(Name::Authorization).expect("credentials").into_owned();
        (answered, Credentials::parse(&header).unwrap())
    }

    /// Challenges it, and accepts.
    fn accept_registration(&mut self) {
        let (request, _) = self.challenge(&Challenge::new(&b"3402000000"[..], &b"n1"[..]));
        let expires = request.header(Name::Expires).unwrap().into_owned();
        self.answer(&request, 200, &[(Name::Expires, &expires)]);
    }

    /// Sends it a command, and gives the status that it answers with.
    fn command(&mut self, outgoing: &Outgoing) -> u16 {
        let bytes = self.message(outgoing);
        self.camera.receive(self.now, bytes);
        self.follow();
        self.next().status().expect("a response")
    }

    /// A MESSAGE to it.
    fn message(&mut self, outgoing: &Outgoing) -> Bytes {
        self.requests += 1;
        let number = self.requests;
        let via = format!("SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKs{number}");
        MessageBuilder::request("MESSAGE", format!("sip:{ID}@127.0.0.1").as_bytes())
            .header(Name::Via, via.as_bytes())
            .header(Name::From, b"<sip:34020000002000000001@3402000000>;tag=s")
            .header(Name::To, format!("<sip:{ID}@3402000000>").as_bytes())
            .header(Name::CallId, format!("c{number}").as_bytes())
            .header(Name::CSeq, b"1 MESSAGE")
            .finish_with_body(
                gb28181::manscdp::CONTENT_TYPE,
                &outgoing.to_body(Encoding::Gb2312Label).unwrap(),
            )
    }

    /// Takes the next answer to a command, with a 200.
    fn take(&mut self) -> Incoming {
        let request = self.next();
        assert_eq!(request.method(), Some(Method::Message));
        let incoming = Incoming::parse(request.body()).unwrap();
        self.answer(&request, 200, &[]);
        incoming
    }

    /// What it shows of its configuration.
    fn download(&mut self, device_id: &str) -> gb28181::manscdp::ConfigDownload {
        assert_eq!(self.command(&query(QueryKind::ConfigDownload, device_id)), 200);
        match self.take() {
            Incoming::ConfigDownload(download) => download,
            other => panic!("{other:?}"),
        }
    }
}

/// A time to begin at.
#[expect(clippy::disallowed_methods, reason = "an Instant can be had in no other way")]
fn start() -> Instant {
    Instant::now()
}

fn query(cmd: QueryKind, device_id: &str) -> Outgoing {
    Outgoing::Query { cmd, sn: 17, device_id: device_id.to_owned() }
}

/// A DeviceConfig that sets a name.
fn rename(device_id: &str, name: &str) -> Outgoing {
    let basic = BasicParam { name: Some(name.to_owned()), ..BasicParam::default() };
    config(device_id, basic, Shape::Y2016)
}

fn config(device_id: &str, basic: BasicParam, shape: Shape) -> Outgoing {
    Outgoing::Config { sn: 901, device_id: device_id.to_owned(), basic: Box::new(basic), shape }
}
