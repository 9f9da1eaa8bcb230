//! Requests byte for byte: for what no HTTP library would send, and from any address of the
//! loopback.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use api::signature::huawei::sign;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use super::client::{Answer, Key, wall_clock};

/// No exchange takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// A request, as it will stand on the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// What follows the method: the path with its query.
    pub target: String,
    /// Its headers, in their order. `Host`, `Content-Length` and `Connection` are added unless they
    /// are here; an empty `content-length` stands for none.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request with no headers and no body.
    pub fn new(method: &str, target: &str) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, headers: Vec::new(), body: Vec::new() }
    }

    /// With this body, which is said to be JSON.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }

    /// With one header more.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With another value of a header that it has.
    #[track_caller]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let header = self.headers.iter_mut().find(|(own, _)| own == name);
        header.expect("the header is there").1 = value.as_ref().to_vec();
        self
    }

    /// Without a header that it has.
    #[track_caller]
    pub fn without(mut self, name: &str) -> Self {
        let before = self.headers.len();
        self.headers.retain(|(own, _)| own != name);
        assert!(self.headers.len() < before, "the header {name} is not there");
        self
    }

    /// Without a `Content-Length`.
    pub fn without_length(self) -> Self {
        self.header("content-length", "")
    }

    /// Signed by a key now.
    pub fn signed(self, key: &Key, host: &str) -> Self {
        let date = wall_clock().to_basic_text();
        self.signed_at(key, host, &date)
    }

    /// Signed by a key at a time, as `X-Sdk-Date` has it.
    pub fn signed_at(self, key: &Key, host: &str, date: &str) -> Self {
        let request = self.header("host", host).header("x-sdk-date", date);
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name: HeaderName = name.parse().expect("a header's name");
            headers.append(name, HeaderValue::from_bytes(value).expect("a header's value"));
        }
        let method: Method = request.method.parse().expect("a method");
        let uri: Uri = request.target.parse().expect("a target");
        let (ak, sk) = (&key.ak, key.sk.as_bytes());
        let signature = sign(&method, &uri, &headers, &request.body, ak, sk, date);
        request.header("authorization", signature.expect("a signable request"))
    }

    /// What the header `Authorization` says.
    #[track_caller]
    pub fn authorization(&self) -> String {
        let header = self.headers.iter().find(|(name, _)| name == "authorization");
        let value = &header.expect("a signed request").1;
        String::from_utf8(value.clone()).expect("text")
    }

    /// The bytes on the wire, for a server at `host`.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let has = |name: &str| self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let mut add = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        let is_said =
            |(name, value): &&(String, Vec<u8>)| name != "content-length" || !value.is_empty();
        self.headers.iter().filter(is_said).for_each(|(name, value)| add(name, value));
        let length = self.body.len().to_string();
        let usual = [("host", host), ("content-length", &length), ("connection", "close")];
        for (name, value) in usual {
            if !has(name) {
                add(name, value.as_bytes());
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it from an address of the loopback and reads the whole answer.
    #[track_caller]
    pub fn send_from(&self, from: Ipv4Addr, server: SocketAddr) -> Answer {
        let bytes = exchange(from, server, &self.bytes(&server.to_string()));
        let said = String::from_utf8_lossy(&bytes).into_owned();
        answer(&bytes).unwrap_or_else(|| panic!("no HTTP answer to {self:?}: {said:?}"))
    }

    /// Sends it from 127.0.0.1.
    #[track_caller]
    pub fn send(&self, server: SocketAddr) -> Answer {
        self.send_from(Ipv4Addr::LOCALHOST, server)
    }
}

/// Sends bytes and reads until the server hangs up.
#[track_caller]
fn exchange(from: Ipv4Addr, server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0)).expect("an address of the loopback");
        let mut stream = socket.connect(server).await.expect("the server accepts connections");
        let talk = async {
            let mut answer = Vec::new();
            let (mut reader, mut writer) = stream.split();
            // A server that has heard enough answers and hangs up before all is said.
            let say = async { drop(writer.write_all(request).await) };
            let hear = async { drop(reader.read_to_end(&mut answer).await) };
            tokio::join!(say, hear);
            answer
        };
        tokio::time::timeout(LIMIT, talk).await.expect("an answer in time")
    })
}

/// A connection that stays between exchanges.
pub struct Connection {
    stream: TcpStream,
    /// What was read of the next answer.
    read: Vec<u8>,
}

impl Connection {
    /// Connects from an address of the loopback.
    pub fn open(from: Ipv4Addr, server: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
            socket.connect(server).await?.into_std()
        })?;
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends bytes and reads one answer, whose `Content-Length` says where it ends.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        loop {
            if let Some(length) = whole(&self.read) {
                let rest = self.read.split_off(length);
                let bytes = std::mem::replace(&mut self.read, rest);
                return answer(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
            let mut buffer = [0; 16 * 1024];
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.read.extend_from_slice(&buffer[..length]),
            }
        }
    }
}

/// How long the first answer in a stream is; none if it is not all there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let body: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    (bytes.len() >= head + body).then_some(head + body)
}

/// Reads an answer whose end is the connection's.
fn answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    let text = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    Some(Answer::new(status, headers, text))
}
