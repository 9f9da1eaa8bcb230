//! What is copied: every table and column of the record, for both engines alike.

use super::value::{Row, Value};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers: INTEGER, bigint.
    Integer,
    /// Yes or no: INTEGER that is 0 or 1, boolean.
    Flag,
    /// Text: TEXT, text.
    Text,
    /// Bytes: BLOB, bytea.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many of its columns are its key: the first ones.
    pub(crate) keys: usize,
    /// Its columns.
    pub(crate) columns: &'static [Column],
    /// Those that are not copied and null in a copy.
    pub(crate) left_out: &'static [&'static str],
    /// Which rows are copied, as SQL; all of them if empty.
    pub(crate) only: &'static str,
}

/// A column with numbers.
pub(crate) const fn integer(name: &'static str) -> Column {
    Column { name, kind: Kind::Integer }
}

/// A column with flags.
const fn flag(name: &'static str) -> Column {
    Column { name, kind: Kind::Flag }
}

/// A column with text.
pub(crate) const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

/// A column with bytes.
pub(crate) const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Kind::Bytes }
}

/// A table whose rows are copied, all and whole.
pub(crate) const fn table(name: &'static str, keys: usize, columns: &'static [Column]) -> Table {
    Table { name, keys, columns, left_out: &[], only: "" }
}

/// Every table that is copied, in an order in which none refers to a later one.
pub(crate) const TABLES: &[Table] = &[
    Table {
        only: "\"name\" NOT IN ('store-id', 'copied-from')",
        ..table("setting", 1, &[text("name"), text("value")])
    },
    table("project", 1, PROJECT),
    table("deleted_project", 1, &[integer("key"), text("id")]),
    table("access_key", 1, ACCESS_KEY),
    table("webhook", 1, WEBHOOK),
    table("user_account", 1, USER_ACCOUNT),
    table("user_grant", 2, USER_GRANT),
    table("token", 1, TOKEN),
    table("server", 2, SERVER),
    table("tag", 4, TAG),
    table("organization", 1, ORGANIZATION),
    table("enrolment", 1, ENROLMENT),
    table("pending_device", 2, PENDING_DEVICE),
    table("device", 1, DEVICE),
    table("deleted_device", 1, DELETED_DEVICE),
    table("device_state", 1, DEVICE_STATE),
    table("device_facts", 1, &[integer("device"), text("facts")]),
    table("camera", 1, CAMERA),
    // Sessions are not copied, and a key of theirs would be that of somebody else.
    Table { left_out: &["session"], ..table("binding", 1, BINDING) },
    table("channel", 2, CHANNEL),
    table("job", 1, JOB),
    table("preset", 2, PRESET),
    table("rollout", 1, ROLLOUT),
    table("rollout_wave", 2, ROLLOUT_WAVE),
    table("rollout_device", 2, ROLLOUT_DEVICE),
    table("audit", 1, AUDIT),
    table("fleet_count", 1, FLEET_COUNT),
    table("fleet_sample", 2, FLEET_COUNT),
];

/// Tables whose rows get their keys one after the other, and where those are that were deleted, if
/// they are kept.
pub(crate) const GIVEN: &[(&str, Option<&str>)] = &[
    ("project", Some("deleted_project")),
    ("organization", None),
    ("device", Some("deleted_device")),
    // Ended jobs name the session that ended them.
    ("session", None),
];

const PROJECT: &[Column] = &[
    integer("key"),
    text("id"),
    text("name"),
    integer("created_at"),
    text("settings"),
    text("description"),
    integer("updated_at"),
];

const ACCESS_KEY: &[Column] = &[
    text("ak"),
    integer("project"),
    flag("strict"),
    bytes("sealed_secret"),
    integer("created_at"),
    integer("revoked_at"),
    integer("last_used_at"),
];

const WEBHOOK: &[Column] = &[
    text("id"),
    integer("project"),
    text("url"),
    text("filter"),
    bytes("sealed_secret"),
    flag("enabled"),
    text("position"),
    integer("last_success_at"),
    integer("last_failure_at"),
    text("last_failure"),
    integer("failures"),
    integer("next_attempt_at"),
    integer("created_at"),
    text("created_by"),
    integer("updated_at"),
];

const USER_ACCOUNT: &[Column] = &[
    text("name"),
    integer("project"),
    text("password_hash"),
    integer("created_at"),
    integer("disabled_at"),
];

const USER_GRANT: &[Column] = &[text("user"), integer("project"), text("role")];

const TOKEN: &[Column] = &[
    bytes("hash"),
    text("user"),
    integer("issued_at"),
    integer("expires_at"),
    text("id"),
    text("name"),
    integer("last_used_at"),
];

const AUDIT: &[Column] = &[
    integer("seq"),
    integer("at"),
    text("actor"),
    integer("project"),
    text("action"),
    text("target"),
    text("detail"),
];

/// Of the counts of devices: the newest, and those that are kept.
const FLEET_COUNT: &[Column] = &[integer("project"), integer("at"), text("counts")];

const SERVER: &[Column] =
    &[integer("project"), text("id"), text("name"), integer("created_at"), integer("updated_at")];

const TAG: &[Column] =
    &[integer("project"), integer("kind"), text("thing"), text("key"), text("value")];

const ORGANIZATION: &[Column] = &[
    integer("key"),
    integer("project"),
    text("id"),
    text("path"),
    integer("created_at"),
    integer("updated_at"),
];

const ENROLMENT: &[Column] = &[
    integer("project"),
    bytes("sealed_password"),
    text("prefixes"),
    integer("ends_at"),
    text("actor"),
    integer("set_at"),
];

const PENDING_DEVICE: &[Column] = &[
    integer("project"),
    text("id"),
    integer("first_seen"),
    integer("last_seen"),
    text("address"),
    text("transport"),
    text("user_agent"),
    integer("rejected_at"),
];

const DEVICE: &[Column] = &[
    integer("key"),
    integer("project"),
    text("kind"),
    text("id"),
    text("name"),
    text("server"),
    text("address"),
    text("profile"),
    text("marker"),
    integer("created_at"),
    integer("updated_at"),
    text("container"),
];

const DELETED_DEVICE: &[Column] =
    &[integer("key"), integer("project"), text("id"), integer("deleted_at"), bytes("newest_job")];

const DEVICE_STATE: &[Column] = &[
    integer("device"),
    integer("project"),
    flag("has_work"),
    integer("revision"),
    integer("settled"),
    text("condition"),
    flag("adopted"),
    flag("frozen"),
    integer("since"),
    bytes("newest_job"),
    bytes("open_jobs"),
    integer("copy"),
    text("trouble"),
    text("boot"),
    text("adoption"),
    text("power"),
    text("restart_pending"),
    text("desired"),
    text("reported"),
];

const CAMERA: &[Column] = &[
    integer("device"),
    integer("project"),
    text("user"),
    bytes("sealed_password"),
    bytes("password_tag"),
    integer("credentials_at"),
    text("old_user"),
    bytes("old_sealed_password"),
    integer("old_until"),
    integer("surveyed_at"),
    integer("organization"),
    text("record"),
    text("push"),
];

const BINDING: &[Column] = &[
    integer("device"),
    text("transport"),
    bytes("remote"),
    integer("registered_at"),
    integer("refreshed_at"),
    integer("expires_at"),
    integer("nonce_at"),
    integer("nonce_count"),
    text("version"),
    integer("ended_at"),
    text("ended_why"),
    flag("old_credentials"),
];

const CHANNEL: &[Column] = &[
    integer("device"),
    text("id"),
    text("name"),
    integer("missed"),
    integer("seen_at"),
    text("reported"),
    integer("organization"),
    text("record"),
];

const JOB: &[Column] = &[
    bytes("id"),
    integer("device"),
    integer("project"),
    integer("revision"),
    bytes("previous"),
    integer("state"),
    flag("stored"),
    text("door"),
    text("actor"),
    integer("accepted_at"),
    integer("ended_at"),
    integer("finisher_epoch"),
    bytes("superseded_by"),
    text("failure"),
    text("patch"),
    integer("operation"),
    text("record"),
    text("before"),
];

const PRESET: &[Column] = &[
    integer("project"),
    text("name"),
    text("kind"),
    text("description"),
    integer("created_at"),
    integer("updated_at"),
    integer("version"),
    text("templates"),
];

const ROLLOUT: &[Column] = &[
    bytes("id"),
    integer("project"),
    text("kind"),
    integer("operation"),
    text("phase"),
    text("why"),
    integer("total"),
    integer("next"),
    integer("wave"),
    integer("next_at"),
    text("actor"),
    integer("created_at"),
    integer("ended_at"),
    integer("version"),
    text("patch"),
    text("plan"),
    text("source"),
];

const ROLLOUT_WAVE: &[Column] = &[
    bytes("rollout"),
    integer("number"),
    bytes("request"),
    integer("first"),
    integer("count"),
    integer("accepted"),
    integer("refused"),
    integer("begun_at"),
    integer("ended_at"),
];

const ROLLOUT_DEVICE: &[Column] = &[
    bytes("rollout"),
    integer("position"),
    integer("device"),
    text("device_id"),
    text("patch"),
    text("refusal"),
];

impl Table {
    /// The key of one of its rows.
    pub(crate) fn key_of(&self, row: &[Value]) -> Row {
        row.iter().take(self.keys).cloned().collect()
    }

    /// The columns of the key.
    pub(crate) fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.keys).unwrap_or(self.columns)
    }

    /// The names of these columns with commas between.
    fn names(columns: &[Column]) -> String {
        let quoted: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        quoted.join(", ")
    }

    /// Parameters from `$1`, one for each of these columns. SQLite takes them as named ones, and
    /// numbers them as they come.
    fn params(columns: &[Column]) -> String {
        let params: Vec<_> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        params.join(", ")
    }

    /// The first rows by key; if `after`, those after the key in the first parameters. How many is
    /// the last parameter.
    pub(crate) fn page_sql(&self, after: bool) -> String {
        let keys = Self::names(self.key_columns());
        let given = Self::params(self.key_columns());
        let after = after.then(|| format!("({keys}) > ({given})"));
        let only = (!self.only.is_empty()).then(|| self.only.to_owned());
        let limit = if after.is_some() { self.keys + 1 } else { 1 };
        let which: Vec<_> = after.into_iter().chain(only).collect();
        let which = if which.is_empty() { "true".to_owned() } else { which.join(" AND ") };
        format!(
            "SELECT {} FROM \"{}\" WHERE {which} ORDER BY {keys} LIMIT ${limit}",
            Self::names(self.columns),
            self.name
        )
    }

    /// How many rows there are.
    pub(crate) fn count_sql(&self) -> String {
        format!("SELECT count(*) FROM \"{}\" WHERE {}", self.name, self.which())
    }

    /// The highest key.
    pub(crate) fn last_key_sql(&self) -> String {
        let columns = self.key_columns();
        let keys = Self::names(columns);
        let down: Vec<_> =
            columns.iter().map(|column| format!("\"{}\" DESC", column.name)).collect();
        let (name, which, down) = (self.name, self.which(), down.join(", "));
        format!("SELECT {keys} FROM \"{name}\" WHERE {which} ORDER BY {down} LIMIT 1")
    }

    /// Puts a row in.
    pub(crate) fn insert_sql(&self) -> String {
        let (names, params) = (Self::names(self.columns), Self::params(self.columns));
        format!("INSERT INTO \"{}\" ({names}) VALUES ({params})", self.name)
    }

    /// Puts rows in that come as a stream in PostgreSQL's binary form.
    pub(crate) fn copy_sql(&self) -> String {
        format!("COPY \"{}\" ({}) FROM STDIN (FORMAT binary)", self.name, Self::names(self.columns))
    }

    /// Which rows.
    fn which(&self) -> &'static str {
        if self.only.is_empty() { "true" } else { self.only }
    }
}
