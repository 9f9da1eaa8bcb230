//! How a device takes a property, in words.

use fleet::Catalogue;
use fleet::catalogue::{Retention, Route, SetBy, Timing};

/// How devices of `profile` take the property `name`: how it is set, how it is read back, how long
/// it holds and when it acts. The error says why they don't.
pub(crate) fn in_words(catalogue: &Catalogue, profile: &str, name: &str) -> Result<String, String> {
    let Some(route) = catalogue.route(profile, name) else {
        return Err(format!("profile {profile} does not say how to apply it"));
    };
    let way = match route.set_by {
        SetBy::Unsupported { reason } => return Err(reason.to_owned()),
        SetBy::Stored => return Ok("stored only: nothing on this make reads it".to_owned()),
        SetBy::Setprop { name } => format!("set by setprop {name}, read by getprop {name}"),
        SetBy::SetpropOncePerBoot { name } => {
            format!("set by setprop {name} once a boot, read by getprop {name}")
        }
        SetBy::Settings { namespace, key } => {
            format!("set by settings put {namespace} {key}, read by settings get {namespace} {key}")
        }
        SetBy::Command { set, get: [] } => {
            format!("set by {}, not read back: what it acknowledges counts", set.join(" "))
        }
        SetBy::Command { set, get } => {
            format!("set by {}, read by {}", set.join(" "), get.join(" "))
        }
        SetBy::BasicParam => "set by DeviceConfig (BasicParam), read by ConfigDownload".to_owned(),
        SetBy::File { path } => format!("set by writing {path}, read from there"),
        SetBy::StartArgument { name, argument } => {
            format!("set by the container's argument {argument}, read by getprop {name}")
        }
    };
    Ok(format!("{way}; {}; {}{}", holds(&route), acts(&route), effect(&route)))
}

fn holds(route: &Route<'_>) -> &'static str {
    match route.retention {
        Retention::Record => "a record of this server alone",
        Retention::Data => "survives restarts",
        Retention::Boot => "lost at each boot and then set again",
        Retention::StartArgs => "fixed when the container starts",
    }
}

fn acts(route: &Route<'_>) -> &'static str {
    match route.timing {
        Timing::AtOnce => "acts at once",
        Timing::AfterRestart => "acts after a restart",
    }
}

fn effect(route: &Route<'_>) -> String {
    if route.effect.is_empty() {
        String::new()
    } else {
        format!(", shown by {}", route.effect.join(" "))
    }
}
