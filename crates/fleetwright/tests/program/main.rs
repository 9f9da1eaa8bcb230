//! The built program, run as its users run it.

mod commands;
mod demo;
mod process;
mod serve;
mod simulate;
