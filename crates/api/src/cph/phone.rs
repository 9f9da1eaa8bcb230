//! A phone as the door shows it: of the vendor's fields those that this server knows, and nothing
//! made up for the rest (CPH API, pages cph_api_0503 and 0504).

use fleet::{Condition, DeviceId, DeviceState, Facts};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::DeviceWithState;

/// The number of a frozen phone.
pub(super) const FROZEN: i64 = 6;

/// What the list and the detail of a phone have in common.
#[derive(Serialize)]
pub(super) struct Phone {
    phone_name: String,
    server_id: String,
    phone_id: DeviceId,
    /// The model that the phone says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_model_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_version: Option<String>,
    status: i64,
    /// 0: no trial.
    r#type: u8,
    create_time: String,
    update_time: String,
}

impl Phone {
    /// The phone of this record and state.
    pub(super) fn of(found: &DeviceWithState) -> Self {
        let DeviceWithState { device, state, .. } = found;
        let facts = &state.facts;
        Self {
            phone_name: device.name.clone(),
            server_id: device.server.clone(),
            phone_id: device.id.clone(),
            phone_model_name: facts.get(Facts::MODEL).map(str::to_owned),
            image_id: facts.get(Facts::FINGERPRINT).map(image_id),
            image_version: facts.get(Facts::RELEASE).map(image_version),
            status: status(state),
            r#type: 0,
            create_time: device.created_at.to_seconds_text(),
            update_time: device.updated_at.to_seconds_text(),
        }
    }
}

/// The vendor's number for how the phone is doing.
fn status(state: &DeviceState) -> i64 {
    if state.frozen { FROZEN } else { number(state.condition) }
}

/// The vendor's number for a condition (CPH API, page cph_api_0503, `status`).
fn number(condition: Condition) -> i64 {
    match condition {
        // No phone is awaited: that is a camera's.
        Condition::New | Condition::Awaited => 1,
        Condition::Running => 2,
        Condition::Resetting => 3,
        Condition::Restarting => 4,
        Condition::Stopping => 7,
        Condition::Stopped => 8,
        Condition::Abnormal => -7,
    }
}

/// Which condition a number stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// One of ours.
    Condition(Condition),
    /// Frozen.
    Frozen,
    /// One that the documents have and that no phone of ours is in.
    Other,
}

impl Status {
    /// What the number stands for; `None` if the documents do not have it. 0 is another number for
    /// a phone that is being created in older documents.
    pub(super) fn of(status: i64) -> Option<Self> {
        const CONDITIONS: [Condition; 7] = [
            Condition::New,
            Condition::Running,
            Condition::Resetting,
            Condition::Restarting,
            Condition::Stopping,
            Condition::Stopped,
            Condition::Abnormal,
        ];
        let ours = CONDITIONS.into_iter().find(|condition| number(*condition) == status);
        match status {
            FROZEN => Some(Self::Frozen),
            0 | -5 | -6 | -8 | -9 => Some(Self::Other),
            _ => ours.map(Self::Condition),
        }
    }
}

/// An id for the image that a phone runs: 32 hexadecimal digits, the first half of the SHA-256 of
/// its build's fingerprint, so that phones of one build have one id on every server.
pub(super) fn image_id(fingerprint: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(fingerprint.as_bytes()).into();
    hex::encode(hash.first_chunk::<16>().copied().unwrap_or_default())
}

/// What a release of Android is called. The vendor's images have `AOSP 11`, which would say of a
/// build of another maker what nobody knows.
pub(super) fn image_version(release: &str) -> String {
    format!("Android {release}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_has_a_number_and_each_number_a_meaning() {
        let mut state = DeviceState::new(fleet::Timestamp(0));
        assert_eq!(status(&state), 1);
        state.condition = Condition::Stopped;
        assert_eq!(status(&state), 8);
        state.frozen = true;
        assert_eq!(status(&state), 6, "whatever it is doing");
        for known in [0, 1, 2, 3, 4, 6, 7, 8, -5, -6, -7, -8, -9] {
            let meaning = Status::of(known).unwrap();
            if let Status::Condition(condition) = meaning {
                assert_eq!(number(condition), known);
            }
        }
        for unknown in [5, 9, -1, -4, -10, i64::MIN, i64::MAX] {
            assert_eq!(Status::of(unknown), None);
        }
    }

    #[test]
    fn an_images_id_follows_from_its_fingerprint_alone() {
        let id = image_id("redroid/redroid_x86_64/redroid:11/RD1A/eng:userdebug/test-keys");
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
        assert_eq!(image_id(""), "e3b0c44298fc1c149afbf4c8996fb924", "SHA-256 of nothing");
    }
}
