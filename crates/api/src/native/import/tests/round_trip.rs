//! What an export writes, an import takes for what it was.

use fleet::catalogue::DESCRIPTION;
use fleet::desired::DesiredValue;
use fleet::{
    Desired, Device, DeviceKey, DeviceState, NewDevice, Organization, OrganizationId, ProjectKey,
    Revision, Timestamp, Values,
};
use store::{CameraState, DeviceWithState};

use super::*;
use crate::native::export::row::{Columns, add_state, channel_cells, device_cells, object};
use crate::native::export::{FileFormat, write_row};

const AT: Timestamp = Timestamp(1_800_000_000_000);
const NOW: Timestamp = Timestamp(1_800_000_061_500);

/// A text as operators and spreadsheets have them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,12}",
        "['=+@,;\"\\-\t\r\n东门a]{1,8}",
        "\\PC{1,6}",
        Just("=HYPERLINK(\"x\",\"y\")".to_owned()),
    ]
}

/// A phone, or a camera with the texts as what is on record of it besides.
fn device(kind: Kind, name: &str, other: &str) -> DeviceWithState {
    let is_phone = kind == Kind::Phone;
    let of_phone = |text: &str| if is_phone { text.to_owned() } else { String::new() };
    let device = Device {
        key: DeviceKey(1),
        project: ProjectKey(1),
        project_id: ProjectId::new("acme").unwrap(),
        kind,
        id: DeviceId::new("34020000001320000001").unwrap(),
        name: name.to_owned(),
        server: of_phone(other),
        address: of_phone("10.0.0.7:5555"),
        container: of_phone(other),
        profile: "generic".to_owned(),
        marker: "the marker is no one's".to_owned(),
        created_at: AT,
        updated_at: AT,
    };
    let camera = CameraState {
        user: Some(other.to_owned()),
        has_password: true,
        binding: None,
        channels: 0,
        record: Values::from([(DESCRIPTION.to_owned(), other.to_owned())]),
        organization: Some(Organization {
            id: OrganizationId::new("o").unwrap(),
            path: "=site/'门".parse().unwrap(),
            created_at: AT,
            updated_at: AT,
        }),
        credentials_at: None,
        overlap_until: None,
    };
    let mut state = DeviceState::new(AT);
    let wanted = DesiredValue { value: other.to_owned(), revision: Revision(1) };
    state.desired = Desired([("Name".to_owned(), wanted)].into());
    let shown = [("Name".to_owned(), Some(name.to_owned())), ("Absent".to_owned(), None)];
    state.reported.record(&shown.into(), AT);
    DeviceWithState { device, state, camera: (!is_phone).then_some(camera) }
}

/// The file of one device.
fn exported(found: &DeviceWithState, columns: &Columns) -> String {
    let mut text = columns.header();
    match columns.format {
        FileFormat::Csv => write_row(&mut text, columns.device_row(found, NOW)),
        FileFormat::Jsonl => {
            let mut fields = object(device_cells(found));
            if columns.state {
                add_state(&mut fields, found, NOW);
            }
            text.push_str(&serde_json::Value::Object(fields).to_string());
        }
    }
    text
}

/// What an import makes of a file of one device.
fn imported(text: &str, format: FileFormat) -> (NewDevice, Values) {
    let mut read = match format {
        FileFormat::Csv => csv(text),
        FileFormat::Jsonl => json(text),
    };
    assert!(read.errors.is_empty(), "{:?}", read.errors);
    match read.good.remove(0).meant(None) {
        Ok(Meant::Device(entry)) => (entry.device, entry.record),
        Ok(Meant::Channel { .. }) => panic!("a channel"),
        Err(error) => panic!("{error:?}: {text}"),
    }
}

fn all_columns() -> Vec<Columns> {
    let properties = vec!["Name".to_owned(), "Absent".to_owned()];
    let of = |format, state, properties| Columns { format, state, properties };
    vec![
        of(FileFormat::Csv, false, Vec::new()),
        of(FileFormat::Csv, true, properties),
        of(FileFormat::Jsonl, false, Vec::new()),
        of(FileFormat::Jsonl, true, Vec::new()),
    ]
}

proptest! {
    #[test]
    fn what_was_exported_is_imported_as_it_was(name in text(), other in text()) {
        for kind in [Kind::Phone, Kind::Camera] {
            let found = device(kind, &name, &other);
            for columns in all_columns() {
                let text = exported(&found, &columns);
                let (new, record) = imported(&text, columns.format);
                let DeviceWithState { device, camera, .. } = &found;
                prop_assert_eq!(new.kind, kind);
                prop_assert_eq!(&new.project, &device.project_id);
                prop_assert_eq!(&new.id, &device.id);
                prop_assert_eq!(&new.name, &device.name);
                prop_assert_eq!(&new.server, &device.server);
                prop_assert_eq!(&new.address, &device.address);
                prop_assert_eq!(&new.container, &device.container);
                prop_assert_eq!(&new.profile, &device.profile);
                let Some(camera) = camera else { continue };
                let new = new.camera.unwrap();
                prop_assert_eq!(&new.user, &camera.user);
                prop_assert!(new.password.is_none() && new.channels.is_empty());
                prop_assert_eq!(record.get(DESCRIPTION), camera.record.get(DESCRIPTION));
                prop_assert_eq!(
                    record.get(fleet::catalogue::ORGANIZATION).map(String::as_str),
                    Some("=site/'门")
                );
            }
        }
    }

    #[test]
    fn a_channel_comes_back_too(name in text()) {
        let id = |id: &str| DeviceId::new(id).unwrap();
        let (camera, channel) = (id("34020000001320000001"), id("34020000001310000001"));
        let project = ProjectId::new("acme").unwrap();
        let cells = channel_cells(&project, &camera, &channel, name.clone());
        let columns = Columns { state: true, ..Columns::default() };
        let mut text = columns.header();
        write_row(&mut text, columns.row(&cells));
        let line = csv(&text).good.remove(0);
        match line.meant(None) {
            Ok(Meant::Channel { parent, channel: meant, .. }) => {
                prop_assert_eq!((parent, meant.id, meant.name), (camera, channel, name));
            }
            Ok(Meant::Device(_)) => prop_assert!(false, "a device"),
            // A name that no channel may have.
            Err(error) => prop_assert!(name.chars().any(char::is_control), "{error:?}"),
        }
    }
}

#[test]
fn the_state_is_told_and_no_password_or_marker() {
    let found = device(Kind::Phone, "desk", "=1");
    let properties = vec!["Name".to_owned(), "Absent".to_owned(), "Other".to_owned()];
    let columns = Columns { format: FileFormat::Csv, state: true, properties };
    let text = exported(&found, &columns);
    let expected = "kind,project,parent,id,name,server,address,container,profile,user,password,\
        organization,description,status,age_seconds,desired:Name,desired:Absent,desired:Other,\
        reported:Name,reported:Absent,reported:Other\n\
        phone,acme,,34020000001320000001,desk,'=1,10.0.0.7:5555,'=1,generic,,,,,new,61,'=1,,,desk,\
        ,\n";
    assert_eq!(text, expected);
    let columns = Columns { format: FileFormat::Jsonl, state: true, properties: Vec::new() };
    let text = exported(&device(Kind::Camera, "gate", "x"), &columns);
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["status"], "Register");
    assert_eq!(shown["age_seconds"], 61);
    assert_eq!(shown["desired"], serde_json::json!({ "Name": "x" }));
    assert_eq!(shown["reported"], serde_json::json!({ "Absent": null, "Name": "gate" }));
    assert!(!text.contains("marker") && !text.contains("password"), "{text}");
}
