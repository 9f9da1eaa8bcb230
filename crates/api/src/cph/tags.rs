//! The tags of servers and phones (CPH API, pages cph_api_0553 to 0557). These answers have no
//! `request_id` in their bodies.

mod asked;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::{DeviceId, RequestId};
use serde::Serialize;
use store::write::ChangeTags;
use store::{Tag, Tagged, TaggedKind, TaggedThing};

use super::auth::Call;
use super::error::{Code, Failure};
use super::query::Query;
use super::{Door, answer, servers, show_phone, small_body};
use asked::{Change, Search};
pub(super) use asked::{
    KEY_CHARACTERS_MAX, KEYS_PER_QUERY_MAX, TAGS_PER_CALL_MAX, VALUE_CHARACTERS_MAX,
    VALUES_PER_KEY_MAX,
};
#[cfg(feature = "fuzzing")]
pub(super) use asked::{change as read_change, search as read_search};

/// Keys in one page, and if no limit is given.
pub(super) const KEYS_LIMIT_MAX: u32 = 100;

/// Things in one page, and if no limit is given.
pub(super) const THINGS_LIMIT_MAX: u32 = 1_000;

/// A tag as it is shown.
#[derive(Serialize)]
struct Shown {
    key: String,
    value: String,
}

/// The tags of one thing.
#[derive(Serialize)]
struct OfOne {
    tags: Vec<Shown>,
}

/// A key with all values that it has in the project.
#[derive(Serialize)]
struct Key {
    key: String,
    values: Vec<String>,
}

/// The keys of a project.
#[derive(Serialize)]
struct Keys {
    tags: Vec<Key>,
    total_count: u64,
}

/// A thing that a search has found.
#[derive(Serialize)]
struct Resource {
    resource_id: String,
    resource_name: String,
    tags: Vec<Shown>,
}

/// What a search has found.
#[derive(Serialize)]
struct Found {
    /// Absent if only their number was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<Resource>>,
    total_count: u64,
}

/// `POST /v1/{project_id}/{resource_type}/{resource_id}/tags/action`: BatchCreateTags and
/// BatchDeleteTags.
pub(crate) async fn change_tags(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let changed = match admit(&door, &mut id, request).await {
        Ok((call, kind)) => change(&door, &call, kind).await,
        Err(failure) => Err(failure),
    };
    answer::done(id, changed)
}

/// `GET /v1/{project_id}/{resource_type}/{resource_id}/tags`: ListResourceTags.
pub(crate) async fn list_tags(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match admit(&door, &mut id, request).await {
        Ok((call, kind)) => of_one(&door, &call, kind).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// `GET /v1/{project_id}/{resource_type}/tags`: ListProjectTags.
pub(crate) async fn list_tag_keys(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match admit(&door, &mut id, request).await {
        Ok((call, kind)) => keys(&door, &call, kind).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// `POST /v1/{project_id}/{resource_type}/resource_instances/action`: ListResourceInstances.
pub(crate) async fn search_tags(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let found = match admit(&door, &mut id, request).await {
        Ok((call, kind)) => search(&door, &call, kind).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, found)
}

/// Lets a request in whose path names one of the two types of resources. Any other is a path that
/// no call has.
async fn admit(
    door: &Door,
    id: &mut RequestId,
    request: Request,
) -> Result<(Call, TaggedKind), Failure> {
    let kind = match request.uri().path().split('/').nth(3) {
        Some("cph-server") => TaggedKind::Server,
        Some("elastic-cloud-phone") => TaggedKind::Device,
        _ => return Err(Failure::of(Code::NotPublished)),
    };
    Ok((door.admit(id, request).await?, kind))
}

/// The thing in the path.
fn tagged(call: &Call, kind: TaggedKind) -> Result<Tagged, Failure> {
    let id = call.param("resource_id");
    let invalid = || Failure::of(Code::ResourceIdInvalid);
    match kind {
        TaggedKind::Server => {
            let id = servers::check_id(id).map_err(|_| invalid())?;
            Ok(Tagged::Server(id.to_owned()))
        }
        TaggedKind::Device => Ok(Tagged::Device(DeviceId::new(id).map_err(|_| invalid())?)),
    }
}

/// Refuses the id of a phone that is not there: among the store's devices there are cameras too.
async fn check_is_there(door: &Door, call: &Call, tagged: &Tagged) -> Result<(), Failure> {
    match tagged {
        Tagged::Device(id) => show_phone::find(door, call, id).await.map(|_| ()),
        Tagged::Server(_) => Ok(()),
    }
}

/// Puts tags on the thing, or takes them from it.
async fn change(door: &Door, call: &Call, kind: TaggedKind) -> Result<(), Failure> {
    let tagged = tagged(call, kind)?;
    let body = small_body::object(&call.body, Code::RequestBroken)?;
    let (put, take) = match asked::change(&body)? {
        Change::Put(tags) => (tags, Vec::new()),
        Change::Take(tags) => (Vec::new(), tags),
    };
    check_is_there(door, call, &tagged).await?;
    let project = call.project.clone();
    let change = ChangeTags { project, tagged, put, take };
    let changed = door.handle.change_tags(&call.principal, change).await;
    changed.map_err(|error| Failure::of_input(error, Code::RequestBroken))
}

/// Lists the tags of the thing.
async fn of_one(door: &Door, call: &Call, kind: TaggedKind) -> Result<OfOne, Failure> {
    let tagged = tagged(call, kind)?;
    check_is_there(door, call, &tagged).await?;
    let found = door.handle.reads().tags(&call.principal, &call.project, &tagged).await?;
    let unknown = match kind {
        TaggedKind::Server => Code::ServerUnknown,
        TaggedKind::Device => Code::PhoneUnknown,
    };
    Ok(OfOne { tags: shown(found.ok_or_else(|| Failure::of(unknown))?) })
}

/// Lists the keys that things of this kind have.
async fn keys(door: &Door, call: &Call, kind: TaggedKind) -> Result<Keys, Failure> {
    let query = Query::parse(call.query.as_deref());
    let page = query.page(KEYS_LIMIT_MAX, KEYS_LIMIT_MAX)?;
    let reads = door.handle.reads();
    let found = reads.tag_keys(&call.principal, &call.project, kind, page.offset, page.limit);
    let found = found.await?;
    let tags = found.items.into_iter().map(|(key, values)| Key { key, values }).collect();
    Ok(Keys { tags, total_count: found.total })
}

/// Finds things by their tags.
async fn search(door: &Door, call: &Call, kind: TaggedKind) -> Result<Found, Failure> {
    let body = small_body::object(&call.body, Code::RequestBroken)?;
    let Search { filter, page, counts_only } = asked::search(&body)?;
    let reads = door.handle.reads();
    let found =
        reads.tagged(&call.principal, &call.project, kind, &filter, page.offset, page.limit);
    let found = found.await?;
    let resources = (!counts_only).then(|| found.items.into_iter().map(resource).collect());
    Ok(Found { resources, total_count: found.total })
}

/// Tags as they are shown.
fn shown(tags: Vec<Tag>) -> Vec<Shown> {
    tags.into_iter().map(|Tag { key, value }| Shown { key, value }).collect()
}

/// A thing as it is shown.
fn resource(thing: TaggedThing) -> Resource {
    let TaggedThing { id, name, tags } = thing;
    Resource { resource_id: id, resource_name: name, tags: shown(tags) }
}
