//! The native door and the command line.

mod access;
mod catalogue;
mod check;
mod cli;
mod discover;
mod events;
mod explain;
mod idempotency;
mod import;
mod overview;
mod presets;
mod rekey;
mod rollout;
mod schema;
mod session;
mod updates;
mod webhooks;
