//! Room for restarts: how many devices of a server and of a project may be away because they were
//! told to.
//!
//! A boot is what a host feels most, so fewer may boot than may be restarted: a device takes up
//! room for a boot from the moment it may be told until it has booted, and room for a restart until
//! all that the boot has wiped is back.

use std::collections::{HashMap, VecDeque};

use fleet::{DeviceKey, ProjectKey};

use super::{Bounds, NO_SERVER};

/// The room for restarts that a device takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Hold {
    /// None.
    #[default]
    Nothing,
    /// It is back from a restart, and what the boot wiped is not.
    Restart,
    /// It may be told to restart, or was and has not booted.
    Boot,
}

/// The line of one server and the room that is taken there.
#[derive(Debug, Default)]
struct Server {
    restarting: usize,
    booting: usize,
    /// Who stands in line. One who has left it is passed over.
    line: VecDeque<DeviceKey>,
}

/// The room for restarts of a node.
#[derive(Debug)]
pub(super) struct Restarts {
    bounds: Bounds,
    servers: HashMap<u32, Server>,
    projects: HashMap<ProjectKey, usize>,
    /// Whether new ones may begin: not before those are known that the process before has begun.
    open: bool,
}

impl Restarts {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, servers: HashMap::new(), projects: HashMap::new(), open: false }
    }

    /// From now on new ones may begin. Gives whether that is news.
    pub(super) fn open(&mut self) -> bool {
        !std::mem::replace(&mut self.open, true)
    }

    /// New ones may not begin before [`Self::open`].
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Other bounds hold from now on.
    pub(super) fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    /// A device of this server and project takes up `to` instead of `from`, whether there is room
    /// or not: what is under way after a start of the server is counted, not refused. Gives whether
    /// room was freed.
    pub(super) fn change(&mut self, at: (u32, ProjectKey), from: Hold, to: Hold) -> bool {
        let (number, project) = at;
        if from == to {
            return false;
        }
        let server = self.servers.entry(number).or_default();
        add(&mut server.booting, from == Hold::Boot, to == Hold::Boot);
        add(&mut server.restarting, from != Hold::Nothing, to != Hold::Nothing);
        let count = self.projects.entry(project).or_default();
        add(count, from != Hold::Nothing, to != Hold::Nothing);
        if *count == 0 {
            self.projects.remove(&project);
        }
        if server.restarting == 0 && server.line.is_empty() {
            self.servers.remove(&number);
        }
        to < from
    }

    /// Puts a device at the end of its server's line.
    pub(super) fn line_up(&mut self, number: u32, device: DeviceKey) {
        self.servers.entry(number).or_default().line.push_back(device);
    }

    /// The servers where somebody stands in line.
    pub(super) fn servers_in_line(&self) -> Vec<u32> {
        let in_line = self.servers.iter().filter(|(_, server)| !server.line.is_empty());
        let mut numbers: Vec<u32> = in_line.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Takes the first out of the line whose turn it is, if there is room. `who` tells of a device
    /// its project and whether it is free to go; `None` if it has left the line.
    pub(super) fn next(
        &mut self,
        number: u32,
        who: impl Fn(DeviceKey) -> Option<(ProjectKey, bool)>,
    ) -> Option<DeviceKey> {
        let Bounds { restarts_per_server, boots_per_server, restarts_per_project, .. } =
            self.bounds;
        if !self.open {
            return None;
        }
        let server = self.servers.get_mut(&number)?;
        // Devices without a server stand for as many hosts: only the project bounds them.
        let bounded = number != NO_SERVER;
        if bounded
            && (server.restarting >= restarts_per_server || server.booting >= boots_per_server)
        {
            return None;
        }
        server.line.retain(|device| who(*device).is_some());
        let projects = &self.projects;
        let at = server.line.iter().position(|device| {
            who(*device).is_some_and(|(project, free)| {
                free && projects.get(&project).is_none_or(|count| *count < restarts_per_project)
            })
        })?;
        server.line.remove(at)
    }
}

/// Counts one who was in or not, and is now.
fn add(count: &mut usize, was: bool, is: bool) {
    match (was, is) {
        (false, true) => *count += 1,
        (true, false) => *count = count.saturating_sub(1),
        _ => {}
    }
}
