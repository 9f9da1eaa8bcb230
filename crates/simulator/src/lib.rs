//! Simulated devices: whole fleets in one process, with faults on demand.
//!
//! Android phones, each on a TCP port of its own, speak the device side of the ADB protocol and run
//! shell scripts against an Android property store. Beside them, the Android commands that a real
//! `adbd` on Linux lacks. GB/T 28181 cameras and recorders register with a SIP server, answer its
//! queries and take its configuration.
//!
//! It must never share code with the drivers (no `libadb`, no crates `phones` and `cameras`): a
//! mistake in a driver's idea of the protocol must not be repeated here, where it would go unseen.
//! Of `gb28181` the cameras use what reads and prints messages, and neither its transactions nor
//! anything of a registrar. It must never start a process for a simulated phone's shell, and never
//! hold an unbounded buffer.
//!
//! Start reading at [`phones::Fleet`]; then [`phone::Phone`] (one phone's state and boots),
//! [`property`] (Android's rules, shared with the real-`adbd` userland), `adb` (the wire),
//! [`shell`] (the interpreter). For cameras at [`camera::Camera`] (one camera, without IO or clock)
//! and [`cameras::Fleet`] (many of them on sockets). [`control`] is what an operator's command does
//! to either from outside.

mod adb;
pub mod adbd;
mod android;
pub mod camera;
pub mod cameras;
pub mod control;
mod defaults;
mod framework;
pub mod phone;
pub mod phones;
pub mod property;
pub mod shell;
pub mod userland;
