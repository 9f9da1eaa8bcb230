//! The load of a slot, and how many requests to sign for it.

use std::time::Duration;

use crate::load::Slot;
use crate::statistics::per_second;

/// Requests a second that are signed for a first slot, over the root of the devices in each.
const FIRST_GUESS_PER_SECOND: f64 = 50_000.0;

/// The load of a slot.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// Connections, with one request in flight each.
    pub in_flight: usize,
    /// Devices in each request.
    pub devices_per_request: usize,
    /// How long.
    pub slot: Duration,
    /// Requests a second, at fixed times; `None`: each as soon as the one before is answered.
    pub per_second: Option<f64>,
}

impl Task {
    /// How many requests to sign: in an open slot just those that are due; in a closed one half as
    /// many again as the fastest slot so far could have sent.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    #[expect(clippy::cast_precision_loss, reason = "at most some thousand devices")]
    pub fn requests(&self, rate_max: Option<f64>) -> usize {
        let rate = self.per_second.unwrap_or_else(|| {
            rate_max.unwrap_or_else(|| {
                FIRST_GUESS_PER_SECOND / (self.devices_per_request as f64).sqrt()
            }) * 1.5
        });
        (rate * self.slot.as_secs_f64()).ceil() as usize
    }
}

/// The most requests a second so far, with another closed slot.
pub fn rate_max(before: Option<f64>, slot: &Slot) -> Option<f64> {
    let sent = u64::try_from(slot.latencies.len()).unwrap_or(u64::MAX);
    Some(before.unwrap_or_default().max(per_second(sent, slot.elapsed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(devices_per_request: usize, per_second: Option<f64>) -> Task {
        Task { in_flight: 8, devices_per_request, slot: Duration::from_secs(2), per_second }
    }

    #[test]
    fn requests_are_signed_for_half_as_much_again() {
        assert_eq!(task(1, None).requests(None), 150_000);
        assert_eq!(task(100, None).requests(None), 15_000);
        assert_eq!(task(1, None).requests(Some(1_000.0)), 3_000);
        assert_eq!(task(1, Some(1_234.5)).requests(Some(9_999.0)), 2_469);
    }
}
