//! The commands for cameras.

use std::sync::Arc;
use std::time::Instant;

use super::Operated;
use crate::camera::{Camera, Faults, NAMED, Secret};
use crate::cameras::Hub;

/// What stands for all cameras.
pub(super) const ALL: &str = "all";

/// What is to be done with a camera.
enum Act<'l> {
    SetName { channel: Option<&'l str>, name: &'l str },
    SetPassword(Secret),
    SetUser { user: &'l str, password: Option<Secret> },
    Fault(Faults),
    Stop,
    Start,
    Restart,
    Register,
    Unregister,
}

impl<'l> Act<'l> {
    /// Reads a command that is not `show`.
    fn read(verb: &str, channel: Option<&'l str>, argument: &'l str) -> Result<Self, String> {
        match (verb, channel, argument) {
            ("set-name", _, name) if !name.is_empty() => Ok(Act::SetName { channel, name }),
            ("set-password", None, password) if !password.is_empty() => {
                Ok(Act::SetPassword(Secret::new(password)))
            }
            ("set-user", None, argument) if !argument.is_empty() => {
                let (user, password) = argument.split_once(' ').unwrap_or((argument, ""));
                let password = Some(password.trim()).filter(|text| !text.is_empty());
                Ok(Act::SetUser { user, password: password.map(Secret::new) })
            }
            ("fault", None, text) => super::fault(text, Faults::named, NAMED).map(Act::Fault),
            ("clear", None, "") => Ok(Act::Fault(Faults::default())),
            ("stop", None, "") => Ok(Act::Stop),
            ("start", None, "") => Ok(Act::Start),
            ("restart", None, "") => Ok(Act::Restart),
            ("register", None, "") => Ok(Act::Register),
            ("unregister", None, "") => Ok(Act::Unregister),
            _ => Err(format!("unknown command, or wrong arguments: {verb}")),
        }
    }

    /// Does it; false if the camera has no such channel.
    fn on(&self, camera: &mut Camera, now: Instant) -> bool {
        match self {
            Act::SetName { channel, name } => return camera.set_name(*channel, name),
            Act::SetPassword(password) => camera.set_password(now, password.clone()),
            Act::SetUser { user, password } => camera.set_user(now, user, password.clone()),
            Act::Fault(faults) => camera.set_faults(faults.clone()),
            Act::Stop => camera.stop(),
            Act::Start => camera.start(now),
            Act::Restart => camera.restart(now),
            Act::Register => camera.register(now),
            Act::Unregister => camera.unregister(now),
        }
        true
    }
}

impl Operated for Arc<Hub> {
    async fn act(&self, line: &str) -> Result<Option<String>, String> {
        let cut = |text| str::split_once(text, ' ').map(|(word, rest)| (word, rest.trim()));
        let (verb, rest) = cut(line.trim()).ok_or("expected COMMAND ID")?;
        let (id, argument) = cut(rest).unwrap_or((rest, ""));
        let (id, channel) = match id.split_once('/') {
            Some((id, channel)) => (id, Some(channel)),
            None => (id, None),
        };
        let unknown = || format!("no camera {id}");
        if verb == "show" && channel.is_none() && argument.is_empty() {
            let held = self.with(id, |camera, _| camera.held()).ok_or_else(unknown)?;
            let json = serde_json::to_string(&held);
            return json.map(Some).map_err(|error| error.to_string());
        }
        let act = Act::read(verb, channel, argument)?;
        if id == ALL {
            self.each(|camera, now| {
                act.on(camera, now);
            });
            return Ok(None);
        }
        if self.with(id, |camera, now| act.on(camera, now)).ok_or_else(unknown)? {
            Ok(None)
        } else {
            Err(format!("no channel {}", channel.unwrap_or_default()))
        }
    }
}
