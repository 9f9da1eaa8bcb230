use super::super::request::Asked;
use super::*;

/// Both profiles.
const PROFILES: [IssProfile; 2] = [IssProfile::Product460, IssProfile::Product1344];

/// Reads the fields of a device whose elements are these.
fn read(inside: &str, settings: &IssSettings) -> Result<Fields, Fault> {
    let body = format!("<Request><Devicelist>{inside}</Devicelist></Request>");
    let asked = Asked::read(body.as_bytes()).unwrap();
    Fields::read(asked.only_device().unwrap(), settings)
}

/// The settings of a profile.
fn settings(profile: IssProfile) -> IssSettings {
    IssSettings { profile, ..IssSettings::default() }
}

/// What comes of a device whose elements are these, in each of the profiles: `Ok`, or the code.
fn outcomes(inside: &str) -> [Result<(), EntryCode>; 2] {
    PROFILES.map(|profile| read(inside, &settings(profile)).map(drop).map_err(|fault| fault.code()))
}

/// Checks that both profiles take the elements, or refuse them by this code.
#[track_caller]
fn both(inside: &str, expected: Result<(), EntryCode>) {
    assert_eq!(outcomes(inside), [expected; 2], "{inside}");
}

#[test]
fn names_have_1_to_64_characters_of_the_set() {
    for (field, code) in [
        ("Name", EntryCode::InvalidName),
        ("Desc", EntryCode::InvalidDesc),
        ("User", EntryCode::InvalidUser),
        ("Manufacturer", EntryCode::InvalidManufacturer),
    ] {
        let element = |value: &str| format!("<{field}>{value}</{field}>");
        for good in ["a", "东门-1_*", "Z9"] {
            both(&element(good), Ok(()));
        }
        both(&element(&"东".repeat(64)), Ok(()));
        both(&element(&"&#x20000;".repeat(64)), Ok(()));
        both(&element(&"东".repeat(65)), Err(code));
        both(&element(&"a".repeat(65)), Err(code));
        for bad in ["a b", " a", "a\n", "a.b", "a/b", "(a)", "é", "ア", "🎥", "a&#9;"] {
            both(&element(bad), Err(code));
        }
        both(&element(""), Ok(()));
    }
}

#[test]
fn a_password_is_bounded_by_the_profile() {
    let pwd = |value: &str| format!("<Pwd>{value}</Pwd>");
    let digits = |count: usize| pwd(&"1".repeat(count));
    let refused = Err(EntryCode::InvalidPwd);
    for (inside, expected) in [
        (digits(1), [refused, Ok(())]),
        (digits(5), [refused, Ok(())]),
        (digits(6), [Ok(()), Ok(())]),
        (digits(64), [Ok(()), Ok(())]),
        (digits(65), [refused, refused]),
        (pwd("12345a"), [refused, Ok(())]),
        (pwd("１２３４５６"), [refused, Ok(())]),
        (pwd(" 123456"), [refused, Ok(())]),
        (pwd("p&lt;ß🎥 =\"'"), [refused, Ok(())]),
        (pwd(&"东".repeat(64)), [refused, Ok(())]),
        (pwd(&"东".repeat(65)), [refused, refused]),
        (pwd("abc&#9;def"), [refused, refused]),
        (pwd("abcdef\n"), [refused, refused]),
        (pwd(""), [Ok(()), Ok(())]),
    ] {
        assert_eq!(outcomes(&inside), expected, "{inside}");
    }
    for profile in PROFILES {
        let fault = read(&pwd(&"hunter22".repeat(9)), &settings(profile)).unwrap_err();
        assert!(!fault.message().contains("hunter"), "{}", fault.message());
    }
    let taken = read("<Pwd>123456</Pwd>", &settings(IssProfile::Product460)).unwrap();
    assert_eq!(taken.password.unwrap().expose(), "123456");
}

#[test]
fn a_port_is_1025_to_65535_in_plain_digits() {
    let port = |value: &str| format!("<Port>{value}</Port>");
    for good in ["1025", "5060", "65535"] {
        both(&port(good), Ok(()));
    }
    for bad in
        ["0", "1024", "65536", "99999999999", "05060", "+5060", "-1", "5060.0", "0x13c4", "a"]
    {
        both(&port(bad), Err(EntryCode::InvalidPort));
    }
}

#[test]
fn the_type_is_ipc_in_any_case() {
    for good in ["Ipc", "IPC", "ipc", ""] {
        both(&format!("<Type>{good}</Type>"), Ok(()));
    }
    for bad in ["Nvr", "Ipc ", "ipcam"] {
        both(&format!("<Type>{bad}</Type>"), Err(EntryCode::InvalidType));
    }
}

#[test]
fn a_private_address_is_taken_where_the_project_says_so() {
    let ip = |value: &str| format!("<Ip>{value}</Ip>");
    for bad in
        ["256.1.1.1", "1.1.1", "01.1.1.1", "camera", "1.1.1.1:80", "::1%eth0", "[::1]", " ::1"]
    {
        both(&ip(bad), Err(EntryCode::InvalidIp));
    }
    for profile in PROFILES {
        let public = IssSettings { private_ip: false, ..settings(profile) };
        for address in ["8.8.8.8", "2400:3200::1"] {
            assert!(read(&ip(address), &public).is_ok(), "{address}");
        }
        for address in ["192.168.1.64", "10.0.0.1", "127.0.0.1", "fd00::1"] {
            assert!(read(&ip(address), &settings(profile)).is_ok(), "{address}");
            let fault = read(&ip(address), &public).unwrap_err();
            assert_eq!(fault.code(), EntryCode::InvalidIp, "{address}");
            assert!(fault.message().contains("private"), "{}", fault.message());
        }
    }
}

#[test]
fn an_organization_has_as_many_names_as_its_level_says() {
    let names = |levels: &[usize]| -> String {
        levels.iter().map(|level| format!("<L{level}>n{level}</L{level}>")).collect()
    };
    let organization = |level: &str, names: &str| {
        format!("<Organization><Level>{level}</Level>{names}</Organization>")
    };
    for (level, path) in [("0", ""), ("1", "n1"), ("2", "n1/n2"), ("3", "n1/n2/n3")] {
        let all: Vec<usize> = (1..=level.parse().unwrap()).collect();
        let inside = organization(level, &names(&all));
        both(&inside, Ok(()));
        let fields = read(&inside, &IssSettings::default()).unwrap();
        assert_eq!(fields.values.get(ORGANIZATION).map(String::as_str), Some(path));
    }
    both(&organization("4", &names(&[4, 3, 2, 1])), Ok(()));
    let level = Err(EntryCode::InvalidLevel);
    for bad in ["5", "-1", "01", "1.0", "x", " 1"] {
        both(&organization(bad, &names(&[1])), level);
    }
    // Each of the names that a level needs, missing; and each that it has not, given.
    for given in 1..=4_usize {
        let all: Vec<usize> = (1..=given).collect();
        for missing in &all {
            let rest: Vec<usize> = all.iter().copied().filter(|one| one != missing).collect();
            both(&organization(&given.to_string(), &names(&rest)), level);
            both(
                &organization(&given.to_string(), &(names(&rest) + &format!("<L{missing}/>"))),
                level,
            );
        }
        both(&organization(&(given - 1).to_string(), &names(&all)), level);
    }
    both("<Organization><L1>n</L1></Organization>", level);
    both("<Organization><OrganizationId>o</OrganizationId></Organization>", level);
    let bad = Err(EntryCode::InvalidOrganization);
    both(&organization("1", "<L1>a b</L1>"), bad);
    both(&organization("1", &format!("<L1>{}</L1>", "东".repeat(65))), bad);
    both(&organization("1", &format!("<L1>{}</L1>", "东".repeat(64))), Ok(()));
    both(&organization("0", "<OrganizationId>o</OrganizationId>"), bad);
    both(&organization("1", "<L1>a</L1><OrganizationId>a,b</OrganizationId>"), bad);
    both(&organization("1", "<L1>a</L1><L1>b</L1>"), Err(EntryCode::DuplicateElement));
}

#[test]
fn what_is_empty_is_not_said() {
    // As the vendor's skeleton prints them.
    let skeleton = "<Name/><Desc></Desc><User/><Pwd/><Ip/><Port/><Type/><Manufacturer></Manufacturer>\
        <Organization><OrganizationId></OrganizationId><Level></Level><L1></L1><L2></L2><L3></L3>\
        <L4></L4></Organization>";
    for inside in [skeleton, "<Organization/>", "<Transport>?</Transport><Protocol>?</Protocol>"] {
        for profile in PROFILES {
            let fields = read(inside, &settings(profile)).unwrap();
            assert!(fields.values.is_empty(), "{inside}: {fields:?}");
            assert!(fields.user.is_none() && fields.password.is_none(), "{inside}");
            assert!(fields.organization.is_none(), "{inside}");
        }
    }
}

#[test]
fn all_that_is_said_is_kept_and_the_first_fault_is_named() {
    let inside = "<Organization><L1>北京</L1><Level>1</Level><OrganizationId>o1</OrganizationId>\
        </Organization><Manufacturer>Dahua</Manufacturer><Type>IPC</Type><Pwd>123456</Pwd>\
        <User>u</User><Port>5060</Port><Ip>10.0.0.1</Ip><Desc>d</Desc><Name>东门</Name>";
    let fields = read(inside, &IssSettings::default()).unwrap();
    let values: Vec<(&str, &str)> =
        fields.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("Desc", "d"),
        ("Ip", "10.0.0.1"),
        ("Manufacturer", "Dahua"),
        ("Name", "东门"),
        ("Organization", "北京"),
        ("Port", "5060"),
    ];
    assert_eq!(values, expected);
    assert_eq!(fields.user.as_deref(), Some("u"));
    assert_eq!(fields.organization, OrganizationId::new("o1").ok());
    both("<Port>1</Port><Desc>a b</Desc><Pwd>1&#9;</Pwd>", Err(EntryCode::InvalidDesc));
}

#[test]
fn a_gbid_is_20_digits() {
    let gbid = |inside: &str| {
        let body = format!("<Request><Devicelist>{inside}<Name/></Devicelist></Request>");
        let asked = Asked::read(body.as_bytes()).unwrap();
        gbid(asked.only_device().unwrap()).map_err(|fault| fault.code())
    };
    assert_eq!(gbid("<Gbid>34020000001320000001</Gbid>").unwrap().as_str().len(), 20);
    for missing in ["", "<Gbid/>"] {
        assert_eq!(gbid(missing), Err(EntryCode::GbidMissing));
    }
    for bad in ["3402000000132000001", "340200000013200000011", "Gbid", "3402000000132000000x"] {
        assert_eq!(gbid(&format!("<Gbid>{bad}</Gbid>")), Err(EntryCode::InvalidGbid), "{bad}");
    }
}

#[test]
fn transport_and_protocol_are_words() {
    let entry = |inside: &str| {
        let body = format!("<Request><Devicelist>{inside}<Name/></Devicelist></Request>");
        let asked = Asked::read(body.as_bytes()).unwrap();
        let entry = asked.only_device().unwrap();
        (transport(entry).map_err(|fault| fault.code()), check_protocol(entry).is_ok())
    };
    assert_eq!(entry(""), (Ok("UDP"), true));
    assert_eq!(entry("<Transport>tcp</Transport><Protocol>gb28181</Protocol>"), (Ok("TCP"), true));
    let refused = entry("<Transport>TLS</Transport><Protocol>RTMP</Protocol>");
    assert_eq!(refused, (Err(EntryCode::InvalidTransport), false));
}
