//! The section `history`.

use super::Key;

/// Its keys.
pub const KEYS: &[Key] = &[
    Key {
        name: "history.keep_days",
        variable: "FLEETWRIGHT_HISTORY_KEEP_DAYS",
        meaning: "For how many days jobs that have ended are kept, and updates with them; 0 for\n\
                  ever. What is older is deleted in small steps, and unknown from then on.",
        example: "",
        set: |config, given| {
            config.history.keep_days = given.number(0, 36_500)?;
            Ok(())
        },
        show: |config| Some(config.history.keep_days.to_string()),
    },
    Key {
        name: "history.keep_jobs",
        variable: "FLEETWRIGHT_HISTORY_KEEP_JOBS",
        meaning: "How many jobs are kept, about: with more, the oldest of those that ended more\n\
                  than an hour ago are deleted. 0 for all.",
        example: "",
        set: |config, given| {
            config.history.keep_jobs = given.number(0, 1_000_000_000_000)?;
            Ok(())
        },
        show: |config| Some(config.history.keep_jobs.to_string()),
    },
    Key {
        name: "history.disk_free_percent",
        variable: "FLEETWRIGHT_HISTORY_DISK_FREE_PERCENT",
        meaning: "How much of the disk stays free of old jobs, in percent: with less, the oldest\n\
                  that are older than a day are deleted. 0 for none. Of a store on PostgreSQL the\n\
                  disk is not known.",
        example: "",
        set: |config, given| {
            let percent = given.number(0, 90)?;
            config.history.disk_free_percent = u8::try_from(percent).unwrap_or(u8::MAX);
            Ok(())
        },
        show: |config| Some(config.history.disk_free_percent.to_string()),
    },
];
