//! Commands to be sent: those of a platform, and those of a device.

use super::printer::{Printer, WriteError, check_items};
use super::{
    BasicParam, CatalogItem, CatalogPart, ConfigDownload, ConfigResult, DeviceInfo, DeviceStatus,
    Keepalive, Shape,
};

/// In which charset a body is written, and which one it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Declared `GB2312` as GB/T 28181-2016 6.10 recommends, and the bytes those of GB18030. Both
    /// are the same for what GB2312 has; devices decode the rest as well, or would lose it anyway.
    Gb2312Label,
    /// Declared `GB18030`, as GB/T 28181-2022 demands.
    Gb18030,
    /// Declared `UTF-8`, for devices that know nothing else.
    Utf8,
}

impl Encoding {
    /// The name in the XML declaration.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Gb2312Label => "GB2312",
            Self::Gb18030 => "GB18030",
            Self::Utf8 => "UTF-8",
        }
    }
}

/// What a platform asks a device for (GB/T 28181-2016 9.5 and A.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryKind {
    /// Its channels (A.2.4.3).
    Catalog,
    /// Its maker, model and version (A.2.4.4).
    DeviceInfo,
    /// How it is (A.2.4.2).
    DeviceStatus,
    /// Its basic parameters (A.2.4.7).
    ConfigDownload,
}

impl QueryKind {
    /// The query's `CmdType`.
    pub fn cmd_type(self) -> &'static str {
        match self {
            Self::Catalog => "Catalog",
            Self::DeviceInfo => "DeviceInfo",
            Self::DeviceStatus => "DeviceStatus",
            Self::ConfigDownload => "ConfigDownload",
        }
    }
}

/// A command to be sent in the body of a MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Platform to device: a question.
    Query {
        /// What is asked for.
        cmd: QueryKind,
        /// The number that the answer will have.
        sn: u32,
        /// The device or channel.
        device_id: String,
    },
    /// Platform to device: set basic parameters (A.2.3.2). Those that are absent stay as they are.
    Config {
        /// The number that the answer will have.
        sn: u32,
        /// The device, or a channel where its maker allows that.
        device_id: String,
        /// The parameters. One that the shape lacks is refused, lest it be thought set.
        basic: Box<BasicParam>,
        /// What the device understands.
        shape: Shape,
    },
    /// Platform to device: start anew (A.2.3.1.3). No answer comes.
    TeleBoot {
        /// The number, which nothing is matched by.
        sn: u32,
        /// The device.
        device_id: String,
    },
    /// Device to platform: still there.
    Keepalive(Keepalive),
    /// Device to platform: what became of a configuration.
    ConfigResult(ConfigResult),
    /// Device to platform: its basic parameters.
    ConfigDownload(ConfigDownload),
    /// Device to platform: who made it.
    DeviceInfo(DeviceInfo),
    /// Device to platform: how it is.
    DeviceStatus(DeviceStatus),
    /// Device to platform: a message of its catalog.
    Catalog(CatalogPart),
}

impl Outgoing {
    /// The body of the MESSAGE: an XML declaration, then an element to a line, all ended by CRLF.
    ///
    /// A character that the charset has no bytes for, or none that are read back as it, is written
    /// as a character reference. An absent value is left out. White space around a value is kept
    /// here and taken off by readers, this crate's own included.
    ///
    /// The bytes of a configuration with a password hold that password.
    ///
    /// # Errors
    /// A value has a character that XML 1.0 forbids, a parameter is not in the shape that was asked
    /// for, or something is over a bound.
    pub fn to_body(&self, encoding: Encoding) -> Result<Vec<u8>, WriteError> {
        let mut out = Printer::new(encoding);
        let root = self.root();
        out.open(root);
        let (cmd_type, sn, device_id) = self.head();
        out.element("CmdType", cmd_type)?;
        out.number("SN", Some(sn));
        out.element("DeviceID", device_id)?;
        match self {
            Self::Query { cmd: QueryKind::ConfigDownload, .. } => {
                out.element("ConfigType", "BasicParam")?;
            }
            Self::Query { .. } => {}
            Self::Config { basic, shape, .. } => {
                check_shape(basic, *shape)?;
                basic_param(&mut out, basic)?;
            }
            Self::TeleBoot { .. } => out.element("TeleBoot", "Boot")?,
            Self::Keepalive(keepalive) => out.element("Status", keepalive.status.as_str())?,
            Self::ConfigResult(answer) => out.element("Result", answer.result.as_str())?,
            Self::ConfigDownload(answer) => {
                out.element("Result", answer.result.as_str())?;
                if let Some(basic) = &answer.basic {
                    basic_param(&mut out, basic)?;
                }
            }
            Self::DeviceInfo(answer) => device_info(&mut out, answer)?,
            Self::DeviceStatus(answer) => device_status(&mut out, answer)?,
            Self::Catalog(part) => catalog(&mut out, part)?,
        }
        out.close(root);
        out.finish()
    }

    /// The outermost element.
    fn root(&self) -> &'static str {
        match self {
            Self::Query { .. } => "Query",
            Self::Config { .. } | Self::TeleBoot { .. } => "Control",
            Self::Keepalive(_) => "Notify",
            Self::ConfigResult(_)
            | Self::ConfigDownload(_)
            | Self::DeviceInfo(_)
            | Self::DeviceStatus(_)
            | Self::Catalog(_) => "Response",
        }
    }

    /// `CmdType`, `SN` and `DeviceID`.
    fn head(&self) -> (&'static str, u32, &str) {
        match self {
            Self::Query { cmd, sn, device_id } => (cmd.cmd_type(), *sn, device_id),
            Self::Config { sn, device_id, .. } => ("DeviceConfig", *sn, device_id),
            Self::TeleBoot { sn, device_id } => ("DeviceControl", *sn, device_id),
            Self::Keepalive(Keepalive { sn, device_id, .. }) => ("Keepalive", *sn, device_id),
            Self::ConfigResult(ConfigResult { sn, device_id, .. }) => {
                ("DeviceConfig", *sn, device_id)
            }
            Self::ConfigDownload(ConfigDownload { sn, device_id, .. }) => {
                ("ConfigDownload", *sn, device_id)
            }
            Self::DeviceInfo(DeviceInfo { sn, device_id, .. }) => ("DeviceInfo", *sn, device_id),
            Self::DeviceStatus(DeviceStatus { sn, device_id, .. }) => {
                ("DeviceStatus", *sn, device_id)
            }
            Self::Catalog(CatalogPart { sn, device_id, .. }) => ("Catalog", *sn, device_id),
        }
    }
}

/// Refuses a parameter that a configuration of this shape has no element for.
fn check_shape(basic: &BasicParam, shape: Shape) -> Result<(), WriteError> {
    let only_answered = [
        ("PositionCapability", basic.position_capability.is_some()),
        ("Longitude", basic.longitude.is_some()),
        ("Latitude", basic.latitude.is_some()),
    ];
    let only_2014 = [
        ("DeviceID", basic.device_id.is_some()),
        ("SIPServerID", basic.sip_server_id.is_some()),
        ("SIPServerIP", basic.sip_server_ip.is_some()),
        ("SIPServerPort", basic.sip_server_port.is_some()),
        ("DomainName", basic.domain_name.is_some()),
        ("Password", basic.password.is_some()),
    ];
    let only_2014 = only_2014.into_iter().filter(|_| shape == Shape::Y2016);
    match only_answered.into_iter().chain(only_2014).find(|(_, present)| *present) {
        Some((element, _)) => Err(WriteError::NotInShape { element }),
        None => Ok(()),
    }
}

/// Both shapes have their elements in this order; the 2016 shape has fewer.
fn basic_param(out: &mut Printer, basic: &BasicParam) -> Result<(), WriteError> {
    out.open("BasicParam");
    out.optional("Name", basic.name.as_deref())?;
    out.optional("DeviceID", basic.device_id.as_deref())?;
    out.optional("SIPServerID", basic.sip_server_id.as_deref())?;
    out.optional("SIPServerIP", basic.sip_server_ip.as_deref())?;
    out.number("SIPServerPort", basic.sip_server_port);
    out.optional("DomainName", basic.domain_name.as_deref())?;
    out.number("Expiration", basic.expiration);
    out.optional("Password", basic.password.as_ref().map(|password| password.expose()))?;
    out.number("HeartBeatInterval", basic.heartbeat_interval);
    out.number("HeartBeatCount", basic.heartbeat_count);
    out.number("PositionCapability", basic.position_capability);
    out.optional("Longitude", basic.longitude.as_deref())?;
    out.optional("Latitude", basic.latitude.as_deref())?;
    out.close("BasicParam");
    Ok(())
}

/// The elements of a `Response/DeviceInfo`, in the order of A.2.6.5.
fn device_info(out: &mut Printer, answer: &DeviceInfo) -> Result<(), WriteError> {
    out.optional("DeviceName", answer.device_name.as_deref())?;
    out.element("Result", answer.result.as_str())?;
    out.optional("Manufacturer", answer.manufacturer.as_deref())?;
    out.optional("Model", answer.model.as_deref())?;
    out.optional("Firmware", answer.firmware.as_deref())?;
    out.number("Channel", answer.channel);
    Ok(())
}

/// The elements of a `Response/DeviceStatus`, in the order of A.2.6.6.
fn device_status(out: &mut Printer, answer: &DeviceStatus) -> Result<(), WriteError> {
    out.element("Result", answer.result.as_str())?;
    out.optional("Online", answer.online.as_deref())?;
    out.optional("Status", answer.status.as_ref().map(|status| status.as_str()))?;
    out.optional("Reason", answer.reason.as_deref())?;
    out.optional("Encode", answer.encode.as_deref())?;
    out.optional("Record", answer.record.as_deref())?;
    out.optional("DeviceTime", answer.device_time.as_deref())
}

/// The elements of a `Response/Catalog`, in the order of A.2.6.4.
fn catalog(out: &mut Printer, part: &CatalogPart) -> Result<(), WriteError> {
    check_items(part.items.len())?;
    out.number("SumNum", part.sum_num);
    out.open_list("DeviceList", part.items.len());
    for item in &part.items {
        catalog_item(out, item)?;
    }
    out.close("DeviceList");
    Ok(())
}

/// An `Item`, in the order of A.2.1.9.
fn catalog_item(out: &mut Printer, item: &CatalogItem) -> Result<(), WriteError> {
    out.open("Item");
    out.element("DeviceID", &item.device_id)?;
    out.optional("Name", item.name.as_deref())?;
    out.optional("Manufacturer", item.manufacturer.as_deref())?;
    out.optional("Model", item.model.as_deref())?;
    out.optional("Owner", item.owner.as_deref())?;
    out.optional("CivilCode", item.civil_code.as_deref())?;
    out.optional("Block", item.block.as_deref())?;
    out.optional("Address", item.address.as_deref())?;
    out.number("Parental", item.parental);
    out.optional("ParentID", item.parent_id.as_deref())?;
    out.number("SafetyWay", item.safety_way);
    out.number("RegisterWay", item.register_way);
    out.number("Secrecy", item.secrecy);
    out.optional("IPAddress", item.ip_address.as_deref())?;
    out.number("Port", item.port);
    out.optional("Status", item.status.as_deref())?;
    out.optional("Longitude", item.longitude.as_deref())?;
    out.optional("Latitude", item.latitude.as_deref())?;
    if item.ptz_type.is_some() {
        out.open("Info");
        out.number("PTZType", item.ptz_type);
        out.close("Info");
    }
    out.close("Item");
    Ok(())
}
