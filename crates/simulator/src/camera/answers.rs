//! What a camera says: keepalives, and the answers to commands. An answer is made when it is sent,
//! so that those that wait take no room, and show the camera as it then is.

use gb28181::manscdp::{
    CatalogItem, CatalogPart, ConfigDownload, ConfigResult, DeviceInfo, DeviceStatus, Keepalive,
    Outcome, Outgoing,
};

use super::Camera;
use super::identity::channel_id;

/// A camera's software, as it says.
const FIRMWARE: &str = "V1.2.3";

/// What a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// The command's number.
    pub(super) sn: u32,
    /// The channel, from 1, or none for the device.
    pub(super) channel: Option<u32>,
}

/// An answer that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    ConfigResult {
        asked: Asked,
        ok: bool,
    },
    ConfigDownload {
        asked: Asked,
        ok: bool,
    },
    DeviceInfo(Asked),
    DeviceStatus(Asked),
    /// `items` channels from the one with the number `first` on.
    Catalog {
        asked: Asked,
        first: u32,
        items: u32,
    },
}

/// `OK` or `ERROR`.
fn outcome(ok: bool) -> Outcome {
    if ok { Outcome::Ok } else { Outcome::Error("ERROR".to_owned()) }
}

impl Camera {
    /// The body of a keepalive.
    pub(super) fn keepalive_body(&self) -> Option<Vec<u8>> {
        self.body(&Outgoing::Keepalive(Keepalive {
            sn: self.sn,
            device_id: self.options.id.clone(),
            status: Outcome::Ok,
        }))
    }

    /// The body of an answer; none if the camera was given a name that XML has no place for.
    pub(super) fn reply_body(&self, reply: &Reply) -> Option<Vec<u8>> {
        self.body(&match *reply {
            Reply::ConfigResult { asked, ok } => Outgoing::ConfigResult(ConfigResult {
                sn: asked.sn,
                device_id: self.asked_id(asked),
                result: outcome(ok),
            }),
            Reply::ConfigDownload { asked, ok } => Outgoing::ConfigDownload(ConfigDownload {
                sn: asked.sn,
                device_id: self.asked_id(asked),
                result: outcome(ok),
                basic: ok.then(|| Box::new(self.memory.basic(&self.options, asked.channel))),
                other_types: Vec::new(),
            }),
            Reply::DeviceInfo(asked) => Outgoing::DeviceInfo(self.device_info(asked)),
            Reply::DeviceStatus(asked) => Outgoing::DeviceStatus(DeviceStatus {
                sn: asked.sn,
                device_id: self.asked_id(asked),
                result: Outcome::Ok,
                online: Some("ONLINE".to_owned()),
                status: Some(Outcome::Ok),
                reason: None,
                encode: Some("ON".to_owned()),
                record: Some("OFF".to_owned()),
                device_time: None,
            }),
            Reply::Catalog { asked, first, items } => Outgoing::Catalog(CatalogPart {
                sn: asked.sn,
                device_id: self.asked_id(asked),
                sum_num: Some(self.options.channels()),
                items: (first..first + items).map(|number| self.item(number)).collect(),
            }),
        })
    }

    /// The bytes of a body, in the charset of the camera's edition.
    fn body(&self, outgoing: &Outgoing) -> Option<Vec<u8>> {
        outgoing.to_body(self.options.edition.encoding()).ok()
    }

    /// The id that a command was to.
    fn asked_id(&self, asked: Asked) -> String {
        match asked.channel {
            None => self.options.id.clone(),
            Some(number) => channel_id(&self.options.id, self.options.channels(), number),
        }
    }

    fn device_info(&self, asked: Asked) -> DeviceInfo {
        let make = self.options.make;
        DeviceInfo {
            sn: asked.sn,
            device_id: self.asked_id(asked),
            device_name: Some(self.memory.name_of(&self.options, asked.channel)),
            result: Outcome::Ok,
            manufacturer: Some(make.manufacturer().to_owned()),
            model: Some(make.model(self.options.recorder.is_some()).to_owned()),
            firmware: Some(FIRMWARE.to_owned()),
            channel: Some(self.options.channels()),
        }
    }

    /// A channel as the catalog has it.
    fn item(&self, number: u32) -> CatalogItem {
        let make = self.options.make;
        let text = |text: &str| Some(text.to_owned());
        CatalogItem {
            device_id: channel_id(&self.options.id, self.options.channels(), number),
            name: Some(self.memory.name_of(&self.options, Some(number))),
            manufacturer: text(make.manufacturer()),
            model: text(make.model(false)),
            owner: text("0"),
            civil_code: self.options.id.get(..6).map(str::to_owned),
            address: text("gate"),
            parental: Some(0),
            parent_id: Some(self.options.id.clone()),
            safety_way: Some(0),
            register_way: Some(1),
            secrecy: Some(0),
            status: text("ON"),
            ..CatalogItem::default()
        }
    }
}
