//! What bad inputs are sent to: a server with cameras and a recorder in three projects that are
//! checked by different rules, and a listener that nobody may ever connect to.

use std::net::TcpListener;

use serde_json::json;

use crate::harness::cameras::{record, server};
use crate::harness::iss::{Signing, request, with_xml};
use crate::harness::phones::PROJECT;
use crate::harness::site::import;
use crate::harness::{Key, Native, Request, Server, Start};

/// The project that is checked by the page `product/1344`.
pub const OPTIONAL: &str = "optional";
/// The project that takes public addresses only.
pub const PUBLIC: &str = "public";
/// The project that is somebody else's.
pub const STRANGER: &str = "stranger";

/// A camera of the first project, and one that nothing is asked of.
pub const CAMERA: &str = "34020000001320000001";
pub const OTHER: &str = "34020000001320000002";
/// A recorder of it, and its channel.
pub const RECORDER: &str = "34020000001180000001";
pub const CHANNEL: &str = "34020000001310000001";
/// A camera of it that is frozen.
pub const FROZEN: &str = "34020000001320000003";
/// A camera of [`OPTIONAL`], one of [`PUBLIC`] and one of [`STRANGER`].
pub const OF_OPTIONAL: &str = "34020000001320000011";
pub const OF_PUBLIC: &str = "34020000001320000021";
pub const OF_STRANGER: &str = "34020000001320000031";
/// The password of all of them.
pub const PASSWORD: &str = "12345678";

/// A server with all that a bad input may hurt.
pub struct Bed {
    /// The server.
    pub server: Server,
    /// Its native door.
    pub native: Native,
    /// A key of the first project.
    pub key: Key,
    /// A strict key of the first project.
    pub strict: Key,
    /// A key of the first project that was revoked.
    pub revoked: Key,
    /// Keys of the other projects.
    pub optional: Key,
    pub public: Key,
    pub stranger: Key,
    /// An organization of the first project, in which the recorder is filed, and its path.
    pub organization: String,
    listener: TcpListener,
}

impl Bed {
    /// Starts all of it.
    pub fn start() -> Self {
        let (server, native) = server(&Start::with_cameras());
        let key = native.new_key(PROJECT, false);
        let strict = native.new_key(PROJECT, true);
        let revoked = native.new_key(PROJECT, false);
        let gone = format!("/api/v1/keys/{}", revoked.ak);
        native.call(&http::Method::DELETE, &gone, &json!(null)).expect("an answer").ok();
        let [optional, public, stranger] =
            [OPTIONAL, PUBLIC, STRANGER].map(|project| native.new_project(project));
        native.set_project(OPTIONAL, &json!({"iss": {"profile": "1344"}}));
        native.set_project(PUBLIC, &json!({"iss": {"private_ip": false}}));
        let of = |project: &str, id: &str| {
            let mut record = record(id, PASSWORD);
            record["project"] = json!(project);
            record
        };
        let mut recorder = record(RECORDER, PASSWORD);
        recorder["channels"] = json!([{"id": CHANNEL, "name": "门"}]);
        let mut records: Vec<_> = [CAMERA, OTHER, FROZEN].map(|id| record(id, PASSWORD)).into();
        records.push(recorder);
        records.push(of(OPTIONAL, OF_OPTIONAL));
        records.push(of(PUBLIC, OF_PUBLIC));
        records.push(of(STRANGER, OF_STRANGER));
        import(&native, &records);
        native.post(&format!("/api/v1/devices/{FROZEN}/freeze"), &json!({}));
        let target = format!("/api/v1/projects/{PROJECT}/organizations");
        let made = native.post(&target, &json!({"path": "北京/海淀"}));
        let organization = made["id"].as_str().expect("an id").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        Self {
            server,
            native,
            key,
            strict,
            revoked,
            optional,
            public,
            stranger,
            organization,
            listener,
        }
    }

    /// `host:port` of the server.
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// Where nobody may ever connect to: `host:port`.
    pub fn trap(&self) -> String {
        self.listener.local_addr().expect("a bound socket").to_string()
    }

    /// Whether anybody did.
    pub fn was_connected_to(&self) -> bool {
        self.listener.accept().is_ok()
    }

    /// A request signed as Tencent's signer does it.
    pub fn signed(&self, request: Request) -> Request {
        Signing::new(&self.key).sign(request, &self.host())
    }

    /// A signed GET.
    pub fn get(&self, target: &str) -> Request {
        self.signed(Request::new("GET", target))
    }

    /// A signed request with a body.
    pub fn with_body(&self, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Request {
        self.signed(with_xml(method, target, body))
    }

    /// UpdateDevice with this body.
    pub fn update(&self, body: impl Into<Vec<u8>>) -> Request {
        self.with_body("PUT", "/device", body)
    }

    /// UpdateDevice of one device by a key, in the key's project.
    pub fn entry_by(&self, key: &Key, entry: &str) -> Request {
        let entry = format!("<Devicelist>{entry}</Devicelist>");
        let body = request(&key.project, &[entry]);
        Signing::new(key).sign(with_xml("PUT", "/device", body), &self.host())
    }

    /// UpdateDevice of one device in the first project: what stands in its `Devicelist`.
    pub fn entry(&self, entry: &str) -> Request {
        self.entry_by(&self.key, entry)
    }

    /// UpdateDevice of the first camera, which gives the password that it has and these fields.
    pub fn fields(&self, fields: &str) -> Request {
        self.entry(&format!("<Gbid>{CAMERA}</Gbid><Pwd>{PASSWORD}</Pwd>{fields}"))
    }

    /// Makes the server do once what any traffic makes it do.
    pub fn warm_up(&self) {
        let padding = format!("<!--{}-->", "x".repeat(900_000));
        for _ in 0..5 {
            for body in ["<Request></Request>".to_owned(), format!("<Request>{padding}</Request>")]
            {
                let answer = self.update(body).send(self.server.address());
                assert_eq!(answer.status, 400, "{answer:?}");
            }
        }
    }
}
