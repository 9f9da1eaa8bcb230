//! How many bytes an update may ask for: bounded before anything of it is copied for a device.

use fleet::limits::{DESIRED_BYTES_MAX, EXPANDED_BYTES_MAX};
use fleet::{Plan, Refusal, Values};

use super::{Ask, AskTarget, AskedDevice};
use crate::access::invalid;
use crate::command::Error;

/// Checks that neither what is asked of all nor what is asked of one of them is more than what may
/// be desired of one device.
pub(crate) fn check(ask: &Ask) -> Result<(), Error> {
    if is_over(&ask.patch) {
        return Err(invalid("set", too_many(&ask.patch)));
    }
    let named: &[AskedDevice] = match &ask.target {
        AskTarget::Selector(_) => &[],
        AskTarget::Devices(named) => named,
    };
    match named.iter().zip(1_usize..).find(|(device, _)| is_over(&device.values)) {
        None => Ok(()),
        Some((device, number)) => {
            Err(invalid(&format!("device {number}, set"), too_many(&device.values)))
        }
    }
}

/// Checks what these devices would have in copies: of what is asked of all, and of their own.
pub(crate) fn check_copies<'a>(
    ask: &Ask,
    devices: impl Iterator<Item = &'a AskedDevice>,
) -> Result<(), Error> {
    let of_all = bytes(&ask.patch);
    let (mut total, mut count) = (0_usize, 0_usize);
    for device in devices {
        count += 1;
        total = total.saturating_add(of_all).saturating_add(bytes(&device.values));
    }
    if total <= EXPANDED_BYTES_MAX {
        return Ok(());
    }
    let detail = format!(
        "would be {total} bytes for {count} devices together; at most {EXPANDED_BYTES_MAX} are \
         allowed: make several updates"
    );
    Err(invalid("set", detail))
}

/// Checks what a wave would have in copies of what is asked of all of so many devices.
pub(crate) fn check_wave(plan: &Plan, patch: &Values, devices: usize) -> Result<(), Error> {
    let largest = plan.size(1).max(plan.size(2)) as usize;
    let largest = largest.min(devices);
    let total = bytes(patch).saturating_mul(largest);
    if total <= EXPANDED_BYTES_MAX {
        return Ok(());
    }
    let detail = format!(
        "{largest} devices at once would take {total} bytes of values; at most \
         {EXPANDED_BYTES_MAX} are allowed: make the waves smaller"
    );
    Err(invalid("rollout.wave", detail))
}

/// The refusal of values that are more than what may be desired of one device; `None` if they are
/// not.
pub(super) fn refusal(values: &Values) -> Option<Refusal> {
    is_over(values).then(|| Refusal::PropertiesInvalid { detail: too_many(values) })
}

/// Whether these values are more than what may be desired of one device.
fn is_over(values: &Values) -> bool {
    bytes(values) > DESIRED_BYTES_MAX
}

/// What is said of values that are.
fn too_many(values: &Values) -> String {
    format!("has {} bytes; at most {DESIRED_BYTES_MAX} are allowed", bytes(values))
}

/// The bytes of values, with their names.
fn bytes(values: &Values) -> usize {
    values.iter().map(|(name, value)| name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::stage::device_id;
    use crate::rollout::tests::phones::{ask, asked};

    fn values(bytes: usize) -> Values {
        Values::from([("a".to_owned(), "x".repeat(bytes - 1))])
    }

    fn told(result: Result<(), Error>) -> String {
        result.map_or_else(|error| error.to_string(), |()| String::new())
    }

    /// Devices that each have so many bytes of their own, and as many that are asked of all.
    fn of_devices(count: usize, all: usize, own: usize) -> Ask {
        let own = |number| asked(device_id(&format!("d{number}")), values(own));
        let target = AskTarget::Devices((0..count).map(own).collect());
        Ask { target, patch: values(all), ..ask("", Plan::all_at_once()) }
    }

    #[test]
    fn no_device_is_asked_for_more_than_it_may_have() {
        let (most, over) = (DESIRED_BYTES_MAX, DESIRED_BYTES_MAX + 1);
        assert_eq!(told(check(&of_devices(2, most, most))), "");
        let why = "set: has 65537 bytes; at most 65536 are allowed";
        assert_eq!(told(check(&of_devices(2, over, 1))), why);
        assert_eq!(told(check(&of_devices(2, 1, over))), format!("device 1, {why}"));
        let of_selector = Ask { patch: values(over), ..ask("", Plan::all_at_once()) };
        assert_eq!(told(check(&of_selector)), why);
        assert!(refusal(&values(over)).is_some() && refusal(&values(most)).is_none());
    }

    #[test]
    fn the_copies_of_all_devices_are_bounded_together() {
        let of = |count, all, own| {
            let ask = of_devices(count, all, own);
            let AskTarget::Devices(devices) = &ask.target else { panic!("a selector") };
            told(check_copies(&ask, devices.iter()))
        };
        // 64 MiB are 1,024 times 65,536.
        assert_eq!(of(1_024, 65_535, 1), "");
        let why = "set: would be 67174400 bytes for 1025 devices together; at most 67108864";
        assert!(of(1_025, 65_535, 1).starts_with(why), "{}", of(1_025, 65_535, 1));
        assert!(of(1_024, 65_535, 2).contains("make several updates"));
    }

    #[test]
    fn a_wave_is_bounded_by_what_its_devices_are_asked_for() {
        let of = |canary, wave, devices| {
            let plan = Plan { canary, wave, ..Plan::all_at_once() };
            told(check_wave(&plan, &values(65_536), devices))
        };
        assert_eq!(of(0, 8_096, 1_024), "");
        assert_eq!(of(0, 1_024, 100_000), "");
        let why = "rollout.wave: 1025 devices at once would take 67174400 bytes";
        assert!(of(0, 8_096, 1_025).starts_with(why), "{}", of(0, 8_096, 1_025));
        assert!(of(0, 1_025, 100_000).starts_with(why));
        assert!(of(1_025, 100, 100_000).starts_with(why), "the canary");
    }
}
