//! The list of all that can be set.

mod cluster;
mod history;
mod sip;
mod telemetry;

use std::net::SocketAddr;
use std::path::PathBuf;

use api::listener::TrustedProxy;
use api::signature::huawei::PUBLIC_HOSTS_MAX;
use toml::de::DeValue;
use tracing_subscriber::EnvFilter;

pub use cluster::host_name;

use super::{Config, LogFormat, StoreUrl};

/// Proxies that may be listed.
const PROXIES_MAX: usize = 16;

/// One thing that can be set.
pub struct Key {
    /// Its name in the file: `name`, or `section.name`.
    pub name: &'static str,
    /// The environment variable that sets it too.
    pub variable: &'static str,
    /// What it means, for the printed file.
    pub meaning: &'static str,
    /// What to show in the printed file, commented out, where there is no default.
    pub example: &'static str,
    /// Takes a value in, or says in words why not.
    pub set: fn(&mut Config, Given<'_>) -> Result<(), String>,
    /// The value as TOML; `None` if it is not set.
    pub show: fn(&Config) -> Option<String>,
}

/// A value as it was given.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// In a file.
    Toml(&'a DeValue<'a>),
    /// In the environment or by a flag; a list is parted by commas.
    Text(&'a str),
}

/// All keys: those without a section first, then section by section, as the file has them.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    let engine = KEYS.iter().chain(history::KEYS);
    engine.chain(cluster::KEYS).chain(sip::KEYS).chain(LOG).chain(telemetry::KEYS)
}

/// Those of the server itself, of HTTP and of the engine.
const KEYS: &[Key] = &[
    Key {
        name: "data",
        variable: "FLEETWRIGHT_DATA",
        meaning: "The data directory: the master key, the admin token and, unless `store` says\n\
                  otherwise, the database. Made at the first start, for its owner alone.\n\
                  A relative path begins where the server is started.",
        example: "",
        set: |config, given| given.path().map(|path| config.data = path),
        show: |config| Some(quote(&config.data.to_string_lossy())),
    },
    Key {
        name: "store",
        variable: "FLEETWRIGHT_STORE",
        meaning: "The store: sqlite:PATH, for one node, or postgres://USER:PASSWORD@HOST/DATABASE, for\n\
                  several; a host for each server of a cluster, as HOST1,HOST2:6432. The default\n\
                  is fleetwright.db in the data directory.",
        example: "\"sqlite:/var/lib/fleetwright/fleetwright.db\"",
        set: |config, given| {
            config.store = Some(StoreUrl::parse(&given.text()?)?);
            Ok(())
        },
        show: |config| config.store.as_ref().map(|url| quote(&url.to_string())),
    },
    Key {
        name: "http.listen",
        variable: "FLEETWRIGHT_HTTP",
        meaning: "Where all APIs answer: IP:PORT; port 0 takes a free one. Off loopback it takes\n\
                  a certificate, or `insecure`.",
        example: "",
        set: |config, given| given.address().map(|address| config.http.listen = address),
        show: |config| Some(quote(&config.http.listen.to_string())),
    },
    Key {
        name: "http.tls_cert",
        variable: "FLEETWRIGHT_TLS_CERT",
        meaning: "The certificate chain, PEM, the server's own first. SIGHUP reads it again.",
        example: "\"/etc/fleetwright/tls.crt\"",
        set: |config, given| given.path().map(|path| config.http.tls_cert = Some(path)),
        show: |config| config.http.tls_cert.as_ref().map(|path| quote(&path.to_string_lossy())),
    },
    Key {
        name: "http.tls_key",
        variable: "FLEETWRIGHT_TLS_KEY",
        meaning: "The certificate's private key, PEM, not encrypted.",
        example: "\"/etc/fleetwright/tls.key\"",
        set: |config, given| given.path().map(|path| config.http.tls_key = Some(path)),
        show: |config| config.http.tls_key.as_ref().map(|path| quote(&path.to_string_lossy())),
    },
    Key {
        name: "http.insecure",
        variable: "FLEETWRIGHT_HTTP_INSECURE",
        meaning: "Allows plain HTTP on an address that is not loopback: only behind a proxy that\n\
                  does TLS, on a network that nobody else sees.",
        example: "",
        set: |config, given| given.flag().map(|flag| config.http.insecure = flag),
        show: |config| Some(config.http.insecure.to_string()),
    },
    Key {
        name: "http.public_hosts",
        variable: "FLEETWRIGHT_PUBLIC_HOSTS",
        meaning: "Host names (with the port, if clients name one) that clients sign, and browsers\n\
                  know the console by, when a proxy in front rewrites Host: at most 8, since each\n\
                  is tried for every signature.",
        example: "",
        set: |config, given| {
            given.list(PUBLIC_HOSTS_MAX).map(|list| config.http.public_hosts = list)
        },
        show: |config| {
            let hosts: Vec<String> =
                config.http.public_hosts.iter().map(|host| quote(host)).collect();
            Some(format!("[{}]", hosts.join(", ")))
        },
    },
    Key {
        name: "http.trusted_proxies",
        variable: "FLEETWRIGHT_TRUSTED_PROXIES",
        meaning: "Addresses or networks (10.0.0.0/8) of proxies in front that are believed when they\n\
                  say, in X-Forwarded-For, where a request came from: a lock-out then hits that\n\
                  client and not the proxy.",
        example: "",
        set: |config, given| {
            let proxies = given.list(PROXIES_MAX)?;
            for text in &proxies {
                text.parse::<TrustedProxy>().map_err(|error| error.to_string())?;
            }
            config.http.trusted_proxies = proxies;
            Ok(())
        },
        show: |config| {
            let proxies = config.http.trusted_proxies.iter();
            let proxies: Vec<String> = proxies.map(|proxy| quote(proxy)).collect();
            Some(format!("[{}]", proxies.join(", ")))
        },
    },
    Key {
        name: "http.token_lifetime_seconds",
        variable: "FLEETWRIGHT_TOKEN_LIFETIME_SECONDS",
        meaning: "How long a token of POST /v3/auth/tokens works.",
        example: "",
        set: |config, given| {
            config.http.token_lifetime_seconds = given.number(1, 7 * 24 * 3600)?;
            Ok(())
        },
        show: |config| Some(config.http.token_lifetime_seconds.to_string()),
    },
    Key {
        name: "engine.job_deadline_seconds",
        variable: "FLEETWRIGHT_JOB_DEADLINE_SECONDS",
        meaning: "How long a job may wait for a device that can't be worked on before it fails.\n\
                  The value stays asked for, and is applied when the device returns.",
        example: "",
        set: |config, given| {
            let seconds = given.number(1, 30 * 24 * 3600)?;
            config.engine.job_deadline_seconds = seconds;
            Ok(())
        },
        show: |config| Some(config.engine.job_deadline_seconds.to_string()),
    },
    Key {
        name: "engine.boot_deadline_seconds",
        variable: "FLEETWRIGHT_BOOT_DEADLINE_SECONDS",
        meaning: "How long a phone may take to come back from a restart, reset or start. After it\n\
                  the phone is abnormal and its job fails.",
        example: "",
        set: |config, given| {
            config.engine.boot_deadline_seconds = given.number(1, 24 * 3600)?;
            Ok(())
        },
        show: |config| Some(config.engine.boot_deadline_seconds.to_string()),
    },
    Key {
        name: "engine.actions_per_server",
        variable: "FLEETWRIGHT_ACTIONS_PER_SERVER",
        meaning: "Applications at a time on one host of phones.",
        example: "",
        set: |config, given| {
            given.count(10_000).map(|actions| config.engine.actions_per_server = actions)
        },
        show: |config| Some(config.engine.actions_per_server.to_string()),
    },
    Key {
        name: "engine.actions_per_node",
        variable: "FLEETWRIGHT_ACTIONS_PER_NODE",
        meaning: "Actions on devices at a time in all. Each holds a connection.",
        example: "",
        set: |config, given| {
            given.count(100_000).map(|actions| config.engine.actions_per_node = actions)
        },
        show: |config| Some(config.engine.actions_per_node.to_string()),
    },
    Key {
        name: "engine.restarts_per_server",
        variable: "FLEETWRIGHT_RESTARTS_PER_SERVER",
        meaning: "Phones of one host that are being restarted at a time, from the last look before\n\
                  to the last read-back after.",
        example: "",
        set: |config, given| {
            given.count(10_000).map(|phones| config.engine.restarts_per_server = phones)
        },
        show: |config| Some(config.engine.restarts_per_server.to_string()),
    },
    Key {
        name: "engine.boots_per_server",
        variable: "FLEETWRIGHT_BOOTS_PER_SERVER",
        meaning: "Phones of one host that boot at a time because they were told to.",
        example: "",
        set: |config, given| {
            given.count(10_000).map(|phones| config.engine.boots_per_server = phones)
        },
        show: |config| Some(config.engine.boots_per_server.to_string()),
    },
    Key {
        name: "engine.restarts_per_project",
        variable: "FLEETWRIGHT_RESTARTS_PER_PROJECT",
        meaning: "Phones of one project that are being restarted at a time, over all hosts.",
        example: "",
        set: |config, given| {
            given.count(100_000).map(|phones| config.engine.restarts_per_project = phones)
        },
        show: |config| Some(config.engine.restarts_per_project.to_string()),
    },
    Key {
        name: "engine.sweep_per_second",
        variable: "FLEETWRIGHT_SWEEP_PER_SECOND",
        meaning: "Devices at rest that are read back each second, to find what has changed on\n\
                  them; 0 for none.",
        example: "",
        set: |config, given| {
            let devices = given.number(0, 100_000)?;
            config.engine.sweep_per_second = u32::try_from(devices).unwrap_or(u32::MAX);
            Ok(())
        },
        show: |config| Some(config.engine.sweep_per_second.to_string()),
    },
];

/// The section `log`.
const LOG: &[Key] = &[
    Key {
        name: "log.filter",
        variable: "FLEETWRIGHT_LOG",
        meaning: "What is logged to stderr: error, warn, info, debug, trace or off; or by target,\n\
                  as in \"info,phones=debug\".",
        example: "",
        set: |config, given| {
            let filter = given.text()?;
            EnvFilter::builder()
                .parse(&filter)
                .map_err(|error| format!("{filter:?} is no log filter: {error}"))?;
            config.log.filter = filter;
            Ok(())
        },
        show: |config| Some(quote(&config.log.filter)),
    },
    Key {
        name: "log.format",
        variable: "FLEETWRIGHT_LOG_FORMAT",
        meaning: "How a line looks: \"text\", or \"json\" for one object a line.",
        example: "",
        set: |config, given| {
            config.log.format = match given.text()?.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => return Err(format!("{other:?} must be \"text\" or \"json\"")),
            };
            Ok(())
        },
        show: |config| {
            Some(quote(match config.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            }))
        },
    },
];

impl Given<'_> {
    /// A text that is not empty.
    fn text(self) -> Result<String, String> {
        let text = match self {
            Self::Text(text) => text,
            Self::Toml(DeValue::String(text)) => text.as_ref(),
            Self::Toml(other) => return Err(self.not("a text in quotes", other)),
        };
        if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn path(self) -> Result<PathBuf, String> {
        self.text().map(PathBuf::from)
    }

    fn address(self) -> Result<SocketAddr, String> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| format!("{text:?} is not IP:PORT, as 127.0.0.1:8080 or [::1]:8080 are"))
    }

    /// A whole number between these two, both included.
    fn number(self, min: u64, max: u64) -> Result<u64, String> {
        let number = match self {
            Self::Text(text) => text.parse().ok(),
            Self::Toml(DeValue::Integer(digits)) => {
                u64::from_str_radix(digits.as_str(), digits.radix()).ok()
            }
            Self::Toml(other) => return Err(self.not("a whole number", other)),
        };
        let number = number.filter(|number| (min..=max).contains(number));
        number.ok_or_else(|| format!("must be a whole number from {min} to {max}"))
    }

    /// The same of a number that never is very large.
    fn number_u32(self, min: u32, max: u32) -> Result<u32, String> {
        let number = self.number(min.into(), max.into())?;
        Ok(u32::try_from(number).unwrap_or(max))
    }

    /// How many there may be of something, 1 to `max`.
    fn count(self, max: u64) -> Result<usize, String> {
        self.number(1, max).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn flag(self) -> Result<bool, String> {
        match self {
            Self::Text("true") | Self::Toml(DeValue::Boolean(true)) => Ok(true),
            Self::Text("false") | Self::Toml(DeValue::Boolean(false)) => Ok(false),
            Self::Text(other) => Err(format!("{other:?} must be true or false")),
            Self::Toml(other) => Err(self.not("true or false", other)),
        }
    }

    /// At most `max` texts.
    fn list(self, max: usize) -> Result<Vec<String>, String> {
        let list: Vec<String> = match self {
            Self::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            Self::Toml(DeValue::Array(parts)) => {
                let parts = parts.iter().map(|part| Given::Toml(part.get_ref()).text());
                parts.collect::<Result<_, _>>()?
            }
            Self::Toml(other) => return Err(self.not("a list of texts", other)),
        };
        if list.len() > max {
            return Err(format!("has {} entries; at most {max}", list.len()));
        }
        Ok(list.into_iter().filter(|part| !part.is_empty()).collect())
    }

    fn not(self, wanted: &str, found: &DeValue<'_>) -> String {
        format!("must be {wanted}, not {} {}", article(found.type_str()), found.type_str())
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A TOML string.
fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
