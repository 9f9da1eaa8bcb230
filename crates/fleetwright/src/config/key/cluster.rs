//! What can be set of a node among others, and of the connection to their store.

use std::path::PathBuf;

use store::Roles;
use store::postgres::Tls;

use super::{Given, Key, quote};

/// Bytes of a node's name.
const NAME_BYTES_MAX: usize = 64;

/// The sections `cluster` and `postgres`.
pub const KEYS: &[Key] = &[
    Key {
        name: "cluster.node",
        variable: "FLEETWRIGHT_NODE",
        meaning: "This node's name, unlike that of every other node on the store. The default is\n\
                  the machine's host name. In a container give one that stays: a new name at\n\
                  each start is a new node, and cameras have to register with it anew.",
        example: "\"node-1\"",
        set: |config, given| {
            config.cluster.node = Some(name(given.text()?)?);
            Ok(())
        },
        show: |config| config.cluster.node.as_deref().map(quote),
    },
    Key {
        name: "cluster.roles",
        variable: "FLEETWRIGHT_ROLES",
        meaning: "What this node does: \"api\" answers the APIs, \"engine\" works on devices, \"sip\"\n\
                  lets cameras register. A node without \"api\" answers health checks and metrics.",
        example: "",
        set: |config, given| given.roles().map(|roles| config.cluster.roles = roles),
        show: |config| {
            let roles = config.cluster.roles.words();
            Some(format!("[{}]", roles.split(' ').map(quote).collect::<Vec<_>>().join(", ")))
        },
    },
    Key {
        name: "postgres.tls",
        variable: "FLEETWRIGHT_POSTGRES_TLS",
        meaning: "Whether the connection to PostgreSQL is encrypted: \"disable\", \"require\", or\n\
                  \"verify-full\", which also checks that the server is the one in the URL. It must\n\
                  be said unless all hosts of the URL are this machine.",
        example: "\"verify-full\"",
        set: |config, given| {
            let tls = given.text()?.parse::<Tls>().map_err(|error| error.to_string())?;
            config.postgres.tls = Some(tls);
            Ok(())
        },
        show: |config| {
            config.postgres.tls.map(|tls| {
                quote(match tls {
                    Tls::Disable => "disable",
                    Tls::Require => "require",
                    Tls::VerifyFull => "verify-full",
                })
            })
        },
    },
    Key {
        name: "postgres.tls_ca",
        variable: "FLEETWRIGHT_POSTGRES_TLS_CA",
        meaning: "The certificate, PEM, of the authority that signed PostgreSQL's.",
        example: "\"/etc/fleetwright/postgres-ca.crt\"",
        set: |config, given| given.path().map(|path| config.postgres.tls_ca = Some(path)),
        show: |config| config.postgres.tls_ca.as_ref().map(|path| quote(&path.to_string_lossy())),
    },
    Key {
        name: "postgres.synchronous_standby",
        variable: "FLEETWRIGHT_POSTGRES_SYNCHRONOUS_STANDBY",
        meaning: "Whether PostgreSQL must have a synchronous standby, so that the loss of the primary\n\
                  loses nothing that was answered. Without one the server does not start.",
        example: "",
        set: |config, given| given.flag().map(|flag| config.postgres.synchronous_standby = flag),
        show: |config| Some(config.postgres.synchronous_standby.to_string()),
    },
];

impl Given<'_> {
    /// At least one role.
    fn roles(self) -> Result<Roles, String> {
        let mut roles = Roles { api: false, engine: false, sip: false };
        for word in self.list(8)? {
            match word.as_str() {
                "api" => roles.api = true,
                "engine" => roles.engine = true,
                "sip" => roles.sip = true,
                _ => return Err(format!("{word:?} is no role: api, engine and sip are")),
            }
        }
        if roles.words().is_empty() {
            return Err("names no role: api, engine and sip are".to_owned());
        }
        Ok(roles)
    }
}

/// A name that stands in logs, tables and metrics.
fn name(text: String) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if text.len() <= NAME_BYTES_MAX && text.bytes().all(allowed) {
        return Ok(text);
    }
    Err(format!("{text:?} must be at most {NAME_BYTES_MAX} letters, digits and . - _"))
}

/// The machine's host name, as far as a node can bear it: `None` if there is none.
pub fn host_name() -> Option<String> {
    let from_kernel = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/hostname"));
    let text = from_kernel.ok().or_else(|| std::env::var("HOSTNAME").ok())?;
    name(text.trim().to_owned()).ok().filter(|name| !name.is_empty())
}
