//! What the tests of the CPH door need besides a site: users and their tokens, and a second door to
//! the same engine, behind proxies.

use std::net::SocketAddr;
use std::sync::Arc;

use api::listener::{self, Listener};
use api::native::{AdminToken, OperatorFiles};
use api::router::{self, router};
use engine::events::Events;
use fleet::{DeviceId, Kind, NewDevice, Principal, ProjectId, Secret};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::{Answer, bytes, exchange};
use crate::site::{FOREIGN, PROJECT, Site, TOKEN};

/// The users of the two projects, with their passwords.
pub const USER: (&str, &str) = ("alice", "correct horse battery staple");
pub const FOREIGN_USER: (&str, &str) = ("mallory", "another long password");

/// A body that asks for a token.
pub fn token_body((name, password): (&str, &str), scope: &Value) -> Value {
    json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": {
            "name": name, "password": password, "domain": { "name": "IAMDomain" } } } },
        "scope": scope } })
}

impl Site {
    /// Makes the users.
    pub async fn with_users(self) -> Self {
        let admin = Principal::admin();
        for (project, (name, password)) in [(PROJECT, USER), (FOREIGN, FOREIGN_USER)] {
            let project = ProjectId::new(project).unwrap();
            let password = Secret::new(password.to_owned());
            let made = self.handle.create_user(
                &admin,
                name.to_owned(),
                &project,
                fleet::Grant::Operator,
                password,
            );
            made.await.unwrap();
        }
        self
    }

    /// A call with a token, or with none; `headers` go along.
    pub async fn with_token(
        &self,
        token: Option<&str>,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost"));
        if let Some(token) = token {
            headers.insert("x-auth-token", token.parse().unwrap());
        }
        exchange(self.address, &bytes(method, target, &headers, body)).await
    }

    /// Asks for a token.
    pub async fn sign_in(&self, body: &Value) -> Answer {
        self.with_token(None, "POST", "/v3/auth/tokens", body.to_string().as_bytes()).await
    }

    /// A token of the user for its own project.
    pub async fn token(&self, user: (&str, &str)) -> String {
        let answer = self.sign_in(&token_body(user, &Value::Null)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.header("x-subject-token").to_owned()
    }

    /// Records a phone more.
    pub async fn add_phone(&self, id: &str, name: &str, server: &str, address: &str) {
        let record = NewDevice {
            project: ProjectId::new(PROJECT).unwrap(),
            kind: Kind::Phone,
            id: DeviceId::new(id).unwrap(),
            name: name.to_owned(),
            server: server.to_owned(),
            address: address.to_owned(),
            container: String::new(),
            profile: "simulated".to_owned(),
            camera: None,
        };
        self.handle.import(&Principal::admin(), vec![record]).await.unwrap();
        self.until("a phone to be met", async || self.device(id).await.adopted).await;
    }

    /// Opens another door to the same engine, which trusts the proxies named.
    pub async fn behind_proxies(&self, trusted: &[&str]) -> (SocketAddr, DropGuard) {
        let router = router(router::Options {
            handle: self.handle.clone(),
            events: Events::new(&self.handle),
            admin_token: AdminToken::new(TOKEN),
            metrics_render: Arc::new(String::new),
            operator_files: OperatorFiles {
                backups: self.files().join("backups"),
                catalogue: Arc::new(Vec::new),
            },
            public_hosts: Vec::new(),
            trusted_proxies: trusted.iter().map(|proxy| proxy.parse().unwrap()).collect(),
            sip_servers: Arc::new(Vec::new),
        });
        let options = listener::Options::new("127.0.0.1:0".parse().unwrap());
        let listener = Listener::bind(options).await.unwrap();
        let (address, shutdown) = (listener.local_addr(), CancellationToken::new());
        tokio::spawn(listener.run(router, shutdown.clone()));
        (address, shutdown.drop_guard())
    }
}
