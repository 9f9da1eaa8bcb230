//! What is particular to SQLite: files, threads, failures. What every engine must do is in
//! `crate::conformance`.

mod backups;
mod cluster;
mod failures;
mod files;
mod groups;
mod limits;
mod older;
mod opened;
mod plans;
mod plenty;
mod schema;
mod upgrade;
mod upgrade_to_access;
mod upgrade_to_cameras;
mod upgrade_to_chain;
mod upgrade_to_cluster;
mod upgrade_to_iss;

mod conformance {
    use super::opened::Opened;

    crate::conformance::tests!(Opened::fresh());
}
