//! Phones: what reaches them, in which order, and what stays on them.

mod adbd;
mod boot;
mod catalogue;
mod identity;
mod order;
mod restart;
