//! What the registrar decides by, without state of its own but the bindings: nonces and the digest
//! of a REGISTER ([`nonce`], [`verdict`]), where a device is ([`bindings`], [`follow`]), and when
//! it is gone ([`offline`]).

pub mod bindings;
pub(crate) mod follow;
pub(crate) mod nonce;
pub(crate) mod offline;
pub(crate) mod verdict;

pub use follow::Follow;
