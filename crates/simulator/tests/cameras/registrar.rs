//! A scripted registrar: it reads SIP as lines of text, challenges every REGISTER, lets in whoever
//! answers at all, says 200 to everything else, and keeps what it heard. What is repeated is
//! answered again, and kept once.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;

/// A message that came, and from where.
#[derive(Debug, Clone)]
pub struct Heard {
    pub from: SocketAddr,
    pub text: String,
}

impl Heard {
    /// The first line's method, or `SIP/2.0`.
    pub fn method(&self) -> &str {
        self.text.split(' ').next().unwrap()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.text.lines().find_map(|line| line.strip_prefix(&*prefix)).unwrap_or_default()
    }

    /// The user in From.
    pub fn user(&self) -> &str {
        self.header("From").split(['@', ':']).nth(1).unwrap()
    }
}

/// What the registrar keeps.
#[derive(Default)]
struct Kept {
    heard: Vec<Heard>,
    /// The same, to tell what is repeated.
    seen: HashSet<(SocketAddr, String)>,
    connections: BTreeMap<SocketAddr, mpsc::UnboundedSender<Vec<u8>>>,
}

/// A registrar on UDP and TCP.
pub struct Registrar {
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    socket: Arc<UdpSocket>,
    kept: Arc<Mutex<Kept>>,
}

impl Registrar {
    pub async fn start() -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (udp, tcp) = (socket.local_addr().unwrap(), listener.local_addr().unwrap());
        tokio::spawn(serve_udp(Arc::clone(&socket), Arc::clone(&kept)));
        tokio::spawn(accept(listener, Arc::clone(&kept)));
        Registrar { udp, tcp, socket, kept }
    }

    /// Everything that came so far for which `of` holds.
    pub fn heard(&self, of: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        self.kept.lock().unwrap().heard.iter().filter(|heard| of(heard)).cloned().collect()
    }

    /// Sends a MESSAGE to a camera that is at `to`.
    pub async fn send(&self, to: SocketAddr, camera: &str, body: &str) {
        let transport = if self.connection(to).is_some() { "TCP" } else { "UDP" };
        let number = rand::random::<u64>();
        let length = body.len();
        let text = format!(
            "MESSAGE sip:{camera}@{to} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {};rport;branch=z9hG4bK{number}\r\n\
             From: <sip:34020000002000000001@3402000000>;tag=s\r\n\
             To: <sip:{camera}@3402000000>\r\nCall-ID: {number}\r\nCSeq: 1 MESSAGE\r\n\
             Content-Type: Application/MANSCDP+xml\r\nContent-Length: {length}\r\n\r\n{body}",
            self.udp
        );
        match self.connection(to) {
            Some(connection) => connection.send(text.into_bytes()).unwrap(),
            None => {
                self.socket.send_to(text.as_bytes(), to).await.unwrap();
            }
        }
    }

    /// Closes a connection.
    pub fn hang_up(&self, at: SocketAddr) {
        self.kept.lock().unwrap().connections.remove(&at).unwrap();
    }

    fn connection(&self, to: SocketAddr) -> Option<mpsc::UnboundedSender<Vec<u8>>> {
        self.kept.lock().unwrap().connections.get(&to).cloned()
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, kept: Arc<Mutex<Kept>>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        if let Some(answer) = take(&kept, from, &buffer[..length]) {
            socket.send_to(answer.as_bytes(), from).await.unwrap();
        }
    }
}

async fn accept(listener: TcpListener, kept: Arc<Mutex<Kept>>) {
    loop {
        let (stream, from) = listener.accept().await.unwrap();
        let (sender, outgoing) = mpsc::unbounded_channel();
        kept.lock().unwrap().connections.insert(from, sender);
        tokio::spawn(serve_tcp(stream, from, outgoing, Arc::clone(&kept)));
    }
}

async fn serve_tcp(
    mut stream: TcpStream,
    from: SocketAddr,
    mut outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
    kept: Arc<Mutex<Kept>>,
) {
    let mut held = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        tokio::select! {
            bytes = outgoing.recv() => match bytes {
                Some(bytes) => stream.write_all(&bytes).await.unwrap(),
                None => return,
            },
            length = stream.read(&mut chunk) => match length {
                Ok(length) if length > 0 => held.extend_from_slice(&chunk[..length]),
                _ => return,
            },
        }
        while let Some(length) = whole(&held) {
            let message: Vec<u8> = held.drain(..length).collect();
            if let Some(answer) = take(&kept, from, &message) {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }
}

/// How long the message at the front is, if all of it is there.
fn whole(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&held[..head]).into_owned();
    let body = text.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
    let length = head + body.parse::<usize>().unwrap();
    (length <= held.len()).then_some(length)
}

/// Keeps a message, and gives the answer to it.
fn take(kept: &Mutex<Kept>, from: SocketAddr, bytes: &[u8]) -> Option<String> {
    let heard = Heard { from, text: String::from_utf8_lossy(bytes).into_owned() };
    let mut answer = match heard.method() {
        "SIP/2.0" => String::new(),
        "REGISTER" if heard.header("Authorization").is_empty() => {
            "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"3402000000\", \
             nonce=\"abc\", qop=\"auth\", algorithm=MD5\r\n"
                .to_owned()
        }
        _ => "SIP/2.0 200 OK\r\n".to_owned(),
    };
    if !answer.is_empty() {
        for name in ["Via", "From", "To", "Call-ID", "CSeq", "Expires"] {
            answer += &format!("{name}: {}\r\n", heard.header(name));
        }
        answer += "Content-Length: 0\r\n\r\n";
    }
    let mut kept = kept.lock().unwrap();
    if kept.seen.insert((from, heard.text.clone())) {
        kept.heard.push(heard);
    }
    (!answer.is_empty()).then_some(answer)
}
