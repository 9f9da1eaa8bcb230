//! A look at a device for its operator: is it registered, who made it, how is it.

use std::time::Duration;

use engine::{Away, Examination};
use fleet::{Device, Facts};
use gb28181::manscdp::{DeviceStatus, Incoming, QueryKind};

use super::query::{ANSWER_WAIT, Talk};
use super::survey;
use crate::Cameras;

/// How long a look may take: its two questions. A whole project may be looked at.
const EXAMINATION_MAX: Duration = ANSWER_WAIT.saturating_mul(2);

impl Cameras {
    /// Asks DeviceInfo and DeviceStatus (GB/T 28181-2016, 9.5.3.2 and 9.5.3.3); changes nothing.
    pub(super) async fn look_at(&self, device: &Device) -> Examination {
        let away = |away| Examination { away: Some(away), ..Examination::default() };
        let (handle, binding) = match self.bound(device.key).await {
            Ok(bound) => bound,
            Err(why) => return away(why),
        };
        // An action that is under way ends within its own time.
        let _turn = self.turn(device.key, &binding, handle.now()).await;
        let talk = Talk::new(&self.line, device.key, EXAMINATION_MAX);
        match facts(&talk, device).await {
            Ok(facts) => Examination { facts, ..Examination::default() },
            Err(why) => away(why),
        }
    }
}

/// What the device says of itself and of how it is.
async fn facts(talk: &Talk<'_>, device: &Device) -> Result<Facts, Away> {
    let mut facts = Facts::default();
    if let Some(Incoming::DeviceInfo(info)) = talk.ask(QueryKind::DeviceInfo, &device.id).await? {
        facts = survey::facts(&info, &facts);
    }
    let answer = talk.ask(QueryKind::DeviceStatus, &device.id).await?;
    if let Some(Incoming::DeviceStatus(status)) = answer {
        facts.0.extend(status_facts(status));
    }
    Ok(facts)
}

/// What a DeviceStatus says, by the words of its elements.
fn status_facts(status: DeviceStatus) -> impl Iterator<Item = (String, String)> {
    let works = status.status.map(|status| status.as_str().to_owned());
    let said = [
        ("online", status.online),
        ("status", works),
        ("reason", status.reason),
        ("encode", status.encode),
        ("record", status.record),
        // In the device's own zone, which it does not tell: no clock can be checked by it.
        ("device_time", status.device_time),
    ];
    said.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)))
}
