//! Reading WVP's tables: what goes in, and line by line what does not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, Read};

use fleet::limits::{CHANNELS_PER_DEVICE_MAX, NAME_BYTES_MAX, REGISTRANT_BYTES_MAX};
use fleet::{DeviceId, ProjectId, Secret};

use super::line::{Line, NewChannel, check_gb_id};
use super::table::{Columns, Kind, delimiter};

/// Bytes of a file: some millions of channels.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Bytes of a header: the longest of WVP's has some 1,500.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Where something stands: a file, by its place among those given, and a line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The file.
    pub file: usize,
    /// The line.
    pub line: u64,
}

/// A line that can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untaken {
    /// Where it is.
    pub at: At,
    /// Why.
    pub reason: String,
}

/// What was read of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCount {
    /// Which table it is.
    pub kind: Kind,
    /// Its lines without the header.
    pub lines: usize,
    /// Those that are no GB device's: streams and the like, or have nothing to record.
    pub passed_over: usize,
}

/// A device and its channels.
#[derive(Debug)]
struct Device {
    at: At,
    id: DeviceId,
    name: String,
    password: Option<Secret<String>>,
    channels: Vec<(At, NewChannel)>,
}

/// A channel whose device may stand in a file that is not read yet.
#[derive(Debug)]
struct Channel {
    at: At,
    /// The device's GB id, or the number of its row.
    device: String,
    is_by_row: bool,
    channel: NewChannel,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Tables {
    /// What each file was, in the order in which they were read.
    pub files: Vec<FileCount>,
    /// The lines that can't be taken.
    pub untaken: Vec<Untaken>,
    devices: Vec<Device>,
    /// Where in `devices` each is: by its GB id, and by the number of its row.
    by_id: HashMap<String, usize>,
    by_row: HashMap<String, usize>,
    channels: Vec<Channel>,
}

/// A device to import, and the lines that it is from.
#[derive(Debug)]
pub struct Found {
    /// The line of the device.
    pub at: At,
    /// The device.
    pub line: Line,
    /// How many channels it has.
    pub channels: usize,
    /// Whether there is a password for it.
    pub has_password: bool,
}

/// What becomes of a line.
enum Taken {
    /// It is taken, or put aside until all files are read.
    Yes,
    /// There is nothing in it for us.
    PassedOver,
}

impl Tables {
    /// Reads one more file. Errors: it can't be read, or is neither table, in words.
    pub fn read(&mut self, source: impl BufRead) -> Result<(), String> {
        let file = self.files.len();
        let mut source = source.take(FILE_BYTES_MAX + 1);
        let mut first_line = Vec::new();
        let mut head = source.by_ref().take(HEADER_BYTES_MAX as u64);
        head.read_until(b'\n', &mut first_line).map_err(|error| error.to_string())?;
        let delimiter = delimiter(&first_line);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(first_line.as_slice().chain(source));
        let header = reader.byte_headers().map_err(|error| error.to_string())?.clone();
        let columns = Columns::of(&header)?;
        let mut count = FileCount { kind: columns.kind, lines: 0, passed_over: 0 };
        let mut row = csv::ByteRecord::new();
        while reader.read_byte_record(&mut row).map_err(|error| error.to_string())? {
            count.lines += 1;
            let line = row.position().map_or(0, csv::Position::line);
            let at = At { file, line };
            let taken = text(&row, header.len()).and_then(|row| self.take(&columns, &row, at));
            match taken {
                Ok(Taken::Yes) => {}
                Ok(Taken::PassedOver) => count.passed_over += 1,
                Err(reason) => self.untaken.push(Untaken { at, reason }),
            }
        }
        if reader.position().byte() > FILE_BYTES_MAX {
            return Err(format!("is longer than {FILE_BYTES_MAX} bytes"));
        }
        self.files.push(count);
        Ok(())
    }

    fn take(
        &mut self,
        columns: &Columns,
        row: &csv::StringRecord,
        at: At,
    ) -> Result<Taken, String> {
        match columns.kind {
            Kind::Devices => self.take_device(columns, row, at),
            Kind::ChannelsById | Kind::ChannelsByRow => self.take_channel(columns, row, at),
        }
    }

    fn take_device(
        &mut self,
        columns: &Columns,
        row: &csv::StringRecord,
        at: At,
    ) -> Result<Taken, String> {
        let id = gb_id(columns, row, "deviceid")?;
        let name = columns.field(row, "customname").or_else(|| columns.field(row, "name"));
        // It has told nothing of itself yet, and nobody has given it a name.
        let name = name.unwrap_or(id.as_str()).to_owned();
        check_text("name", &name, NAME_BYTES_MAX)?;
        let password = columns.untrimmed(row, "password").map(|text| Secret::new(text.to_owned()));
        if let Some(password) = &password {
            check_text("password", password.expose(), REGISTRANT_BYTES_MAX)?;
        }
        let place = self.devices.len();
        match self.by_id.entry(id.as_str().to_owned()) {
            Entry::Occupied(_) => return Err(format!("device {id} stands in an earlier line")),
            Entry::Vacant(entry) => entry.insert(place),
        };
        if let Some(number) = columns.field(row, "id") {
            self.by_row.insert(number.to_owned(), place);
        }
        self.devices.push(Device { at, id, name, password, channels: Vec::new() });
        Ok(Taken::Yes)
    }

    fn take_channel(
        &mut self,
        columns: &Columns,
        row: &csv::StringRecord,
        at: At,
    ) -> Result<Taken, String> {
        let field = |name: &str| columns.field(row, name);
        let is_by_row = columns.kind == Kind::ChannelsByRow;
        // Since 2.7.3: 1 is GB/T 28181 (its ChannelDataType), others are streams and JT/T 1078.
        let is_other = field("datatype").is_some_and(|kind| kind != "1")
            // 2.7.2.
            || field("streampushid").is_some()
            || field("streamproxyid").is_some()
            // 1 is an administrative division, 2 a group: names in a tree, not channels.
            || field("channeltype").is_some_and(|kind| kind != "0");
        let (own, parent) = if is_by_row {
            ("deviceid", field("datadeviceid").or_else(|| field("devicedbid")))
        } else {
            ("channelid", field("deviceid"))
        };
        if is_other {
            return Ok(Taken::PassedOver);
        }
        let parent = parent.ok_or("it does not say which device it belongs to")?;
        let id = gb_id(columns, row, own)?;
        let name = field("customname").or_else(|| field("gbname")).or_else(|| field("name"));
        // Nothing to record: the device's own catalog will tell of it.
        let Some(name) = name else { return Ok(Taken::PassedOver) };
        check_text("name", name, NAME_BYTES_MAX)?;
        let channel = NewChannel { id, name: name.to_owned() };
        self.channels.push(Channel { at, device: parent.to_owned(), is_by_row, channel });
        Ok(Taken::Yes)
    }

    /// Gives each device its channels. `password` is that of devices that have none of their own.
    pub fn finish(
        mut self,
        project: &ProjectId,
        password: Option<&Secret<String>>,
    ) -> (Vec<Found>, Vec<FileCount>, Vec<Untaken>) {
        for Channel { at, device, is_by_row, channel } in std::mem::take(&mut self.channels) {
            let places = if is_by_row { &self.by_row } else { &self.by_id };
            let found = places.get(&device).and_then(|place| self.devices.get_mut(*place));
            let reason = match found {
                None if is_by_row => {
                    format!("none of the devices has the id {device} (its row in wvp_device)")
                }
                None => format!("device {device} is none of those in the files"),
                Some(device) if device.channels.len() >= CHANNELS_PER_DEVICE_MAX => {
                    format!("device {} has {CHANNELS_PER_DEVICE_MAX} channels already", device.id)
                }
                Some(device) => {
                    device.channels.push((at, channel));
                    continue;
                }
            };
            self.untaken.push(Untaken { at, reason });
        }
        let mut found = Vec::with_capacity(self.devices.len());
        for device in self.devices {
            let Device { at, id, name, password: own, mut channels } = device;
            channels.sort_by(|(at, a), (other, b)| (&a.id, at).cmp(&(&b.id, other)));
            let mut kept: Vec<NewChannel> = Vec::with_capacity(channels.len());
            for (at, channel) in channels {
                if kept.last().is_some_and(|last| last.id == channel.id) {
                    let reason =
                        format!("channel {} of device {id} stands in an earlier line", channel.id);
                    self.untaken.push(Untaken { at, reason });
                } else {
                    kept.push(channel);
                }
            }
            let password = own.or_else(|| password.cloned());
            found.push(Found {
                at,
                channels: kept.len(),
                has_password: password.is_some(),
                line: Line::camera(project.clone(), id, name, password, kept),
            });
        }
        self.untaken.sort_by_key(|untaken| untaken.at);
        (found, self.files, self.untaken)
    }
}

/// A row as text, if it is as long as the header.
fn text(row: &csv::ByteRecord, columns: usize) -> Result<csv::StringRecord, String> {
    if row.len() != columns {
        return Err(format!("has {} fields, and the header {columns}", row.len()));
    }
    csv::StringRecord::from_byte_record(row.clone())
        .map_err(|_| "is not UTF-8: export the table as UTF-8".to_owned())
}

/// A GB id: 20 digits.
fn gb_id(columns: &Columns, row: &csv::StringRecord, name: &str) -> Result<DeviceId, String> {
    let called = if name == "channelid" { "channel_id" } else { "device_id" };
    let text = columns.field(row, name).ok_or_else(|| format!("{called} is empty"))?;
    check_gb_id(text).map_err(|why| {
        let rounded = text.contains(['E', 'e']) && text.contains('+');
        let remedy = if rounded { ": a spreadsheet has rounded it; export it anew" } else { "" };
        format!("{called}: {why}{remedy}")
    })?;
    DeviceId::new(text).map_err(|error| error.to_string())
}

/// What the server would say of a text that it can't take.
fn check_text(what: &str, text: &str, bytes_max: usize) -> Result<(), String> {
    if text.len() > bytes_max {
        return Err(format!("{what} has {} bytes; at most {bytes_max} are allowed", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{what} has a control character"));
    }
    Ok(())
}
