//! MANSCDP, the XML that cameras and platforms send each other in SIP MESSAGE bodies (GB/T
//! 28181-2016 Annex A): read from bytes into [`Incoming`], printed to bytes from [`Outgoing`].
//!
//! A command has four elements in common: `CmdType` says what it is, `SN` numbers it, `DeviceID`
//! says which device or channel is meant, and the root says whether it is a control, a query, a
//! notification or a response. **A response is not part of the SIP transaction of the command**: it
//! comes as a MESSAGE of its own and is matched by `CmdType`, `SN` and `DeviceID` (9.3 and 9.5).
//!
//! ```
//! use gb28181::manscdp::{Encoding, Incoming, Outgoing, QueryKind};
//!
//! let ask = Outgoing::Query {
//!     cmd: QueryKind::DeviceInfo,
//!     sn: 904,
//!     device_id: "34020000001320000001".to_owned(),
//! };
//! let body = ask.to_body(Encoding::Gb2312Label)?;
//! assert!(body.starts_with(b"<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Query>\r\n"));
//!
//! let Incoming::Query(heard) = Incoming::parse(&body)? else { panic!("a query was sent") };
//! assert_eq!((heard.cmd_type.as_str(), heard.sn), ("DeviceInfo", 904));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read leniently
//!
//! The order of elements is free and unknown ones are passed over. Values are trimmed; an empty
//! element is read as an absent one. A number that is not one counts as absent, except `SN` where
//! an answer is matched by it. Bodies come in any of the charsets that [`crate::charset`] tells
//! apart, with or without an XML declaration, with line ends before it or NULs after the end.
//! What is not forgiven: a document type, broken XML, and anything over a bound.

mod answers;
mod assembly;
mod basic_param;
mod catalog;
mod incoming;
mod outgoing;
mod printer;
mod reader;

pub use answers::{ConfigDownload, ConfigResult, DeviceInfo, DeviceStatus, Keepalive, Outcome};
pub use assembly::{
    AssemblyError, CATALOG_BYTES_MAX, CATALOG_ITEMS_MAX, CatalogAssembly, Progress,
};
pub use basic_param::{BasicParam, Secret, Shape};
pub use catalog::{CatalogItem, CatalogPart};
pub use incoming::{Control, ControlCommand, Incoming, Query, Root};
pub use outgoing::{Encoding, Outgoing, QueryKind};
pub use printer::WriteError;
pub use reader::ManscdpError;

/// The `Content-Type` of a MESSAGE whose body is MANSCDP (GB/T 28181-2016 Annex A.1 and Annex J).
/// SIP compares media types without regard to case.
pub const CONTENT_TYPE: &str = "Application/MANSCDP+xml";

/// Longest body that is read, in bytes: as much as one UDP datagram can carry. That is more than a
/// hundred catalog items; larger catalogs come in several messages, which `SumNum` is for.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Most nodes (elements, their texts and the line ends between them) of a body. A full body of
/// catalog items has one for each 9 bytes; the bound keeps the tree of `<a/><a/>…` small.
pub const NODES_MAX: u32 = 12 * 1024;

/// Deepest nesting of elements. The deepest one that the standard defines has five levels
/// (`Response/DeviceList/Item/Info/PTZType`).
pub const DEPTH_MAX: usize = 16;

/// Most mentions of `xmlns` in a body. The standard has no namespaces; a platform may put one or
/// two on the root. The XML parser compares each declaration of an element with all around it.
pub const NAMESPACES_MAX: usize = 8;

/// Most attributes of one element. The standard's elements have one (`Num`); the XML parser
/// compares each with all before it.
pub const ATTRIBUTES_MAX: usize = 32;

/// Most items of a list in one body. An item with the five values that all makes send is longer
/// than the 128 bytes which this leaves each.
pub const ITEMS_MAX: usize = 512;

/// Longest value of an element, in bytes of UTF-8. The standard's longest text is an address of
/// 256 characters.
pub const VALUE_BYTES_MAX: usize = 1024;
