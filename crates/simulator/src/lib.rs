//! Simulated Android phones: a whole fleet in one process, each phone on a TCP port of its own,
//! speaking the device side of the ADB protocol and running shell scripts against an Android
//! property store, with faults on demand. Beside them, the Android commands that a real `adbd`
//! on Linux lacks.
//!
//! It must never share code with the phone driver (no `libadb`, no crate `phones`): a mistake in
//! the driver's idea of the protocol must not be repeated here, where it would go unseen. It must
//! never start a process for a simulated phone's shell, and never hold an unbounded buffer.
//!
//! Start reading at [`phones::Fleet`]; then [`phone::Phone`] (one phone's state and boots),
//! [`property`] (Android's rules, shared with the real-`adbd` userland), `adb` (the wire),
//! [`shell`] (the interpreter) and [`control`] (what an operator's command does from outside).

mod adb;
pub mod adbd;
mod android;
pub mod control;
mod defaults;
mod framework;
pub mod phone;
pub mod phones;
pub mod property;
pub mod shell;
pub mod userland;
