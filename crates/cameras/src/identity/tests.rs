use super::*;

fn identity(advertise: &[&str], listen: &str, towards: Option<Towards>) -> Identity {
    let advertise = advertise.iter().map(|text| text.parse().unwrap()).collect();
    let identity = Identity::new(&Settings { advertise, ..Settings::default() });
    identity.listens_at(listen.parse().unwrap(), towards);
    identity
}

fn told(identity: &Identity, remote: &str) -> Option<String> {
    identity.advertised(remote.parse().unwrap()).map(|(host, port)| format!("{host}:{port}"))
}

#[test]
fn the_narrowest_network_of_the_peer_decides() {
    let identity = identity(
        &["gb.example.com:5062", "10.0.0.0/8=10.0.0.5", "10.1.0.0/16=10.1.0.5:5070"],
        "0.0.0.0:5060",
        None,
    );
    assert_eq!(told(&identity, "192.0.2.1").unwrap(), "gb.example.com:5062");
    assert_eq!(told(&identity, "10.9.9.9").unwrap(), "10.0.0.5:5060");
    assert_eq!(told(&identity, "10.1.9.9").unwrap(), "10.1.0.5:5070");
    assert_eq!(told(&identity, "::ffff:10.1.9.9").unwrap(), "10.1.0.5:5070");
}

#[test]
fn a_wildcard_or_loopback_address_is_never_told_to_another_host() {
    let nowhere = identity(&[], "0.0.0.0:5060", None);
    assert_eq!(told(&nowhere, "192.0.2.1"), None);
    let faces: Towards = |_| Some(IpAddr::from([198, 51, 100, 5]));
    assert_eq!(
        told(&identity(&[], "[::]:5060", Some(faces)), "192.0.2.1").unwrap(),
        "198.51.100.5:5060"
    );
    let loops: Towards = |_| Some(IpAddr::from([127, 0, 0, 1]));
    assert_eq!(told(&identity(&[], "0.0.0.0:5060", Some(loops)), "192.0.2.1"), None);
    let local = identity(&["127.0.0.1:5099"], "127.0.0.1:5060", Some(faces));
    assert_eq!(told(&local, "127.0.0.9").unwrap(), "127.0.0.1:5099");
    assert_eq!(told(&local, "192.0.2.1").unwrap(), "198.51.100.5:5060");
    assert_eq!(
        told(&identity(&[], "192.0.2.5:5060", None), "192.0.2.1").unwrap(),
        "192.0.2.5:5060"
    );
}

#[test]
fn addresses_are_read_or_refused() {
    for text in
        ["", ":5060", "a b", "host:99999", "host:0", "0.0.0.0:5060", "::", "10.0.0.0/33=h", "x=h"]
    {
        assert!(text.parse::<Advertise>().is_err(), "{text:?}");
    }
    let v6: Advertise = "2001:db8::/32=[2001:db8::5]:5061".parse().unwrap();
    assert_eq!((v6.host.as_str(), v6.port), ("[2001:db8::5]", Some(5061)));
    let bare: Advertise = "2001:db8::5".parse().unwrap();
    assert_eq!((bare.host.as_str(), bare.port), ("[2001:db8::5]", None));
}

#[test]
fn an_installer_is_told_every_address_there_is() {
    let all = |advertise: &[&str], listen: &str, towards: Option<Towards>| {
        let all = identity(advertise, listen, towards).all_advertised();
        all.into_iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>()
    };
    let faces: Towards = |ip| {
        Some(match ip {
            IpAddr::V4(_) => IpAddr::from([198, 51, 100, 5]),
            IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 5]),
        })
    };
    let loops: Towards = |_| Some(IpAddr::from([127, 0, 0, 1]));
    let advertise =
        ["gb.example.com:5062", "10.0.0.0/8=10.0.0.5", "11.0.0.0/8=10.0.0.5:5060", "[2001:db8::7]"];
    assert_eq!(
        all(&advertise, "0.0.0.0:5060", Some(faces)),
        ["gb.example.com:5062", "10.0.0.5:5060", "[2001:db8::7]:5060"]
    );
    assert_eq!(all(&[], "192.0.2.5:5060", Some(faces)), ["192.0.2.5:5060"]);
    assert_eq!(all(&[], "127.0.0.1:5060", Some(faces)), ["127.0.0.1:5060"]);
    assert_eq!(all(&[], "0.0.0.0:5060", Some(faces)), ["198.51.100.5:5060"]);
    assert_eq!(all(&[], "[::]:5060", Some(faces)), ["198.51.100.5:5060", "[2001:db8::5]:5060"]);
    for towards in [None, Some(loops)] {
        assert!(all(&[], "0.0.0.0:5060", towards).is_empty());
    }
    let settings =
        Settings { advertise: vec!["gb.example.com".parse().unwrap()], ..Settings::default() };
    assert!(Identity::new(&settings).all_advertised().is_empty(), "it has no port yet");
}
