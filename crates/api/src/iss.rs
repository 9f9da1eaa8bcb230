//! The ISS door: the first, XML form of Tencent Cloud's Intelligent Video Surveillance API, by
//! which clients manage GB/T 28181 cameras.
//!
//! One file a call. [`serve`] authenticates first ([`auth`]), then the call's function reads what
//! it says and gives the engine a command or reads the store; [`error`] owns every code of a call
//! that is refused whole, [`fields`] those of one device among many. Facts of the wire are from the
//! vendor's pages (github.com/tencentyun/qcloud-documents, `product/存储与CDN/智能视图计算平台`):
//! UpdateDevice and its neighbours, both in the form of `product/460` and that of `product/1344`.
//!
//! Each answer carries `x-iss-request-id`, the call's own id, which its `RequestId` equals.

mod answer;
mod auth;
mod create_device;
mod delete_device;
mod describe_device;
mod describe_devices;
mod device;
mod error;
mod fields;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod ids;
mod not_offered;
mod organizations;
mod projects;
mod query;
mod request;
pub mod request_id;
mod sip;
mod transport;
mod update_device;
mod xml;

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::response::Response;
use engine::Handle;

use crate::admission::Admission;
use crate::signature::tencent::Replays;
use answer::Envelope;
use auth::Call;
use error::Failure;

pub use error::{Code, Row};
pub use fields::EntryCode;
pub(crate) use not_offered::{NOT_OFFERED, not_offered};
pub use sip::{SipServer, SipServers};

/// What all calls of the door share.
pub(crate) struct Door {
    /// What is asked of the engine.
    handle: Handle,
    /// Whom to let in.
    admission: Arc<Admission>,
    /// The signatures of strict keys that were used.
    replays: Mutex<Replays>,
    /// What an installer types into a camera.
    sip_servers: SipServers,
}

impl Door {
    /// A door to the engine of `handle`.
    pub(crate) fn new(handle: Handle, admission: Arc<Admission>, sip_servers: SipServers) -> Self {
        Self { handle, admission, replays: Mutex::default(), sip_servers }
    }
}

/// What is at a path for a method: the calls whose names the vendor gives them, and where one path
/// has several by what its query says, those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `POST /device`.
    CreateDevice,
    /// `PUT /device`: UpdateDevice, UpdateDeviceTransport, UpdateDeviceStatus.
    PutDevice,
    /// `DELETE /device`.
    DeleteDevice,
    /// `GET /device`: DescribeDevice, DescribeDevices.
    GetDevice,
    /// `GET /device/sip`.
    DescribeDeviceSip,
    /// `POST /organization`.
    CreateDeviceOrganization,
    /// `PUT /organization`: not the vendor's.
    UpdateDeviceOrganization,
    /// `DELETE /organization`: not the vendor's.
    DeleteDeviceOrganization,
    /// `GET /organization`.
    DescribeDeviceOrganization,
    /// `POST /project`.
    CreateProject,
    /// `GET /project`.
    DescribeProjects,
    /// `PUT /project/{id}`.
    UpdateProject,
    /// `DELETE /project/{id}`.
    DeleteProject,
}

impl Operation {
    /// Does it: gives the XML of the answer.
    async fn run(self, door: &Door, call: &Call) -> Result<String, Failure> {
        match self {
            Self::CreateDevice => create_device::create_device(door, call).await,
            Self::PutDevice => Self::put_device(door, call).await,
            Self::DeleteDevice => delete_device::delete_device(door, call).await,
            // An empty one is a mistake of the caller's, who asks for one device and not for all.
            Self::GetDevice if call.query.has("gbid") => {
                describe_device::describe_device(door, call).await
            }
            Self::GetDevice => describe_devices::describe_devices(door, call).await,
            Self::DescribeDeviceSip => sip::describe_sip(door, call).await,
            Self::CreateDeviceOrganization => organizations::create(door, call).await,
            Self::UpdateDeviceOrganization => organizations::change(door, call).await,
            Self::DeleteDeviceOrganization => organizations::delete(door, call).await,
            Self::DescribeDeviceOrganization => organizations::describe(door, call).await,
            Self::CreateProject => projects::create(door, call).await,
            Self::DescribeProjects => projects::describe(door, call).await,
            Self::UpdateProject => projects::change(door, call).await,
            Self::DeleteProject => projects::delete(door, call).await,
        }
    }

    /// The three calls of `PUT /device`, told apart by their flag.
    async fn put_device(door: &Door, call: &Call) -> Result<String, Failure> {
        match (call.query.has("status"), call.query.has("transport")) {
            (true, true) => {
                let detail = "the query has both status and transport, which are two calls";
                Err(Failure::because(Code::InvalidArgument, detail))
            }
            (true, false) => Err(not_offered::failure("UpdateDeviceStatus")),
            (false, true) => transport::update_transport(door, call).await,
            (false, false) => update_device::update_device(door, call).await,
        }
    }
}

/// Answers a call.
pub(crate) async fn serve(door: Arc<Door>, operation: Operation, request: Request) -> Response {
    let mut envelope = Envelope::of(door.handle.next_request_id(), &request);
    let outcome = match door.admit(&mut envelope, request).await {
        // On the heap: a call of 100 devices keeps much across its waits.
        Ok(call) => Box::pin(operation.run(&door, &call)).await,
        Err(failure) => Err(failure),
    };
    envelope.send(outcome)
}

/// Answers a path that no call has.
pub(crate) fn not_found(door: &Door, request: &Request) -> Response {
    let envelope = Envelope::of(door.handle.next_request_id(), request);
    envelope.send(Err(Failure::of(Code::NoSuchResource)))
}

/// Answers a path that calls have, but not by this method.
pub(crate) async fn wrong_method(State(door): State<Arc<Door>>, request: Request) -> Response {
    let envelope = Envelope::of(door.handle.next_request_id(), &request);
    let detail = format!("this path has no method {}", request.method());
    envelope.send(Err(Failure::because(Code::MethodNotAllowed, detail)))
}
