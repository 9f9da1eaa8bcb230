//! The phone driver: it speaks to Android phones over ADB, and does on each what the engine asks.
//!
//! One action is one shell script on a kept connection, one exchange: prove identity, set what
//! differs, read all back. Sending a script twice does no harm, since it sets only what differs.
//!
//! It must never decide what a device should hold: that comes in with the action. It must never set
//! anything on a phone that has not proved to be the adopted one; the marker that it leaves on a
//! phone without any is the one exception, and only where the action allows it. It must never let a
//! value run in a phone's shell.
//!
//! Start with [`Phones`], which the engine holds; then [`script`] for what a phone is asked,
//! [`answer`] for how its answer is read, and [`link`] for what carries both. [`adb`] is the one
//! file that knows the ADB library. `power` restarts, resets and stops, and `operator` runs the
//! programs that a profile names for what ADB can't do.

pub mod adb;
pub mod answer;
mod connections;
mod driver;
mod examine;
#[cfg(test)]
mod fixtures;
pub mod link;
mod operator;
mod power;
pub mod script;

pub use driver::{Options, Phones};
