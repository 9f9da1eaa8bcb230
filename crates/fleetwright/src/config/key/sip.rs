//! What can be set of SIP: where cameras register, and by what rules.

use cameras::{Advertise, Follow};

use super::{Key, quote};

/// Addresses that may be advertised, each for a network of its own.
const ADVERTISED_MAX: usize = 32;

/// The section `sip`.
pub const KEYS: &[Key] = &[
    Key {
        name: "sip.listen",
        variable: "FLEETWRIGHT_SIP",
        meaning: "Where cameras register, over UDP and TCP: IP:PORT; port 0 takes one that is free\n\
                  for both; \"none\" serves no cameras.",
        example: "",
        set: |config, given| {
            config.sip.listen = match given.text()?.as_str() {
                "none" => None,
                _ => Some(given.address()?),
            };
            Ok(())
        },
        show: |config| {
            let listen = config.sip.listen.map(|address| address.to_string());
            Some(quote(&listen.unwrap_or_else(|| "none".to_owned())))
        },
    },
    Key {
        name: "sip.advertise",
        variable: "FLEETWRIGHT_SIP_ADVERTISE",
        meaning: "The addresses that cameras are told to send to: HOST[:PORT] for all, or\n\
                  NETWORK=HOST[:PORT] for those in a network, as 10.0.0.0/8=10.1.2.3. Without it\n\
                  each is told the address of this machine that faces it.",
        example: "",
        set: |config, given| {
            let advertise = given.list(ADVERTISED_MAX)?;
            for text in &advertise {
                text.parse::<Advertise>().map_err(|error| error.to_string())?;
            }
            config.sip.advertise = advertise;
            Ok(())
        },
        show: |config| {
            let advertise = config.sip.advertise.iter();
            let advertise: Vec<String> = advertise.map(|address| quote(address)).collect();
            Some(format!("[{}]", advertise.join(", ")))
        },
    },
    Key {
        name: "sip.id",
        variable: "FLEETWRIGHT_SIP_ID",
        meaning: "This server's own id: 20 digits. That of a platform before it, with its domain\n\
                  and address, lets cameras move over untouched.",
        example: "",
        set: |config, given| {
            let id = given.text()?;
            if id.len() != 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("{id:?} is not 20 digits"));
            }
            config.sip.id = id;
            Ok(())
        },
        show: |config| Some(quote(&config.sip.id)),
    },
    Key {
        name: "sip.domain",
        variable: "FLEETWRIGHT_SIP_DOMAIN",
        meaning: "This server's domain: usually the first 10 digits of its id.",
        example: "",
        set: |config, given| {
            config.sip.domain = word(given.text()?)?;
            Ok(())
        },
        show: |config| Some(quote(&config.sip.domain)),
    },
    Key {
        name: "sip.realm",
        variable: "FLEETWRIGHT_SIP_REALM",
        meaning: "The realm that cameras' passwords are for. The default is the domain.",
        example: "\"3402000000\"",
        set: |config, given| {
            config.sip.realm = Some(word(given.text()?)?);
            Ok(())
        },
        show: |config| config.sip.realm.as_deref().map(quote),
    },
    Key {
        name: "sip.follow",
        variable: "FLEETWRIGHT_SIP_FOLLOW",
        meaning: "What a keepalive, which proves nothing, may change of where its camera is:\n\
                  \"registered\" nothing, \"same-ip\" the port, \"any\" the address too.",
        example: "",
        set: |config, given| {
            config.sip.follow = match given.text()?.as_str() {
                "registered" => Follow::Registered,
                "same-ip" => Follow::SameIp,
                "any" => Follow::Any,
                other => {
                    let words = "\"registered\", \"same-ip\" or \"any\"";
                    return Err(format!("{other:?} must be {words}"));
                }
            };
            Ok(())
        },
        show: |config| {
            Some(quote(match config.sip.follow {
                Follow::Registered => "registered",
                Follow::SameIp => "same-ip",
                Follow::Any => "any",
            }))
        },
    },
    Key {
        name: "sip.date_header",
        variable: "FLEETWRIGHT_SIP_DATE_HEADER",
        meaning: "Whether cameras are told the time when they register: some set their clock by it.",
        example: "",
        set: |config, given| given.flag().map(|flag| config.sip.date_header = flag),
        show: |config| Some(config.sip.date_header.to_string()),
    },
    Key {
        name: "sip.sha256",
        variable: "FLEETWRIGHT_SIP_SHA256",
        meaning: "Whether cameras are offered SHA-256 before MD5. Some know only the first offer.",
        example: "",
        set: |config, given| given.flag().map(|flag| config.sip.sha256 = flag),
        show: |config| Some(config.sip.sha256.to_string()),
    },
    Key {
        name: "sip.keepalive_seconds",
        variable: "FLEETWRIGHT_SIP_KEEPALIVE_SECONDS",
        meaning: "Seconds between a camera's keepalives, as it is set there; 0 expects none.",
        example: "",
        set: |config, given| {
            config.sip.keepalive_seconds = given.number_u32(0, 24 * 3_600)?;
            Ok(())
        },
        show: |config| Some(config.sip.keepalive_seconds.to_string()),
    },
    Key {
        name: "sip.keepalive_misses",
        variable: "FLEETWRIGHT_SIP_KEEPALIVE_MISSES",
        meaning: "Keepalives in a row without which a camera counts as gone.",
        example: "",
        set: |config, given| {
            config.sip.keepalive_misses = given.number_u32(1, 1_000)?;
            Ok(())
        },
        show: |config| Some(config.sip.keepalive_misses.to_string()),
    },
    Key {
        name: "sip.expires_min_seconds",
        variable: "FLEETWRIGHT_SIP_EXPIRES_MIN_SECONDS",
        meaning: "The shortest registration that is granted.",
        example: "",
        set: |config, given| {
            config.sip.expires_min_seconds = given.number_u32(1, 86_400)?;
            Ok(())
        },
        show: |config| Some(config.sip.expires_min_seconds.to_string()),
    },
    Key {
        name: "sip.expires_max_seconds",
        variable: "FLEETWRIGHT_SIP_EXPIRES_MAX_SECONDS",
        meaning: "The longest registration that is granted; one that asks for more gets this.",
        example: "",
        set: |config, given| {
            config.sip.expires_max_seconds = given.number_u32(60, 365 * 86_400)?;
            Ok(())
        },
        show: |config| Some(config.sip.expires_max_seconds.to_string()),
    },
    Key {
        name: "sip.survey_per_second",
        variable: "FLEETWRIGHT_SIP_SURVEY_PER_SECOND",
        meaning: "Newly registered cameras that are looked at each second, and asked what they are\n\
                  and which channels they have.",
        example: "",
        set: |config, given| {
            config.sip.survey_per_second = given.number_u32(1, 100_000)?;
            Ok(())
        },
        show: |config| Some(config.sip.survey_per_second.to_string()),
    },
];

/// A word that can stand in a URI's host part and in quotes.
fn word(text: String) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if text.len() <= 64 && text.bytes().all(allowed) {
        return Ok(text);
    }
    Err(format!("{text:?} must be at most 64 letters, digits and . - _ :"))
}
