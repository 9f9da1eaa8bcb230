//! A scripted GB device: it registers, sends keepalives, and answers as its script says.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use gb28181::digest::{Challenge, Credentials, Form};
use gb28181::endpoint::{
    Config, Endpoint, Event, IncomingRequest, Keep, OutgoingRequest, OutgoingResponse, RequestId,
};
use gb28181::manscdp::{
    BasicParam, CONTENT_TYPE, CatalogItem, CatalogPart, ConfigDownload, ConfigResult,
    ControlCommand, DeviceInfo, DeviceStatus, Encoding, Incoming, Keepalive, Outcome, Outgoing,
};
use gb28181::sip::{Flow, Method, Name, Transport};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What a device does with a DeviceConfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnConfig {
    /// Takes it and says OK.
    Ok,
    /// Refuses it in these words.
    Error(String),
    /// Takes it and says nothing.
    TakeSilently,
    /// Does not take it and says nothing.
    Ignore,
    /// Takes it when it says OK, after this long.
    Late(Duration),
    /// Says OK at once, and takes it after this long.
    TakeLate(Duration),
    /// Refuses it after this long.
    LateError(Duration),
    /// Takes itself off, restarts, and has not taken it.
    Restart,
    /// The same, and has taken it.
    TakeAndRestart,
}

/// What a device is like. Tests change it as they go.
#[derive(Debug, Clone)]
pub struct Script {
    pub on_config: OnConfig,
    /// Whether ConfigDownload is answered for the device.
    pub shows_config: bool,
    /// Whether it is for a channel.
    pub shows_channels: bool,
    /// Whether DeviceInfo is answered.
    pub shows_info: bool,
    /// Whether a catalog names its channels.
    pub shows_names: bool,
    pub manufacturer: String,
    /// Whether a catalog comes one item a message.
    pub item_by_item: bool,
    /// The place of an item that a catalog leaves out, though it counts it.
    pub loses_item: Option<usize>,
    /// Nothing comes in or goes out.
    pub is_dead: bool,
    /// It registers and sends keepalives, and takes no request.
    pub is_deaf: bool,
    /// How many ConfigDownloads it will not answer.
    pub misses: u32,
    pub name: String,
    pub expiration: u32,
    pub channels: BTreeMap<String, String>,
    pub password: String,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            on_config: OnConfig::Ok,
            shows_config: true,
            shows_channels: true,
            shows_info: true,
            shows_names: true,
            manufacturer: "ExampleCam".to_owned(),
            item_by_item: false,
            loses_item: None,
            is_dead: false,
            is_deaf: false,
            misses: 0,
            name: "factory".to_owned(),
            expiration: 3_600,
            channels: BTreeMap::new(),
            password: "12345678".to_owned(),
        }
    }
}

/// What a device has heard.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Every DeviceConfig: whom it was for, and what it said.
    pub configs: Vec<(String, BasicParam)>,
    /// The bodies of them.
    pub bodies: Vec<Vec<u8>>,
    /// Every query: what for, and about whom.
    pub queries: Vec<(String, String)>,
    /// How often it has registered, refreshes not counted.
    pub registrations: u32,
}

impl Heard {
    /// How many queries of this sort there were.
    pub fn count(&self, cmd_type: &str) -> usize {
        self.queries.iter().filter(|(cmd, _)| cmd == cmd_type).count()
    }
}

/// What carries a device's datagrams to the server.
pub type Send = Arc<dyn Fn(Bytes) + std::marker::Send + Sync>;

/// A running device. It ends when it is dropped.
pub struct Camera {
    shared: Arc<Mutex<(Script, Heard)>>,
    orders: mpsc::UnboundedSender<Order>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Order {
    Register,
    Unregister,
}

impl Camera {
    /// Puts a device on the network, not registered yet.
    pub fn start(
        id: &str,
        script: Script,
        address: SocketAddr,
        server: SocketAddr,
        inbox: mpsc::UnboundedReceiver<Bytes>,
        send: Send,
    ) -> Self {
        let shared = Arc::new(Mutex::new((script, Heard::default())));
        let (orders, ordered) = mpsc::unbounded_channel();
        let mut seed = [0; 32];
        for (place, byte) in seed.iter_mut().zip(id.bytes().cycle()) {
            *place = byte;
        }
        let device = Device {
            id: id.to_owned(),
            address,
            flow: Flow { transport: Transport::Udp, remote: server, connection: 0 },
            endpoint: Endpoint::new(Config::new(seed)),
            shared: shared.clone(),
            send,
            registering: None,
            is_registered: false,
            due: VecDeque::new(),
            sn: 0,
        };
        let task = tokio::spawn(device.run(inbox, ordered));
        Self { shared, orders, task }
    }

    pub fn register(&self) {
        let _ = self.orders.send(Order::Register);
    }

    pub fn unregister(&self) {
        let _ = self.orders.send(Order::Unregister);
    }

    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.lock().0);
    }

    pub fn heard(&self) -> Heard {
        self.lock().1.clone()
    }

    pub fn name(&self) -> String {
        self.lock().0.name.clone()
    }

    pub fn channels(&self) -> BTreeMap<String, String> {
        self.lock().0.channels.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Script, Heard)> {
        self.shared.lock().unwrap()
    }
}

/// What a device does later.
enum Due {
    Send(Outgoing),
    Take(String, BasicParam),
    Register,
    Keepalive,
}

struct Device {
    id: String,
    address: SocketAddr,
    flow: Flow,
    endpoint: Endpoint,
    shared: Arc<Mutex<(Script, Heard)>>,
    send: Send,
    /// The REGISTER under way: its number, what it asks for, and whether it has credentials.
    registering: Option<(RequestId, u32, bool)>,
    is_registered: bool,
    due: VecDeque<(Instant, Due)>,
    sn: u32,
}

const KEEPALIVE_EVERY: Duration = Duration::from_secs(60);
const RESTARTS_IN: Duration = Duration::from_secs(20);

impl Device {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Bytes>,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) {
        loop {
            while let Some(event) = self.endpoint.poll_event() {
                self.on(event);
            }
            while let Some(transmit) = self.endpoint.poll_transmit() {
                if !self.shared.lock().unwrap().0.is_dead {
                    (self.send)(transmit.bytes);
                }
            }
            let timeout = self.endpoint.poll_timeout().map(Instant::from_std);
            let due = self.due.iter().map(|(at, _)| *at).min();
            let wake = timeout.into_iter().chain(due).min();
            let asleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                bytes = inbox.recv() => {
                    let Some(bytes) = bytes else { return };
                    if !self.shared.lock().unwrap().0.is_dead {
                        self.endpoint.receive(Instant::now().into_std(), self.flow, bytes);
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Register) => self.register(3_600, None),
                    Some(Order::Unregister) => self.register(0, None),
                    None => return,
                },
                () = asleep => {
                    self.endpoint.handle_timeout(Instant::now().into_std());
                    self.do_what_is_due();
                }
            }
        }
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        let (ready, later) = self.due.drain(..).partition(|(at, _)| *at <= now);
        self.due = later;
        let ready: VecDeque<(Instant, Due)> = ready;
        for (_, due) in ready {
            match due {
                Due::Send(outgoing) => self.tell(&outgoing),
                Due::Take(target, basic) => self.take(&target, &basic),
                Due::Register => self.register(3_600, None),
                Due::Keepalive if self.is_registered => {
                    self.sn += 1;
                    let device_id = self.id.clone();
                    let keepalive = Keepalive { sn: self.sn, device_id, status: Outcome::Ok };
                    self.tell(&Outgoing::Keepalive(keepalive));
                    self.due.push_back((now + KEEPALIVE_EVERY, Due::Keepalive));
                }
                Due::Keepalive => {}
            }
        }
    }

    fn register(&mut self, expires: u32, challenge: Option<&[u8]>) {
        let uri = "sip:34020000002000000001@3402000000";
        let own = format!("sip:{}@3402000000", self.id);
        let sent_by = self.address.to_string();
        let mut request =
            OutgoingRequest::new(Method::Register, uri, own.as_str(), own.as_str(), sent_by)
                .with(Name::Expires, expires.to_string());
        request.contact = Some(format!("<sip:{}@{}>", self.id, self.address).into_bytes());
        if let Some(challenge) = challenge {
            let challenge = Challenge::parse(challenge).unwrap();
            let password = self.shared.lock().unwrap().0.password.clone();
            let (user, password) = (self.id.as_bytes(), password.as_bytes());
            let (method, uri) = (b"REGISTER", uri.as_bytes());
            let form = Form::QopAuth;
            let credentials =
                Credentials::create(&challenge, user, password, method, uri, b"0a4f113b", 1, form);
            request = request.with(Name::Authorization, credentials.to_header());
        }
        let now = Instant::now().into_std();
        let id = self.endpoint.request(now, self.flow, request).unwrap();
        self.registering = Some((id, expires, challenge.is_some()));
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Request(request) => self.on_request(&request),
            Event::Response { id, status, message } => {
                let Some((_, expires, proved)) = self.registering.filter(|(own, ..)| *own == id)
                else {
                    return;
                };
                match status {
                    401 if !proved => {
                        let challenge = message.header(Name::WwwAuthenticate).unwrap();
                        self.register(expires, Some(&challenge));
                    }
                    200 => {
                        let began = expires > 0 && !self.is_registered;
                        self.is_registered = expires > 0;
                        if began {
                            self.shared.lock().unwrap().1.registrations += 1;
                            let at = Instant::now() + KEEPALIVE_EVERY;
                            self.due.push_back((at, Due::Keepalive));
                        }
                    }
                    _ => {}
                }
            }
            Event::Failed { .. } | Event::Ping { .. } => {}
        }
    }

    fn on_request(&mut self, request: &IncomingRequest) {
        if self.shared.lock().unwrap().0.is_deaf {
            return;
        }
        let now = Instant::now().into_std();
        self.endpoint.respond(now, request, OutgoingResponse::new(200), Keep::Response);
        match Incoming::parse(request.message.body()).unwrap() {
            Incoming::Query(query) => {
                let heard = (query.cmd_type.clone(), query.device_id.clone());
                self.shared.lock().unwrap().1.queries.push(heard);
                self.answer(&query.cmd_type, query.sn, query.device_id);
            }
            Incoming::Control(control) => {
                let ControlCommand::DeviceConfig(basic) = control.command else {
                    panic!("{control:?}")
                };
                {
                    let heard = &mut self.shared.lock().unwrap().1;
                    heard.configs.push((control.device_id.clone(), (*basic).clone()));
                    heard.bodies.push(request.message.body().to_vec());
                }
                self.on_config(control.sn, &control.device_id, *basic);
            }
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, cmd_type: &str, sn: u32, device_id: String) {
        let script = self.shared.lock().unwrap().0.clone();
        let is_own = device_id == self.id;
        match cmd_type {
            "ConfigDownload" if script.misses > 0 => {
                self.shared.lock().unwrap().0.misses -= 1;
            }
            "DeviceInfo" if script.shows_info => self.tell(&Outgoing::DeviceInfo(DeviceInfo {
                sn,
                device_id,
                device_name: Some(script.name),
                result: Outcome::Ok,
                manufacturer: Some(script.manufacturer),
                model: Some("EC-200".to_owned()),
                firmware: Some("V1.2.3".to_owned()),
                channel: u32::try_from(script.channels.len()).ok(),
            })),
            "DeviceStatus" => self.tell(&Outgoing::DeviceStatus(DeviceStatus {
                sn,
                device_id,
                result: Outcome::Ok,
                online: Some("ONLINE".to_owned()),
                status: Some(Outcome::Ok),
                reason: None,
                encode: Some("ON".to_owned()),
                record: Some("OFF".to_owned()),
                device_time: Some("2026-11-21T22:40:00".to_owned()),
            })),
            "ConfigDownload" if is_own && script.shows_config => {
                self.tell_config(
                    sn,
                    device_id,
                    BasicParam {
                        name: Some(script.name),
                        expiration: Some(script.expiration),
                        heartbeat_interval: Some(60),
                        heartbeat_count: Some(3),
                        ..BasicParam::default()
                    },
                );
            }
            "ConfigDownload" if !is_own && script.shows_channels => {
                let name = script.channels.get(&device_id).cloned();
                self.tell_config(sn, device_id, BasicParam { name, ..BasicParam::default() });
            }
            "Catalog" => self.tell_catalog(sn, &script),
            _ => {}
        }
    }

    fn tell_config(&mut self, sn: u32, device_id: String, basic: BasicParam) {
        self.tell(&Outgoing::ConfigDownload(ConfigDownload {
            sn,
            device_id,
            result: Outcome::Ok,
            basic: Some(Box::new(basic)),
            other_types: Vec::new(),
        }));
    }

    fn tell_catalog(&mut self, sn: u32, script: &Script) {
        let sum_num = u32::try_from(script.channels.len()).ok();
        let items: Vec<CatalogItem> = script
            .channels
            .iter()
            .map(|(id, name)| CatalogItem {
                device_id: id.clone(),
                name: script.shows_names.then(|| name.clone()),
                manufacturer: Some(script.manufacturer.clone()),
                parent_id: Some(self.id.clone()),
                status: Some("ON".to_owned()),
                ..CatalogItem::default()
            })
            .enumerate()
            .filter(|(place, _)| script.loses_item != Some(*place))
            .map(|(_, item)| item)
            .collect();
        let a_message = if script.item_by_item { 1 } else { 8 };
        let empty = [Vec::new()];
        let parts: Vec<Vec<CatalogItem>> = items.chunks(a_message).map(<[_]>::to_vec).collect();
        for items in if parts.is_empty() { empty.to_vec() } else { parts } {
            let device_id = self.id.clone();
            self.tell(&Outgoing::Catalog(CatalogPart { sn, device_id, sum_num, items }));
        }
    }

    fn on_config(&mut self, sn: u32, target: &str, basic: BasicParam) {
        let device_id = target.to_owned();
        let on_config = self.shared.lock().unwrap().0.on_config.clone();
        let result = |result| {
            Outgoing::ConfigResult(ConfigResult { sn, device_id: device_id.clone(), result })
        };
        let now = Instant::now();
        match on_config {
            OnConfig::Ok => {
                self.take(target, &basic);
                self.tell(&result(Outcome::Ok));
            }
            OnConfig::Error(words) => self.tell(&result(Outcome::Error(words))),
            OnConfig::TakeSilently => self.take(target, &basic),
            OnConfig::Ignore => {}
            OnConfig::Late(after) => {
                self.due.push_back((now + after, Due::Take(target.to_owned(), basic)));
                self.due.push_back((now + after, Due::Send(result(Outcome::Ok))));
            }
            OnConfig::TakeLate(after) => {
                self.due.push_back((now + after, Due::Take(target.to_owned(), basic)));
                self.tell(&result(Outcome::Ok));
            }
            OnConfig::LateError(after) => {
                let answer = result(Outcome::Error("ERROR".to_owned()));
                self.due.push_back((now + after, Due::Send(answer)));
            }
            OnConfig::Restart | OnConfig::TakeAndRestart => {
                if on_config == OnConfig::TakeAndRestart {
                    self.take(target, &basic);
                }
                self.register(0, None);
                self.due.push_back((now + RESTARTS_IN, Due::Register));
            }
        }
    }

    fn take(&mut self, target: &str, basic: &BasicParam) {
        let script = &mut self.shared.lock().unwrap().0;
        if target == self.id {
            script.name = basic.name.clone().unwrap_or_else(|| script.name.clone());
            script.expiration = basic.expiration.unwrap_or(script.expiration);
        } else if let Some(name) = &basic.name {
            script.channels.insert(target.to_owned(), name.clone());
        }
    }

    fn tell(&mut self, outgoing: &Outgoing) {
        let body = outgoing.to_body(Encoding::Gb2312Label).unwrap();
        let uri = "sip:34020000002000000001@3402000000";
        let own = format!("sip:{}@3402000000", self.id);
        let request =
            OutgoingRequest::new(Method::Message, uri, own, uri, self.address.to_string())
                .with_body(CONTENT_TYPE, body);
        let now = Instant::now().into_std();
        self.endpoint.request(now, self.flow, request).unwrap();
    }
}
