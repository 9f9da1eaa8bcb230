//! A device on a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use gb28181::digest::{Challenge, Credentials, Form};
use gb28181::sip::{Message, Name, StreamDecoder, StreamLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::server::{PASSWORD, PATIENCE, id};

const SERVER: &str = "34020000002000000001";

pub enum Socket {
    Udp(UdpSocket),
    Tcp(Box<(TcpStream, StreamDecoder)>),
}

pub struct Client {
    pub socket: Socket,
    pub password: String,
    pub form: Form,
    pub expires: u32,
    id: String,
    cseq: u32,
}

impl Client {
    pub async fn udp(number: usize, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server).await.unwrap();
        Self::over(number, Socket::Udp(socket))
    }

    pub async fn tcp(number: usize, server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let decoder = StreamDecoder::new(StreamLimits::default());
        Self::over(number, Socket::Tcp(Box::new((stream, decoder))))
    }

    pub fn over(number: usize, socket: Socket) -> Self {
        Self {
            socket,
            password: PASSWORD.to_owned(),
            form: Form::QopAuth,
            expires: 3600,
            id: id(number),
            cseq: 0,
        }
    }

    pub fn local(&self) -> SocketAddr {
        match &self.socket {
            Socket::Udp(socket) => socket.local_addr().unwrap(),
            Socket::Tcp(it) => it.0.local_addr().unwrap(),
        }
    }

    /// A request with a branch of its own.
    pub fn request(&mut self, method: &str, to: &str, headers: &str, body: &str) -> String {
        self.cseq += 1;
        let (id, cseq, local, length) = (&self.id, self.cseq, self.local(), body.len());
        let transport = if matches!(self.socket, Socket::Udp(_)) { "UDP" } else { "TCP" };
        format!(
            "{method} sip:{SERVER}@3402000000 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};rport;branch=z9hG4bK{id}.{cseq}.{}\r\n\
             From: <sip:{id}@3402000000>;tag=d1\r\nTo: <sip:{to}@3402000000>\r\n\
             Call-ID: c@{id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{id}@{local}>\r\n\
             Max-Forwards: 70\r\n{headers}Content-Length: {length}\r\n\r\n{body}",
            local.port()
        )
    }

    pub fn register(&mut self, challenge: Option<&Message>) -> String {
        let expires = format!("Expires: {}\r\n", self.expires);
        let Some(challenge) = challenge else {
            let id = self.id.clone();
            return self.request("REGISTER", &id, &expires, "");
        };
        let header = challenge.header(Name::WwwAuthenticate).unwrap();
        let credentials = Credentials::create(
            &Challenge::parse(&header).unwrap(),
            self.id.as_bytes(),
            self.password.as_bytes(),
            b"REGISTER",
            format!("sip:{SERVER}@3402000000").as_bytes(),
            b"0a4f113b",
            1,
            self.form,
        );
        let credentials = String::from_utf8(credentials.to_header()).unwrap();
        let headers = format!("{expires}Authorization: {credentials}\r\n");
        let id = self.id.clone();
        self.request("REGISTER", &id, &headers, "")
    }

    pub fn keepalive(&mut self) -> String {
        let id = self.id.clone();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Notify>\r\n\
             <CmdType>Keepalive</CmdType>\r\n<SN>43</SN>\r\n<DeviceID>{id}</DeviceID>\r\n\
             <Status>OK</Status>\r\n</Notify>\r\n"
        );
        self.request("MESSAGE", SERVER, "Content-Type: Application/MANSCDP+xml\r\n", &body)
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        match &mut self.socket {
            Socket::Udp(socket) => {
                socket.send(bytes.as_ref()).await.unwrap();
            }
            Socket::Tcp(it) => it.0.write_all(bytes.as_ref()).await.unwrap(),
        }
    }

    /// The next answer; `None` if the server closed the connection. What the server asks of a
    /// registered device is passed over.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let message = self.next_message().await?;
            if message.status().is_some() {
                return Some(message);
            }
        }
    }

    async fn next_message(&mut self) -> Option<Message> {
        let next = async {
            match &mut self.socket {
                Socket::Udp(socket) => {
                    let mut room = [0; 4_096];
                    let bytes = socket.recv(&mut room).await.unwrap();
                    Some(Bytes::copy_from_slice(&room[..bytes]))
                }
                Socket::Tcp(it) => loop {
                    if let Some(message) = it.1.next().unwrap() {
                        return Some(message);
                    }
                    let mut room = [0; 4_096];
                    match it.0.read(&mut room).await {
                        Ok(0) | Err(_) => return None,
                        Ok(bytes) => it.1.push(&room[..bytes]),
                    }
                },
            }
        };
        let bytes = tokio::time::timeout(PATIENCE, next).await.expect("an answer")?;
        Some(Message::parse(bytes).unwrap())
    }

    pub async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> u16 {
        self.send(bytes).await;
        self.next().await.expect("an answer").status().unwrap()
    }

    /// Registers as a device does; gives the last status.
    pub async fn enter(&mut self) -> u16 {
        let first = self.register(None);
        self.send(first).await;
        let challenge = self.next().await.expect("a challenge");
        assert_eq!(challenge.status(), Some(401));
        let second = self.register(Some(&challenge));
        self.ask(second).await
    }

    /// Whether nothing comes for a while.
    pub async fn is_quiet(&mut self) -> bool {
        let wait = Duration::from_millis(100);
        match &mut self.socket {
            Socket::Udp(socket) => {
                tokio::time::timeout(wait, socket.recv(&mut [0; 16])).await.is_err()
            }
            Socket::Tcp(it) => tokio::time::timeout(wait, it.0.read(&mut [0; 16])).await.is_err(),
        }
    }
}
