//! The Date of a 200 to a REGISTER: `2010-11-02T15:01:26.115`, the server's local time with
//! milliseconds and no zone (GB/T 28181-2016, 9.10.1), which is not RFC 3261's form.

use std::fmt::Write;

use fleet::Timestamp;
use jiff::tz::TimeZone;

/// Prints times; the part that changes once a second is kept.
pub(super) struct Dates {
    zone: TimeZone,
    second: i64,
    text: String,
}

impl Dates {
    /// Times of this zone.
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, second: i64::MIN, text: String::new() }
    }

    /// The header's value at `now`.
    pub(super) fn at(&mut self, now: Timestamp) -> Vec<u8> {
        let second = now.0.div_euclid(1_000);
        if second != self.second {
            let time = jiff::Timestamp::from_second(second).unwrap_or_default();
            let local = time.to_zoned(self.zone.clone()).datetime();
            self.text = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            self.second = second;
        }
        let mut text = String::with_capacity(24);
        text.push_str(&self.text);
        // A String takes whatever is written.
        let _ = write!(text, ".{:03}", now.0.rem_euclid(1_000));
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_local_time_with_milliseconds() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let mut dates = Dates::new(zone);
        let time = Timestamp::from_basic_text("20261121T144000Z").unwrap();
        assert_eq!(dates.at(time), b"2026-11-21T22:40:00.000");
        assert_eq!(dates.at(Timestamp(time.0 + 115)), b"2026-11-21T22:40:00.115");
        assert_eq!(dates.at(Timestamp(time.0 + 61_007)), b"2026-11-21T22:41:01.007");
    }
}
