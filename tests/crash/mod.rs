//! The product killed at the worst moments, and brought back.

mod backup;
mod cameras;
mod iss;
mod kill9;
mod load;
