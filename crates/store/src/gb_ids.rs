//! Ids of GB devices and of their channels as the numbers that their digits are.

use fleet::DeviceId;

use crate::Error;
use crate::columns::damaged;

/// Digits of an id (GB/T 28181-2016, annex D).
pub(crate) const DIGITS: usize = 20;

/// Whether an id has the form of a GB device's or a channel's.
pub(crate) fn is_gb_id(id: &DeviceId) -> bool {
    let id = id.as_str();
    id.len() == DIGITS && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first and the last id that begin with `prefix`; `None` if it is none of an id.
pub(crate) fn range(prefix: &str) -> Option<(u128, u128)> {
    if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = DIGITS.checked_sub(prefix.len())?;
    let count = 10_u128.pow(u32::try_from(rest).ok()?);
    let head = if prefix.is_empty() { 0 } else { prefix.parse::<u128>().ok()? };
    Some((head * count, head * count + count - 1))
}

/// An id as its digits.
pub(crate) fn digits(id: u128) -> String {
    format!("{id:0DIGITS$}")
}

/// An id as a device has it.
pub(crate) fn device_id(id: u128) -> Result<DeviceId, Error> {
    DeviceId::new(digits(id)).map_err(|error| damaged("id", error))
}
