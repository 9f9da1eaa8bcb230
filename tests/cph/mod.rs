//! The CPH door, as Huawei's clients see it.

mod sdk;
mod seed;
