//! The product killed at the worst moments.

mod kill9;
mod load;
