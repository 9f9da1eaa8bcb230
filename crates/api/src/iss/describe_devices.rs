//! DescribeDevices (`GET /device?projectId=&pageNumber=&pageSize=`): a project's devices, page by
//! page, the oldest first.

use fleet::Channel;

use super::Door;
use super::auth::Call;
use super::device::{self, Shown};
use super::error::Failure;

/// Channels in one answer, of all its devices together. Those beyond it are left out:
/// `ChannelCount` is how many a device has, and DescribeDevice shows all of one.
const CHANNELS_MAX: u32 = 2_000;

/// Answers DescribeDevices.
pub(super) async fn describe_devices(door: &Door, call: &Call) -> Result<String, Failure> {
    let project = door.project(call, call.query.get("projectId")).await?;
    let page = call.query.page()?;
    let reads = door.handle.reads();
    let found = reads.cameras(&call.principal, &project.id, page.offset(), page.size).await?;
    let mut room = CHANNELS_MAX;
    let mut channels: Vec<Vec<Channel>> = Vec::with_capacity(found.items.len());
    for device in &found.items {
        let key = device.registrant.device;
        let of_device = match room.min(device.channels) {
            0 => Vec::new(),
            most => reads.channels(&call.principal, key, "", most).await?,
        };
        room = room.saturating_sub(u32::try_from(of_device.len()).unwrap_or(u32::MAX));
        channels.push(of_device);
    }
    Ok(device::response(call, |xml| {
        xml.open("DeviceList");
        for (device, channels) in found.items.iter().zip(&channels) {
            let shown = Shown::of_device(device, &door.handle, &project.settings.iss);
            shown.write_described(xml, device.channels, channels);
        }
        xml.close("DeviceList").text("TotalCount", &found.total.to_string());
        xml.text("PageNumber", &page.number.to_string()).text("PageSize", &page.size.to_string());
    }))
}
