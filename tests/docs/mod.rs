//! What the pages say, done: every command example of the documentation, the exit statuses, the
//! completions and the manual, and the page for those who test a client of their own.
//!
//! A new example in a page is run without further ado. What it needs beforehand, what stands for
//! the reader's own (a host, an id), and what can't be run here and why, is said in [`pages`].

mod examples;
mod exit_status;
mod pages;
mod run;
mod shells;
mod test_your_client;

pub use examples::blocks;
