//! What a device is and which channels it has: DeviceInfo and Catalog (GB/T 28181-2016, 9.5).

use std::time::Duration;

use engine::Away;
use fleet::{DeviceId, Facts, ReportedChannel, Timestamp, limits};
use gb28181::code::{Code, CodeKind};
use gb28181::manscdp::{
    CatalogAssembly, CatalogItem, DeviceInfo, Incoming, Outgoing, Progress, QueryKind,
};
use tokio::time::Instant;

use super::query::{ANSWER_WAIT, Heard, Talk, lost};
use crate::line::LiveBinding;

/// How long a survey is good for. New channels are rare, and a registration brings a new one.
const SURVEYED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a device's catalog says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Catalog {
    /// What came of it, by id.
    pub(super) items: Vec<CatalogItem>,
    /// Whether that is all of it.
    pub(super) is_complete: bool,
}

impl Catalog {
    /// The name that it has for a channel.
    pub(super) fn name(&self, channel: &DeviceId) -> Option<&str> {
        let item = self.items.iter().find(|item| item.device_id == channel.as_str());
        item.and_then(|item| item.name.as_deref())
    }
}

/// Whether a device that was last surveyed then is to be asked what it is.
pub(super) fn is_due(
    surveyed_at: Option<Timestamp>,
    binding: &LiveBinding,
    now: Timestamp,
) -> bool {
    surveyed_at.is_none_or(|at| at < binding.registered_at || now.since(at) >= SURVEYED_EVERY)
}

/// Asks a device for its catalog. The messages may come in any order, one item each or many. It
/// has ended when as many items came as `SumNum` says, or when nothing more comes.
///
/// Errors: nobody answers.
pub(super) async fn catalog(talk: &Talk<'_>, id: &DeviceId) -> Result<Catalog, Away> {
    let (cmd, sn) = (QueryKind::Catalog, talk.line.next_sn());
    let device_id = id.as_str().to_owned();
    let mut exchange = talk.send(Outgoing::Query { cmd, sn, device_id }).await?;
    let mut assembly = CatalogAssembly::new(sn);
    let mut is_empty = true;
    let is_complete = loop {
        match talk.hear(&mut exchange, Instant::now() + ANSWER_WAIT).await {
            Ok(Heard::Answer(Incoming::Catalog(part))) => match assembly.add(part) {
                Ok(Progress::Complete) => break true,
                Ok(Progress::Incomplete { .. }) => is_empty = false,
                Err(error) => {
                    tracing::warn!(device = talk.device.0, %error, "a catalog was cut off");
                    break false;
                }
            },
            Ok(Heard::Nothing) if is_empty => return Err(talk.nobody(cmd.cmd_type())),
            Ok(_) => break false,
            Err(why) => return Err(lost(why)),
        }
    };
    Ok(Catalog { items: assembly.into_items(), is_complete })
}

/// The channels among the items of the catalog of the device `id`: what has a code of 20 digits,
/// and is neither the device itself nor a grouping of others.
pub(super) fn channels(items: &[CatalogItem], id: &DeviceId) -> Vec<(DeviceId, ReportedChannel)> {
    let channels = items.iter().filter(|item| item.device_id != id.as_str() && is_channel(item));
    let channels = channels
        .filter_map(|item| Some((DeviceId::new(item.device_id.as_str()).ok()?, reported(item))));
    channels.take(limits::CHANNELS_PER_DEVICE_MAX).collect()
}

/// Whether an item is a channel, by the type in its code (GB/T 28181-2016, annex D).
fn is_channel(item: &CatalogItem) -> bool {
    let Ok(code) = Code::parse(&item.device_id) else { return false };
    !matches!(
        code.kind(),
        CodeKind::SignallingServer
            | CodeKind::BusinessGroup
            | CodeKind::VirtualOrganization
            | CodeKind::OtherPlatformPart
            | CodeKind::CentreUser
            | CodeKind::TerminalUser
            | CodeKind::ExternalServer
    )
}

/// What an item says.
fn reported(item: &CatalogItem) -> ReportedChannel {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let status = match item.is_on() {
        Some(true) => "ON".to_owned(),
        Some(false) => "OFF".to_owned(),
        None => text(&item.status),
    };
    ReportedChannel {
        name: text(&item.name),
        manufacturer: text(&item.manufacturer),
        model: text(&item.model),
        status,
        parent: text(&item.parent_id),
        civil_code: text(&item.civil_code),
        address: text(&item.address),
    }
}

/// What a device said of itself, and what it said before where it says nothing now.
pub(super) fn facts(info: &DeviceInfo, before: &Facts) -> Facts {
    let said = [
        (Facts::NAME, info.device_name.clone()),
        (Facts::MANUFACTURER, info.manufacturer.clone()),
        (Facts::MODEL, info.model.clone()),
        (Facts::FIRMWARE, info.firmware.clone()),
        (Facts::CHANNELS, info.channel.map(|channels| channels.to_string())),
    ];
    let mut facts = before.clone();
    facts.0.extend(said.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    const NVR: &str = "34020000001180000001";

    fn item(id: &str, status: &str) -> CatalogItem {
        CatalogItem {
            device_id: id.to_owned(),
            name: Some(format!("name of {id}")),
            status: Some(status.to_owned()),
            ..CatalogItem::default()
        }
    }

    #[test]
    fn groupings_and_the_device_itself_are_no_channels() {
        let items = [
            item(NVR, "ON"),
            item("34020000001310000001", "ON"),
            item("34020000001320000002", "offline"),
            item("34020000001340000001", "?"),
            item("34020000002150000001", "ON"),
            item("34020000002160000001", "ON"),
            item("34020000002000000001", "ON"),
            item("340200", "ON"),
            item("3402000000131000000x", "ON"),
        ];
        let found = channels(&items, &DeviceId::new(NVR).unwrap());
        let found: Vec<(&str, &str)> =
            found.iter().map(|(id, channel)| (id.as_str(), channel.status.as_str())).collect();
        let expected = [
            ("34020000001310000001", "ON"),
            ("34020000001320000002", "OFF"),
            ("34020000001340000001", "?"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_device_does_not_say_again_stays() {
        let info = DeviceInfo {
            sn: 1,
            device_id: NVR.to_owned(),
            device_name: Some("gate".to_owned()),
            result: gb28181::manscdp::Outcome::Ok,
            manufacturer: None,
            model: Some("NVR-2".to_owned()),
            firmware: None,
            channel: Some(32),
        };
        let mut before = Facts::default();
        before.0.insert(Facts::MANUFACTURER.to_owned(), "Dahua".to_owned());
        before.0.insert(Facts::MODEL.to_owned(), "NVR-1".to_owned());
        let facts = facts(&info, &before);
        let of = |name| facts.get(name).unwrap();
        assert_eq!((of(Facts::MANUFACTURER), of(Facts::MODEL)), ("Dahua", "NVR-2"));
        assert_eq!((of(Facts::NAME), of(Facts::CHANNELS)), ("gate", "32"));
        assert_eq!(facts.get(Facts::FIRMWARE), None);
    }
}
