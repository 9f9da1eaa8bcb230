//! XML as the door reads and writes it: requests as bounded trees, answers byte by byte.

mod read;
mod write;

pub(crate) use read::{BYTES_MAX, Element, XmlError, read};
pub(crate) use write::Writer;
