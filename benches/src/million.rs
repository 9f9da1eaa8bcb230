//! A fleet of a million devices: half phones on 200 servers, half cameras, in ten projects, with
//! tags, values, and what each says of itself.

use anyhow::Result;

use crate::database::Database;

/// How many there are.
pub const DEVICES: u32 = 1_000_000;

/// The property that each is asked for and has shown.
pub const PROPERTY: &str = "sys.prop.writephonenum";

/// Puts it into a database of our schema that has one project, with the key 1.
pub fn fill(database: &Database) -> Result<()> {
    let state = format!(
        "INSERT INTO device_state (device, project, has_work, revision, settled, condition,
             adopted, since, open_jobs, desired, reported)
         SELECT key, project, false, 1, 1,
             CASE WHEN key % 1000 = 7 THEN 'abnormal' ELSE 'running' END, true, 1, '',
             '{{\"{PROPERTY}\":[\"' || key % 5 || '\",1]}}',
             '{{\"revision\":1,\"values\":{{\"{PROPERTY}\":[\"' || key % 5 || '\",1]}}}}'
         FROM device"
    );
    let devices = format!(
        "INSERT INTO device (project, kind, id, name, server, address, profile, marker, created_at,
             updated_at)
         SELECT 1 + n / 2 % 10, CASE WHEN n % 2 = 0 THEN 'camera' ELSE 'phone' END,
             CASE WHEN n % 2 = 0 THEN '3402000000132' || (1000000 + n) ELSE 'phone-' || n END,
             'name of ' || n, CASE WHEN n % 2 = 0 THEN '' ELSE 'server-' || n / 2 % 200 END,
             CASE WHEN n % 2 = 0 THEN '' ELSE '127.0.0.1:' || (1024 + n % 60000) END,
             CASE WHEN n % 2 = 0 THEN 'gb28181' ELSE 'generic' END, 'marker of ' || n, 1, 1
         FROM generate_series(1, {DEVICES}) AS n"
    );
    for statement in [
        "INSERT INTO project (id, name, created_at, updated_at)
         SELECT 'project-' || n, 'name', 1, 1 FROM generate_series(2, 10) AS n",
        &devices,
        &state,
        "INSERT INTO device_facts (device, facts)
         SELECT key, '{\"manufacturer\":\"maker ' || key % 20 || '\"}' FROM device",
        "INSERT INTO camera (device, project)
         SELECT key, project FROM device WHERE kind = 'camera'",
        "INSERT INTO server (project, id, name, created_at, updated_at)
         SELECT DISTINCT project, server, server, 1, 1 FROM device WHERE server <> ''",
        "INSERT INTO tag (project, kind, thing, key, value)
         SELECT project, 0, id, 'key-' || key % 7, 'value-' || key % 3 FROM device
         WHERE kind = 'phone'",
        "VACUUM ANALYZE",
    ] {
        database.run(statement)?;
    }
    Ok(())
}
