//! The CPH door, as Huawei's clients see it.

mod bad_inputs;
mod calls;
mod sdk;
mod seed;
