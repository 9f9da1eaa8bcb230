//! The doors: the HTTP APIs by which programs and people reach Fleetwright.
//!
//! A door turns a vendor's request into a command for the engine and the engine's answer into the
//! vendor's form. This crate owns everything of HTTP: the sockets, TLS, signatures and wire types.
//!
//! It must never write to the store: doors read through `store::Reads` and give the engine
//! commands. It never speaks to a device, and no clock is read here except for time-outs.
//!
//! Start reading at [`router`] (the table of contents), then [`listener`] (how a connection becomes
//! a request), [`signature::huawei`] and [`signature::tencent`] (how a request proves who sent it);
//! [`cph`], [`iss`] and [`native`] have a file for each call or kind of thing.

mod admission;
mod console;
pub mod cph;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod idempotency;
pub mod iss;
pub mod listener;
mod measured;
pub mod native;
mod printable;
pub mod router;
pub mod signature;
pub mod tls;
#[cfg(feature = "unsigned")]
pub mod unsigned;
