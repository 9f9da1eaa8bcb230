//! The documented calls that this server does not have. Each says so, rather than look like a path
//! that was mistyped: 501, which the vendor's page of return values has for it.
//!
//! Paths and names are those of the API Explorer's definition of CPH. Nothing is checked before the
//! answer: it tells no more than this list does.

use axum::response::Response;
use axum::routing::MethodFilter;

use super::error::{Code, Failure};
use super::{Door, answer};

/// A documented call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// Its method.
    pub(crate) method: MethodFilter,
    /// Its path.
    pub(crate) path: &'static str,
    /// Its name in the documents.
    pub(crate) name: &'static str,
}

/// Answers a documented call that is not offered.
pub(crate) fn not_offered(door: &Door, operation: &Operation) -> Response {
    let id = door.handle.next_request_id();
    answer::refuse(id, &Failure::about(Code::NotOffered, operation.name))
}

/// Reads the list below: a method, a path, a name.
macro_rules! operations {
    ($($method:ident $path:literal $name:literal,)*) => {
        &[$(Operation { method: MethodFilter::$method, path: $path, name: $name },)*]
    };
}

/// All of them.
#[rustfmt::skip]
pub(crate) const NOT_OFFERED: &[Operation] = operations![
    POST "/v1/{project_id}/cloud-phone/phones/commands" "RunShellCommand",
    POST "/v1/{project_id}/cloud-phone/phones/sync-commands" "RunSyncCommand",
    POST "/v1/{project_id}/cloud-phone/phones/batch-connection" "BatchShowPhoneConnectInfos",
    POST "/v1/{project_id}/cloud-phone/phones/batch-storage" "BatchExportCloudPhoneData",
    POST "/v1/{project_id}/cloud-phone/phones/batch-restore" "BatchImportCloudPhoneData",
    POST "/v1/{project_id}/cloud-phone/phones/expand-volume" "ExpandPhoneDataVolumeSize",
    POST "/v1/{project_id}/cloud-phone/phones/share-files" "PushShareFiles",
    POST "/v1/{project_id}/cloud-phone/phones/share-apps" "PushShareApps",
    DELETE "/v1/{project_id}/cloud-phone/phones/share-apps" "DeleteShareApps",
    POST "/v1/{project_id}/cloud-phone/phones-traffic" "ImportTraffic",
    GET "/v1/{project_id}/cloud-phone/images" "ListImages",
    DELETE "/v1/{project_id}/cloud-phone/images/{image_id}" "DeleteImage",
    GET "/v1/{project_id}/cloud-phone/images/{image_id}/members" "ListImageMembers",
    POST "/v1/{project_id}/cloud-phone/images/{image_id}/members" "AddImageMember",
    PUT "/v1/{project_id}/cloud-phone/images/{image_id}/members/{member_id}" "UpdateImageMember",
    DELETE "/v1/{project_id}/cloud-phone/images/{image_id}/members/{member_id}" "DeleteImageMember",
    POST "/v1/{project_id}/cloud-phone/servers/batch-restart" "RestartCloudPhoneServer",
    POST "/v1/{project_id}/cloud-phone/servers/change-server-model" "ChangeCloudPhoneServerModel",
    PUT "/v1/{project_id}/cloud-phone/servers/open-access" "UpdateKeypair",
    GET "/v1/{project_id}/cloud-phone/servers/share-files" "ListShareFiles",
    GET "/v1/{project_id}/cloud-phone/server-models" "ListCloudPhoneServerModels",
    GET "/v1/{project_id}/server-model-offerings" "ListCloudPhoneServerModelOfferings",
    GET "/v1/{project_id}/cloud-phone/encode-servers" "ListEncodeServers",
    POST "/v1/{project_id}/cloud-phone/encode-servers/batch-restart" "RestartEncodeServer",
    GET "/v1/{project_id}/cloud-phone/bandwidths" "ListCloudPhoneBandwidths",
    PUT "/v1/{project_id}/cloud-phone/bandwidths/{band_width_id}" "UpdateBandwidth",
    GET "/v1/{project_id}/cloud-phone/scheduled-events" "ListScheduledEvents",
    PUT "/v1/{project_id}/cloud-phone/scheduled-events/{event_id}" "UpdateScheduledEvent",
    POST "/v1/{project_id}/cloud-phone/scheduled-events/{event_id}/authorize" "AuthorizeScheduledEvent",
    POST "/v1/{project_id}/servers/attach-share-filesystem" "AttachShareFilesystem",
    POST "/v1/{project_id}/servers/detach-share-filesystem" "DetachShareFilesystem",
    GET "/v1/{project_id}/servers/{server_id}/share-apps-snapshot" "ListShareAppsSnapshot",
    POST "/v1/{project_id}/servers/{server_id}/share-apps-snapshot" "CreateShareAppsSnapshot",
    POST "/v2/{project_id}/cloud-phone/servers" "CreateNet2CloudPhoneServer",
    DELETE "/v2/{project_id}/cloud-phone/servers" "DeleteCloudPhoneServer",
    POST "/v2/{project_id}/cloud-phone/servers/{server_id}/change" "ChangeCloudPhoneServer",
    POST "/v2.1/{project_id}/cloud-phone/servers" "CreateCloudPhoneSingleServer",
];
