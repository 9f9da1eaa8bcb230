//! A device as answers show it: every element of the vendor's skeletons, in their order, and an
//! empty one in the form in which the vendor prints it (the pages of UpdateDevice, DescribeDevice
//! and DescribeDevices).
//!
//! A channel is shown as a device that has no address and nobody who registers as it.

use engine::Handle;
use fleet::catalogue::{DESCRIPTION, IP, MANUFACTURER, PORT, TRANSPORT};
use fleet::organization::LEVELS_MAX;
use fleet::{
    CameraStatus, Channel, DeviceId, IssProfile, IssSettings, Organization, Project, Secret, Values,
};
use store::CameraListing;

use super::Door;
use super::auth::Call;
use super::error::Failure;
use super::fields::{Fault, PROTOCOL, TYPE};
use super::xml::Writer;
use crate::printable::printable;

/// What stands for a password that is not shown.
const MASK: &str = "******";
/// Whether a stream of a device or a channel is being recorded: this server records none.
const ENABLED: &str = "false";
/// Bytes of a `Gbid` as it was sent that an answer shows.
const GBID_BYTES_MAX: usize = 64;

/// What a `Gbid` names.
#[derive(Debug)]
pub(super) enum Named {
    /// A GB device.
    Device(CameraListing),
    /// A channel of one.
    Channel(Channel),
    /// One of which only the id is known: what was asked of it is durable, and could not be read
    /// back, or somebody has deleted it since.
    Unread(DeviceId),
}

impl Door {
    /// What each of the ids names in the project, in their order, as it stands now. A device comes
    /// before a channel of the same id; a channel that several devices have is none.
    pub(super) async fn find(
        &self,
        call: &Call,
        project: &Project,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<Named>>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let reads = self.handle.reads();
        let devices = reads.cameras_named(&call.principal, &project.id, ids.clone()).await?;
        let others: Vec<DeviceId> = ids
            .into_iter()
            .zip(&devices)
            .filter_map(|(id, device)| device.is_none().then_some(id))
            .collect();
        let mut channels = Vec::new().into_iter();
        if !others.is_empty() {
            let found = reads.channels_named(&call.principal, &project.id, others).await?;
            channels = found.into_iter();
        }
        let named = |device: Option<CameraListing>| match device {
            Some(device) => Some(Named::Device(device)),
            None => channels.next().flatten().map(Named::Channel),
        };
        Ok(devices.into_iter().map(named).collect())
    }
}

/// A device of an answer.
pub(super) struct Shown<'a> {
    gbid: &'a DeviceId,
    name: &'a str,
    record: &'a Values,
    organization: Option<&'a Organization>,
    status: &'static str,
    /// Empty if nobody registers as it.
    user: &'a str,
    password: Option<Secret<String>>,
}

impl<'a> Shown<'a> {
    /// What was found, as the project has its answers.
    pub(super) fn of(named: &'a Named, handle: &Handle, settings: &IssSettings) -> Self {
        match named {
            Named::Device(device) => Self::of_device(device, handle, settings),
            Named::Channel(channel) => Self::of_channel(channel),
            Named::Unread(id) => Self::of_id(id),
        }
    }

    /// A GB device. Its user name is its id until it is given another.
    pub(super) fn of_device(
        device: &'a CameraListing,
        handle: &Handle,
        settings: &IssSettings,
    ) -> Self {
        let CameraListing { name, registrant, record, organization, binding, channels: _ } = device;
        let password = if settings.mask_passwords {
            registrant.sealed_password.as_ref().map(|_| Secret::new(MASK.to_owned()))
        } else {
            handle.registration_password(registrant)
        };
        let status = CameraStatus::of(binding.as_ref(), handle.now());
        Self {
            gbid: &registrant.id,
            name,
            record,
            organization: organization.as_ref(),
            status: status_word(status, settings.profile),
            user: registrant.user.as_deref().unwrap_or(registrant.id.as_str()),
            password,
        }
    }

    /// An id alone.
    fn of_id(id: &'a DeviceId) -> Self {
        static NOTHING: Values = Values::new();
        Self {
            gbid: id,
            name: "",
            record: &NOTHING,
            organization: None,
            status: "",
            user: "",
            password: None,
        }
    }

    /// A channel. Whether it is there, the catalog of its device says.
    fn of_channel(channel: &'a Channel) -> Self {
        let reported = channel.reported.as_ref();
        let is_on = reported.is_some_and(|reported| reported.status.eq_ignore_ascii_case("ON"));
        let status = if is_on { CameraStatus::OnLine } else { CameraStatus::OffLine };
        Self {
            gbid: &channel.id,
            name: channel_name(channel),
            record: &channel.record,
            organization: channel.organization.as_ref(),
            status: status.name(),
            user: "",
            password: None,
        }
    }

    /// Writes it as an item of a list of what was done.
    pub(super) fn write_done(&self, xml: &mut Writer, message: &str) {
        xml.open("Device");
        xml.text("Gbid", self.gbid.as_str()).short("Name", self.name);
        xml.short("Desc", self.value(DESCRIPTION));
        xml.short("Ip", self.value(IP)).short("Port", self.value(PORT));
        xml.short("User", self.user).short("Pwd", self.password());
        xml.short("Manufacturer", self.value(MANUFACTURER)).text("Type", TYPE);
        self.write_signalling(xml);
        xml.short("Msg", message).close("Device");
    }

    /// Writes it as DescribeDevice and DescribeDevices show it, with so many channels in all and
    /// these among them.
    pub(super) fn write_described(&self, xml: &mut Writer, count: u32, channels: &[Channel]) {
        xml.open("Device");
        xml.text("Gbid", self.gbid.as_str()).short("Name", self.name);
        xml.short("Desc", self.value(DESCRIPTION)).text("Status", self.status);
        xml.short("Ip", self.value(IP)).short("Port", self.value(PORT));
        xml.short("Manufacturer", self.value(MANUFACTURER)).text("Enabled", ENABLED);
        xml.short("User", self.user).short("Pwd", self.password()).text("Type", TYPE);
        self.write_signalling(xml);
        xml.open("ChannelList");
        for channel in channels {
            write_channel(xml, channel);
        }
        xml.close("ChannelList").text("ChannelCount", &count.to_string());
        xml.close("Device");
    }

    /// Writes what both forms have alike: transport, protocol and organization.
    fn write_signalling(&self, xml: &mut Writer) {
        xml.text("Transport", self.value(TRANSPORT)).text("Protocol", PROTOCOL);
        write_organization(xml, self.organization);
    }

    /// A record of it; empty if there is none.
    fn value(&self, property: &str) -> &str {
        self.record.get(property).map_or("", String::as_str)
    }

    /// The password as it is shown; empty if there is none.
    fn password(&self) -> &str {
        self.password.as_ref().map_or("", |password| password.expose())
    }
}

/// Writes where something is filed; all of it empty if it is filed nowhere.
pub(super) fn write_organization(xml: &mut Writer, organization: Option<&Organization>) {
    let id = organization.map_or("", |organization| organization.id.as_str());
    let names = organization.map_or(&[][..], |organization| organization.path.names());
    let level = if names.is_empty() { String::new() } else { names.len().to_string() };
    xml.open("Organization").text("OrganizationId", id).text("Level", &level);
    for index in 0..LEVELS_MAX {
        let name = names.get(index).map_or("", String::as_str);
        xml.text(&format!("L{}", index + 1), name);
    }
    xml.close("Organization");
}

/// The word for how a device stands. The pages of the profile `1344` have no `Register`.
fn status_word(status: CameraStatus, profile: IssProfile) -> &'static str {
    match (status, profile) {
        (CameraStatus::Register, IssProfile::Product1344) => CameraStatus::OffLine.name(),
        _ => status.name(),
    }
}

/// Our name for a channel; that of its device until it is given one.
fn channel_name(channel: &Channel) -> &str {
    let reported = || channel.reported.as_ref().map_or("", |reported| reported.name.as_str());
    channel.name.as_deref().unwrap_or_else(reported)
}

/// Writes a channel of a device.
fn write_channel(xml: &mut Writer, channel: &Channel) {
    let manufacturer = channel.reported.as_ref().map_or("", |it| it.manufacturer.as_str());
    xml.open("Channel");
    xml.text("ChannelId", channel.id.as_str()).short("ChannelName", channel_name(channel));
    xml.short("Manufacturer", manufacturer).text("Enabled", ENABLED);
    xml.close("Channel");
}

/// Writes a device that failed: how it was named, and why.
fn write_failed(xml: &mut Writer, gbid: &str, fault: &Fault) {
    xml.open("Device");
    xml.text("Gbid", &printable(gbid, GBID_BYTES_MAX)).text("Msg", &fault.message());
    xml.close("Device");
}

/// What came of one device of a call.
pub(super) struct Outcome<'a, T> {
    /// Its `Gbid` as it was sent.
    pub(super) gbid: &'a str,
    /// What there is to show, or why it failed.
    pub(super) result: Result<T, Fault>,
}

/// Writes what came of the devices of a call: those that were done, each by `write`, then, if there
/// are any, those that failed; both in the order of the call.
pub(super) fn write_outcomes<T>(
    xml: &mut Writer,
    outcomes: &[Outcome<'_, T>],
    write: impl Fn(&mut Writer, &T),
) {
    xml.open("DeviceList");
    for done in outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()) {
        write(xml, done);
    }
    xml.close("DeviceList");
    let failed = |outcome: &Outcome<'_, T>| outcome.result.is_err();
    if !outcomes.iter().any(failed) {
        return;
    }
    xml.open("FailedDeviceList");
    for Outcome { gbid, result } in outcomes {
        if let Err(fault) = result {
            write_failed(xml, gbid, fault);
        }
    }
    xml.close("FailedDeviceList");
}

/// An answer that begins with the call's id.
pub(super) fn response(call: &Call, write: impl FnOnce(&mut Writer)) -> String {
    let mut xml = Writer::new();
    xml.open("Response").text("RequestId", &call.request_id);
    write(&mut xml);
    xml.close("Response");
    xml.finish()
}
