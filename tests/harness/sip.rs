//! SIP byte for byte: a device that says exactly what a test wants it to, from any address of the
//! loopback, and reckons digests by its own means. Nothing here is shared with the product.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use md5::{Digest as _, Md5};
use rand::Rng as _;

use super::waiting::{PATIENCE, Stopwatch};

/// The server's id, its domain and its realm, as they are by default.
pub const SERVER_ID: &str = "34020000002000000001";
/// The domain.
pub const DOMAIN: &str = "3402000000";

/// The digest's uri in everything that [`Ua`] sends.
pub const DIGEST_URI: &str = "sip:34020000002000000001@3402000000";

/// Longer than any message here.
const MESSAGE_BYTES_MAX: usize = 65_536;

/// Commands that the server may have for a device before the one that a test waits for.
const ASKED_MAX: usize = 20;

/// A number that no other call in this process gets.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What carries messages to the server.
pub enum Line {
    /// Datagrams.
    Udp(UdpSocket),
    /// A connection, with what was read of the next message.
    Tcp(TcpStream, Vec<u8>),
}

impl Line {
    /// Datagrams from an address of the loopback.
    pub fn udp_from(ip: Ipv4Addr, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("an address of the loopback");
        socket.connect(server).expect("a server");
        Self::Udp(socket)
    }

    /// Datagrams from 127.0.0.1.
    pub fn udp(server: SocketAddr) -> Self {
        Self::udp_from(Ipv4Addr::LOCALHOST, server)
    }

    /// A connection.
    pub fn tcp(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server accepts connections");
        stream.set_nodelay(true).expect("a socket");
        Self::Tcp(stream, Vec::new())
    }

    /// From now on its datagrams go to another server, from the same address.
    pub fn turn_to(&self, server: SocketAddr) {
        let Self::Udp(socket) = self else { panic!("a connection has one end") };
        socket.connect(server).expect("a server");
    }

    /// What Via says.
    pub fn transport(&self) -> &'static str {
        match self {
            Self::Udp(_) => "UDP",
            Self::Tcp(..) => "TCP",
        }
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream, _) => stream.local_addr(),
        }
        .expect("a bound socket")
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Udp(socket) => drop(socket.send(bytes).expect("send")),
            Self::Tcp(stream, _) => stream.write_all(bytes).expect("send"),
        }
    }

    /// The next message, if one comes within `bound`.
    pub fn receive_within(&mut self, bound: Duration) -> Option<Received> {
        // Zero would mean to wait without end.
        let bound = bound.max(Duration::from_millis(1));
        match self {
            Self::Udp(socket) => {
                socket.set_read_timeout(Some(bound)).expect("a time");
                let mut buffer = vec![0; MESSAGE_BYTES_MAX];
                let length = socket.recv(&mut buffer).ok()?;
                buffer.truncate(length);
                Some(Received::new(buffer))
            }
            Self::Tcp(stream, read) => {
                let watch = Stopwatch::start();
                loop {
                    if let Some(length) = message_length(read) {
                        let rest = read.split_off(length);
                        return Some(Received::new(std::mem::replace(read, rest)));
                    }
                    let left = bound.checked_sub(watch.elapsed()).filter(|left| !left.is_zero())?;
                    stream.set_read_timeout(Some(left)).expect("a time");
                    let mut buffer = [0; 4096];
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => return None,
                        Ok(length) => read.extend_from_slice(&buffer[..length]),
                    }
                }
            }
        }
    }

    /// Whether the server has hung up within `bound`; what comes before that is passed over.
    pub fn is_closed_within(&mut self, bound: Duration) -> bool {
        let Self::Tcp(stream, _) = self else { panic!("datagrams have no end") };
        stream.set_read_timeout(Some(bound)).expect("a time");
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(e) => return e.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// The next response to the request of this Call-ID; whatever else comes is passed over.
    #[track_caller]
    pub fn response(&mut self, call_id: &str) -> Received {
        let watch = Stopwatch::start();
        while let Some(left) = PATIENCE.checked_sub(watch.elapsed()) {
            let Some(received) = self.receive_within(left) else { break };
            if received.status.is_some() && received.header("Call-ID") == Some(call_id) {
                return received;
            }
        }
        panic!("no answer to {call_id} within {PATIENCE:?}");
    }

    /// The next request that the server makes; whatever else comes is passed over.
    #[track_caller]
    pub fn request(&mut self, about: &str) -> Received {
        let watch = Stopwatch::start();
        while let Some(left) = PATIENCE.checked_sub(watch.elapsed()) {
            let Some(received) = self.receive_within(left) else { break };
            if received.status.is_none() && received.text().contains(about) {
                return received;
            }
        }
        panic!("no request about {about} within {PATIENCE:?}");
    }
}

/// How long the first message in a stream is; none if it is not all there.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length:"));
    let body: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    (bytes.len() >= head + body).then_some(head + body)
}

/// A message of the server's.
#[derive(Debug, Clone)]
pub struct Received {
    /// As it came.
    pub bytes: Vec<u8>,
    /// Its first line.
    pub start: String,
    /// A response's status.
    pub status: Option<u16>,
    headers: Vec<(String, String)>,
}

impl Received {
    /// Reads a message.
    pub fn new(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let status = start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self { start, status, headers: headers.collect(), bytes }
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// All of it, as far as it is UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The text of the first element of this name in its body.
    #[track_caller]
    pub fn element(&self, name: &str) -> String {
        let text = self.text();
        let rest = text.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
        let found = rest.and_then(|rest| rest.split_once("</")).map(|(found, _)| found.to_owned());
        found.unwrap_or_else(|| panic!("no {name}: {text}"))
    }

    /// Its challenge.
    #[track_caller]
    pub fn challenge(&self) -> Challenge {
        assert_eq!(self.status, Some(401), "{}", self.text());
        let header = self.header("WWW-Authenticate").expect("a challenge");
        let parameter = |name: &str| {
            let (_, rest) = header.split_once(&format!("{name}="))?;
            let value = rest.trim_start_matches('"').split(['"', ',']).next();
            value.map(str::to_owned)
        };
        Challenge {
            realm: parameter("realm").expect("a realm"),
            nonce: parameter("nonce").expect("a nonce"),
            is_stale: parameter("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        }
    }

    /// The response that a device gives to this request.
    pub fn answered(&self, status: &str) -> Vec<u8> {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let value = self.header(name).unwrap_or_else(|| panic!("no {name}: {}", self.text()));
            text += &format!("{name}: {value}\r\n");
        }
        text += "Content-Length: 0\r\n\r\n";
        text.into_bytes()
    }
}

/// What a 401 asks.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Its realm.
    pub realm: String,
    /// Its nonce.
    pub nonce: String,
    /// Whether the answer was right and its nonce was not.
    pub is_stale: bool,
}

/// The hexadecimal MD5 of texts with colons between them.
fn md5(parts: &[&str]) -> String {
    hex::encode(Md5::digest(parts.join(":")))
}

/// An answer to a challenge, all of whose parts a test may change.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password, which is not sent.
    pub password: String,
    /// The realm.
    pub realm: String,
    /// The nonce.
    pub nonce: String,
    /// The digest's uri.
    pub uri: String,
    /// The request's method, which is not sent.
    pub method: String,
    /// How often the nonce was used, as text; none answers in the form without qop (RFC 2069).
    pub nc: Option<String>,
    /// The client's nonce.
    pub cnonce: String,
}

impl Credentials {
    /// The right answer of a user to a challenge.
    pub fn new(challenge: &Challenge, user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: DIGEST_URI.to_owned(),
            method: "REGISTER".to_owned(),
            nc: Some("00000001".to_owned()),
            cnonce: format!("{:08x}", unique()),
        }
    }

    /// In the form without qop.
    pub fn without_qop(mut self) -> Self {
        self.nc = None;
        self
    }

    /// The digest (RFC 2617, 3.2.2.1).
    pub fn response(&self) -> String {
        let secret = md5(&[&self.user, &self.realm, &self.password]);
        let what = md5(&[&self.method, &self.uri]);
        match &self.nc {
            Some(nc) => md5(&[&secret, &self.nonce, nc, &self.cnonce, "auth", &what]),
            None => md5(&[&secret, &self.nonce, &what]),
        }
    }

    /// The header's value, with this digest in it.
    pub fn header_with(&self, response: &str) -> String {
        let Self { user, realm, nonce, uri, nc, cnonce, .. } = self;
        let qop = nc
            .as_ref()
            .map_or_else(String::new, |nc| format!(",qop=auth,nc={nc},cnonce=\"{cnonce}\""));
        format!(
            "Digest username=\"{user}\",realm=\"{realm}\",nonce=\"{nonce}\",uri=\"{uri}\",\
             response=\"{response}\",algorithm=MD5{qop}"
        )
    }

    /// The header's value.
    pub fn header(&self) -> String {
        self.header_with(&self.response())
    }
}

/// A device on a line.
pub struct Ua {
    /// Its 20 digits.
    pub id: String,
    /// Its password.
    pub password: String,
    /// The name in its digest.
    pub user: String,
    /// What carries its messages.
    pub line: Line,
    /// The Call-ID of its registrations.
    pub call_id: String,
    sequence: u32,
}

impl Ua {
    /// A device that has said nothing yet.
    pub fn new(id: &str, password: &str, line: Line) -> Self {
        let call_id = format!("call{}@127.0.0.1", unique());
        let (id, password) = (id.to_owned(), password.to_owned());
        Self { user: id.clone(), id, password, line, call_id, sequence: 0 }
    }

    /// A REGISTER with what `authorization` says, if anything. Each is a transaction of its own.
    pub fn register_bytes(&mut self, expires: u32, authorization: Option<&str>) -> Vec<u8> {
        self.sequence += 1;
        let Self { id, call_id, sequence, line, .. } = self;
        let (transport, local, branch) = (line.transport(), line.local(), unique());
        let authorization =
            authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        format!(
            "REGISTER {DIGEST_URI} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};rport;branch=z9hG4bKe2e{branch:09}\r\n\
             From: <sip:{id}@{DOMAIN}>;tag=e2e\r\n\
             To: <sip:{id}@{DOMAIN}>\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {sequence} REGISTER\r\n\
             Contact: <sip:{id}@{local}>\r\n\
             {authorization}Max-Forwards: 70\r\n\
             Expires: {expires}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    /// Sends a REGISTER and gives the answer.
    #[track_caller]
    pub fn send_register(&mut self, expires: u32, authorization: Option<&str>) -> Received {
        let bytes = self.register_bytes(expires, authorization);
        self.exchange(&bytes)
    }

    /// Sends bytes of this device's registration and gives the answer.
    #[track_caller]
    pub fn exchange(&mut self, bytes: &[u8]) -> Received {
        self.line.send(bytes);
        let call_id = self.call_id.clone();
        self.line.response(&call_id)
    }

    /// Asks for a challenge.
    #[track_caller]
    pub fn challenge(&mut self) -> Challenge {
        self.send_register(3600, None).challenge()
    }

    /// Its right answer to a challenge.
    pub fn credentials(&self, challenge: &Challenge) -> Credentials {
        Credentials::new(challenge, &self.user, &self.password)
    }

    /// Registers for so many seconds as a device does: without credentials first, and with them
    /// then. Gives the answer to these.
    #[track_caller]
    pub fn register(&mut self, expires: u32) -> Received {
        let challenge = self.send_register(expires, None).challenge();
        let authorization = self.credentials(&challenge).header();
        self.send_register(expires, Some(&authorization))
    }

    /// A MESSAGE of this device's.
    pub fn message_bytes(&mut self, body: &[u8]) -> Vec<u8> {
        let Self { id, line, .. } = self;
        let (transport, local, unique) = (line.transport(), line.local(), unique());
        let length = body.len();
        let head = format!(
            "MESSAGE {DIGEST_URI} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};rport;branch=z9hG4bKe2e{unique:09}\r\n\
             From: <sip:{id}@{DOMAIN}>;tag=e2e\r\n\
             To: <{DIGEST_URI}>\r\n\
             Call-ID: message{unique:09}\r\n\
             CSeq: 20 MESSAGE\r\n\
             Max-Forwards: 70\r\n\
             Content-Type: Application/MANSCDP+xml\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }

    /// Sends a keepalive and gives the answer.
    #[track_caller]
    pub fn keepalive(&mut self) -> Received {
        let id = &self.id;
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Notify>\r\n\
             <CmdType>Keepalive</CmdType>\r\n<SN>43</SN>\r\n<DeviceID>{id}</DeviceID>\r\n\
             <Status>OK</Status>\r\n</Notify>\r\n"
        );
        let bytes = self.message_bytes(body.as_bytes());
        let call_id = Received::new(bytes.clone()).header("Call-ID").expect("ours").to_owned();
        self.line.send(&bytes);
        self.line.response(&call_id)
    }

    /// Answers what the server asks a new device, so that it knows that somebody is there.
    #[track_caller]
    pub fn introduce_itself(&mut self) {
        let asked = self.asked("Catalog");
        self.line.send(&asked.answered("200 OK"));
        self.answer(&asked, "<SumNum>0</SumNum>\r\n<DeviceList Num=\"0\">\r\n</DeviceList>\r\n");
    }

    /// The next command of this type, which the test is to answer. What else the server asks is
    /// answered here.
    #[track_caller]
    pub fn asked(&mut self, cmd_type: &str) -> Received {
        let mut before = Vec::new();
        while before.len() < ASKED_MAX {
            let asked = self.line.request("<CmdType>");
            before.push(asked.element("CmdType"));
            if asked.element("CmdType") == cmd_type {
                return asked;
            }
            self.line.send(&asked.answered("200 OK"));
            match asked.element("CmdType").as_str() {
                "DeviceInfo" => self.answer(
                    &asked,
                    "<DeviceName>cam</DeviceName>\r\n<Result>OK</Result>\r\n\
                     <Manufacturer>ExampleCam</Manufacturer>\r\n<Model>EC-200</Model>\r\n\
                     <Firmware>V1.2.3</Firmware>\r\n<Channel>0</Channel>\r\n",
                ),
                "ConfigDownload" => self.answer(
                    &asked,
                    "<Result>OK</Result>\r\n<BasicParam>\r\n<Name>cam</Name>\r\n\
                     <Expiration>3600</Expiration>\r\n\
                     <HeartBeatInterval>60</HeartBeatInterval>\r\n\
                     <HeartBeatCount>3</HeartBeatCount>\r\n</BasicParam>\r\n",
                ),
                _ => {}
            }
        }
        panic!("the server does not ask {cmd_type}, but {before:?}");
    }

    /// Answers a command by a MESSAGE with these elements.
    fn answer(&mut self, asked: &Received, elements: &str) {
        let [cmd_type, sn, id] = ["CmdType", "SN", "DeviceID"].map(|name| asked.element(name));
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Response>\r\n\
             <CmdType>{cmd_type}</CmdType>\r\n<SN>{sn}</SN>\r\n<DeviceID>{id}</DeviceID>\r\n\
             {elements}</Response>\r\n"
        );
        let bytes = self.message_bytes(body.as_bytes());
        self.line.send(&bytes);
    }

    /// Its address as the server sees it.
    pub fn local(&self) -> SocketAddr {
        self.line.local()
    }

    /// The same device at another place.
    pub fn moved(&self, line: Line) -> Self {
        let Self { id, password, user, call_id, sequence, .. } = self;
        let (id, password, user) = (id.clone(), password.clone(), user.clone());
        Self { id, password, user, line, call_id: call_id.clone(), sequence: *sequence }
    }
}

/// An address of the loopback that is not the usual one.
pub const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Asks the server whether it is there: OPTIONS, answered 200.
#[track_caller]
pub fn assert_alive(server: SocketAddr) {
    for mut line in [Line::udp(server), Line::tcp(server)] {
        let (transport, local, unique) = (line.transport(), line.local(), unique());
        let call_id = format!("alive{unique}");
        let bytes = format!(
            "OPTIONS sip:{SERVER_ID}@{DOMAIN} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};rport;branch=z9hG4bKalive{unique}\r\n\
             From: <sip:test@{DOMAIN}>;tag=1\r\n\
             To: <sip:{SERVER_ID}@{DOMAIN}>\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n"
        );
        line.send(bytes.as_bytes());
        assert_eq!(line.response(&call_id).status, Some(200));
    }
}

/// Where ports are that Linux gives to no outgoing connection (ip_local_port_range): what listens
/// on one can be killed and started again there, whatever other tests do meanwhile.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A port of the loopback that is free of both UDP and TCP at this moment.
pub fn free_port() -> u16 {
    super::wait_for("a port that is free of both", PATIENCE, || {
        let port = rand::rng().random_range(PORTS);
        let address = (Ipv4Addr::LOCALHOST, port);
        let is_free = UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok();
        is_free.then_some(port)
    })
}
