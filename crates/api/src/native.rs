//! The native door, `/api/v1`: projects, organizations, access keys, users, devices, updates,
//! jobs, the catalogue and the server itself, for the operator of this server and the command line.
//! And what machines ask of a server: `/healthz`, `/readyz`, `/metrics`, `/openapi.json`.
//!
//! A caller is known by `Authorization: Bearer` and a token: the server's admin token, or that of a
//! user, who may do what is granted in each project. A browser keeps it in a cookie instead. Errors
//! are RFC 9457 problems. The OpenAPI document is made from the handlers and kept in `openapi/`.

mod asker;
mod audit;
mod backup;
mod camera_view;
mod catalogue;
mod channels;
mod cluster;
mod cookie;
mod count;
mod credentials;
mod delivery;
mod desired;
mod device_view;
mod devices;
mod discover;
mod enrolment;
mod entity_tag;
mod entries;
mod events;
mod exchange;
mod explain;
mod export;
mod freezing;
mod grants;
mod history;
mod import;
mod jobs;
mod keyed;
mod keys;
mod need;
mod objects;
mod openapi;
mod operate;
mod organizations;
mod overview;
mod pages;
mod pending;
mod power;
mod presets;
mod problem;
mod projects;
mod registrations;
mod server_settings;
mod session;
mod status;
mod token;
mod tokens;
mod updates;
mod users;
mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use engine::Handle;
use engine::events::Events;
use tokio::sync::Mutex;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admission::Admission;
use crate::idempotency::Keys;
use crate::router::MetricsRender;
use need::Needs;
use token::Guard;

pub use delivery::request as delivery_request;
pub use import::{CharsetError, Row, Rows, charset_of};
pub use openapi::document;
pub(crate) use problem::Problem;
pub(crate) use status::Probes;
pub use status::{Unready, readiness};
pub use token::AdminToken;

/// The operator's files on the server.
#[derive(Clone)]
pub struct OperatorFiles {
    /// The directory for backups. Made when the first one is.
    pub backups: PathBuf,
    /// Gives the operator's own files of those that the catalogue in force was made from.
    pub catalogue: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
}

/// What all calls of the door share.
pub(crate) struct Native {
    /// What is asked of the engine.
    handle: Handle,
    /// What opens the door.
    admin_token: AdminToken,
    /// Who guesses at passwords.
    admission: Arc<Admission>,
    /// Calls that may be sent twice.
    keys: Keys,
    /// What machines ask.
    probes: Probes,
    /// What clients watch.
    events: Events,
    /// The operator's files.
    files: OperatorFiles,
    /// Held while a project's settings are read and written.
    settings_changes: Mutex<()>,
    /// Held while a backup is made.
    backup: Mutex<()>,
}

impl Native {
    /// The door to `handle`, which `admin_token` opens.
    pub(crate) fn new(
        handle: Handle,
        events: Events,
        admin_token: AdminToken,
        metrics_render: MetricsRender,
        files: OperatorFiles,
        admission: Arc<Admission>,
        keys: Keys,
    ) -> Self {
        Self {
            probes: Probes { handle: handle.clone(), metrics_render },
            events,
            handle,
            admin_token,
            admission,
            keys,
            files,
            settings_changes: Mutex::default(),
            backup: Mutex::default(),
        }
    }
}

/// The door's paths: those that need the token, and those that do not.
pub(crate) fn routes<S>(native: &Arc<Native>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let (guarded, document) = guarded().split_for_parts();
    let guard = Guard { native: native.clone(), needs: Arc::new(Needs::of(&document)) };
    let guarded = guarded
        .fallback(exchange::unknown)
        .method_not_allowed_fallback(exchange::wrong_method)
        .layer(axum::middleware::from_fn_with_state(guard, token::guard))
        .with_state(native.clone());
    let document = Router::new()
        .route("/openapi.json", get(status::openapi))
        .method_not_allowed_fallback(exchange::wrong_method);
    probe_routes(native.probes.clone()).merge(document).nest_service("/api/v1", guarded)
}

/// The paths that every node answers.
pub(crate) fn probe_routes<S>(probes: Probes) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .method_not_allowed_fallback(exchange::wrong_method)
        .with_state(probes)
}

/// The calls that need the token, with their documents. Their paths are below `/api/v1`.
fn guarded() -> OpenApiRouter<Arc<Native>> {
    OpenApiRouter::new()
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(projects::show_project, projects::change_project, projects::delete_project))
        .routes(routes!(organizations::list_organizations, organizations::create_organization))
        .routes(routes!(organizations::move_organization, organizations::delete_organization))
        .routes(routes!(presets::list_presets))
        .routes(routes!(presets::show_preset, presets::set_preset, presets::delete_preset))
        .routes(routes!(
            enrolment::show_enrolment,
            enrolment::open_enrolment,
            enrolment::close_enrolment
        ))
        .routes(routes!(pending::list_pending))
        .routes(routes!(pending::accept_pending))
        .routes(routes!(pending::reject_pending))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::list_account_keys, keys::create_account_key))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::set_password))
        .routes(routes!(users::disable_user))
        .routes(routes!(users::enable_user))
        .routes(routes!(grants::list_grants))
        .routes(routes!(grants::list_project_grants))
        .routes(routes!(grants::set_grant, grants::take_grant))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(session::sign_in, session::who_am_i, session::sign_out))
        .routes(routes!(session::cookie::sign_in_by_cookie))
        .routes(routes!(audit::list_audit))
        .routes(routes!(devices::list_devices))
        .routes(routes!(count::count_devices))
        .routes(routes!(devices::show_device, devices::delete_device))
        .routes(routes!(credentials::set_credentials))
        .routes(routes!(credentials::count_credentials))
        .routes(routes!(desired::change_desired))
        .routes(routes!(channels::list_channels))
        .routes(routes!(import::import_devices))
        .routes(routes!(import::template::import_template))
        .routes(routes!(export::export_devices))
        .routes(routes!(discover::discover_devices))
        .routes(routes!(operate::adopt_device))
        .routes(routes!(operate::check_device))
        .routes(routes!(operate::start_arguments))
        .routes(routes!(operate::freeze_device))
        .routes(routes!(operate::unfreeze_device))
        .routes(routes!(freezing::freeze_devices))
        .routes(routes!(freezing::unfreeze_devices))
        .routes(routes!(operate::mark_stopped))
        .routes(routes!(operate::mark_started))
        .routes(routes!(power::restart_device))
        .routes(routes!(power::reset_device))
        .routes(routes!(power::stop_device))
        .routes(routes!(registrations::refused_registrations))
        .routes(routes!(overview::show_overview))
        .routes(routes!(history::device_history))
        .routes(routes!(explain::explain_device))
        .routes(routes!(updates::revert::revert_device))
        .routes(routes!(updates::list::list_updates, updates::create::create_update))
        .routes(routes!(updates::show::show_update))
        .routes(routes!(updates::jobs::list_update_jobs))
        .routes(routes!(updates::failures::update_failures))
        .routes(routes!(updates::rollout::list_refused))
        .routes(routes!(updates::control::pause_update))
        .routes(routes!(updates::control::resume_update))
        .routes(routes!(updates::control::abort_update))
        .routes(routes!(updates::control::cancel_update))
        .routes(routes!(updates::revert::revert_update))
        .routes(routes!(jobs::show_job))
        .routes(routes!(events::follow_events))
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::show_webhook, webhooks::change_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::test_webhook))
        .routes(routes!(catalogue::show_catalogue))
        .routes(routes!(catalogue::reload_catalogue))
        .routes(routes!(cluster::show_cluster))
        .routes(routes!(server_settings::show_settings, server_settings::set_settings))
        .routes(routes!(backup::back_up))
        .routes(routes!(backup::list_backups))
        .routes(routes!(backup::fetch_backup, backup::delete_backup))
}
