//! Where sealed values are: every column, and what ties its values to their places.
//!
//! A place is the id of a project, the id of a thing in it, and the name of a field. Whoever seals
//! takes the name from here.

use crate::copy::tables::{Column, Table, bytes, integer, table, text};

/// The field of an access key's secret.
pub const ACCESS_KEY_SECRET: &str = "access key secret";
/// The field of a GB device's registration password.
pub const REGISTRATION_PASSWORD: &str = "registration password";
/// The field of the password by which cameras enrol in a project.
pub const ENROLMENT_PASSWORD: &str = "enrolment password";
/// The field of the secret that a webhook's deliveries are signed with.
pub const WEBHOOK_SECRET: &str = "webhook secret";
/// The place of the key by which phones know all nodes, which the store keeps among its settings.
pub const HOST_KEY_PLACE: [&str; 3] = ["", "adb host key", "pem"];

/// A column with sealed values.
#[derive(Debug)]
pub(crate) struct SealedColumn {
    /// What is read of a row: its key, the project's id, the thing's id, the value.
    pub(crate) row: Table,
    /// The project's id, as SQL; the column's own table is `s`.
    project: &'static str,
    /// The thing's id, the same.
    thing: &'static str,
    /// What is joined for the two, as SQL. A row that it does not find is an error.
    join: &'static str,
    /// The name of the field.
    pub(crate) field: &'static str,
    /// The column with the keyed hash of the value, if there is one.
    pub(crate) tag: Option<&'static str>,
}

/// Joins a device's row and its project's.
const OF_DEVICE: &str =
    "JOIN device AS d ON d.key = s.device JOIN project AS p ON p.key = d.project";

/// Every sealed column of the schema. The tests know one by its name, which has `sealed_` in it.
pub(crate) const SEALED: &[SealedColumn] = &[
    SealedColumn {
        row: table("access_key", 1, ACCESS_KEY),
        project: "coalesce(p.id, '')",
        thing: "s.ak",
        join: "LEFT JOIN project AS p ON p.key = s.project",
        field: ACCESS_KEY_SECRET,
        tag: None,
    },
    SealedColumn {
        row: table("camera", 1, CAMERA),
        project: "p.id",
        thing: "d.id",
        join: OF_DEVICE,
        field: REGISTRATION_PASSWORD,
        tag: Some("password_tag"),
    },
    SealedColumn {
        row: table("camera", 1, CAMERA_BEFORE),
        project: "p.id",
        thing: "d.id",
        join: OF_DEVICE,
        field: REGISTRATION_PASSWORD,
        tag: None,
    },
    SealedColumn {
        row: table("enrolment", 1, ENROLMENT),
        project: "p.id",
        thing: "''",
        join: "JOIN project AS p ON p.key = s.project",
        field: ENROLMENT_PASSWORD,
        tag: None,
    },
    SealedColumn {
        row: table("webhook", 1, WEBHOOK),
        project: "coalesce(p.id, '')",
        thing: "s.id",
        join: "LEFT JOIN project AS p ON p.key = s.project",
        field: WEBHOOK_SECRET,
        tag: None,
    },
];

const ACCESS_KEY: &[Column] = &[text("ak"), text("project"), text("thing"), bytes("sealed_secret")];
const CAMERA: &[Column] =
    &[integer("device"), text("project"), text("thing"), bytes("sealed_password")];
const CAMERA_BEFORE: &[Column] =
    &[integer("device"), text("project"), text("thing"), bytes("old_sealed_password")];

const ENROLMENT: &[Column] =
    &[integer("project"), text("project_id"), text("thing"), bytes("sealed_password")];
const WEBHOOK: &[Column] = &[text("id"), text("project"), text("thing"), bytes("sealed_secret")];

/// Tables whose rows are short-lived copies of what is told once, and are deleted instead.
pub(crate) const DISCARDED: &[&str] = &["idempotency"];

impl SealedColumn {
    /// The name of the table.
    pub(crate) fn table(&self) -> &'static str {
        self.row.name
    }

    /// The name of the column.
    pub(crate) fn column(&self) -> &'static str {
        self.row.columns.last().map_or("", |column| column.name)
    }

    /// The name of its table's key.
    fn key(&self) -> &'static str {
        self.row.columns.first().map_or("", |column| column.name)
    }

    /// The first values by key; if `after`, those after the key in the first parameter. How many is
    /// the last parameter.
    pub(crate) fn page_sql(&self, after: bool) -> String {
        let (key, column, table) = (self.key(), self.column(), self.table());
        let (project, thing, join) = (self.project, self.thing, self.join);
        let (after, limit) = match after {
            true => (format!(" AND s.\"{key}\" > $1"), "$2"),
            false => (String::new(), "$1"),
        };
        format!(
            "SELECT s.\"{key}\", {project}, {thing}, s.\"{column}\" FROM \"{table}\" AS s {join}
             WHERE s.\"{column}\" IS NOT NULL{after} ORDER BY s.\"{key}\" LIMIT {limit}"
        )
    }

    /// How many values there are.
    pub(crate) fn count_sql(&self) -> String {
        format!("SELECT count(*) FROM \"{}\" WHERE \"{}\" IS NOT NULL", self.table(), self.column())
    }

    /// Puts a value in the place of another: the value, its hash if the column has one, the key.
    pub(crate) fn update_sql(&self) -> String {
        let (table, column, key) = (self.table(), self.column(), self.key());
        let (tag, last) = match self.tag {
            Some(tag) => (format!(", \"{tag}\" = $2"), "$3"),
            None => (String::new(), "$2"),
        };
        format!("UPDATE \"{table}\" SET \"{column}\" = $1{tag} WHERE \"{key}\" = {last}")
    }
}
