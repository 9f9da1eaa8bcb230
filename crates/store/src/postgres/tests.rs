//! What is particular to PostgreSQL: connections, failures, several nodes at once. What every
//! engine must do is in `crate::conformance`.

/// Runs cases one after the other on one server; each may make the database `fleet` for itself.
macro_rules! for_each_case {
    ($server:ident: $($case:ident),+ $(,)?) => {
        $(
            Box::pin($case(&$server)).await;
            $server.sql("postgres", "DROP DATABASE IF EXISTS fleet WITH (FORCE)").await;
        )+
    };
}

mod chain;
mod cluster;
mod conformance;
mod copying;
mod feed;
mod gate;
mod groups;
mod hot;
mod lost;
mod older;
mod opened;
mod plans;
mod plenty;
mod proxy;
mod rekey;
mod server;
mod standby;
mod tls;
