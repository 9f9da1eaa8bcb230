//! Rows for every table, and the comparison of the list of tables with a schema.

use std::collections::BTreeSet;

use crate::copy::side::Side;
use crate::copy::tables::{Column, Kind, TABLES, Table};
use crate::copy::value::{Row, Value};

/// Rows of each table.
pub(crate) const ROWS: u64 = 7;

/// Columns that may be null, and in some rows are.
const MAY_BE_NULL: &[&str] = &[
    "access_key.project",
    "access_key.revoked_at",
    "access_key.last_used_at",
    "webhook.project",
    "webhook.last_success_at",
    "webhook.last_failure_at",
    "webhook.last_failure",
    "webhook.next_attempt_at",
    "user_account.disabled_at",
    "token.name",
    "token.last_used_at",
    "audit.project",
    "pending_device.user_agent",
    "pending_device.rejected_at",
    "deleted_device.newest_job",
    "device_state.newest_job",
    "device_state.copy",
    "device_state.trouble",
    "device_state.boot",
    "device_state.adoption",
    "device_state.power",
    "device_state.restart_pending",
    "camera.user",
    "camera.sealed_password",
    "camera.password_tag",
    "camera.credentials_at",
    "camera.old_user",
    "camera.old_sealed_password",
    "camera.old_until",
    "camera.surveyed_at",
    "camera.organization",
    "camera.record",
    "camera.push",
    "binding.version",
    "binding.ended_at",
    "binding.ended_why",
    "channel.name",
    "channel.seen_at",
    "channel.reported",
    "channel.organization",
    "channel.record",
    "job.previous",
    "job.ended_at",
    "job.finisher_epoch",
    "job.superseded_by",
    "job.failure",
    "job.operation",
    "job.record",
    "job.before",
    "rollout.operation",
    "rollout.why",
    "rollout.next_at",
    "rollout.ended_at",
    "rollout_wave.ended_at",
    "rollout_device.patch",
    "rollout_device.refusal",
];

/// Puts rows into every table.
pub(crate) async fn fill(side: &dyn Side) {
    for table in TABLES {
        let rows = (0..ROWS as i64).map(|number| row(table, number)).collect();
        side.insert(table, rows).await.unwrap();
    }
}

/// The row of a table with this number, whatever it is in its order.
fn row(table: &Table, number: i64) -> Row {
    table.columns.iter().map(|column| value(table, *column, number)).collect()
}

/// A value that fits the column: keys differ, and what refers to another row finds it.
fn value(table: &Table, column: Column, number: i64) -> Value {
    let name = format!("{}.{}", table.name, column.name);
    if MAY_BE_NULL.contains(&&*name) && number % 3 == 0 {
        return Value::Null;
    }
    match (&*name, column.name, column.kind) {
        ("tag.kind", ..) => Value::Integer(number % 2),
        ("device_state.settled", ..) => Value::Integer(number / 2),
        ("device_state.revision", ..) => Value::Integer(number),
        ("device.kind", ..) => Value::Text(if number % 2 == 0 { "phone" } else { "camera" }.into()),
        ("user_grant.role", ..) => {
            Value::Text(["viewer", "operator", "admin"][number as usize % 3].into())
        }
        ("audit.seq", ..) => Value::Integer(number + 1),
        ("user_account.name" | "token.user" | "user_grant.user", ..) => {
            Value::Text(format!("user-{number}"))
        }
        // Before, between and after what has a meaning of its own.
        ("setting.name", ..) => {
            Value::Text(format!("{}-{number}", ["a", "m", "z"][number as usize % 3]))
        }
        (_, "key", Kind::Integer) | (_, "device" | "project" | "organization", _) => {
            Value::Integer(number + 1)
        }
        (_, _, Kind::Integer) => {
            Value::Integer([0, -1, 1 << 40, i64::MAX, i64::MIN][number as usize % 5])
        }
        (_, _, Kind::Flag) => Value::Flag(number % 2 == 0),
        (_, _, Kind::Text) if table.key_columns().contains(&column) || column.name == "id" => {
            Value::Text(format!("{}{number} 视频 'ü'", ["Z", "a", "_", "é"][number as usize % 4]))
        }
        (_, _, Kind::Text) => Value::Text(match number % 4 {
            0 => String::new(),
            1 => format!("{{\"{name}\":\"\\u0000 \\\\ \u{1f4de}\"}}\n\t"),
            2 => "长".repeat(3_000),
            _ => format!("{name} {number}"),
        }),
        ("rollout_wave.request", ..) => Value::Bytes(vec![number as u8; 16]),
        (_, _, Kind::Bytes) => {
            let id = [&[255, 0, (200 - number * 30).rem_euclid(256) as u8][..], &[7; 13]].concat();
            Value::Bytes(match number % 3 {
                _ if table.key_columns().contains(&column) => id,
                0 => Vec::new(),
                _ => id,
            })
        }
    }
}

/// A column as a database describes it.
pub(crate) struct SchemaColumn {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) kind: String,
    /// Its place in the primary key, counted from 1; 0 if it is not in it.
    pub(crate) key: i64,
}

/// Compares a schema with the list of what is copied: nothing may be missing on either side but the
/// tables that stand `apart`.
pub(crate) fn check_schema(
    found: &[SchemaColumn],
    kind: impl Fn(&Column) -> &'static str,
    apart: &[&str],
) {
    let tables: BTreeSet<&str> = found.iter().map(|column| &*column.table).collect();
    let listed = TABLES.iter().map(|table| table.name).chain(apart.iter().copied());
    assert_eq!(tables, listed.collect::<BTreeSet<_>>());
    for table in TABLES {
        let own: Vec<_> = found.iter().filter(|column| column.table == table.name).collect();
        let left_out = |name: &str| table.left_out.contains(&name);
        let columns: BTreeSet<(&str, &str)> = own
            .iter()
            .filter(|column| !left_out(&column.column))
            .map(|column| (&*column.column, &*column.kind))
            .collect();
        let expected: BTreeSet<(&str, &str)> =
            table.columns.iter().map(|column| (column.name, kind(column))).collect();
        assert_eq!(columns, expected, "{}", table.name);
        for name in table.left_out {
            assert!(own.iter().any(|column| column.column == *name), "{}.{name}", table.name);
        }
        let mut keys: Vec<_> = own.iter().filter(|column| column.key > 0).collect();
        keys.sort_by_key(|column| column.key);
        let keys: Vec<&str> = keys.iter().map(|column| &*column.column).collect();
        let expected: Vec<&str> = table.key_columns().iter().map(|column| column.name).collect();
        assert_eq!(keys, expected, "{}", table.name);
    }
}
