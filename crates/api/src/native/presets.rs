//! Presets: named values of a project, in which names stand for what each device has of its own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::NewPreset;
use fleet::{Kind, PresetName, ProjectId, Template, Templates};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Refused;
use utoipa::ToSchema;

use super::exchange::{self, FromPath, FromQuery};
use super::pages::PageQuery;
use super::token::Caller;
use super::{Native, Problem, openapi, pages};

/// A preset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preset)]
pub(super) struct PresetView {
    /// Its project.
    #[schema(value_type = String)]
    project: ProjectId,
    /// Its name, unique in its project.
    #[schema(value_type = String, example = "lobby")]
    name: PresetName,
    /// What the devices are that it is for: `phone` or `camera`.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// What is said of it.
    description: String,
    /// The values, by property, as they were written.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    values: Templates,
    /// How often it was set, counted from 1: what a change may name.
    version: i64,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<fleet::Preset> for PresetView {
    fn from(preset: fleet::Preset) -> Self {
        Self {
            project: preset.project_id,
            name: preset.name,
            kind: preset.kind,
            description: preset.description,
            values: preset.values,
            version: preset.version,
            created_at: preset.created_at.to_string(),
            updated_at: preset.updated_at.to_string(),
        }
    }
}

/// One page of a project's presets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Presets {
    /// By name.
    presets: Vec<PresetView>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// What a preset is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPreset)]
pub(super) struct NewValues {
    /// What the devices are that it is for: `phone` or `camera`.
    #[schema(value_type = String, example = "phone")]
    kind: Kind,
    /// What is said of it: at most 1,024 bytes.
    #[serde(default)]
    description: String,
    /// The values, by property of the catalogue, each a text in which `${id}`, `${name}`,
    /// `${server}`, `${tag:KEY}` and `${var:NAME}` stand for what a device has of its own,
    /// `${X:-default}` for the default where it lacks X, and `$$` for a `$`.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    values: std::collections::BTreeMap<String, String>,
    /// The version that it must have, 0 for none; any unless given.
    #[serde(default)]
    version: Option<i64>,
}

impl NewValues {
    /// The values as templates. Errors name the property and the place.
    fn templates(&self) -> Result<Templates, Problem> {
        let template = |(name, text): (&String, &String)| {
            let parsed = text.parse::<Template>();
            let parsed =
                parsed.map_err(|error| Problem::invalid(format!("values.{name}: {error}")))?;
            Ok((name.clone(), parsed))
        };
        self.values.iter().map(template).collect()
    }
}

/// Which version is meant.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// The version that it must have; any unless given.
    version: Option<i64>,
}

/// Lists the presets of a project, by name.
#[utoipa::path(
    get,
    path = "/projects/{project}/presets",
    tag = "presets",
    security(("token" = ["viewer"])),
    params(("project" = String, Path, description = "The project's id"), PageQuery),
    responses(
        (status = 200, description = "One page", body = Presets),
        openapi::Invalid, openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn list_presets(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath(project): FromPath<ProjectId>,
    FromQuery(PageQuery { after, limit }): FromQuery<PageQuery>,
) -> Result<Json<Presets>, Problem> {
    let limit = pages::limit(limit)?;
    let after: Option<PresetName> = pages::place(after.as_deref())?;
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    // One more than asked for shows whether there is a next page.
    let after = after.as_ref().map_or("", PresetName::as_str);
    let mut found = reads.presets(&principal, &project, after, limit + 1).await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| has_next).map(|last| last.name.to_string());
    Ok(Json(Presets { presets: found.into_iter().map(PresetView::from).collect(), next }))
}

/// Shows a preset.
#[utoipa::path(
    get,
    path = "/projects/{project}/presets/{preset}",
    tag = "presets",
    security(("token" = ["viewer"])),
    params(
        ("project" = String, Path, description = "The project's id"),
        ("preset" = String, Path, description = "The preset's name"),
    ),
    responses(
        (status = 200, description = "The preset", body = PresetView),
        openapi::Guarded, openapi::Missing,
    )
)]
pub(super) async fn show_preset(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((project, name)): FromPath<(ProjectId, PresetName)>,
) -> Result<Json<PresetView>, Problem> {
    let reads = native.handle.reads();
    if reads.project(&principal, &project).await?.is_none() {
        return Err(Problem::no_such_project(&project));
    }
    let found = reads.preset(&principal, &project, &name).await?;
    Ok(Json(found.ok_or(Refused::NoSuchPreset(name))?.into()))
}

/// Makes a preset, or gives one other values: all of it is as given from then on. Updates that were
/// made of it keep their values.
#[utoipa::path(
    put,
    path = "/projects/{project}/presets/{preset}",
    tag = "presets",
    security(("token" = ["operator"])),
    params(
        ("project" = String, Path, description = "The project's id"),
        ("preset" = String, Path, description = "The preset's name: 1 to 64 letters, digits and \
            `. _ -`"),
    ),
    request_body = NewValues,
    responses(
        (status = 200, description = "The preset as it is from now on", body = PresetView),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn set_preset(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((project, name)): FromPath<(ProjectId, PresetName)>,
    exchange::Json(new): exchange::Json<NewValues>,
) -> Result<Json<PresetView>, Problem> {
    let values = new.templates()?;
    let NewValues { kind, description, version: expected, .. } = new;
    let new = NewPreset { name, kind, description, values, expected };
    Ok(Json(native.handle.set_preset(&principal, &project, new).await?.into()))
}

/// Deletes a preset. Updates that were made of it keep their values.
#[utoipa::path(
    delete,
    path = "/projects/{project}/presets/{preset}",
    tag = "presets",
    security(("token" = ["operator"])),
    params(
        ("project" = String, Path, description = "The project's id"),
        ("preset" = String, Path, description = "The preset's name"),
        VersionQuery,
    ),
    responses(
        (status = 204, description = "It is deleted"),
        openapi::Invalid, openapi::Guarded, openapi::Missing, openapi::Conflict,
    )
)]
pub(super) async fn delete_preset(
    State(native): State<Arc<Native>>,
    Caller(principal): Caller,
    FromPath((project, name)): FromPath<(ProjectId, PresetName)>,
    FromQuery(VersionQuery { version }): FromQuery<VersionQuery>,
) -> Result<StatusCode, Problem> {
    native.handle.delete_preset(&principal, &project, name, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
