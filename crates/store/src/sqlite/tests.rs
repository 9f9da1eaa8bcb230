//! What is particular to SQLite: files, threads, failures. What every engine must do is in
//! `crate::conformance`.

mod backups;
mod failures;
mod files;
mod groups;
mod limits;
mod opened;
mod schema;
mod upgrade;
mod upgrade_to_cameras;
mod upgrade_to_iss;

mod conformance {
    use super::opened::Opened;

    crate::conformance::tests!(Opened::fresh());
}
