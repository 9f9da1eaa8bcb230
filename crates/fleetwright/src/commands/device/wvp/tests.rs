use super::table::Kind;
use super::*;

/// The columns of `wvp_device` in 2.7.4, as far as the import reads them, and some others.
const DEVICES: &str = "id,device_id,name,manufacturer,model,firmware,transport,on_line,custom_name,\
    password\n\
    7,34020000001320000001,IPC,Hikvision,DS,V5,UDP,true,东门,secret-1\n\
    8,34020000001180000002,NVR,Dahua,NVR,V4,TCP,false,NULL,\n\
    9,34020000001320000003,\\N,,,,,0,\\N,\\N\n";

fn project() -> ProjectId {
    ProjectId::new("acme").unwrap()
}

/// The plan of files with these contents.
fn plan(files: &[&str]) -> Plan {
    let mut tables = Tables::default();
    for text in files {
        tables.read(text.as_bytes()).unwrap();
    }
    let (found, files, untaken) = tables.finish(&project(), None);
    let names = (0..files.len()).map(|file| format!("{file}.csv")).collect();
    Plan { names, files, found, untaken }
}

/// What goes to the server.
fn sent(plan: &Plan) -> Value {
    serde_json::to_value(plan.found.iter().map(|found| &found.line).collect::<Vec<_>>()).unwrap()
}

/// The lines that can't be taken, as they are told.
fn untaken(plan: &Plan) -> Vec<String> {
    let told = |untaken: &Untaken| {
        format!("{}:{}: {}", plan.name(untaken.at), untaken.at.line, untaken.reason)
    };
    plan.untaken.iter().map(told).collect()
}

#[test]
fn a_device_takes_its_custom_name_its_name_or_its_id() {
    let plan = plan(&[DEVICES]);
    let expected = json!([
        {"kind": "camera", "project": "acme", "id": "34020000001320000001", "name": "东门",
            "password": "secret-1"},
        {"kind": "camera", "project": "acme", "id": "34020000001180000002", "name": "NVR"},
        {"kind": "camera", "project": "acme", "id": "34020000001320000003",
            "name": "34020000001320000003"},
    ]);
    assert_eq!(sent(&plan), expected);
    assert!(!format!("{plan:?}").contains("secret-1"));
}

#[test]
fn channels_of_every_version_find_their_device_and_their_own_name() {
    // Up to 2.6.8, from 2.6.9 to 2.7.1, 2.7.2, and since.
    let versions = [
        "channelId,name,manufacture,deviceId\n\
         34020000001310000001,Gate,Hik,34020000001180000002\n",
        "id,channel_id,name,custom_name,device_id\n\
         1,34020000001310000001,Camera 01,Gate,34020000001180000002\n",
        "id,device_db_id,device_id,name,gb_device_id,gb_name,stream_push_id,stream_proxy_id\n\
         1,8,34020000001310000001,Camera 01,34020000001310000099,Gate,,\n\
         2,,,,34020000001310000098,A stream,4,\n",
        "id,device_id,name,channel_type,gb_device_id,gb_name,data_type,data_device_id\n\
         1,34020000001310000001,Camera 01,0,NULL,Gate,1,8\n\
         2,34020000002150000001,A group,2,NULL,NULL,1,8\n\
         3,NULL,NULL,0,34020000001310000098,A stream,2,4\n",
    ];
    for (version, channels) in versions.iter().enumerate() {
        // The order of the files does not matter.
        for files in [[DEVICES, channels], [channels, DEVICES]] {
            let plan = plan(&files);
            assert_eq!(untaken(&plan), [""; 0], "version {version}");
            let expected = json!([{"id": "34020000001310000001", "name": "Gate"}]);
            assert_eq!(sent(&plan)[1]["channels"], expected, "version {version}");
            let others = channels.lines().count() - 2;
            let passed: usize = plan.files.iter().map(|file| file.passed_over).sum();
            assert_eq!(passed, others, "version {version}");
        }
    }
}

#[test]
fn the_column_names_of_old_versions_are_known() {
    let old = "id,deviceId,name,manufacturer,streamMode,hostAddress,password\n\
               7,34020000001320000001,IPC,Hik,UDP,10.0.0.1:5060,pw\n";
    let plan = plan(&[old]);
    assert_eq!(plan.files[0].kind, Kind::Devices);
    assert_eq!(sent(&plan)[0]["password"], "pw");
}

#[test]
fn what_parts_the_fields_is_seen_and_a_mark_before_them_passed_over() {
    for parting in [";", "\t"] {
        let text = format!("\u{feff}{}", DEVICES.replace(',', parting));
        assert_eq!(sent(&plan(&[&text])), sent(&plan(&[DEVICES])), "{parting:?}");
    }
    let quoted = "\"device_id\",\"name\",\"transport\"\r\n\
                  \"34020000001320000001\",\"a, \"\"b\"\"\",\"UDP\"\r\n";
    assert_eq!(sent(&plan(&[quoted]))[0]["name"], "a, \"b\"");
}

#[test]
fn a_line_that_can_not_be_taken_is_named_and_the_others_go_in() {
    let devices = "id,device_id,name,transport,password\n\
        1,34020000001320000001,one,UDP,\n\
        2,3.402E+19,two,UDP,\n\
        3,34020000001320000001,again,UDP,\n\
        4,34020000001320000004\n\
        5,34020000001320000005,\"a\nb\",UDP,\n\
        6,,six,UDP,\n\
        7,34020000001320000007,seven,UDP,\n";
    let channels = "device_id,name,data_type,data_device_id\n\
        34020000001310000001,c,1,1\n\
        34020000001310000001,d,1,1\n\
        34020000001310000002,e,1,99\n\
        3402,f,1,1\n\
        34020000001310000003,g,1,\n";
    let plan = plan(&[devices, channels]);
    assert_eq!(
        untaken(&plan),
        [
            "0.csv:3: device_id: \"3.402E+19\" is not 20 digits: a spreadsheet has rounded it; \
             export it anew",
            "0.csv:4: device 34020000001320000001 stands in an earlier line",
            "0.csv:5: has 2 fields, and the header 5",
            "0.csv:6: name has a control character",
            "0.csv:8: device_id is empty",
            "1.csv:3: channel 34020000001310000001 of device 34020000001320000001 stands in an \
             earlier line",
            "1.csv:4: none of the devices has the id 99 (its row in wvp_device)",
            "1.csv:5: device_id: \"3402\" is not 20 digits",
            "1.csv:6: it does not say which device it belongs to",
        ]
    );
    let ids: Vec<&str> = plan.found.iter().map(|found| found.line.id().as_str()).collect();
    assert_eq!(ids, ["34020000001320000001", "34020000001320000007"]);
    assert_eq!(sent(&plan)[0]["channels"], json!([{"id": "34020000001310000001", "name": "c"}]));
    insta::assert_snapshot!(plan.words(None), @r"
    FILE   TABLE     LINES  PASSED OVER  NOT TAKEN
    0.csv  devices   7      0            5
    1.csv  channels  5      0            4

    would import 2 devices with 1 channels
    2 have no password in these tables, and can't register unless one is on record.
    See --password-file
    ");
    let report = plan.as_json(Some(Imported { new: 1, updated: 1 }));
    assert_eq!((&report["new"], &report["dry_run"]), (&json!(1), &json!(false)));
    assert_eq!(report["untaken"][0]["line"], 3);
    assert_eq!(report["without_password"], 2);
    assert!(plan.verdict(true).is_err() && plan.verdict(false).is_err());
}

#[test]
fn a_line_in_another_encoding_is_named() {
    let mut text = b"device_id,name,transport\n34020000001320000001,".to_vec();
    // GB 18030 of U+4E1C.
    text.extend([0xb6, 0xab]);
    text.extend(b",UDP\n34020000001320000002,ok,UDP\n");
    let mut tables = Tables::default();
    tables.read(text.as_slice()).unwrap();
    let (found, _, untaken) = tables.finish(&project(), None);
    assert_eq!(found.len(), 1);
    assert_eq!(untaken[0].reason, "is not UTF-8: export the table as UTF-8");
}

#[test]
fn a_password_for_all_is_that_of_devices_without_one() {
    let mut tables = Tables::default();
    tables.read(DEVICES.as_bytes()).unwrap();
    let shared = Secret::new("12345678".to_owned());
    let (found, files, untaken) = tables.finish(&project(), Some(&shared));
    let plan = Plan { names: vec!["d.csv".into()], files, found, untaken };
    let passwords = sent(&plan);
    let passwords: Vec<&Value> =
        passwords.as_array().unwrap().iter().map(|d| &d["password"]).collect();
    assert_eq!(passwords, ["secret-1", "12345678", "12345678"]);
    assert!(!plan.words(None).contains("password"));
}

#[test]
fn a_file_that_is_neither_table_is_refused_whole() {
    let refused = |header: &str| {
        let mut tables = Tables::default();
        tables.read(format!("{header}\n").as_bytes()).unwrap_err()
    };
    // Its alarms, positions, groups and regions; and a table without its header.
    for header in [
        "id,device_id,channel_id,alarm_priority,alarm_time",
        "id,device_id,channel_id,device_name,time,longitude",
        "id,device_id,name,parent_id,parent_device_id,business_group",
        "7,34020000001320000001,IPC,Hikvision,DS,V5,UDP",
        "device_id,name",
        "",
    ] {
        assert!(refused(header).starts_with("is neither wvp_device nor"), "{header}");
    }
    let no_parent = refused("id,device_id,name,gb_device_id,gb_name,data_type");
    assert!(no_parent.contains("data_device_id"), "{no_parent}");
}
