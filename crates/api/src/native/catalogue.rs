//! The catalogue in force: what is known of each property, and how each make of device takes it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::Catalogue;
use fleet::catalogue::{
    FactoryReset, GbProfile, Privilege, Profile, Property, Restart, Retention, Route, SetBy,
    Timing, ValueKind,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::FromQuery;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// The catalogue in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogueView {
    /// The operator's own files of those it was made from.
    operator_files: Vec<String>,
    /// The properties, in the order of the files: all of them, or where a profile was asked for
    /// those of its sort of device.
    properties: Vec<PropertyView>,
    /// All profiles, by name.
    profiles: Vec<ProfileView>,
}

/// What is known of a property.
#[derive(Debug, Serialize, ToSchema)]
struct PropertyView {
    /// What sort of device has it: `phone` or `camera`. A name may stand for one of each.
    device_kind: &'static str,
    /// Its name; what ends in `*` stands for all names that begin so.
    name: String,
    /// Other names that callers may use.
    aliases: Vec<String>,
    /// `integer`, `text` or `bool01`.
    kind: &'static str,
    /// What is allowed, in words.
    allows: String,
    /// The value of a new device, where the vendor documents one.
    default: Option<String>,
    /// When a value acts that the device holds: `at_once` or `after_restart`.
    timing: &'static str,
    /// Whether callers may change it.
    updatable: bool,
    /// Whether it tells a device from others, so that a project's policy says who may change it.
    identity: bool,
    /// What it does.
    meaning: String,
    /// Where that is documented.
    source: String,
    /// How devices of the profile that was asked for take it; null where none was asked for or it
    /// has no way.
    route: Option<RouteView>,
}

/// How devices of a profile take a property.
#[derive(Debug, Serialize, ToSchema)]
struct RouteView {
    /// `setprop`, `setprop_once_per_boot`, `settings`, `command`, `file`, `start_argument`,
    /// `basic_param`, `stored` or `unsupported`.
    how: &'static str,
    /// What is run or written, or why there is no way.
    detail: String,
    /// How long a value holds: `record`, `data`, `boot` or `start_args`.
    retention: &'static str,
    /// When a value acts: `at_once` or `after_restart`.
    timing: &'static str,
}

/// How one make of device is spoken to.
#[derive(Debug, Serialize, ToSchema)]
struct ProfileView {
    /// What a device's record calls it.
    name: String,
    /// What sort of device it is for: `phone` or `camera`.
    kind: &'static str,
    /// Which devices it is for.
    meaning: String,
    /// How such a device is restarted: `adb_reboot`, `framework`, `command` or `none`.
    restart: &'static str,
    /// How such a device goes back to how it left the factory: `test_harness`, `command` or `none`.
    factory_reset: &'static str,
    /// The rights that setting values takes: `none`, `su` or `root_shell`.
    privilege: &'static str,
    /// What the operator's own commands do: of `restart`, `start`, `stop`, `factory_reset`.
    commands: Vec<&'static str>,
    /// How such a GB device is spoken to; null for a phone's profile.
    gb: Option<GbView>,
}

/// How one make of GB device is spoken to.
#[derive(Debug, Serialize, ToSchema)]
struct GbView {
    /// The shape of its DeviceConfig: `2016` (of GB/T 28181-2016 and -2022) or `2014` (of the
    /// amendment of 2014, with the password in it).
    shape: &'static str,
    /// Whether it takes names for its channels. If not, ours are records.
    channel_names: bool,
    /// A camera whose profile is `generic` is spoken to by this one if the manufacturer that it
    /// names has one of these texts, in whatever case.
    manufacturers: Vec<String>,
}

/// How much of the catalogue there is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reloaded {
    /// How many properties.
    properties: usize,
    /// How many profiles.
    profiles: usize,
    /// The operator's own files of those it was made from.
    operator_files: Vec<String>,
}

/// For which profile.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShowQuery {
    /// How devices of this profile take each property is shown too.
    profile: Option<String>,
}

/// Shows the catalogue in force.
#[utoipa::path(
    get,
    path = "/catalogue",
    tag = "catalogue",
    security(("token" = [])),
    params(ShowQuery),
    responses(
        (status = 200, description = "The catalogue", body = CatalogueView),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_catalogue(
    State(native): State<Arc<Native>>,
    FromQuery(query): FromQuery<ShowQuery>,
) -> Result<Json<CatalogueView>, Problem> {
    let (catalogue, operator_files) = in_force(&native);
    let profile = match query.profile.as_deref() {
        None => None,
        Some(name) => {
            let known = catalogue.profile(name);
            let known =
                known.ok_or_else(|| Problem::not_found(format!("no such profile: {name}")))?;
            Some(known)
        }
    };
    let properties = catalogue.properties();
    let properties = properties
        .filter(|property| profile.is_none_or(|profile| profile.kind == property.device_kind))
        .map(|property| view(&catalogue, profile, property));
    Ok(Json(CatalogueView {
        operator_files,
        properties: properties.collect(),
        profiles: catalogue.profiles().map(ProfileView::from).collect(),
    }))
}

/// Reads the operator's catalogue files again and puts them in force, with what is part of the
/// product. A file that is not right is named with line and reason, and what was in force stays.
#[utoipa::path(
    post,
    path = "/catalogue/reload",
    tag = "catalogue",
    security(("token" = ["server"])),
    responses(
        (status = 200, description = "What is in force from now on", body = Reloaded),
        openapi::Invalid, openapi::Guarded,
    )
)]
pub(super) async fn reload_catalogue(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
) -> Result<Json<Reloaded>, Problem> {
    native.handle.reload_catalogue(&principal).await?;
    let (catalogue, operator_files) = in_force(&native);
    Ok(Json(Reloaded {
        properties: catalogue.properties().count(),
        profiles: catalogue.profiles().count(),
        operator_files,
    }))
}

/// The catalogue in force and the operator's files that it was made from. Both at one moment:
/// asked again while another catalogue is being put in force.
fn in_force(native: &Native) -> (Arc<Catalogue>, Vec<String>) {
    loop {
        let catalogue = native.handle.catalogue();
        let files = (native.files.catalogue)();
        if Arc::ptr_eq(&catalogue, &native.handle.catalogue()) {
            return (catalogue, files);
        }
    }
}

/// What is known of a property, and how `profile` takes it.
fn view(catalogue: &Catalogue, profile: Option<&Profile>, property: &Property) -> PropertyView {
    let route = profile.and_then(|profile| catalogue.route(&profile.name, &property.name));
    PropertyView {
        device_kind: property.device_kind.name(),
        name: property.name.clone(),
        aliases: property.aliases.clone(),
        kind: match property.kind {
            ValueKind::Integer => "integer",
            ValueKind::Text => "text",
            ValueKind::Bool01 => "bool01",
        },
        allows: property.allows.clone(),
        default: property.default.clone(),
        timing: timing(property.timing),
        updatable: property.updatable,
        identity: property.identity,
        meaning: property.meaning.clone(),
        source: property.source.clone(),
        route: route.map(RouteView::from),
    }
}

fn timing(timing: Timing) -> &'static str {
    match timing {
        Timing::AtOnce => "at_once",
        Timing::AfterRestart => "after_restart",
    }
}

impl From<Route<'_>> for RouteView {
    fn from(route: Route<'_>) -> Self {
        let (how, detail) = match route.set_by {
            SetBy::Setprop { name } => ("setprop", name.to_owned()),
            SetBy::SetpropOncePerBoot { name } => ("setprop_once_per_boot", name.to_owned()),
            SetBy::Settings { namespace, key } => ("settings", format!("{namespace} {key}")),
            SetBy::Command { set, .. } => ("command", set.join(" ")),
            SetBy::File { path } => ("file", path.to_owned()),
            SetBy::StartArgument { argument, .. } => ("start_argument", argument.to_owned()),
            SetBy::BasicParam => ("basic_param", "DeviceConfig, ConfigDownload".to_owned()),
            SetBy::Stored => ("stored", "a record: nothing on the device reads it".to_owned()),
            SetBy::Unsupported { reason } => ("unsupported", reason.to_owned()),
        };
        let retention = match route.retention {
            Retention::Record => "record",
            Retention::Data => "data",
            Retention::Boot => "boot",
            Retention::StartArgs => "start_args",
        };
        Self { how, detail, retention, timing: timing(route.timing) }
    }
}

impl From<&Profile> for ProfileView {
    fn from(profile: &Profile) -> Self {
        let commands = &profile.commands;
        let commands = [
            ("restart", &commands.restart),
            ("start", &commands.start),
            ("stop", &commands.stop),
            ("factory_reset", &commands.factory_reset),
        ];
        let commands = commands.into_iter().filter(|(_, command)| command.is_some());
        Self {
            name: profile.name.clone(),
            kind: profile.kind.name(),
            meaning: profile.meaning.clone(),
            restart: match profile.restart {
                Restart::AdbReboot => "adb_reboot",
                Restart::Framework => "framework",
                Restart::Command => "command",
                Restart::None => "none",
            },
            factory_reset: match profile.factory_reset {
                FactoryReset::TestHarness => "test_harness",
                FactoryReset::Command => "command",
                FactoryReset::None => "none",
            },
            privilege: match profile.privilege {
                Privilege::None => "none",
                Privilege::Su => "su",
                Privilege::RootShell => "root_shell",
            },
            commands: commands.map(|(name, _)| name).collect(),
            gb: profile.gb.as_ref().map(GbView::from),
        }
    }
}

impl From<&GbProfile> for GbView {
    fn from(gb: &GbProfile) -> Self {
        Self {
            shape: gb.shape.name(),
            channel_names: gb.channel_names,
            manufacturers: gb.manufacturers.clone(),
        }
    }
}
