//! Who is not let in, and what the operator is told of it.

use serde_json::json;

use crate::harness::cameras::{DigestForm, Faults, Transport, record, server};
use crate::harness::sip::{Line, Ua};
use crate::harness::site::import;
use crate::harness::{Cameras, Cli, PATIENCE, Start, wait_until};

/// A password that must never be seen again.
const SECRET: &str = "never-to-be-seen-9731";

#[test]
fn whoever_is_not_let_in_is_shown_with_the_reason() {
    let (server, native) = server(&Start::with_cameras());
    let id = |serial: u32| format!("3402000000132000{serial:04}");
    let ids = ["wrong", "unknown", "no password", "user", "realm", "malformed"];
    let mut records = vec![record(&id(1), SECRET)];
    records.push(json!({"kind": "camera", "project": "demo", "id": id(3), "name": "bare"}));
    records.push(record(&id(4), SECRET));
    records[2]["user"] = json!("admin");
    records.extend([record(&id(5), SECRET), record(&id(6), SECRET)]);
    import(&native, &records);

    let ua = |serial, password| Ua::new(&id(serial), password, Line::udp(server.sip()));
    for (serial, password) in [(1, "wrong"), (2, SECRET), (3, SECRET), (4, SECRET)] {
        let answer = ua(serial, password).register(3600);
        assert_eq!(answer.status, Some(401), "{}", answer.text());
    }
    let mut realm = ua(5, SECRET);
    let challenge = realm.challenge();
    let mut credentials = realm.credentials(&challenge);
    "another".clone_into(&mut credentials.realm);
    assert_eq!(realm.send_register(3600, Some(&credentials.header())).status, Some(401));
    let mut malformed = ua(6, SECRET);
    let answer = malformed.send_register(3600, Some("Digest username=\"unclosed"));
    assert_eq!(answer.status, Some(401));

    let whys =
        ["wrong_digest", "unknown_id", "no_password", "wrong_user", "wrong_realm", "malformed"];
    for ((serial, why), what) in (1..).zip(whys).zip(ids) {
        let refused = native.refusals(&id(serial));
        assert_eq!(refused.get(why), Some(&1), "{what}: {refused:?}");
        assert_eq!(refused.len(), 1, "{what}: {refused:?}");
        if serial != 2 {
            assert_eq!(native.camera_status(&id(serial)), "Register", "{what}");
        }
    }
    let cli = Cli::new(&server);
    let (table, text) =
        (cli.run(&["registrations"]).ok(), cli.run(&["registrations", "--json"]).ok());
    for serial in 1..=6 {
        assert!(table.contains(&id(serial)), "{table}");
    }
    for why in whys {
        assert!(text.contains(why), "{text}");
    }
    // Which form, and which user, helps to find the fault; the password is not for anybody.
    assert!(table.contains("qop=auth"), "{table}");
    for shown in [&table, &text, &native.get("/api/v1/devices?kind=camera").to_string()] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn a_camera_that_is_given_its_true_password_gets_in() {
    let (server, native) = server(&Start::with_cameras());
    let faults = Faults { wrong_password: true, ..Faults::default() };
    let plan = Cameras::of(2, server.sip()).faults(faults);
    import(&native, &Cameras::records(&plan));
    let cameras = Cameras::start(plan);
    let ids = cameras.ids();
    for id in &ids {
        wait_until("it to be refused", PATIENCE, || {
            native.refusals(id).get("wrong_digest").is_some_and(|count| *count >= 1)
        });
        assert_eq!(native.camera_status(id), "Register");
        assert_eq!(cameras.held(id).counts.registrations, 0);
    }
    cameras.set_faults(&ids[0], Faults::default());
    native.wait_for_status(&ids[0], "OnLine");
    // And one that is imported only after it has come.
    let late = "34020000001320000099";
    let mut ua = Ua::new(late, "12345678", Line::tcp(server.sip()));
    assert_eq!(ua.register(3600).status, Some(401));
    import(&native, &[record(late, "12345678")]);
    assert_eq!(ua.register(3600).status, Some(200));
    assert_eq!(native.camera_status(late), "OnLine");
    assert_eq!(native.camera_status(&ids[1]), "Register");
}

#[test]
fn where_sha_256_is_offered_both_it_and_md5_are_taken() {
    let (server, native) = server(&Start::with_sip("sha256 = true"));
    let of = |first: &str| {
        Cameras::of(2, server.sip()).transport(Transport::Tcp).user("admin").first_id(first)
    };
    let sha256 = of("34020000001320000001").digest(DigestForm::Sha256);
    let md5 = of("34020000001320000011").digest(DigestForm::Md5);
    for plan in [sha256, md5] {
        let cameras = Cameras::meet(plan, &native);
        for id in cameras.ids() {
            let camera = native.device(&id)["camera"].clone();
            assert_eq!((&camera["status"], &camera["user"]), (&json!("OnLine"), &json!("admin")));
            // Somebody changes it at its web page, and here.
            let before = cameras.held(&id).counts.registrations;
            cameras.set_password(&id, "changed");
            wait_until("it to be refused", PATIENCE, || {
                native.refusals(&id).contains_key("wrong_digest")
            });
            let mut changed = record(&id, "changed");
            changed["user"] = json!("admin");
            import(&native, &[changed]);
            cameras.wait_for_registration(&id, before);
            native.wait_for_status(&id, "OnLine");
        }
    }
}
