//! The ISS door, as Tencent's clients see it, and what its calls do to cameras.

mod bad_inputs;
mod effect;
mod flips;
mod password;
mod sdk;
mod seed;
mod state;
