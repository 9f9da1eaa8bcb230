//! The product killed at the worst moments, and brought back.

mod backup;
mod kill9;
mod load;
