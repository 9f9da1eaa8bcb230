//! The registrar against devices that behave, and against those that don't.

mod attacks;
mod credentials;
mod deletion;
mod registration;
mod site;
mod speech;
mod time;
