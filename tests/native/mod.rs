//! The product's own API, by its command line.

mod cli;
