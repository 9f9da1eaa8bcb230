//! `GET /v3/projects` (IAM API, page iam_06_0001, KeystoneListProjects): the caller's project, or
//! all if its key opens all. The vendor's SDKs ask it for the id where a client has configured a
//! region alone, whose name is then the project's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;

use super::auth::Caller;
use super::error::{Code, Failure};
use super::query::Query;
use super::tokens::DOMAIN;
use super::{Door, answer};

/// The answer.
#[derive(Serialize)]
struct Listed {
    projects: Vec<Project>,
    links: Links,
}

/// A project. Every one is in the one domain.
#[derive(Serialize)]
struct Project {
    id: String,
    name: String,
    domain_id: &'static str,
    parent_id: &'static str,
    is_domain: bool,
    enabled: bool,
    description: String,
    links: Links,
}

/// Where it is found. These are paths: under which name this server is reached, the client knows.
#[derive(Serialize)]
struct Links {
    #[serde(rename = "self")]
    itself: String,
    previous: Option<String>,
    next: Option<String>,
}

impl Links {
    /// The links of what is at `path`.
    fn of(path: String) -> Self {
        Self { itself: path, previous: None, next: None }
    }
}

/// `GET /v3/projects`.
pub(crate) async fn list_projects(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match door.enter(&mut id, request).await {
        Ok(visit) => list(&door, &visit.caller, visit.query.as_deref()).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// The caller's projects, those of the name that is asked for.
async fn list(door: &Door, caller: &Caller, query: Option<&str>) -> Result<Listed, Failure> {
    let query = Query::parse(query);
    let reads = door.handle.reads();
    let found = match &caller.project {
        Some(own) => reads.project(&caller.principal, own).await?.into_iter().collect(),
        None => reads.projects(&caller.principal).await?,
    };
    if found.is_empty() && caller.project.is_some() {
        return Err(Failure::of(Code::ProjectForbidden));
    }
    let is_enabled = query.text("enabled").is_none_or(|enabled| enabled == "true");
    let is_asked_for = |project: &fleet::Project| {
        is_enabled && query.text("name").is_none_or(|name| name == project.name)
    };
    let projects = found.into_iter().filter(is_asked_for).map(shown).collect();
    Ok(Listed { projects, links: Links::of("/v3/projects".to_owned()) })
}

/// A project as IAM shows one.
fn shown(project: fleet::Project) -> Project {
    let id = project.id.to_string();
    Project {
        links: Links::of(format!("/v3/projects/{id}")),
        id,
        name: project.name,
        domain_id: DOMAIN,
        parent_id: DOMAIN,
        is_domain: false,
        enabled: true,
        description: project.description,
    }
}
