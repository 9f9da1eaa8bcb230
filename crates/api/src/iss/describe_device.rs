//! DescribeDevice (`GET /device?projectId=&gbid=`): one device with its channels.

use fleet::{DeviceId, limits};

use super::Door;
use super::auth::Call;
use super::device::{self, Named, Shown};
use super::error::{Code, Failure};

/// Answers DescribeDevice. An id that names a channel is answered as UpdateDevice answers it.
pub(super) async fn describe_device(door: &Door, call: &Call) -> Result<String, Failure> {
    let project = door.project(call, call.query.get("projectId")).await?;
    let gbid = call.query.text("gbid").ok_or_else(|| {
        Failure::because(Code::InvalidArgument, "gbid is required in the query and empty")
    })?;
    // What can't be an id is none of a device.
    let ids = DeviceId::new(gbid).into_iter().collect();
    let named = door.find(call, &project, ids).await?.pop().flatten();
    let named = named.ok_or_else(|| Failure::of(Code::NoSuchDevice))?;
    let (count, channels) = match &named {
        Named::Device(device) => {
            let most = u32::try_from(limits::CHANNELS_PER_DEVICE_MAX).unwrap_or(u32::MAX);
            let key = device.registrant.device;
            let channels = door.handle.reads().channels(&call.principal, key, "", most);
            (device.channels, channels.await?)
        }
        Named::Channel(_) | Named::Unread(_) => (0, Vec::new()),
    };
    Ok(device::response(call, |xml| {
        let shown = Shown::of(&named, &door.handle, &project.settings.iss);
        shown.write_described(xml, count, &channels);
    }))
}
