//! What a GB device has in its view that phones have not: who it must be, and where it is.

use fleet::catalogue::{DESCRIPTION, IP, MANUFACTURER, NAME, PORT, TRANSPORT};
use fleet::{
    Binding, CameraStatus, CredentialsInUse, DeviceState, Facts, Offline, SipTransport, Timestamp,
    Values,
};
use serde::Serialize;
use store::CameraState;
use utoipa::ToSchema;

use super::organizations::Filed;

/// What a GB device has and phones have not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Camera {
    /// How it stands: `Register` (on record, and never registered), `OnLine` (registered) or
    /// `OffLine` (registered once, and not now).
    #[schema(value_type = String, example = "OnLine")]
    status: CameraStatus,
    /// The digest user name that it must register with; null: its id.
    user: Option<String>,
    /// Whether there is a password for it to register with. Without one it can't.
    has_password: bool,
    /// When these changed, and which it uses.
    credentials: Credentials,
    /// What its operator put on record of it.
    record: Record,
    /// Where it is filed; null if nowhere.
    organization: Option<Filed>,
    /// How it spoke to us when it last registered: `udp` or `tcp`; null if it never did.
    #[schema(value_type = Option<String>, example = "udp")]
    transport: Option<SipTransport>,
    /// Where it last registered from, or a keepalive came from that was followed: address:port.
    #[schema(example = "192.0.2.10:5060")]
    remote: Option<String>,
    /// When its last registration began.
    #[schema(format = DateTime)]
    registered_at: Option<String>,
    /// When that was last renewed.
    #[schema(format = DateTime)]
    refreshed_at: Option<String>,
    /// When it ends, or would have ended, unless it is renewed.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The version of GB/T 28181 that it said it speaks: the `X-GB-Ver` of its REGISTER.
    #[schema(example = "3.0")]
    version: Option<String>,
    /// Why it is not registered any more; null while it is, and if it never was.
    offline: Option<OfflineView>,
    /// The name that the device itself shows.
    reported_name: Option<String>,
    /// Who made it, in its own words.
    manufacturer: Option<String>,
    /// Its model, in its own words.
    model: Option<String>,
    /// Its firmware, in its own words.
    firmware: Option<String>,
    /// How many channels of it are on record.
    channels: u32,
}

/// The user name and password that a GB device must register with: since when, and whether it does.
#[derive(Debug, Serialize, ToSchema)]
struct Credentials {
    /// When they last changed; null if they never did.
    #[schema(format = DateTime)]
    changed_at: Option<String>,
    /// Until when the ones before work too, or worked; null if they don't.
    #[schema(format = DateTime)]
    overlap_until: Option<String>,
    /// With which it registered: `current`, `old` (the ones before, which work for a while yet), or
    /// `not_renewed` (it has not registered since they changed); null while it is not registered.
    #[schema(value_type = Option<String>, example = "current")]
    in_use: Option<CredentialsInUse>,
}

impl Credentials {
    /// Of this state at `now`.
    fn of(camera: &CameraState, now: Timestamp) -> Self {
        let live = camera.binding.as_ref().filter(|binding| binding.is_live(now));
        let in_use = live.map(|binding| camera.credentials_in_use(binding));
        Self {
            changed_at: camera.credentials_at.map(|at| at.to_string()),
            overlap_until: camera.overlap_until.map(|at| at.to_string()),
            in_use,
        }
    }
}

/// What the operator of a GB device put on record of it; null where nothing is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CameraRecord)]
struct Record {
    /// What is said of it: the property `Desc`.
    description: Option<String>,
    /// Its address: `Ip`.
    ip: Option<String>,
    /// Its port: `Port`.
    port: Option<String>,
    /// Who made it: `Manufacturer`. What it says itself stands beside this record.
    manufacturer: Option<String>,
    /// The transport that is wanted for it, `UDP` or `TCP`: `Transport`.
    transport: Option<String>,
}

impl From<&Values> for Record {
    fn from(values: &Values) -> Self {
        let of = |name: &str| values.get(name).cloned();
        Self {
            description: of(DESCRIPTION),
            ip: of(IP),
            port: of(PORT),
            manufacturer: of(MANUFACTURER),
            transport: of(TRANSPORT),
        }
    }
}

/// Why a GB device is not registered any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offline)]
struct OfflineView {
    /// Since when.
    #[schema(format = DateTime)]
    at: String,
    /// `unregistered`, `expired`, `keepalives_missed`, `connection_closed` or
    /// `credentials_changed`.
    #[schema(value_type = String, example = "expired")]
    why: Offline,
    /// The same for people.
    text: String,
}

impl Camera {
    /// The GB device of this state at `now`.
    pub(super) fn of(camera: CameraState, state: &DeviceState, now: Timestamp) -> Self {
        let (credentials, record) = (Credentials::of(&camera, now), Record::from(&camera.record));
        let CameraState { user, has_password, binding, channels, organization, .. } = camera;
        let status = CameraStatus::of(binding.as_ref(), now);
        let fact = |name: &str| state.facts.get(name).map(str::to_owned);
        let shown = state.reported.values.get(NAME);
        let binding = binding.as_ref();
        let text = |at: Timestamp| at.to_string();
        Self {
            status,
            user,
            has_password,
            credentials,
            record,
            organization: organization.map(Filed::from),
            transport: binding.map(|binding| binding.transport),
            remote: binding.map(|binding| binding.remote.to_string()),
            registered_at: binding.map(|binding| text(binding.registered_at)),
            refreshed_at: binding.map(|binding| text(binding.refreshed_at)),
            expires_at: binding.map(|binding| text(binding.expires_at)),
            version: binding.and_then(|binding| binding.version.clone()),
            offline: binding.and_then(|binding| offline(binding, now)),
            reported_name: shown
                .and_then(|shown| shown.value.clone())
                .or_else(|| fact(Facts::NAME)),
            manufacturer: fact(Facts::MANUFACTURER),
            model: fact(Facts::MODEL),
            firmware: fact(Facts::FIRMWARE),
            channels,
        }
    }
}

/// Why the registration is over, if it is: ended before its time, or run out.
fn offline(binding: &Binding, now: Timestamp) -> Option<OfflineView> {
    let ran_out = (binding.expires_at <= now).then_some((binding.expires_at, Offline::Expired));
    let (at, why) = binding.ended.or(ran_out)?;
    Some(OfflineView { at: at.to_string(), why, text: why.to_string() })
}
