//! The registrar against devices that behave, and against those that don't.

mod attacks;
mod credentials;
mod deletion;
mod enrolment;
mod nodes;
mod registration;
mod site;
mod speech;
mod time;
