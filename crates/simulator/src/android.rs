//! Android's commands as far as the simulated phones and the userland of a real `adbd` share
//! them: `getprop`, `dumpsys`, and what `setprop` and `cmd` say of a wrong call.

use crate::phone::make::Make;
use crate::property::{self, Properties};
use crate::shell::Outcome;

/// `getprop [NAME [DEFAULT]]`.
pub fn getprop(properties: &Properties, args: &[&str]) -> Outcome {
    match args {
        [] => Outcome::text(property::listing(properties)),
        [name] => Outcome::text(format!("{}\n", properties.get(name))),
        [name, default] => {
            let value = properties.get(name);
            Outcome::text(format!("{}\n", if value.is_empty() { default } else { value }))
        }
        _ => Outcome::error(1, "getprop: usage: getprop [NAME [DEFAULT]]\n"),
    }
}

/// What `setprop` says unless it has two arguments.
pub fn setprop_usage() -> Outcome {
    Outcome::error(1, "usage: setprop NAME VALUE\n\nSets an Android system property.\n")
}

/// `dumpsys cph [NAME]`: of the vendor's restart properties, the values that act. This service is
/// the simulator's own; it shows what one would see on a phone's screen.
pub fn dumpsys(properties: &Properties, args: &[&str]) -> Outcome {
    let known = properties.make() == Make::Simulated;
    match args {
        ["cph"] if known => {
            let names = properties.make().restart_properties();
            let acting = names.filter_map(|name| Some((name, properties.acting(name)?)));
            Outcome::text(
                acting.map(|(name, value)| format!("{name}={value}\n")).collect::<String>(),
            )
        }
        ["cph", name] if known => match properties.acting(name) {
            Some(value) => Outcome::text(format!("{value}\n")),
            None => Outcome::error(1, format!("cph: {name}: acts at once\n")),
        },
        // As AOSP's dumpsys has it (frameworks/native/cmds/dumpsys): a failure that exits with 0.
        [service, ..] => Outcome {
            stderr: format!("Can't find service: {service}\n").into(),
            ..Outcome::default()
        },
        [] => Outcome::text("Currently running services:\n"),
    }
}

/// What `cmd` says of a service that is not there, or of none (AOSP, `frameworks/native/cmds/cmd`).
pub fn no_service(args: &[&str]) -> Outcome {
    match args.first() {
        Some(service) => Outcome::error(20, format!("cmd: Can't find service: {service}\n")),
        None => Outcome::error(
            20,
            "cmd: No service specified; use -l to list all running services. Use -w to start and \
             wait for a service.\n",
        ),
    }
}

/// What `date +%s` shows.
#[expect(clippy::disallowed_methods, reason = "a phone has a clock of its own, which `date` shows")]
pub fn epoch_seconds() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn getprop_has_a_default_for_what_is_empty() {
        let mut properties = Properties::default();
        properties.put("a", "1");
        properties.put("b", "");
        assert_eq!(getprop(&properties, &["a"]), Outcome::text("1\n"));
        assert_eq!(getprop(&properties, &["none"]), Outcome::text("\n"));
        assert_eq!(getprop(&properties, &["a", "2"]), Outcome::text("1\n"));
        assert_eq!(getprop(&properties, &["b", "2"]), Outcome::text("2\n"));
    }

    #[test]
    fn dumpsys_shows_what_acts() {
        let mut properties = Properties::new(Make::Simulated);
        properties.put("com.cph.mainkeys", "1");
        assert_eq!(dumpsys(&properties, &["cph", "com.cph.mainkeys"]), Outcome::text("0\n"));
        properties.act();
        assert_eq!(dumpsys(&properties, &["cph", "com.cph.mainkeys"]), Outcome::text("1\n"));
        let all = String::from_utf8(dumpsys(&properties, &["cph"]).stdout).unwrap();
        assert_eq!(all.lines().nth(1), Some("com.cph.mainkeys=1"));
        assert_eq!(all.lines().count(), 5);
        assert_eq!(dumpsys(&properties, &["cph", "gsm.sim.state"]).status, 1);
        let gone = dumpsys(&Properties::new(Make::Redroid), &["cph"]);
        assert_eq!(gone.stderr, b"Can't find service: cph\n");
    }
}
