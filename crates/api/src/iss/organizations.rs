//! The calls about organizations, by which devices are filed: CreateDeviceOrganization and
//! DescribeDeviceOrganization, and two of ours in their manner, by which one gets another path or
//! is deleted.
//!
//! An organization is a path of up to four names with an id of its own. One that is moved keeps its
//! id, and what is filed in it stays so.

use fleet::organization::LEVELS_MAX;
use fleet::{Organization, OrganizationId, OrganizationPath, Project};

use super::Door;
use super::answer::time_text;
use super::auth::Call;
use super::device::write_organization;
use super::error::{Code, Failure};
use super::fields;
use super::ids::Ids;
use super::request::{Asked, Entry};
use super::xml::Writer;

/// `POST /organization`.
pub(super) async fn create(door: &Door, call: &Call) -> Result<String, Failure> {
    let asked = Asked::read(&call.body)?;
    let project = door.project(call, Some(asked.project_id()?)).await?;
    let path = path(organization(&asked)?)?;
    let made = door.handle.create_organization(&call.principal, &project.id, path).await?;
    Ok(one(call, &project, &made))
}

/// `PUT /organization`: gives the one of the body's `OrganizationId` the body's path.
pub(super) async fn change(door: &Door, call: &Call) -> Result<String, Failure> {
    let asked = Asked::read(&call.body)?;
    let project = door.project(call, Some(asked.project_id()?)).await?;
    let organization = organization(&asked)?;
    let id = id(organization.text("OrganizationId")?, "OrganizationId")?;
    let path = path(organization)?;
    let moved = door.handle.move_organization(&call.principal, &project.id, id, path).await?;
    Ok(one(call, &project, &moved))
}

/// `DELETE /organization?projectId=&id=`: deletes one in which nothing is filed.
pub(super) async fn delete(door: &Door, call: &Call) -> Result<String, Failure> {
    let project = door.project(call, call.query.get("projectId")).await?;
    let id = id(call.query.text("id"), "id")?;
    let deleted = door.handle.delete_organization(&call.principal, &project.id, id).await?;
    let mut xml = Writer::new();
    xml.open("Response")
        .text("RequestId", &call.request_id)
        .text("ProjectId", project.id.as_str())
        .text("OrganizationId", deleted.id.as_str())
        .close("Response");
    Ok(xml.finish())
}

/// `GET /organization?projectId=`: all of the project, or those of `ids`.
pub(super) async fn describe(door: &Door, call: &Call) -> Result<String, Failure> {
    let project = door.project(call, call.query.get("projectId")).await?;
    let page = call.query.page()?;
    let (reads, principal) = (door.handle.reads(), &call.principal);
    let (shown, total, missing) = match Ids::of(&call.query)? {
        None => {
            let (offset, size) = (page.offset(), page.size);
            let found = reads.organizations(principal, &project.id, None, offset, size).await?;
            (found.items, found.total, Vec::new())
        }
        Some(ids) => {
            let known = ids.read(|id| OrganizationId::new(id).ok());
            // No more than a page may have.
            let most = u32::try_from(known.len()).unwrap_or(u32::MAX);
            let found = match most {
                0 => Vec::new(),
                most => {
                    let found =
                        reads.organizations(principal, &project.id, Some(known), 0, most).await?;
                    found.items
                }
            };
            let names: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
            let missing = ids.missing(&names);
            let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
            (page.of(found.into_iter()), total, missing)
        }
    };
    let mut xml = Writer::new();
    xml.open("Response")
        .text("RequestId", &call.request_id)
        .text("TotalCount", &total.to_string())
        .text("PageNumber", &page.number.to_string())
        .text("PageSize", &page.size.to_string())
        .text("ProjectId", project.id.as_str());
    for organization in &shown {
        xml.open("OrganizationList");
        write(&mut xml, organization);
        xml.close("OrganizationList");
    }
    if !missing.is_empty() {
        xml.open("NonExistOrganizationIds");
        for id in &missing {
            xml.text("OrganizationId", id);
        }
        xml.close("NonExistOrganizationIds");
    }
    xml.close("Response");
    Ok(xml.finish())
}

/// The organization that a body is about.
fn organization(asked: &Asked) -> Result<Entry<'_>, Failure> {
    let found = asked.fields().container("Organization")?;
    found.ok_or_else(|| {
        Failure::because(Code::InvalidArgument, "Organization is required and empty or absent")
    })
}

/// The path that an organization is to have.
fn path(organization: Entry<'_>) -> Result<OrganizationPath, Failure> {
    let level = organization.text("Level")?;
    let mut names = Vec::with_capacity(LEVELS_MAX);
    for number in 1..=LEVELS_MAX {
        names.push(organization.text(&format!("L{number}"))?);
    }
    let path = fields::path(level, &names)?;
    if path.is_empty() {
        let detail = format!("Level is 0, which is no organization: it is 1 to {LEVELS_MAX}");
        return Err(Failure::because(Code::InvalidArgument, detail));
    }
    path.parse().map_err(|error: fleet::organization::OrganizationPathError| {
        Failure::because(Code::InvalidArgument, error.to_string())
    })
}

/// The id of an organization that has to be named; `name` is what names it.
fn id(text: Option<&str>, name: &str) -> Result<OrganizationId, Failure> {
    let Some(text) = text else {
        return Err(Failure::because(Code::InvalidArgument, format!("{name} is required")));
    };
    OrganizationId::new(text).map_err(|_| Failure::of(Code::NoSuchOrganization))
}

/// The answer about one.
fn one(call: &Call, project: &Project, organization: &Organization) -> String {
    let mut xml = Writer::new();
    xml.open("Response").text("RequestId", &call.request_id).text("ProjectId", project.id.as_str());
    write(&mut xml, organization);
    xml.close("Response");
    xml.finish()
}

/// An organization and its times.
fn write(xml: &mut Writer, organization: &Organization) {
    write_organization(xml, Some(organization));
    xml.text("CreateTime", &time_text(organization.created_at))
        .text("UpdateTime", &time_text(organization.updated_at));
}
