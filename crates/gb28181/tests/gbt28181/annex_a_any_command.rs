//! Annex A as a whole: whatever is written is read back, and nothing that is read does harm.

use gb28181::manscdp::{
    BasicParam, CatalogItem, CatalogPart, ConfigDownload, ConfigResult, Control, ControlCommand,
    DeviceInfo, DeviceStatus, Encoding, Incoming, Keepalive, Outcome, Outgoing, Query, QueryKind,
    Secret, Shape, WriteError,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::example::CAMERA;

/// Whether XML can say a character (XML 1.0, 2.2).
fn is_lawful(character: char) -> bool {
    !matches!(character,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A value that readers leave as it is: one without white space around it. Half of the characters
/// are those of names, the others are any.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::char::range('\u{4e00}', '\u{9fff}'),
        prop::char::range('!', '~'),
        prop::char::range('\u{e000}', '\u{f8ff}'),
        any::<char>().prop_filter("XML forbids it", |character| is_lawful(*character)),
    ];
    vec(character, 1..20).prop_filter_map("nothing is left", |characters| {
        let text: String = characters.into_iter().collect();
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    })
}

/// How something went.
fn outcome() -> impl Strategy<Value = Outcome> {
    let error = text().prop_filter("is no error", |text| !text.eq_ignore_ascii_case("ok"));
    prop_oneof![Just(Outcome::Ok), error.prop_map(Outcome::Error)]
}

/// A number, or none.
fn number() -> impl Strategy<Value = Option<u32>> {
    option::of(any::<u32>())
}

/// The parameters of the 2016 shape.
fn four() -> impl Strategy<Value = BasicParam> {
    (option::of(text()), number(), number(), number()).prop_map(|(name, a, b, c)| BasicParam {
        name,
        expiration: a,
        heartbeat_interval: b,
        heartbeat_count: c,
        ..BasicParam::default()
    })
}

/// The parameters of the 2014 shape.
fn ten() -> impl Strategy<Value = BasicParam> {
    (four(), vec(option::of(text()), 5), number()).prop_map(|(four, mut texts, port)| BasicParam {
        device_id: texts.pop().flatten(),
        sip_server_id: texts.pop().flatten(),
        sip_server_ip: texts.pop().flatten(),
        sip_server_port: port,
        domain_name: texts.pop().flatten(),
        password: texts.pop().flatten().map(Secret::new),
        ..four
    })
}

/// A configuration of either shape.
fn config() -> impl Strategy<Value = (BasicParam, Shape)> {
    prop_oneof![
        four().prop_map(|basic| (basic, Shape::Y2016)),
        ten().prop_map(|basic| (basic, Shape::Y2014))
    ]
}

/// An item of a catalog.
fn item() -> impl Strategy<Value = CatalogItem> {
    let (texts, numbers) = (vec(option::of(text()), 12), vec(number(), 6));
    (text(), texts, numbers).prop_map(|(device_id, mut texts, mut numbers)| {
        let mut text = || texts.pop().flatten();
        let mut number = || numbers.pop().flatten();
        CatalogItem {
            device_id,
            name: text(),
            manufacturer: text(),
            model: text(),
            owner: text(),
            civil_code: text(),
            block: text(),
            address: text(),
            parental: number(),
            parent_id: text(),
            safety_way: number(),
            register_way: number(),
            secrecy: number(),
            ip_address: text(),
            port: number(),
            status: text(),
            longitude: text(),
            latitude: text(),
            ptz_type: number(),
        }
    })
}

/// Any query.
fn query_kind() -> impl Strategy<Value = QueryKind> {
    prop::sample::select(vec![
        QueryKind::Catalog,
        QueryKind::DeviceInfo,
        QueryKind::DeviceStatus,
        QueryKind::ConfigDownload,
    ])
}

/// Any command, and what is read of it.
fn command() -> impl Strategy<Value = (Outgoing, Incoming)> {
    (any::<u32>(), text()).prop_flat_map(|(sn, device_id)| {
        let id = move || device_id.clone();
        prop_oneof![from_platform(sn, id.clone()), from_device(sn, id.clone()), lists(sn, id),]
    })
}

/// What a platform sends, and what is read of it.
fn from_platform(
    sn: u32,
    id: impl Fn() -> String + Clone + 'static,
) -> impl Strategy<Value = (Outgoing, Incoming)> {
    let control = {
        let id = id.clone();
        move |command| Incoming::Control(Control { sn, device_id: id(), command })
    };
    let (id_1, id_2, control_1) = (id.clone(), id.clone(), control.clone());
    prop_oneof![
        query_kind().prop_map(move |cmd| {
            let config_type = (cmd == QueryKind::ConfigDownload).then(|| "BasicParam".to_owned());
            let cmd_type = cmd.cmd_type().to_owned();
            let heard = Query { cmd_type, sn, device_id: id_1(), config_type };
            (Outgoing::Query { cmd, sn, device_id: id_1() }, Incoming::Query(heard))
        }),
        config().prop_map(move |(basic, shape)| {
            let basic = Box::new(basic);
            let heard = control_1(ControlCommand::DeviceConfig(basic.clone()));
            (Outgoing::Config { sn, device_id: id_2(), basic, shape }, heard)
        }),
        Just(()).prop_map(move |()| {
            (Outgoing::TeleBoot { sn, device_id: id() }, control(ControlCommand::TeleBoot))
        }),
    ]
}

/// What a device says of itself, and what is read of it.
fn from_device(
    sn: u32,
    id: impl Fn() -> String + Clone + 'static,
) -> impl Strategy<Value = (Outgoing, Incoming)> {
    let (id_1, id_2, id_3) = (id.clone(), id.clone(), id.clone());
    let info = (outcome(), vec(option::of(text()), 4), number());
    let status = (outcome(), option::of(outcome()), vec(option::of(text()), 5));
    prop_oneof![
        outcome().prop_map(move |status| {
            let sent = Keepalive { sn, device_id: id_1(), status };
            (Outgoing::Keepalive(sent.clone()), Incoming::Keepalive(sent))
        }),
        outcome().prop_map(move |result| {
            let sent = ConfigResult { sn, device_id: id_2(), result };
            (Outgoing::ConfigResult(sent.clone()), Incoming::DeviceConfig(sent))
        }),
        info.prop_map(move |(result, mut texts, channel)| {
            let mut text = || texts.pop().flatten();
            let sent = DeviceInfo {
                sn,
                device_id: id_3(),
                device_name: text(),
                result,
                manufacturer: text(),
                model: text(),
                firmware: text(),
                channel,
            };
            (Outgoing::DeviceInfo(sent.clone()), Incoming::DeviceInfo(sent))
        }),
        status.prop_map(move |(result, status, mut texts)| {
            let mut text = || texts.pop().flatten();
            let sent = DeviceStatus {
                sn,
                device_id: id(),
                result,
                online: text(),
                status,
                reason: text(),
                encode: text(),
                record: text(),
                device_time: text(),
            };
            (Outgoing::DeviceStatus(sent.clone()), Incoming::DeviceStatus(sent))
        }),
    ]
}

/// What a device answers at length, and what is read of it.
fn lists(
    sn: u32,
    id: impl Fn() -> String + Clone + 'static,
) -> impl Strategy<Value = (Outgoing, Incoming)> {
    let id_1 = id.clone();
    let place = (ten(), number(), option::of(text()), option::of(text()));
    let download = (outcome(), option::of(place));
    prop_oneof![
        (number(), vec(item(), 0..8)).prop_map(move |(sum_num, items)| {
            let sent = CatalogPart { sn, device_id: id_1(), sum_num, items };
            (Outgoing::Catalog(sent.clone()), Incoming::Catalog(sent))
        }),
        download.prop_map(move |(result, place)| {
            let basic = place.map(|(ten, position_capability, longitude, latitude)| {
                Box::new(BasicParam { position_capability, longitude, latitude, ..ten })
            });
            let other_types = Vec::new();
            let sent = ConfigDownload { sn, device_id: id(), result, basic, other_types };
            (Outgoing::ConfigDownload(sent.clone()), Incoming::ConfigDownload(sent))
        }),
    ]
}

/// Every way to write a body.
const ENCODINGS: [Encoding; 3] = [Encoding::Gb2312Label, Encoding::Gb18030, Encoding::Utf8];

proptest! {
    #[test]
    fn what_is_written_is_read_back((sent, heard) in command()) {
        for encoding in ENCODINGS {
            let body = sent.to_body(encoding).unwrap();
            prop_assert!(body.ends_with(b">\r\n"));
            // Bytes in GB18030 that are UTF-8 as well, which takes rare characters and few of them,
            // can be read either way; the tests of 6.10 have the rules.
            let either = !body.is_ascii() && std::str::from_utf8(&body).is_ok();
            if encoding == Encoding::Utf8 || !either {
                prop_assert_eq!(&Incoming::parse(&body).unwrap(), &heard, "{:?}", encoding);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..400)) {
        let _ = Incoming::parse(&body);
        let _ = gb28181::charset::decode(&body);
    }

    #[test]
    fn no_damage_to_a_command_makes_it_panic(
        (sent, _) in command(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut body = sent.to_body(Encoding::Gb2312Label).unwrap();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = Incoming::parse(&body);
        let _ = Incoming::parse(&body[..cut.index(body.len())]);
    }

    #[test]
    fn what_xml_cannot_say_is_refused(
        before in text(),
        character in any::<u32>().prop_filter_map("XML can say it", |point| {
            char::from_u32(point % 0x20).filter(|character| !is_lawful(*character))
        }),
    ) {
        let name = format!("{before}{character}");
        for encoding in ENCODINGS {
            let error = named(&name).to_body(encoding);
            prop_assert_eq!(error, Err(WriteError::ForbiddenCharacter { element: "Name" }));
        }
    }
}

/// A configuration with this name.
fn named(name: &str) -> Outgoing {
    let basic = Box::new(BasicParam { name: Some(name.to_owned()), ..BasicParam::default() });
    Outgoing::Config { sn: 1, device_id: CAMERA.to_owned(), basic, shape: Shape::Y2016 }
}

#[test]
fn markup_in_a_value_stays_a_value() {
    let body = named("</Name><Password>&\r]]>'\"").to_body(Encoding::Utf8).unwrap();
    let expected = "<Name>&lt;/Name&gt;&lt;Password&gt;&amp;&#13;]]&gt;'\"</Name>\r\n";
    assert!(String::from_utf8(body).unwrap().contains(expected));
}

#[test]
fn characters_whose_bytes_mean_another_are_written_as_references() {
    let body = named("\u{e5e5}\u{e78d}\u{e001}").to_body(Encoding::Gb18030).unwrap();
    let expected = b"<Name>&#58853;&#59277;\xaa\xa2</Name>";
    assert!(
        body.windows(expected.len()).any(|window| window == expected),
        "{}",
        body.escape_ascii()
    );
    let utf8 = named("\u{e5e5}").to_body(Encoding::Utf8).unwrap();
    assert!(String::from_utf8(utf8).unwrap().contains("<Name>\u{e5e5}</Name>"));
}

#[test]
fn what_is_over_a_bound_is_not_written() {
    let refused = |name: &str| named(name).to_body(Encoding::Utf8).err();
    assert_eq!(refused(&"x".repeat(1024)), None);
    let too_long = WriteError::ValueTooLong { element: "Name" };
    assert_eq!(refused(&"x".repeat(1025)), Some(too_long));

    let catalog = |items: usize, name: &str| {
        let item = CatalogItem { name: Some(name.to_owned()), ..CatalogItem::default() };
        let items = vec![item; items];
        let device_id = CAMERA.to_owned();
        let sent = CatalogPart { sn: 1, device_id, sum_num: Some(1), items };
        Outgoing::Catalog(sent).to_body(Encoding::Utf8).err()
    };
    assert_eq!(catalog(512, "x"), None);
    assert_eq!(catalog(513, "x"), Some(WriteError::TooManyItems));
    assert_eq!(catalog(100, &"x".repeat(1000)), Some(WriteError::BodyTooLong));
}
