//! The device side of the ADB protocol, on TCP.
//!
//! Sources: AOSP `packages/modules/adb`: `protocol.txt` (packets and streams),
//! `SERVICES.TXT` (services), `shell_protocol.h` (shell,v2), `docs/dev/`. TLS (`STLS`) is not
//! offered.

pub(crate) mod auth;
pub(crate) mod connection;
mod link;
mod packet;
mod stream;
