//! BasicParam as it is sent, and as it is read. Pure.

use fleet::Secret;
use fleet::catalogue::GbShape;
use gb28181::manscdp::{BasicParam, Secret as WireSecret, Shape};

use super::target::{Part, Parts};
use crate::line::ServerAddress;

/// Seconds between two keepalives where nobody says: GB/T 28181-2016, 9.6.1.
const HEARTBEAT_INTERVAL_DEFAULT: u32 = 60;
/// Keepalives missed in a row where nobody says: GB/T 28181-2016, 9.6.1.
const HEARTBEAT_COUNT_DEFAULT: u32 = 3;

/// What the shape of 2014 says besides what is wanted: all its parts are mandatory.
pub(super) struct Filling<'a> {
    /// The `DeviceID` in BasicParam: the target's own.
    pub(super) id: &'a str,
    /// Who we are to the device.
    pub(super) server: Option<ServerAddress>,
    /// The password that it registers with.
    pub(super) password: Option<&'a Secret<String>>,
    /// What the target shows now.
    pub(super) shown: &'a Parts,
    /// Our name for it, where it shows none.
    pub(super) name: &'a str,
    /// For how many seconds it registers, where it does not show it.
    pub(super) expiration: u32,
}

/// The shape as it goes on the wire.
pub(super) fn shape(shape: GbShape) -> Shape {
    match shape {
        GbShape::Y2016 => Shape::Y2016,
        GbShape::Y2014 => Shape::Y2014,
    }
}

/// What sets `wanted`: of 2016 what differs from what is shown, of 2014 all ten parts.
///
/// Errors: what the shape of 2014 needs and we don't have, or a number that is none; in words.
pub(super) fn basic_param(
    shape: GbShape,
    wanted: &Parts,
    filling: &Filling<'_>,
) -> Result<BasicParam, String> {
    match shape {
        GbShape::Y2016 => {
            let differs = |part: &Part, value: &String| filling.shown.get(part) != Some(value);
            let sent: Parts = wanted
                .iter()
                .filter(|(part, value)| differs(part, value))
                .map(|(part, value)| (*part, value.clone()))
                .collect();
            Ok(BasicParam {
                name: sent.get(&Part::Name).cloned(),
                expiration: number(&sent, Part::Expiration)?,
                heartbeat_interval: number(&sent, Part::HeartBeatInterval)?,
                heartbeat_count: number(&sent, Part::HeartBeatCount)?,
                ..BasicParam::default()
            })
        }
        GbShape::Y2014 => y2014(wanted, filling),
    }
}

/// All ten parts.
fn y2014(wanted: &Parts, filling: &Filling<'_>) -> Result<BasicParam, String> {
    const NEEDS: &str = "BasicParam of 2014, which this device's profile asks for, has";
    let password = filling
        .password
        .ok_or_else(|| format!("{NEEDS} the registration password, and none is on record"))?;
    let server = filling.server.as_ref().ok_or_else(|| {
        format!(
            "{NEEDS} the server's address, and none is known for this device: set sip.advertise"
        )
    })?;
    let mut all = filling.shown.clone();
    all.extend(wanted.iter().map(|(part, value)| (*part, value.clone())));
    let name = all.get(&Part::Name).cloned();
    Ok(BasicParam {
        name: Some(name.unwrap_or_else(|| filling.name.to_owned())),
        device_id: Some(filling.id.to_owned()),
        sip_server_id: Some(server.id.clone()),
        // In a URI an IPv6 address has brackets; here it is alone.
        sip_server_ip: Some(server.host.trim_matches(['[', ']']).to_owned()),
        sip_server_port: Some(u32::from(server.port)),
        domain_name: Some(server.domain.clone()),
        expiration: Some(number(&all, Part::Expiration)?.unwrap_or(filling.expiration)),
        password: Some(WireSecret::new(password.expose().as_str())),
        heartbeat_interval: Some(
            number(&all, Part::HeartBeatInterval)?.unwrap_or(HEARTBEAT_INTERVAL_DEFAULT),
        ),
        heartbeat_count: Some(
            number(&all, Part::HeartBeatCount)?.unwrap_or(HEARTBEAT_COUNT_DEFAULT),
        ),
        ..BasicParam::default()
    })
}

/// A part that is a number.
fn number(parts: &Parts, part: Part) -> Result<Option<u32>, String> {
    let Some(text) = parts.get(&part) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{} is no number: {text:?}", part.name()))
}

/// What a BasicParam shows. A part that it does not have is unknown, not empty: devices leave out
/// what they have no setting for.
pub(super) fn parts(basic: &BasicParam) -> Parts {
    let numbers = [
        (Part::Expiration, basic.expiration),
        (Part::HeartBeatInterval, basic.heartbeat_interval),
        (Part::HeartBeatCount, basic.heartbeat_count),
    ];
    let name = basic.name.clone().map(|name| (Part::Name, name));
    let numbers = numbers.into_iter().filter_map(|(part, value)| Some((part, value?.to_string())));
    name.into_iter().chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Option<ServerAddress> {
        Some(ServerAddress {
            id: "34020000002000000001".to_owned(),
            domain: "3402000000".to_owned(),
            host: "198.51.100.5".to_owned(),
            port: 5060,
        })
    }

    fn wanted() -> Parts {
        Parts::from([(Part::Name, "gate-1".to_owned()), (Part::Expiration, "3600".to_owned())])
    }

    fn filling<'a>(shown: &'a Parts, password: Option<&'a Secret<String>>) -> Filling<'a> {
        let id = "34020000001320000001";
        Filling { id, server: server(), password, shown, name: "ours", expiration: 86_400 }
    }

    #[test]
    fn of_2016_only_what_differs_is_sent() {
        let shown = Parts::from([(Part::Name, "gate-1".to_owned())]);
        let found = basic_param(GbShape::Y2016, &wanted(), &filling(&shown, None)).unwrap();
        assert_eq!(found, BasicParam { expiration: Some(3600), ..BasicParam::default() });
        assert_eq!(parts(&found), Parts::from([(Part::Expiration, "3600".to_owned())]));
    }

    #[test]
    fn of_2014_all_ten_are_sent() {
        let shown = Parts::from([(Part::HeartBeatInterval, "30".to_owned())]);
        let password = Secret::new("87654321".to_owned());
        let wanted = Parts::from([(Part::HeartBeatCount, "5".to_owned())]);
        let filling = filling(&shown, Some(&password));
        let found = basic_param(GbShape::Y2014, &wanted, &filling).unwrap();
        let expected = BasicParam {
            name: Some("ours".to_owned()),
            device_id: Some("34020000001320000001".to_owned()),
            sip_server_id: Some("34020000002000000001".to_owned()),
            sip_server_ip: Some("198.51.100.5".to_owned()),
            sip_server_port: Some(5060),
            domain_name: Some("3402000000".to_owned()),
            expiration: Some(86_400),
            password: Some(WireSecret::new("87654321")),
            heartbeat_interval: Some(30),
            heartbeat_count: Some(5),
            ..BasicParam::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn of_2014_nothing_is_sent_without_a_password_or_an_address() {
        let shown = Parts::new();
        let why = basic_param(GbShape::Y2014, &wanted(), &filling(&shown, None)).unwrap_err();
        assert!(why.ends_with("and none is on record"), "{why}");
        let password = Secret::new("87654321".to_owned());
        let nowhere = Filling { server: None, ..filling(&shown, Some(&password)) };
        let why = basic_param(GbShape::Y2014, &wanted(), &nowhere).unwrap_err();
        assert!(why.ends_with("set sip.advertise"), "{why}");
    }

    #[test]
    fn a_number_that_is_none_is_not_sent() {
        let wanted = Parts::from([(Part::Expiration, "4294967296".to_owned())]);
        let shown = Parts::new();
        let why = basic_param(GbShape::Y2016, &wanted, &filling(&shown, None)).unwrap_err();
        assert_eq!(why, "Expiration is no number: \"4294967296\"");
    }
}
