//! The calls about projects: CreateProject, UpdateProject, DeleteProject, DescribeProjects.
//!
//! Of what the vendor's projects have, this server keeps the name, the description and whether the
//! project is paused. Buckets, callbacks and templates say what becomes of video: they are shown
//! empty, and one that says something is refused, so that nobody relies on it. All projects are of
//! `Mode` GB28181.
//!
//! A key that opens one project may change that one; to make or delete any takes a key that opens
//! all.

use engine::ProjectChange;
use fleet::{Project, ProjectId};

use super::Door;
use super::answer::time_text;
use super::auth::{Call, Scope};
use super::error::{Code, Failure};
use super::fields::is_text;
use super::ids::Ids;
use super::query::Query;
use super::request::{Asked, Entry};
use super::xml::Writer;

/// Characters of a project's name (CreateProject, column "description").
const NAME_CHARACTERS_MAX: usize = 50;
/// Characters of a project's description.
const DESCRIPTION_CHARACTERS_MAX: usize = 256;

/// How devices of a project speak; the vendor has HTTP and RTMP besides, by which video comes in.
const MODE: &str = "GB28181";

/// The words for a project on whose devices things are done, and for one on whose they are not.
const ACTIVE: &str = "Active";
const PAUSED: &str = "Paused";

/// The elements that are about video; those that an answer has, with the elements in them.
const BUCKET: (&str, &[&str]) = ("Bucket", &["Region", "BucketId", "Prefix"]);
const SERVICE: (&str, &[&str]) = ("ServiceConf", &["Notify"]);
const TEMPLATES: &str = "TemplateList";

/// What a body says of a project.
#[derive(Default)]
struct Said<'a> {
    name: Option<&'a str>,
    description: Option<&'a str>,
    mode: Option<&'a str>,
    /// Whether it is to be paused.
    paused: Option<bool>,
}

/// Which part of a project an answer is about: the elements of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// CreateProject's.
    Created,
    /// UpdateProject's.
    Updated,
    /// DescribeProjects's.
    Listed,
}

/// `POST /project`.
pub(super) async fn create(door: &Door, call: &Call) -> Result<String, Failure> {
    require_all(call, "makes projects")?;
    let asked = Asked::read(&call.body)?;
    let Said { name, description, mode, paused } = Said::read(asked.fields(), &Parts::all())?;
    if paused == Some(true) {
        let detail = "a project is made with the Status Active; UpdateProject pauses it";
        return Err(Failure::because(Code::InvalidArgument, detail));
    }
    let required =
        |name: &str| Failure::because(Code::InvalidArgument, format!("{name} is required"));
    mode.ok_or_else(|| required("Mode"))?;
    let name = name.ok_or_else(|| required("Name"))?.to_owned();
    let description = description.unwrap_or_default().to_owned();
    let made = door.handle.create_project(&call.principal, name, None, description).await?;
    Ok(one(&made, Shape::Created))
}

/// `PUT /project/{id}`: changes what the body says, of the parts that the query names if it names
/// any, all in one. What it says of the others is not looked at.
pub(super) async fn change(door: &Door, call: &Call) -> Result<String, Failure> {
    let project = door.project(call, Some(call.param("id"))).await?;
    let asked = Asked::read(&call.body)?;
    let parts = Parts::of(&call.query);
    let Said { name, description, paused, .. } = Said::read(asked.fields(), &parts)?;
    if parts.is_alone(STATUS) && paused.is_none() {
        return Err(Failure::because(Code::InvalidArgument, "Status is required"));
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let change = ProjectChange { name: owned(name), description: owned(description), paused };
    if change == ProjectChange::default() {
        return Ok(one(&project, Shape::Updated));
    }
    let changed = door.handle.change_project(&call.principal, &project.id, change).await?;
    Ok(one(&changed, Shape::Updated))
}

/// `DELETE /project/{id}`: deletes one that has no devices.
pub(super) async fn delete(door: &Door, call: &Call) -> Result<String, Failure> {
    require_all(call, "deletes projects")?;
    let project = door.project(call, Some(call.param("id"))).await?;
    door.handle.delete_project(&call.principal, &project.id).await?;
    let mut xml = Writer::new();
    xml.open("Response").text("ProjectId", project.id.as_str()).close("Response");
    Ok(xml.finish())
}

/// `GET /project`: the caller's projects, those of `ids` or whose names begin with `name`.
pub(super) async fn describe(door: &Door, call: &Call) -> Result<String, Failure> {
    let page = call.query.page()?;
    let ids = Ids::of(&call.query)?;
    let mut found = own(door, call).await?;
    let mut missing = Vec::new();
    if let Some(ids) = &ids {
        let all: Vec<&str> = found.iter().map(|project| project.id.as_str()).collect();
        missing = ids.missing(&all);
        let asked = ids.read(|id| ProjectId::new(id).ok());
        found.retain(|project| asked.contains(&project.id));
    }
    if let Some(name) = call.query.text("name") {
        found.retain(|project| project.name.starts_with(name));
    }
    let mut xml = Writer::new();
    xml.open("Response")
        .text("TotalCount", &found.len().to_string())
        .text("PageNumber", &page.number.to_string())
        .text("PageSize", &page.size.to_string());
    for project in page.of(found.iter()) {
        xml.open("ProjectList");
        write(&mut xml, project, Shape::Listed);
        xml.close("ProjectList");
    }
    if !missing.is_empty() {
        xml.open("NonExistProjectIds");
        for id in missing {
            xml.text("ProjectId", id);
        }
        xml.close("NonExistProjectIds");
    }
    xml.close("Response");
    Ok(xml.finish())
}

/// The projects that the caller may use.
async fn own(door: &Door, call: &Call) -> Result<Vec<Project>, Failure> {
    let reads = door.handle.reads();
    Ok(match &call.scope {
        Scope::All => reads.projects(&call.principal).await?,
        Scope::One(id) => reads.project(&call.principal, id).await?.into_iter().collect(),
    })
}

/// Refuses a caller who may not use all projects what takes that.
fn require_all(call: &Call, what: &str) -> Result<(), Failure> {
    if call.scope == Scope::All {
        return Ok(());
    }
    let detail = format!("this access key opens one project; only one that opens all {what}");
    Err(Failure::because(Code::AccessDenied, detail))
}

/// The parts of a project that a query names.
struct Parts(Vec<&'static str>);

/// `Name`, `Desc`, `Mode` and `Bucket`.
const BASE: &str = "baseinfo";
/// `ServiceConf`.
const CALLBACKS: &str = "serviceconf";
/// `TemplateList`.
const TEMPLATE: &str = "template";
/// `Status`.
const STATUS: &str = "status";

impl Parts {
    /// All that there are (UpdateProject, the request's first line).
    fn all() -> Self {
        Self(vec![BASE, CALLBACKS, TEMPLATE, STATUS])
    }

    /// Those of this query; all if it names none.
    fn of(query: &Query) -> Self {
        let mut parts = Self::all();
        parts.0.retain(|part| query.has(part));
        if parts.0.is_empty() { Self::all() } else { parts }
    }

    /// Whether this one is named.
    fn has(&self, part: &str) -> bool {
        self.0.contains(&part)
    }

    /// Whether this one is named and no other.
    fn is_alone(&self, part: &str) -> bool {
        self.0 == [part]
    }
}

impl<'a> Said<'a> {
    /// Reads and checks what is said of these parts.
    ///
    /// Errors: 400 InvalidArgument for what is out of its bounds, 501 NotImplemented for what is
    /// about video.
    fn read(fields: Entry<'a>, parts: &Parts) -> Result<Self, Failure> {
        let mut said = Self::default();
        if parts.has(BASE) {
            said.name = text(fields, "Name", NAME_CHARACTERS_MAX)?;
            said.description = text(fields, "Desc", DESCRIPTION_CHARACTERS_MAX)?;
            said.mode = mode(fields)?;
        }
        if parts.has(STATUS) {
            said.paused = match fields.text("Status")? {
                None => None,
                Some(ACTIVE) => Some(false),
                Some(PAUSED) => Some(true),
                Some(_) => {
                    let detail = "Status is Active or Paused";
                    return Err(Failure::because(Code::InvalidArgument, detail));
                }
            };
        }
        let of_video = [(BASE, BUCKET.0), (CALLBACKS, SERVICE.0), (TEMPLATE, TEMPLATES)];
        let looked_at = of_video.into_iter().filter(|(part, _)| parts.has(part));
        match looked_at.map(|(_, container)| container).find(|name| fields.says(name)) {
            Some(container) => Err(not_kept(container)),
            None => Ok(said),
        }
    }
}

/// How devices of the project are to speak, if the body says it: [`MODE`].
fn mode(fields: Entry<'_>) -> Result<Option<&str>, Failure> {
    match fields.text("Mode")? {
        Some("HTTP" | "RTMP") => Err(not_kept("Mode HTTP and RTMP")),
        None => Ok(None),
        Some(MODE) => Ok(Some(MODE)),
        Some(_) => {
            let detail = "Mode is GB28181 (the vendor has HTTP and RTMP besides)";
            Err(Failure::because(Code::InvalidArgument, detail))
        }
    }
}

/// A text of the characters that the vendor lets names have; `None` if it is absent or empty.
fn text<'a>(fields: Entry<'a>, name: &str, max: usize) -> Result<Option<&'a str>, Failure> {
    match fields.text(name)? {
        Some(text) if !is_text(text, max) => {
            let rule = "characters, each Chinese, a Latin letter, a digit, _, - or *";
            let detail = format!("{name} has 1 to {max} {rule}");
            Err(Failure::because(Code::InvalidArgument, detail))
        }
        text => Ok(text),
    }
}

/// The refusal of something about video.
fn not_kept(what: &str) -> Failure {
    let detail = format!(
        "this server does not offer {what}: it manages devices and steers no video; leave it out \
         or empty"
    );
    Failure::because(Code::NotImplemented, detail)
}

/// The answer about one.
fn one(project: &Project, shape: Shape) -> String {
    let mut xml = Writer::new();
    xml.open("Response");
    write(&mut xml, project, shape);
    xml.close("Response");
    xml.finish()
}

/// A project, with the elements of the vendor's sample of that call in their order. It has no
/// templates, so there is no `TemplateList`.
fn write(xml: &mut Writer, project: &Project, shape: Shape) {
    let status = if project.settings.paused { PAUSED } else { ACTIVE };
    xml.text("Name", &project.name)
        .text("Desc", &project.description)
        .text("ProjectId", project.id.as_str());
    match shape {
        Shape::Created => xml.text("Mode", MODE),
        Shape::Updated => xml.text("Mode", MODE).text("Status", status),
        Shape::Listed => xml.text("Status", status).text("Mode", MODE),
    };
    let of_video: &[_] = if shape == Shape::Created { &[BUCKET] } else { &[BUCKET, SERVICE] };
    for (container, within) in of_video {
        xml.open(container);
        for name in *within {
            xml.text(name, "");
        }
        xml.close(container);
    }
    xml.text("CreateTime", &time_text(project.created_at))
        .text("UpdateTime", &time_text(project.updated_at));
}
