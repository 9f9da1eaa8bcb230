//! A point in time, as the rest of the product passes it about.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This point in time plus `duration`; the end of time if that is beyond it.
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The time in UTC, which every representable value of ours has.
    fn utc(self) -> jiff::civil::DateTime {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime()
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`, whole seconds, as Huawei CPH prints every time.
    pub fn to_seconds_text(self) -> String {
        self.utc().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `YYYYMMDDTHHMMSSZ`, as the `X-Sdk-Date` header prints it.
    pub fn to_basic_text(self) -> String {
        self.utc().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// Reads `YYYYMMDDTHHMMSSZ`, exactly that form; `None` for anything else.
    pub fn from_basic_text(text: &str) -> Option<Self> {
        if text.len() != 16 || text.get(8..9) != Some("T") || text.get(15..) != Some("Z") {
            return None;
        }
        let number = |from: usize, to: usize| -> Option<i16> {
            let digits = text.get(from..to)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let small = |from, to| number(from, to).and_then(|n| i8::try_from(n).ok());
        let date = jiff::civil::Date::new(number(0, 4)?, small(4, 6)?, small(6, 8)?).ok()?;
        let time = jiff::civil::Time::new(small(9, 11)?, small(11, 13)?, small(13, 15)?, 0).ok()?;
        let zoned = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.utc().strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

/// A text is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time such as 2026-12-31T23:59:59Z")]
pub struct NotATime(String);

/// Reads a date and a time with its offset (RFC 3339, 5.6), to the millisecond.
impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let time: jiff::Timestamp = text.parse().map_err(|_| NotATime(text.to_owned()))?;
        Ok(Self(time.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_the_forms_of_the_wire() {
        let time = Timestamp::from_basic_text("20261121T120000Z").unwrap();
        assert_eq!(time.to_seconds_text(), "2026-11-21T12:00:00Z");
        assert_eq!(time.to_basic_text(), "20261121T120000Z");
        assert_eq!(Timestamp(time.0 + 7).to_string(), "2026-11-21T12:00:00.007Z");
        for text in ["2026-11-21T12:00:00Z", "2026-11-21T20:00:00+08:00", &time.to_string()] {
            assert_eq!(text.parse(), Ok(time), "{text}");
        }
        for text in ["", "2026-11-21", "2026-11-21T12:00:00", "tomorrow"] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATime(text.to_owned())));
        }
    }

    #[test]
    fn takes_no_other_form() {
        for text in [
            "",
            "20261121T120000",
            "20261121T120000z",
            "20261121 120000Z",
            "20261321T120000Z",
            "20260230T120000Z",
            "20261121T250000Z",
            "+0261121T120000Z",
            "2026-11-21T12:00:00Z",
            "２0261121T12000Z",
        ] {
            assert_eq!(Timestamp::from_basic_text(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp(i64::MAX).plus(Duration::from_secs(1)), Timestamp(i64::MAX));
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(9).since(Timestamp(5)), Duration::from_millis(4));
    }
}
