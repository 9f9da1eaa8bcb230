//! Finding phones: who answers at addresses that may have some, and what of it is news.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::discover::{Candidate, Discovery, Found, FoundAs};
use fleet::limits::DISCOVERED_PER_CALL_MAX;
use fleet::{DeviceId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange;
use super::token::Caller;
use super::{Native, Problem, openapi};

/// Where to look, and what to do with what is found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// The project that the phones belong to.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    project: ProjectId,
    /// The profile that new phones get.
    #[schema(example = "redroid")]
    profile: String,
    /// The host that the phones live on, where a candidate does not name another; empty for none.
    #[serde(default)]
    #[schema(max_length = 256)]
    server: String,
    /// Where to look: at most 1,024 addresses.
    #[schema(max_items = 1024)]
    candidates: Vec<SearchedAddress>,
    /// Whether what is found is recorded: new phones imported, moved ones given their new address,
    /// containers that had no name given theirs.
    /// Unless it is, this is a preview and changes nothing.
    #[serde(default)]
    apply: bool,
}

/// An address that may have a phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchedAddress {
    /// host:port.
    #[schema(max_length = 260, example = "10.0.3.11:5555")]
    address: String,
    /// What its server calls it: a container's name.
    #[serde(default)]
    #[schema(max_length = 256)]
    container: String,
    /// The name that a new phone gets; unless given its container's, or else its model, with its
    /// address behind it where that is taken, or else its address.
    #[serde(default)]
    #[schema(max_length = 256)]
    name: String,
    /// The host that it lives on, if it is not that of the call.
    #[serde(default)]
    #[schema(max_length = 256)]
    server: String,
}

/// What was found at every address, in the order of the candidates.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Discovered {
    /// One an address.
    found: Vec<FoundPhone>,
}

/// What was found at one address.
#[derive(Debug, Serialize, ToSchema)]
struct FoundPhone {
    /// The address.
    address: String,
    /// What it is.
    what: What,
    /// The device's id, for `new`, `known` and `moved`. That of a new phone in a preview is not the
    /// one that it will get.
    #[schema(value_type = Option<String>)]
    id: Option<DeviceId>,
    /// Where a moved device was before.
    from: Option<String>,
    /// The addresses at which phones answer with one marker.
    copies: Vec<String>,
    /// Why there is no phone to speak to, or whose marker it bears.
    why: Option<String>,
    /// The container's name that the record of a known device gets, having none so far.
    container: Option<String>,
    /// The model that it says it is.
    model: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// A phone that is on no record.
    New,
    /// A device of this project that has not moved, or a phone that is new at another of the
    /// addresses.
    Known,
    /// A device of this project at another address than its record's.
    Moved,
    /// One of several phones with one marker.
    Copy,
    /// A phone that bears a marker of none of this project's devices.
    Foreign,
    /// Nobody answers.
    Unreachable,
    /// A phone that does not let this server in.
    Unauthorised,
}

impl From<Found> for FoundPhone {
    fn from(found: Found) -> Self {
        let Found { address, outcome, model } = found;
        let phone = |what| Self {
            address,
            what,
            id: None,
            from: None,
            copies: Vec::new(),
            why: None,
            container: None,
            model,
        };
        match outcome {
            FoundAs::New { id } => Self { id: Some(id), ..phone(What::New) },
            FoundAs::Known { id, container } => {
                Self { id: Some(id), container, ..phone(What::Known) }
            }
            FoundAs::Moved { id, from } => {
                Self { id: Some(id), from: Some(from), ..phone(What::Moved) }
            }
            FoundAs::Copy { of } => Self { copies: of, ..phone(What::Copy) },
            FoundAs::Foreign { marker } => {
                Self { why: Some(format!("it bears the marker {marker}")), ..phone(What::Foreign) }
            }
            FoundAs::Unreachable { why } => Self { why: Some(why), ..phone(What::Unreachable) },
            FoundAs::Unauthorised { why } => Self { why: Some(why), ..phone(What::Unauthorised) },
        }
    }
}

/// Looks at addresses and says which have phones, which of them are known, and which have moved.
/// A second time with the same addresses finds nothing new.
#[utoipa::path(
    post,
    path = "/devices/discover",
    tag = "devices",
    security(("token" = ["operator"])),
    request_body = Search,
    responses(
        (status = 200, description = "What was found", body = Discovered),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn discover_devices(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    exchange::Json(asked): exchange::Json<Search>,
) -> Result<Json<Discovered>, Problem> {
    if asked.candidates.len() > DISCOVERED_PER_CALL_MAX {
        let bound = format!("more than {DISCOVERED_PER_CALL_MAX} candidates");
        return Err(Problem::invalid(bound));
    }
    let candidates = asked.candidates.into_iter().map(|candidate| {
        let SearchedAddress { address, container, name, server } = candidate;
        Candidate { address, container, name, server }
    });
    let discovery = Discovery {
        project: asked.project,
        profile: asked.profile,
        server: asked.server,
        candidates: candidates.collect(),
        apply: asked.apply,
    };
    let found = native.handle.discover(&principal, discovery).await?;
    Ok(Json(Discovered { found: found.into_iter().map(FoundPhone::from).collect() }))
}
