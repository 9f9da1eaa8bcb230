//! How fast an update goes through its devices, and when it stops by itself.

use std::time::Duration;

use serde::Serialize;

use crate::commands::duration;

/// How fast an update goes through its devices, and when it stops by itself.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Pace {
    /// Begins with so many devices alone, and goes on once they are done.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8096))]
    canary: Option<u32>,
    /// Then goes on by so many devices at a time: 1 to 8096, which is also the size unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8096))]
    wave: Option<u32>,
    /// Waits so long between two waves.
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds)]
    pause: Option<u32>,
    /// Stops when so many devices have failed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stop_failed: Option<u32>,
    /// Stops when so many in a hundred of the devices begun have failed.
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u8).range(1..=100))]
    stop_failed_percent: Option<u8>,
    /// Begins waves within these hours of the day alone, in UTC; they may go over midnight.
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = hours)]
    window: Option<Hours>,
}

/// Hours of a day, as the server reads them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Hours {
    from: String,
    to: String,
}

/// Reads a duration of whole seconds.
fn whole_seconds(text: &str) -> Result<u32, String> {
    let duration: Duration =
        duration(text).map_err(|_| format!("{text:?} is no duration such as 30s, 5m or 2h"))?;
    if duration.subsec_nanos() > 0 {
        return Err(format!("{text:?} is no number of whole seconds"));
    }
    u32::try_from(duration.as_secs()).map_err(|_| format!("{text:?} is too long"))
}

/// Reads `22:00-06:00`. What is no time of a day the server refuses by name.
fn hours(text: &str) -> Result<Hours, String> {
    let (from, to) = text.split_once('-').ok_or_else(|| format!("{text:?} is not HH:MM-HH:MM"))?;
    Ok(Hours { from: from.to_owned(), to: to.to_owned() })
}

/// What is sent of a pace: what is not given is the server's to choose.
#[derive(Debug, Serialize)]
struct Sent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<&'a Hours>,
}

/// When an update stops by itself.
#[derive(Debug, Serialize)]
struct Stop {
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_percent: Option<u8>,
}

impl Pace {
    /// As the server takes it; `None` if nothing is said of it.
    pub fn body(&self) -> Option<serde_json::Value> {
        let Self { canary, wave, pause, stop_failed, stop_failed_percent, window } = self;
        let stop = Stop { failed: *stop_failed, failed_percent: *stop_failed_percent };
        let has_stop = stop.failed.is_some() || stop.failed_percent.is_some();
        let is_given = has_stop || canary.or(*wave).or(*pause).is_some() || window.is_some();
        is_given.then(|| {
            serde_json::json!(Sent {
                canary: *canary,
                wave: *wave,
                pause_seconds: *pause,
                stop: has_stop.then_some(stop),
                window: window.as_ref(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_given_is_not_sent() {
        assert_eq!(Pace::default().body(), None);
        let pace = Pace { canary: Some(10), ..Pace::default() };
        assert_eq!(pace.body(), Some(json!({"canary": 10})));
        let pace = Pace {
            wave: Some(200),
            pause: whole_seconds("1m 30s").ok(),
            stop_failed_percent: Some(5),
            window: hours("22:00-06:00").ok(),
            ..Pace::default()
        };
        let expected = json!({"wave": 200, "pause_seconds": 90, "stop": {"failed_percent": 5},
                              "window": {"from": "22:00", "to": "06:00"}});
        assert_eq!(pace.body(), Some(expected));
    }

    #[test]
    fn what_is_no_pause_and_no_window_is_refused() {
        assert!(whole_seconds("500ms").is_err() && whole_seconds("x").is_err());
        assert!(hours("22:00").is_err());
    }
}
