//! Android's commands as far as the simulated phones and the userland of a real `adbd` share
//! them: `getprop`, `settings`, and what `setprop` says of a wrong call.

use std::collections::BTreeMap;

use crate::property::{self, Properties};
use crate::shell::Outcome;

/// Most values that `settings` keeps.
const SETTINGS_MAX: usize = 1024;
/// Longest key or value of `settings`, in bytes.
const SETTING_BYTES_MAX: usize = 4096;

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

/// `settings get|put|delete|list NAMESPACE [KEY [VALUE]]` on values kept by `NAMESPACE/KEY`.
pub fn settings(values: &mut BTreeMap<String, String>, args: &[&str]) -> Outcome {
    let known = |namespace: &str| matches!(namespace, "system" | "secure" | "global");
    let namespace = args.get(1).copied().unwrap_or_default();
    if !known(namespace) {
        let text = format!("Invalid namespace '{namespace}'. Use system, secure or global\n");
        return Outcome::error(255, text);
    }
    match args {
        ["get", _, key] => {
            let value = values.get(&format!("{namespace}/{key}"));
            Outcome::text(format!("{}\n", value.map_or("null", String::as_str)))
        }
        ["put", _, key, value] | ["put", _, key, value, "default"] => {
            let full = values.len() >= SETTINGS_MAX;
            let key = format!("{namespace}/{key}");
            if key.len().max(value.len()) > SETTING_BYTES_MAX || full && !values.contains_key(&key)
            {
                return Outcome::error(255, "settings: no room for this value\n");
            }
            values.insert(key, (*value).to_owned());
            Outcome::default()
        }
        ["delete", _, key] => {
            let deleted = values.remove(&format!("{namespace}/{key}"));
            Outcome::text(format!("Deleted {} rows\n", u8::from(deleted.is_some())))
        }
        ["list", _] => {
            let prefix = format!("{namespace}/");
            let own = values.iter().filter_map(|(key, value)| {
                key.strip_prefix(&prefix).map(|key| format!("{key}={value}\n"))
            });
            Outcome::text(own.collect::<String>())
        }
        _ => Outcome::error(255, "Invalid command\n"),
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
    fn settings_keep_their_namespaces_apart() {
        let mut values = BTreeMap::new();
        assert_eq!(settings(&mut values, &["get", "secure", "a"]), Outcome::text("null\n"));
        assert_eq!(settings(&mut values, &["put", "secure", "a", "x y"]), Outcome::default());
        assert_eq!(settings(&mut values, &["get", "secure", "a"]), Outcome::text("x y\n"));
        assert_eq!(settings(&mut values, &["get", "global", "a"]), Outcome::text("null\n"));
        assert_eq!(settings(&mut values, &["list", "secure"]), Outcome::text("a=x y\n"));
        assert_eq!(settings(&mut values, &["delete", "secure", "a"]).status, 0);
        assert_eq!(settings(&mut values, &["get", "secure", "a"]), Outcome::text("null\n"));
        assert_eq!(settings(&mut values, &["get", "other", "a"]).status, 255);
    }
}
