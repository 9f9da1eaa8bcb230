//! From the lines of a file to an import, and from what became of it to a report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine::{ImportEntry, ImportTerms, Untaken};
use fleet::catalogue::{DESCRIPTION, ORGANIZATION};
use fleet::{DeviceId, Kind, NewCamera, NewChannel, NewDevice, Principal, ProjectId, Values};

use super::columns::Column;
use super::line::{Line, Meant};
use super::read::Read;
use super::report::{LineError, Report, Taken};
use super::{Native, Problem};

/// A device by its place.
type DeviceName = (ProjectId, DeviceId);

/// A device that is imported, with the lines that it comes from.
struct Planned {
    /// Its own line; `None` of one that is on record and gets channels alone.
    line: Option<usize>,
    /// The lines of its channels.
    channels: Vec<usize>,
    /// What goes in.
    entry: ImportEntry,
}

/// A channel that stands in a line of its own.
struct ChannelLine {
    /// The line.
    line: usize,
    /// Its device.
    device: DeviceName,
    /// The channel.
    channel: NewChannel,
}

/// What is to be imported.
#[derive(Default)]
struct Plan {
    devices: Vec<Planned>,
    channels: Vec<ChannelLine>,
    /// Devices whose own lines can't be taken, with one of these.
    failed: HashMap<DeviceName, usize>,
    errors: Vec<LineError>,
}

/// Imports what was read of a file, as far as the terms let it go in. `project` is that of lines
/// which name none.
pub(super) async fn import(
    native: &Native,
    principal: &Principal,
    read: Read,
    project: Option<&ProjectId>,
    terms: ImportTerms,
) -> Result<Report, Problem> {
    let Read { lines, good, errors, encoding, columns } = read;
    let mut plan = Plan { errors, ..Plan::default() };
    plan.take(good, project);
    plan.leave_out_repeated();
    let elsewhere = plan.join_channels();
    plan.find_parents(native, principal, elsewhere).await?;
    let Plan { devices, mut errors, .. } = plan;
    // What else is wrong is told at once, even if nothing can go in any more.
    let is_lost = !terms.good_alone && !errors.is_empty();
    let asked = ImportTerms { dry_run: terms.dry_run || is_lost, ..terms };
    let mut from = Vec::with_capacity(devices.len());
    let mut entries = Vec::with_capacity(devices.len());
    for Planned { line, channels, entry } in devices {
        from.push((line, channels));
        entries.push(entry);
    }
    let judged = native.handle.import_each(principal, entries, asked).await?;
    let mut untaken = BTreeSet::new();
    for Untaken { index, error } in judged.untaken {
        untaken.insert(index);
        if let Some((line, channels)) = from.get(index) {
            name_refusal(*line, channels, error, &mut errors);
        }
    }
    let taken = if !terms.good_alone && !errors.is_empty() {
        Taken::default()
    } else {
        let is_in = |(index, _): &(usize, _)| !untaken.contains(index);
        let is_in = from.iter().enumerate().filter(is_in);
        let (mut devices, mut channels) = (0_usize, 0);
        for (_, (line, of_channels)) in is_in {
            devices += usize::from(line.is_some());
            channels += of_channels.len();
        }
        Taken { new: judged.new, changed: devices.saturating_sub(judged.new), channels }
    };
    let numbered = |error: LineError| {
        let column = error.field().and_then(|field| columns.get(field)).copied();
        match column {
            Some(column) => error.at(column),
            None => error,
        }
    };
    let errors = errors.into_iter().map(numbered).collect();
    Ok(Report::new(terms.dry_run, (lines, encoding), taken, errors))
}

/// Says of the lines of a device why it is not taken: of its own what is wrong, of those of its
/// channels that it is lost with it. Where it has no line, theirs are the ones that were too much.
fn name_refusal(
    line: Option<usize>,
    channels: &[usize],
    error: engine::Error,
    errors: &mut Vec<LineError>,
) {
    let (field, code, detail) = match error {
        engine::Error::Invalid { what, detail } => {
            let field = match what.as_str() {
                DESCRIPTION => Column::Description.name().to_owned(),
                ORGANIZATION => Column::Organization.name().to_owned(),
                _ => what,
            };
            (field, "invalid", detail)
        }
        other => {
            let problem = Problem::from(other);
            let (code, detail) = problem.told();
            let column = if code == "no_such_project" { Column::Project } else { Column::Id };
            (column.name().to_owned(), code, detail.to_owned())
        }
    };
    match line {
        Some(line) => {
            errors.push(LineError::new(line, code, detail).of(field));
            errors.extend(channels.iter().map(|channel| device_failed(*channel, line)));
        }
        None => {
            let of = |line: &usize| LineError::new(*line, code, detail.clone()).of(field.clone());
            errors.extend(channels.iter().map(of));
        }
    }
}

/// The fault of a channel's line whose device, on line `device`, can't be taken.
fn device_failed(line: usize, device: usize) -> LineError {
    let detail = format!("its device can't be taken: see line {device}");
    LineError::new(line, "device_failed", detail).of(Column::Parent.name())
}

impl Plan {
    /// Finds out what the lines mean.
    fn take(&mut self, lines: Vec<Line>, project: Option<&ProjectId>) {
        for line in lines {
            let number = line.number();
            match line.meant(project) {
                Ok(Meant::Device(entry)) => {
                    let planned =
                        Planned { line: Some(number), channels: Vec::new(), entry: *entry };
                    self.devices.push(planned);
                }
                Ok(Meant::Channel { project, parent, channel }) => {
                    let device = (project, parent);
                    self.channels.push(ChannelLine { line: number, device, channel });
                }
                Err(error) => self.errors.push(error),
            }
        }
    }

    /// Leaves out lines that are of one device, or of one channel: nobody can know which is meant.
    fn leave_out_repeated(&mut self) {
        let mut by_name: HashMap<(Option<&ProjectId>, &DeviceId), Vec<usize>> = HashMap::new();
        for Planned { line, entry, .. } in &self.devices {
            let NewDevice { project, id, kind, .. } = &entry.device;
            by_name.entry((Some(project), id)).or_default().extend(line);
            if *kind == Kind::Camera {
                // A REGISTER names no project: cameras are known by their ids alone.
                by_name.entry((None, id)).or_default().extend(line);
            }
        }
        let mut repeated = others(by_name.into_values());
        let mut by_channel: HashMap<(&DeviceName, &DeviceId), Vec<usize>> = HashMap::new();
        for ChannelLine { line, device, channel } in &self.channels {
            by_channel.entry((device, &channel.id)).or_default().push(*line);
        }
        repeated.extend(others(by_channel.into_values()));
        let ids = self.devices.iter().map(|it| (it.line, &it.entry.device.id));
        let ids = ids.chain(self.channels.iter().map(|it| (Some(it.line), &it.channel.id)));
        let rounded: BTreeSet<usize> =
            ids.filter(|(_, id)| may_be_rounded(id)).filter_map(|(line, _)| line).collect();
        for (line, other) in &repeated {
            let why = if rounded.contains(line) {
                "; of a number with 20 digits a spreadsheet makes the last five zeros"
            } else {
                ""
            };
            let detail = format!("line {other} has the same id{why}");
            let error = LineError::new(*line, "repeated_id", detail);
            self.errors.push(error.of(Column::Id.name()));
        }
        let (mut kept, mut failed) = (Vec::new(), HashMap::new());
        for planned in std::mem::take(&mut self.devices) {
            match planned.line.filter(|line| repeated.contains_key(line)) {
                Some(line) => {
                    let NewDevice { project, id, .. } = planned.entry.device;
                    failed.entry((project, id)).or_insert(line);
                }
                None => kept.push(planned),
            }
        }
        self.devices = kept;
        self.failed = failed;
        self.channels.retain(|channel| !repeated.contains_key(&channel.line));
    }

    /// Gives the channels to those of their devices that stand in the file; gives the others.
    fn join_channels(&mut self) -> Vec<ChannelLine> {
        let places = self.devices.iter().enumerate().map(|(place, planned)| {
            let NewDevice { project, id, .. } = &planned.entry.device;
            ((project.clone(), id.clone()), place)
        });
        let places: HashMap<DeviceName, usize> = places.collect();
        let mut elsewhere = Vec::new();
        for told in std::mem::take(&mut self.channels) {
            let planned = places.get(&told.device).and_then(|place| self.devices.get_mut(*place));
            match (planned, self.failed.get(&told.device)) {
                (Some(planned), _) => match &mut planned.entry.device.camera {
                    Some(camera) => {
                        camera.channels.push(told.channel);
                        planned.channels.push(told.line);
                    }
                    None => {
                        let detail = format!("{} is a phone, which has none", told.device.1);
                        let error = LineError::new(told.line, "not_of_kind", detail);
                        self.errors.push(error.of(Column::Parent.name()));
                    }
                },
                (None, Some(line)) => self.errors.push(device_failed(told.line, *line)),
                (None, None) => elsewhere.push(told),
            }
        }
        elsewhere
    }

    /// Gives these channels to devices that are on record.
    async fn find_parents(
        &mut self,
        native: &Native,
        principal: &Principal,
        channels: Vec<ChannelLine>,
    ) -> Result<(), Problem> {
        let mut wanted: BTreeMap<ProjectId, BTreeMap<DeviceId, Vec<ChannelLine>>> = BTreeMap::new();
        for told in channels {
            let (project, parent) = told.device.clone();
            wanted.entry(project).or_default().entry(parent).or_default().push(told);
        }
        for (project, by_parent) in wanted {
            let ids = by_parent.keys().cloned().collect();
            let found = native.handle.reads().cameras_named(principal, &project, ids).await?;
            for ((parent, told), listing) in by_parent.into_iter().zip(found) {
                let Some(listing) = listing else {
                    let detail = format!(
                        "no other line is the camera {parent}, and it is not on record in {project}"
                    );
                    let error = |told: ChannelLine| {
                        let error = LineError::new(told.line, "no_device", detail.clone());
                        error.of(Column::Parent.name())
                    };
                    self.errors.extend(told.into_iter().map(error));
                    continue;
                };
                self.devices.push(with_channels(project.clone(), parent, listing.name, told));
            }
        }
        Ok(())
    }
}

/// A camera that is on record, whose record stays as it is but for these channels.
fn with_channels(
    project: ProjectId,
    id: DeviceId,
    name: String,
    told: Vec<ChannelLine>,
) -> Planned {
    let (lines, channels) = told.into_iter().map(|told| (told.line, told.channel)).unzip();
    let device = NewDevice {
        project,
        kind: Kind::Camera,
        id,
        name,
        server: String::new(),
        address: String::new(),
        container: String::new(),
        profile: String::new(),
        camera: Some(NewCamera { channels, ..NewCamera::default() }),
    };
    let entry = ImportEntry { device, record: Values::new() };
    Planned { line: None, channels: lines, entry }
}

/// Whether an id may be what a spreadsheet has kept of another: the first 15 of its 20 digits.
fn may_be_rounded(id: &DeviceId) -> bool {
    id.as_str().len() == 20 && id.as_str().ends_with("00000")
}

/// Of lines that are of one thing, each with the first other one.
fn others(groups: impl Iterator<Item = Vec<usize>>) -> BTreeMap<usize, usize> {
    let mut others = BTreeMap::new();
    for group in groups {
        for line in &group {
            if let Some(other) = group.iter().find(|other| *other != line) {
                others.insert(*line, *other);
            }
        }
    }
    others
}
