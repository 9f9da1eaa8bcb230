//! CreateDevice (`POST /device`): makes devices, to which the server gives their ids.

use engine::{Credentials, NewRegistrant};
use fleet::catalogue::{NAME, ORGANIZATION, PORT, TRANSPORT};
use fleet::{DeviceId, IssSettings, Organization, OrganizationId, Project};

use super::Door;
use super::auth::Call;
use super::device::{self, Named, Outcome, Shown};
use super::error::Failure;
use super::fields::{self, EntryCode, Fault, Fields, PORT_DEFAULT};
use super::request::{Asked, Entry};

/// The domain of the ids where no SIP server says another: GB/T 28181's usual example.
const DOMAIN_DEFAULT: &str = "3402000000";

/// What is asked of one device that is to be made.
struct Wanted {
    new: NewRegistrant,
    /// The id that its organization is said to have.
    organization: Option<OrganizationId>,
}

/// Answers CreateDevice.
pub(super) async fn create_device(door: &Door, call: &Call) -> Result<String, Failure> {
    let asked = Asked::read(&call.body)?;
    let project = door.project(call, Some(asked.project_id()?)).await?;
    let entries = asked.devices()?;
    let settings = &project.settings.iss;
    let mut wanted: Vec<Result<Wanted, Fault>> =
        entries.iter().map(|entry| read(*entry, settings)).collect();
    check_organizations(door, call, &project, &mut wanted).await?;
    let made = make(door, call, &project, wanted).await?;
    let ids = made.iter().filter_map(|made| made.as_ref().ok().cloned()).collect();
    let found = door.find(call, &project, ids).await;
    if let Err(failure) = &found {
        // They are made, and must not be made again for want of an answer.
        tracing::warn!(id = %call.id.request, ?failure, "the devices that were made can't be read back");
    }
    let mut found = found.unwrap_or_default().into_iter();
    let outcomes: Vec<Outcome<'_, Named>> = (1..)
        .zip(made)
        .map(|(number, made)| {
            let made = made.map(|id| found.next().flatten().unwrap_or(Named::Unread(id)));
            // One that failed has no id to be told by.
            Outcome { gbid: "", result: made.map_err(|fault| fault.of_device(number)) }
        })
        .collect();
    Ok(device::response(call, |xml| {
        device::write_outcomes(xml, &outcomes, |xml, named| {
            Shown::of(named, &door.handle, settings).write_done(xml, "");
        });
    }))
}

/// Reads one device. A password is required under either profile, and what is not said of port and
/// transport is what the vendor says it is then.
fn read(entry: Entry<'_>, settings: &IssSettings) -> Result<Wanted, Fault> {
    let Fields { mut values, user, password, organization } = Fields::read(entry, settings)?;
    if password.is_none() {
        return Err(fields::password_missing());
    }
    values.insert(TRANSPORT.to_owned(), fields::transport(entry)?.to_owned());
    fields::check_protocol(entry)?;
    values.entry(PORT.to_owned()).or_insert_with(|| PORT_DEFAULT.to_owned());
    // Level 0 of a device that is nowhere yet.
    values.retain(|property, value| property != ORGANIZATION || !value.is_empty());
    let name = values.remove(NAME).unwrap_or_default();
    let credentials = Credentials { user, password, overlap: None };
    Ok(Wanted { new: NewRegistrant { name, credentials, record: values }, organization })
}

/// Fails the devices whose organization is said to have an id that it has not.
async fn check_organizations(
    door: &Door,
    call: &Call,
    project: &Project,
    wanted: &mut [Result<Wanted, Fault>],
) -> Result<(), Failure> {
    let ids: Vec<OrganizationId> =
        wanted.iter().flatten().filter_map(|wanted| wanted.organization.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let reads = door.handle.reads();
    let found = reads.organizations(&call.principal, &project.id, Some(ids), 0, count).await?.items;
    let is_right = |wanted: &Wanted| {
        let path = wanted.new.record.get(ORGANIZATION);
        let has_path = |it: &Organization| Some(&it.path.to_string()) == path;
        let id = wanted.organization.as_ref();
        id.is_none_or(|id| found.iter().any(|it| it.id == *id && has_path(it)))
    };
    for slot in wanted {
        if slot.as_ref().is_ok_and(|wanted| !is_right(wanted)) {
            let rule = "OrganizationId is not the id of the organization of L1 to L4";
            *slot = Err(Fault::new(EntryCode::InvalidOrganization, rule));
        }
    }
    Ok(())
}

/// Makes the devices that passed; gives each its id, in their order.
async fn make(
    door: &Door,
    call: &Call,
    project: &Project,
    wanted: Vec<Result<Wanted, Fault>>,
) -> Result<Vec<Result<DeviceId, Fault>>, Failure> {
    let mut new = Vec::new();
    let checked: Vec<Result<(), Fault>> =
        wanted.into_iter().map(|wanted| wanted.map(|wanted| new.push(wanted.new))).collect();
    let mut made = Vec::new().into_iter();
    if !new.is_empty() {
        let domain = domain(door);
        let ids = door.handle.create_cameras(&call.principal, &project.id, &domain, new).await?;
        made = ids.into_iter();
    }
    let one = |checked: Result<(), Fault>| {
        checked.and_then(|()| match made.next() {
            Some(made) => made.map_err(Fault::of),
            None => Err(Fault::not_found()),
        })
    };
    Ok(checked.into_iter().map(one).collect())
}

/// The ten digits with which the ids of new devices begin: those of the SIP server's domain, or of
/// its id if the domain is none of digits.
fn domain(door: &Door) -> String {
    let digits = |text: &str| {
        let digits = text.get(..DOMAIN_DEFAULT.len())?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.to_owned())
    };
    let server = (door.sip_servers)().into_iter().next();
    let own = server.and_then(|server| digits(&server.domain).or_else(|| digits(&server.id)));
    own.unwrap_or_else(|| DOMAIN_DEFAULT.to_owned())
}
