//! One message of a catalog: the channels, and other entries, that a device or platform has.

/// One message of a `Response/Catalog` (GB/T 28181-2016 9.5 and A.2.6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogPart {
    /// The number of the query that this answers. All messages of the answer have it.
    pub sn: u32,
    /// The device that was asked.
    pub device_id: String,
    /// `SumNum`: how many items all messages of the answer have together. Absent where the device
    /// does not say, or says something that is no number.
    pub sum_num: Option<u32>,
    /// The items of this message. One without a `DeviceID` names nothing and is left out.
    pub items: Vec<CatalogItem>,
}

/// An `Item` of a catalog: a channel of a device, a device below a platform, or a grouping of them
/// (the standard's `itemType`, GB/T 28181-2016 A.2.1.9).
///
/// What is optional here is mandatory there more often than not; devices leave it out all the same.
/// A channel's `Password` and certificate are not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogItem {
    /// `DeviceID`: a 20-digit code, or the 2, 4, 6 or 8 digits of an administrative division.
    pub device_id: String,
    /// `Name`.
    pub name: Option<String>,
    /// `Manufacturer`.
    pub manufacturer: Option<String>,
    /// `Model`.
    pub model: Option<String>,
    /// `Owner`: to whom it belongs.
    pub owner: Option<String>,
    /// `CivilCode`: the administrative division that it is in.
    pub civil_code: Option<String>,
    /// `Block`: the police district that it is in.
    pub block: Option<String>,
    /// `Address`: where it is mounted.
    pub address: Option<String>,
    /// `Parental`: 1 if it has devices below it, else 0.
    pub parental: Option<u32>,
    /// `ParentID`: what it is below; several are parted by `/`.
    pub parent_id: Option<String>,
    /// `SafetyWay`: how its signalling is protected: 0 not, 2 S/MIME signed, 3 S/MIME encrypted and
    /// signed, 4 digest.
    pub safety_way: Option<u32>,
    /// `RegisterWay`: how it registers: 1 by RFC 3261's digest, 2 by password and mutual
    /// authentication, 3 by certificate.
    pub register_way: Option<u32>,
    /// `Secrecy`: 1 if it is classified, else 0.
    pub secrecy: Option<u32>,
    /// `IPAddress`.
    pub ip_address: Option<String>,
    /// `Port`.
    pub port: Option<u32>,
    /// `Status`: by the standard `ON` or `OFF`; see [`CatalogItem::is_on`].
    pub status: Option<String>,
    /// `Longitude` as the device prints it.
    pub longitude: Option<String>,
    /// `Latitude` as the device prints it.
    pub latitude: Option<String>,
    /// `Info/PTZType`: 1 dome, 2 half dome, 3 fixed bullet, 4 bullet that turns.
    pub ptz_type: Option<u32>,
}

impl CatalogItem {
    /// Whether `Status` says that the channel is there: `ON` or `OFF`, or what devices write in
    /// their place (`OK` and `ONLINE`, `OFFLINE`), in any case. Nothing if it says something else.
    pub fn is_on(&self) -> Option<bool> {
        let status = self.status.as_deref()?;
        let is_one_of = |words: &[&str]| words.iter().any(|word| status.eq_ignore_ascii_case(word));
        if is_one_of(&["ON", "OK", "ONLINE"]) {
            Some(true)
        } else if is_one_of(&["OFF", "OFFLINE"]) {
            Some(false)
        } else {
            None
        }
    }

    /// How many bytes its values take.
    pub(super) fn value_bytes(&self) -> usize {
        let texts = [
            &self.name,
            &self.manufacturer,
            &self.model,
            &self.owner,
            &self.civil_code,
            &self.block,
            &self.address,
            &self.parent_id,
            &self.ip_address,
            &self.status,
            &self.longitude,
            &self.latitude,
        ];
        let optional: usize = texts.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
        self.device_id.len() + optional
    }
}
