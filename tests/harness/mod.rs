//! What every end-to-end test stands on: the product as a process, its clients, and phones.

pub mod adb;
pub mod browser;
pub mod cameras;
pub mod cli;
pub mod client;
pub mod cluster;
pub mod gb;
pub mod iss;
pub mod link;
pub mod patroni;
pub mod phones;
pub mod postgres;
pub mod schemathesis;
pub mod sdk;
pub mod server;
pub mod sip;
pub mod site;
pub mod tools;
pub mod waiting;
pub mod wire;

pub use cameras::Cameras;
pub use cli::Cli;
pub use client::{Answer, Cph, Key, Native};
pub use cluster::Cluster;
pub use gb::PythonCamera;
pub use iss::Iss;
pub use link::Link;
pub use phones::Phones;
pub use postgres::Postgres;
pub use sdk::Sdk;
pub use server::{AFTER_START, Server, Start};
pub use site::Site;
pub use waiting::{PATIENCE, Stopwatch, wait_for, wait_until};
pub use wire::Request;
