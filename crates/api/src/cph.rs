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
mod body;
mod error;
mod job;
mod list_jobs;
mod not_offered;
mod property;
mod show_job;
mod show_phone;
mod update_property;

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::Response;
use engine::Handle;
use tokio::sync::Semaphore;

use crate::signature::lockout::Lockout;
use error::{Code, Failure};

pub(crate) use list_jobs::list_jobs;
pub(crate) use not_offered::{NOT_OFFERED, not_offered};
pub(crate) use show_job::show_job;
pub(crate) use show_phone::show_phone;
pub(crate) use update_property::update_property;

/// What all calls of the door share.
pub(crate) struct Door {
    /// What is asked of the engine.
    handle: Handle,
    /// Further names of this server that a signature may be made for.
    public_hosts: Vec<String>,
    /// Who guesses.
    lockout: Mutex<Lockout>,
    /// Room for bodies, in kilobytes.
    bodies: Arc<Semaphore>,
}

impl Door {
    /// A door to the engine of `handle`.
    pub(crate) fn new(handle: Handle, public_hosts: Vec<String>) -> Self {
        Self {
            handle,
            public_hosts,
            lockout: Mutex::default(),
            bodies: Arc::new(Semaphore::new(auth::BODIES_KILOBYTES_MAX)),
        }
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
