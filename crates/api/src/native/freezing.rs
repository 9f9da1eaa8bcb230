//! Freezing all devices of a project that a selector means, and unfreezing them. One device:
//! [`super::operate`].

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fleet::{Kind, Principal, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::{self, FromPath};
use super::token::Caller;
use super::updates::selector::SelectorBody;
use super::{Native, Problem, objects, openapi};

/// Which devices are frozen, or unfrozen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FrozenSelection {
    /// The kind of device that is meant, `phone` or `camera`; both unless it is given.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(phone|camera)$")]
    kind: Option<Kind>,
    /// Which devices of the project: at most 100,000.
    #[serde(deserialize_with = "objects::object")]
    selector: SelectorBody,
    /// Whether nothing is changed, and the answer says how many would be.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it, or of a dry run what would.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FrozenCount {
    /// Devices that the selector means.
    devices: usize,
    /// Those of them that are changed by it: the others are so already.
    changed: usize,
}

/// Declares calls that freeze or unfreeze.
macro_rules! freezes {
    ($($(#[doc = $doc:literal])* $name:ident $path:literal $frozen:literal;)*) => {
        $(
            $(#[doc = $doc])*
            #[utoipa::path(
                post,
                path = $path,
                tag = "devices",
                security(("token" = ["operator"])),
                params(("project" = String, Path, description = "The project's id")),
                request_body = FrozenSelection,
                responses(
                    (status = 200, description = "How many", body = FrozenCount),
                    openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
                )
            )]
            pub(super) async fn $name(
                State(native): State<Arc<Native>>,
                Caller(principal): Caller,
                FromPath(project): FromPath<ProjectId>,
                exchange::Json(selection): exchange::Json<FrozenSelection>,
            ) -> Result<Json<FrozenCount>, Problem> {
                freeze(&native, &principal, &project, selection, $frozen).await
            }
        )*
    };
}

freezes! {
    /// Freezes all devices of a project that a selector means: they take no updates until they are
    /// unfrozen. Doing so again is harmless.
    freeze_devices "/projects/{project}/freeze" true;
    /// Unfreezes all devices of a project that a selector means. Doing so again is harmless.
    unfreeze_devices "/projects/{project}/unfreeze" false;
}

/// Freezes or unfreezes.
async fn freeze(
    native: &Native,
    principal: &Principal,
    project: &ProjectId,
    selection: FrozenSelection,
    frozen: bool,
) -> Result<Json<FrozenCount>, Problem> {
    let FrozenSelection { kind, selector, dry_run } = selection;
    let handle = &native.handle;
    let selector = selector.selector(kind, &handle.catalogue())?;
    let came = handle.freeze_selected(principal, project, &selector, frozen, dry_run).await?;
    Ok(Json(FrozenCount { devices: came.matched, changed: came.changed }))
}
