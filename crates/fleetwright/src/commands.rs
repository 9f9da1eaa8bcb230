//! The commands that operate a server, a file each.

pub mod audit;
pub mod backup;
pub mod catalogue;
pub mod cluster;
pub mod completions;
pub mod config;
pub mod device;
pub mod enrolment;
pub mod events;
pub mod job;
pub mod key;
pub mod man;
pub mod organization;
pub mod overview;
pub mod preset;
pub mod project;
pub mod registrations;
pub mod server;
pub mod simulate;
pub mod store;
pub mod update;
pub mod user;
pub mod webhook;

use std::time::Duration;

/// Reads a duration such as `500ms`, `2s` or `1m 30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| format!("{text:?} is no duration such as 500ms, 2s or 1m"))?;
    Duration::try_from(duration).map_err(|_| format!("{text:?} is negative"))
}

/// Reads how many at most: 1 or more.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if count == 0 { Err("must be 1 or more".to_owned()) } else { Ok(count) }
}

/// A pause between two looks. This is a program of one thread with nothing else to do.
#[expect(clippy::disallowed_methods, reason = "no runtime runs here that it could hold up")]
pub fn rest(pause: Duration) {
    std::thread::sleep(pause);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        assert!(duration("-2s").is_err() && duration("2").is_err() && duration("x").is_err());
    }
}
