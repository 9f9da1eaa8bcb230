//! Several nodes on one PostgreSQL: that any of them tells the truth, that what one leaves behind
//! another takes up, and that no fault of a node, of the store or of a line between two loses what
//! was answered.

mod cameras;
mod copying;
mod failover;
mod faults;
mod handover;
mod history;
mod joining;
mod load;
mod truth;
