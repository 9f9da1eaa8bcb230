//! Queries, configuration, and how makes and faults change the answers.

use gb28181::manscdp::{CatalogAssembly, Outcome, Progress};

use super::*;

/// A name with a character beyond GB2312, and one of four bytes in GB18030.
const NAME: &str = "萳园𠮷-1";

#[test]
fn a_name_is_taken_and_read_back_equal() {
    for edition in [Edition::Y2014, Edition::Y2016, Edition::Y2022] {
        let mut bed = Bed::registered(|options| options.edition = edition);
        assert_eq!(bed.command(&rename(ID, NAME)), 200);
        let Incoming::DeviceConfig(result) = bed.take() else { panic!() };
        assert_eq!((result.sn, &*result.device_id, result.result), (901, ID, Outcome::Ok));
        let download = bed.download(ID);
        assert_eq!(download.sn, 17);
        let basic = download.basic.unwrap();
        assert_eq!(basic.name.as_deref(), Some(NAME));
        assert_eq!((basic.expiration, basic.heartbeat_count), (Some(3600), Some(3)));
        assert_eq!(basic.sip_server_id.is_some(), edition == Edition::Y2014);
        assert_eq!(basic.position_capability.is_some(), edition != Edition::Y2014);
        let held = bed.camera.held();
        assert_eq!((&*held.name, &*held.channels[0].name), (NAME, "ch01"));
        assert_eq!(held.counts.device_configs, 1);
    }
}

#[test]
fn bodies_declare_what_their_edition_asks_for() {
    for (edition, declared) in [(Edition::Y2016, "GB2312"), (Edition::Y2022, "GB18030")] {
        let mut bed = Bed::registered(|options| options.edition = edition);
        bed.camera.set_name(None, NAME);
        bed.command(&query(QueryKind::DeviceInfo, ID));
        let body = bed.next().body().to_vec();
        let start = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?>\r\n");
        assert!(body.starts_with(start.as_bytes()));
        // `'萳园𠮷-1'.encode('gb18030')` in Python.
        let name = b"<DeviceName>\xc8\x6c\xd4\xb0\x95\x34\xb2\x35-1</DeviceName>";
        assert!(body.windows(name.len()).any(|window| window == name), "{body:x?}");
    }
}

#[test]
fn a_repeated_command_is_answered_again_and_not_done_again() {
    let mut bed = Bed::registered(|_| {});
    let bytes = bed.message(&rename(ID, "a"));
    let mut answers = vec![];
    for _ in 0..3 {
        bed.camera.receive(bed.now, bytes.clone());
        bed.follow();
        answers.push(bed.sent.pop_front().unwrap().bytes().clone());
        bed.sent.clear();
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(bed.camera.held().counts.device_configs, 1);
}

#[test]
fn each_make_takes_a_channels_name_in_its_own_way() {
    for (make, device, channel) in
        [(Make::Generic, true, true), (Make::Hikvision, true, true), (Make::Dahua, true, false)]
    {
        for (id, expected) in [(ID, device), (CHANNEL, channel), ("34020000001310000009", false)] {
            let mut bed = Bed::registered(|options| options.make = make);
            assert_eq!(bed.command(&rename(id, "b")), 200);
            if id != ID && id != CHANNEL {
                bed.nothing();
                continue;
            }
            let Incoming::DeviceConfig(result) = bed.take() else { panic!() };
            assert_eq!(result.result.is_ok(), expected, "{make} {id}");
            assert_eq!(bed.download(id).result.is_ok(), expected, "{make} {id}");
            let held = bed.camera.held();
            let shown = if id == ID { &held.name } else { &held.channels[0].name };
            assert_eq!(shown == "b", expected, "{make} {id}");
        }
    }
}

#[test]
fn a_make_that_restarts_instead_of_answering_keeps_the_value_or_loses_it() {
    for loses_config in [false, true] {
        let mut bed = Bed::registered(|options| {
            options.make = Make::Uniview;
            options.faults.loses_config = loses_config;
        });
        assert_eq!(bed.command(&rename(ID, "c")), 200);
        assert_eq!(bed.sent[0].header(Name::Expires).as_deref(), Some(&b"0"[..]));
        bed.accept_registration();
        bed.nothing();
        bed.pass(Duration::from_secs(2));
        bed.accept_registration();
        let held = bed.camera.held();
        assert_eq!(held.name == "c", !loses_config);
        let counts = held.counts;
        assert_eq!((counts.unregistrations, counts.restarts, counts.device_configs), (1, 1, 1));
    }
}

#[test]
fn the_2014_shape_alone_carries_the_password() {
    let basic = BasicParam {
        password: Some(Secret::new("87654321")),
        expiration: Some(7200),
        heartbeat_interval: Some(30),
        ..BasicParam::default()
    };
    for (edition, password) in [(Edition::Y2014, "87654321"), (Edition::Y2016, "12345678")] {
        let mut bed = Bed::registered(|options| options.edition = edition);
        assert_eq!(bed.command(&config(ID, basic.clone(), Shape::Y2014)), 200);
        bed.take();
        bed.camera.register(bed.now);
        bed.follow();
        let (request, credentials) = bed.challenge(&Challenge::new(&b"r"[..], &b"n"[..]));
        assert!(credentials.answers(password.as_bytes(), b"REGISTER"));
        assert_eq!(request.header(Name::Expires).as_deref(), Some(&b"7200"[..]));
        assert_eq!(bed.camera.held().heartbeat_interval, 30);
    }
}

#[test]
fn the_2011_edition_knows_no_configuration() {
    let mut bed = Bed::registered(|options| options.edition = Edition::Y2011);
    assert_eq!(bed.command(&rename(ID, "d")), 200);
    assert_eq!(bed.command(&query(QueryKind::ConfigDownload, ID)), 200);
    bed.nothing();
    assert_eq!(bed.camera.held().name, "cam");
}

#[test]
fn a_recorder_sends_all_its_channels_a_few_at_a_time() {
    for (make, transport, messages) in [
        (Make::Generic, Transport::Udp, 32),
        (Make::Hikvision, Transport::Udp, 16),
        (Make::Hikvision, Transport::Tcp, 4),
    ] {
        let mut bed = Bed::registered(|options| {
            options.recorder = Some(32);
            (options.make, options.transport) = (make, transport);
        });
        let second = "34020000001310000002";
        assert!(bed.camera.set_name(Some(second), NAME));
        assert!(!bed.camera.set_name(Some(ID), NAME));
        assert_eq!(bed.command(&query(QueryKind::Catalog, ID)), 200);
        assert!(bed.sent.len() <= REPLIES_UNDER_WAY_MAX);
        let mut assembly = CatalogAssembly::new(17);
        for number in 1..=messages {
            let Incoming::Catalog(part) = bed.take() else { panic!() };
            let complete = assembly.add(part).unwrap() == Progress::Complete;
            assert_eq!(complete, number == messages);
        }
        bed.nothing();
        let items = assembly.into_items();
        assert_eq!(items.len(), 32);
        let named: Vec<_> =
            items.iter().filter(|item| item.name.as_deref() == Some(NAME)).collect();
        assert_eq!((named.len(), &*named[0].device_id), (1, second));
    }
}

#[test]
fn answers_are_lost_late_or_incomplete_as_the_fault_has_it() {
    let mut bed = Bed::registered(|options| options.keepalive_seconds = 10_000);
    let fault = |bed: &mut Bed, json: &str, outgoing: &Outgoing| {
        bed.camera.set_faults(serde_json::from_str(json).unwrap());
        assert_eq!(bed.command(outgoing), 200, "{json}");
    };
    fault(&mut bed, r#"{"lost_answers":true}"#, &rename(ID, "e"));
    bed.nothing();
    assert_eq!(bed.camera.held().name, "e");

    fault(&mut bed, r#"{"error_answers":true}"#, &rename(ID, "f"));
    let Incoming::DeviceConfig(result) = bed.take() else { panic!() };
    assert_eq!((result.result.is_ok(), &*bed.camera.held().name), (false, "e"));

    fault(&mut bed, r#"{"forgets_name":true}"#, &rename(ID, "g"));
    let Incoming::DeviceConfig(result) = bed.take() else { panic!() };
    assert!(result.result.is_ok());
    assert_eq!(bed.download(ID).basic.unwrap().name.as_deref(), Some("e"));

    bed.camera.set_faults(Faults::named("answers-403").unwrap());
    assert_eq!(bed.command(&rename(ID, "g")), 403);
    assert_eq!(bed.camera.held().counts.device_configs, 3);

    fault(&mut bed, r#"{"no_config_download":true}"#, &query(QueryKind::ConfigDownload, ID));
    bed.nothing();

    fault(&mut bed, r#"{"catalog_incomplete":true}"#, &query(QueryKind::Catalog, ID));
    let Incoming::Catalog(part) = bed.take() else { panic!() };
    assert_eq!((part.sum_num, part.items.len()), (Some(1), 0));

    fault(&mut bed, r#"{"late_answers":{"ms":1500}}"#, &query(QueryKind::DeviceStatus, ID));
    bed.nothing();
    let begin = bed.now;
    bed.pass(Duration::from_secs(2));
    assert_eq!(bed.now - begin, Duration::from_millis(1500));
    assert!(matches!(bed.take(), Incoming::DeviceStatus(_)));

    fault(&mut bed, r#"{"unregister_and_restart":true}"#, &rename(ID, "h"));
    bed.accept_registration();
    assert_eq!((bed.camera.held().state, &*bed.camera.held().name), ("booting", "h"));
}

#[test]
fn other_requests_are_answered_as_a_small_device_would() {
    let mut bed = Bed::registered(|_| {});
    for (method, status) in
        [("OPTIONS", 200), ("INVITE", 405), ("BYE", 481), ("SUBSCRIBE", 405), ("MESSAGE", 400)]
    {
        let request = MessageBuilder::request(method, b"sip:x@127.0.0.1")
            .header(Name::Via, format!("SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{method}").as_bytes())
            .header(Name::CallId, b"c")
            .header(Name::CSeq, format!("1 {method}").as_bytes())
            .finish_with_body("text/plain", b"no XML");
        bed.camera.receive(bed.now, request);
        bed.follow();
        assert_eq!(bed.next().status(), Some(status), "{method}");
    }
    bed.camera.receive(bed.now, Bytes::from_static(b"no SIP"));
    bed.follow();
    bed.nothing();
}

#[test]
fn a_camera_that_is_not_registered_refuses_commands() {
    let mut bed = Bed::registered(|options| options.transport = Transport::Udp);
    bed.camera.register(bed.now);
    bed.follow();
    let request = bed.next();
    // Still registered as long as the server has not said otherwise.
    assert_eq!(bed.command(&query(QueryKind::DeviceInfo, ID)), 200);
    bed.take();
    bed.answer(&request, 404, &[]);
    assert_eq!(bed.camera.held().state, "waiting");
    assert_eq!(bed.command(&query(QueryKind::DeviceInfo, ID)), 403);
    bed.nothing();
}
