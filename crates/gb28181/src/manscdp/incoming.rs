//! Commands as they come in, whoever sent them.

use super::reader::{Body, Element};
use super::{
    BasicParam, CatalogItem, CatalogPart, ConfigDownload, ConfigResult, DeviceInfo, DeviceStatus,
    ITEMS_MAX, Keepalive, ManscdpError, Outcome, Secret,
};

/// The element that a command is: what sort of thing it says (GB/T 28181-2016 A.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// `Notify`: unasked.
    Notify,
    /// `Response`: the answer to a query or a control command.
    Response,
    /// `Query`.
    Query,
    /// `Control`.
    Control,
}

/// One command, read from the body of a MESSAGE.
///
/// Notifications and responses are what a platform receives, queries and controls what a device
/// does. A platform that has another above it receives all four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// `Notify/Keepalive`.
    Keepalive(Keepalive),
    /// `Response/Catalog`, a message of it.
    Catalog(CatalogPart),
    /// `Response/DeviceInfo`.
    DeviceInfo(DeviceInfo),
    /// `Response/DeviceStatus`.
    DeviceStatus(DeviceStatus),
    /// `Response/DeviceConfig`.
    DeviceConfig(ConfigResult),
    /// `Response/ConfigDownload`.
    ConfigDownload(ConfigDownload),
    /// Any `Query`.
    Query(Query),
    /// Any `Control`.
    Control(Control),
    /// A notification or response that this crate does not read further, such as `Notify/Alarm`.
    Other {
        /// Which of the two it is.
        root: Root,
        /// Its `CmdType`.
        cmd_type: String,
        /// Its `SN`; 0 if it has none that is a number.
        sn: u32,
        /// Its `DeviceID`.
        device_id: String,
    },
}

/// A `Query`, as a device receives it (GB/T 28181-2016 9.5 and A.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is asked for: `Catalog`, `DeviceInfo`, `DeviceStatus`, `ConfigDownload` or another.
    pub cmd_type: String,
    /// The number to answer with.
    pub sn: u32,
    /// The device or channel that is asked about.
    pub device_id: String,
    /// `ConfigType` of a `ConfigDownload`: several types are parted by `/`.
    pub config_type: Option<String>,
}

/// A `Control`, as a device receives it (GB/T 28181-2016 9.3 and A.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The number to answer with, if the command is one that is answered.
    pub sn: u32,
    /// The device or channel that is meant.
    pub device_id: String,
    /// What it is to do.
    pub command: ControlCommand,
}

/// What a `Control` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlCommand {
    /// `DeviceConfig` with a `BasicParam` (A.2.3.2). It is answered by a `Response/DeviceConfig`.
    DeviceConfig(Box<BasicParam>),
    /// `DeviceControl` with `TeleBoot` (A.2.3.1.3): start anew. Nobody answers it (9.3.1).
    TeleBoot,
    /// Another command, or another part of the configuration.
    Other {
        /// Its `CmdType`.
        cmd_type: String,
    },
}

impl Incoming {
    /// Reads the body of a MESSAGE.
    ///
    /// # Errors
    /// It is over a bound ([`super::BODY_BYTES_MAX`] and those after it), in no known charset, no
    /// XML, has a document type, or lacks what every command of its kind must have.
    pub fn parse(body: &[u8]) -> Result<Self, ManscdpError> {
        let body = Body::decode(body)?;
        let document = body.document()?;
        let element = Element::root_of(&document);
        let root = match element.name() {
            "Notify" => Root::Notify,
            "Response" => Root::Response,
            "Query" => Root::Query,
            "Control" => Root::Control,
            _ => return Err(ManscdpError::UnknownRoot),
        };
        let cmd_type = element.required("CmdType")?;
        let device_id = element.required("DeviceID")?;
        match (root, cmd_type.as_str()) {
            (Root::Notify, "Keepalive") => keepalive(element, device_id),
            (Root::Response, "Catalog") => catalog(element, device_id),
            (Root::Response, "DeviceInfo") => device_info(element, device_id),
            (Root::Response, "DeviceStatus") => device_status(element, device_id),
            (Root::Response, "DeviceConfig") => config_result(element, device_id),
            (Root::Response, "ConfigDownload") => config_download(element, device_id),
            (Root::Query, _) => query(element, cmd_type, device_id),
            (Root::Control, _) => control(element, cmd_type, device_id),
            _ => Ok(Self::Other { root, cmd_type, sn: any_sn(element)?, device_id }),
        }
    }
}

/// The `SN` of something that is matched by it.
fn sn(element: Element<'_, '_>) -> Result<u32, ManscdpError> {
    let text = element.required("SN")?;
    text.parse().map_err(|_| ManscdpError::NotANumber { element: "SN" })
}

/// The `SN` of something that is not, or 0.
fn any_sn(element: Element<'_, '_>) -> Result<u32, ManscdpError> {
    Ok(element.number("SN")?.unwrap_or(0))
}

/// The outcome that an element tells, or [`Outcome::Ok`] if it is not there.
fn outcome(element: Element<'_, '_>, name: &'static str) -> Result<Outcome, ManscdpError> {
    Ok(element.text(name)?.map_or(Outcome::Ok, |text| Outcome::read(&text)))
}

/// A `Notify/Keepalive`. Nothing of it but the device is needed.
fn keepalive(element: Element<'_, '_>, device_id: String) -> Result<Incoming, ManscdpError> {
    let status = outcome(element, "Status")?;
    Ok(Incoming::Keepalive(Keepalive { sn: any_sn(element)?, device_id, status }))
}

/// A `Response/Catalog`.
fn catalog(element: Element<'_, '_>, device_id: String) -> Result<Incoming, ManscdpError> {
    let mut items = Vec::new();
    if let Some(list) = element.child("DeviceList") {
        // `Num` says how many items follow; some devices count wrongly, so the items are counted.
        for (index, item) in list.children("Item").enumerate() {
            if index >= ITEMS_MAX {
                return Err(ManscdpError::TooManyItems);
            }
            items.extend(catalog_item(item)?);
        }
    }
    let sum_num = element.number("SumNum")?;
    Ok(Incoming::Catalog(CatalogPart { sn: sn(element)?, device_id, sum_num, items }))
}

/// An item, unless it has no `DeviceID`.
fn catalog_item(item: Element<'_, '_>) -> Result<Option<CatalogItem>, ManscdpError> {
    let Some(device_id) = item.text("DeviceID")? else { return Ok(None) };
    let ptz_type = match item.child("Info") {
        Some(info) => info.number("PTZType")?,
        None => None,
    };
    Ok(Some(CatalogItem {
        device_id,
        name: item.text("Name")?,
        manufacturer: item.text("Manufacturer")?,
        model: item.text("Model")?,
        owner: item.text("Owner")?,
        civil_code: item.text("CivilCode")?,
        block: item.text("Block")?,
        address: item.text("Address")?,
        parental: item.number("Parental")?,
        parent_id: item.text("ParentID")?,
        safety_way: item.number("SafetyWay")?,
        register_way: item.number("RegisterWay")?,
        secrecy: item.number("Secrecy")?,
        ip_address: item.text("IPAddress")?,
        port: item.number("Port")?,
        status: item.text("Status")?,
        longitude: item.text("Longitude")?,
        latitude: item.text("Latitude")?,
        ptz_type,
    }))
}

/// A `Response/DeviceInfo`.
fn device_info(element: Element<'_, '_>, device_id: String) -> Result<Incoming, ManscdpError> {
    Ok(Incoming::DeviceInfo(DeviceInfo {
        sn: sn(element)?,
        device_id,
        device_name: element.text("DeviceName")?,
        result: outcome(element, "Result")?,
        manufacturer: element.text("Manufacturer")?,
        model: element.text("Model")?,
        firmware: element.text("Firmware")?,
        channel: element.number("Channel")?,
    }))
}

/// A `Response/DeviceStatus`.
fn device_status(element: Element<'_, '_>, device_id: String) -> Result<Incoming, ManscdpError> {
    Ok(Incoming::DeviceStatus(DeviceStatus {
        sn: sn(element)?,
        device_id,
        result: outcome(element, "Result")?,
        online: element.text("Online")?,
        status: element.text("Status")?.map(|text| Outcome::read(&text)),
        reason: element.text("Reason")?,
        encode: element.text("Encode")?,
        record: element.text("Record")?,
        device_time: element.text("DeviceTime")?,
    }))
}

/// A `Response/DeviceConfig`. It must say how it went.
fn config_result(element: Element<'_, '_>, device_id: String) -> Result<Incoming, ManscdpError> {
    let result = Outcome::read(&element.required("Result")?);
    Ok(Incoming::DeviceConfig(ConfigResult { sn: sn(element)?, device_id, result }))
}

/// A `Response/ConfigDownload`. What it has besides basic parameters is kept by name.
fn config_download(element: Element<'_, '_>, device_id: String) -> Result<Incoming, ManscdpError> {
    const NO_TYPES: &[&str] = &["CmdType", "SN", "DeviceID", "Result", "BasicParam"];
    let mut other_types = Vec::new();
    for child in element.all_children().filter(|child| !NO_TYPES.contains(&child.name())) {
        if other_types.len() >= ITEMS_MAX {
            return Err(ManscdpError::TooManyItems);
        }
        other_types.push(child.name().to_owned());
    }
    Ok(Incoming::ConfigDownload(ConfigDownload {
        sn: sn(element)?,
        device_id,
        result: outcome(element, "Result")?,
        basic: element.child("BasicParam").map(basic_param).transpose()?,
        other_types,
    }))
}

/// A `BasicParam` of either shape.
fn basic_param(element: Element<'_, '_>) -> Result<Box<BasicParam>, ManscdpError> {
    Ok(Box::new(BasicParam {
        name: element.text("Name")?,
        device_id: element.text("DeviceID")?,
        sip_server_id: element.text("SIPServerID")?,
        sip_server_ip: element.text("SIPServerIP")?,
        sip_server_port: element.number("SIPServerPort")?,
        domain_name: element.text("DomainName")?,
        expiration: element.number("Expiration")?,
        password: element.text("Password")?.map(Secret::new),
        heartbeat_interval: element.number("HeartBeatInterval")?,
        heartbeat_count: element.number("HeartBeatCount")?,
        position_capability: element.number("PositionCapability")?,
        longitude: element.text("Longitude")?,
        latitude: element.text("Latitude")?,
    }))
}

/// A `Query` of any kind.
fn query(
    element: Element<'_, '_>,
    cmd_type: String,
    device_id: String,
) -> Result<Incoming, ManscdpError> {
    let config_type = element.text("ConfigType")?;
    Ok(Incoming::Query(Query { cmd_type, sn: sn(element)?, device_id, config_type }))
}

/// A `Control` of any kind.
fn control(
    element: Element<'_, '_>,
    cmd_type: String,
    device_id: String,
) -> Result<Incoming, ManscdpError> {
    let basic = element.child("BasicParam").filter(|_| cmd_type == "DeviceConfig");
    let boot = element.child("TeleBoot").filter(|_| cmd_type == "DeviceControl");
    let command = match (basic, boot) {
        (Some(basic), _) => ControlCommand::DeviceConfig(basic_param(basic)?),
        (None, Some(_)) => ControlCommand::TeleBoot,
        (None, None) => ControlCommand::Other { cmd_type },
    };
    Ok(Incoming::Control(Control { sn: sn(element)?, device_id, command }))
}
