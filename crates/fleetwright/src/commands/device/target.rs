//! The device that a command is about.

use fleet::{DeviceId, ProjectId};

/// The device that a command is about.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Its id.
    pub id: DeviceId,
    /// Its project; needed only where the id exists in several.
    #[arg(long, value_name = "ID")]
    pub project: Option<ProjectId>,
}

impl Target {
    /// What tells the server which of several.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        self.project.iter().map(|project| ("project", project.to_string())).collect()
    }

    /// Where what is done to it is asked for.
    pub fn path<'a>(&'a self, verb: &'a str) -> [&'a str; 3] {
        ["devices", self.id.as_str(), verb]
    }
}
