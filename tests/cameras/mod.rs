//! What is said with cameras and recorders, by GB/T 28181.

mod attacks;
mod enrolment;
mod follow;
mod peers;
mod push;
mod python;
mod recorder;
mod refusals;
mod torture;
mod wvp;
