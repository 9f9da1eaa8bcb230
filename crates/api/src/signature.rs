//! How requests prove who sent them, one module per vendor's scheme, and what stops guessing.
//!
//! Everything here is pure: no I/O, no clock, no look-up of keys. The door parses, finds the
//! secret, verifies, and tells [`lockout`] how it went.

pub(crate) mod form;
mod head;
pub mod huawei;
pub mod lockout;
pub mod tencent;

pub use head::Head;
