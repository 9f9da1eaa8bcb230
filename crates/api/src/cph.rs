//! The CPH door: Huawei Cloud's Cloud Phone API, as its SDKs and Terraform provider speak it.
//!
//! One file a call. Each authenticates first ([`auth`]), then reads what the call says, then gives
//! the engine a command or reads the store; [`error`] owns every code and text. Facts of the wire
//! are from the vendor's API reference ("CPH API", support.huaweicloud.com/api-cph) and its API
//! Explorer definition.
//!
//! Each answer carries `X-Request-Id`, the call's own id, from which the SDK takes it.

mod answer;
mod auth;
mod batch;
mod body;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod images;
mod job;
mod list_jobs;
mod list_phones;
mod names;
mod not_offered;
mod phone;
mod power;
mod projects;
mod property;
mod query;
mod servers;
mod show_job;
mod show_phone;
mod small_body;
mod tags;
mod tokens;
mod update_property;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use engine::Handle;

use crate::admission::Admission;
use error::Failure;

pub use error::{Bound, Code, Row, bounds};
pub(crate) use images::{list_images, list_models};
pub(crate) use list_jobs::list_jobs;
pub(crate) use list_phones::list_phones;
pub(crate) use not_offered::{NOT_OFFERED, not_offered};
pub(crate) use power::{reset_phones, restart_phones, stop_phones};
pub(crate) use projects::list_projects;
pub(crate) use servers::{list_servers, rename_server, show_server};
pub(crate) use show_job::show_job;
pub(crate) use show_phone::{rename_phone, show_phone};
pub(crate) use tags::{change_tags, list_tag_keys, list_tags, search_tags};
pub(crate) use tokens::create_token;
pub(crate) use update_property::update_property;

/// What all calls of the door share.
pub(crate) struct Door {
    /// What is asked of the engine.
    handle: Handle,
    /// Whom to let in.
    admission: Arc<Admission>,
}

impl Door {
    /// A door to the engine of `handle`.
    pub(crate) fn new(handle: Handle, admission: Arc<Admission>) -> Self {
        Self { handle, admission }
    }
}

/// Answers a path that no call has.
pub(crate) fn not_found(door: &Door) -> Response {
    answer::refuse(door.handle.next_request_id(), &Failure::of(Code::NotPublished))
}

/// Answers a path that calls have, but not by this method.
pub(crate) async fn wrong_method(State(door): State<Arc<Door>>) -> Response {
    answer::refuse(door.handle.next_request_id(), &Failure::of(Code::NoSuchMethod))
}
