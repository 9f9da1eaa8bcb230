//! The native door and the command line.

mod access;
mod catalogue;
mod check;
mod cli;
mod discover;
mod events;
mod rollout;
mod updates;
