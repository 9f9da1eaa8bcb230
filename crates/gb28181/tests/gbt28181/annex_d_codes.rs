//! Annex D: the 20 digits.

use gb28181::code::{Code, CodeError, CodeKind};

#[test]
fn rule_a_has_five_fields() {
    let code = Code::parse("44010312341326000024").unwrap();
    assert_eq!((code.centre(), code.industry(), code.kind_digits()), ("44010312", "34", "132"));
    assert_eq!((code.network(), code.serial(), code.domain()), (6, "000024", "4401031234"));
    assert_eq!(code.kind(), CodeKind::Ipc);
    assert_eq!(code.to_string(), "44010312341326000024");
    assert_eq!(format!("{code:?}"), "Code(44010312341326000024)");
    assert_eq!("44010312341326000024".parse(), Ok(code));
}

#[test]
fn what_is_no_code() {
    for (text, expected) in [
        ("", CodeError::Length { found: 0 }),
        ("340200", CodeError::Length { found: 6 }),
        ("340200000013200001", CodeError::Length { found: 18 }),
        ("340200000013200000011", CodeError::Length { found: 21 }),
        (" 34020000001320000001", CodeError::Length { found: 21 }),
        ("3402000000132000000x", CodeError::NotADigit),
        ("34020000001320000 01", CodeError::NotADigit),
        // Digits, but not those of ASCII: 17 of one byte and one of three.
        ("34020000001320000１", CodeError::NotADigit),
    ] {
        assert_eq!(Code::parse(text), Err(expected), "{text:?}");
    }
}

#[test]
fn table_d_1_kinds() {
    for (number, expected) in [
        (0, CodeKind::Other(0)),
        (110, CodeKind::Other(110)),
        (111, CodeKind::Dvr),
        (112, CodeKind::VideoServer),
        (113, CodeKind::Encoder),
        (114, CodeKind::Decoder),
        (115, CodeKind::VideoMatrix),
        (116, CodeKind::AudioMatrix),
        (117, CodeKind::AlarmController),
        (118, CodeKind::Nvr),
        (119, CodeKind::OtherMainDevice),
        (129, CodeKind::OtherMainDevice),
        (130, CodeKind::Hvr),
        (131, CodeKind::Camera),
        (132, CodeKind::Ipc),
        (133, CodeKind::Display),
        (134, CodeKind::AlarmInput),
        (135, CodeKind::AlarmOutput),
        (136, CodeKind::AudioInput),
        (137, CodeKind::AudioOutput),
        (138, CodeKind::MobileTransmission),
        (139, CodeKind::OtherPeripheral),
        (199, CodeKind::OtherPeripheral),
        (200, CodeKind::SignallingServer),
        (201, CodeKind::OtherPlatformPart),
        (215, CodeKind::BusinessGroup),
        (216, CodeKind::VirtualOrganization),
        (299, CodeKind::OtherPlatformPart),
        (300, CodeKind::CentreUser),
        (400, CodeKind::TerminalUser),
        (500, CodeKind::ExternalServer),
        (599, CodeKind::ExternalServer),
        (600, CodeKind::Other(600)),
        (999, CodeKind::Other(999)),
    ] {
        let code = Code::parse(&format!("3402000000{number:03}0000001")).unwrap();
        assert_eq!(code.kind(), expected);
        assert_eq!(code.kind().is_camera(), matches!(number, 131 | 132));
    }
}
