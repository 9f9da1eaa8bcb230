//! A.2.1: the types of values, above all the items of a catalog, as devices fill them in.

use gb28181::manscdp::{CatalogItem, Incoming};

use crate::example::{CAMERA, read};

/// The items of a catalog with this in its list.
fn items(list: &str) -> Vec<CatalogItem> {
    let text = format!(
        "<Response>\r\n<DeviceList>{list}</DeviceList>\r\n<SumNum> 1 </SumNum>\r\n<SN>\r\n1</SN>\
         <DeviceID>\t{CAMERA} </DeviceID><CmdType>Catalog</CmdType></Response>"
    );
    let Incoming::Catalog(part) = read(&text) else { panic!("a catalog was sent") };
    assert_eq!((part.sum_num, part.device_id.as_str()), (Some(1), CAMERA));
    part.items
}

#[test]
fn an_id_may_be_that_of_an_administrative_division() {
    for id in ["34", "3402", "340200", "34020000", "340200000000000001", CAMERA] {
        let read = items(&format!("<Item><DeviceID>{id}</DeviceID><Name>x</Name></Item>"));
        assert_eq!(read[0].device_id, id);
    }
}

#[test]
fn an_item_needs_no_name_but_an_id() {
    let read = items(
        "<Item><DeviceID>1</DeviceID></Item><Item><DeviceID>2</DeviceID><Name/></Item>\
         <Item><DeviceID>3</DeviceID><Name>  </Name></Item><Item><Name>lost</Name></Item><Item/>",
    );
    let names: Vec<_> = read.iter().map(|item| (item.device_id.as_str(), &item.name)).collect();
    assert_eq!(names, [("1", &None), ("2", &None), ("3", &None)]);
}

#[test]
fn a_numbers_absence_is_what_is_no_number() {
    for (text, expected) in [("1", Some(1)), (" 1\r\n", Some(1)), ("", None), ("one", None)] {
        let item = format!("<Item><DeviceID>1</DeviceID><Parental>{text}</Parental></Item>");
        assert_eq!(items(&item)[0].parental, expected, "{text:?}");
    }
}

#[test]
fn a_2_1_9_an_item_is_read_whole_but_for_its_password() {
    let read = items(
        "<Item><Info><PTZType>3</PTZType></Info><DeviceID>1</DeviceID><Block>b</Block>\
         <IPAddress>192.0.2.10</IPAddress><Port>5060</Port><Password>hunter2</Password>\
         <Longitude>117.2</Longitude><Latitude>31.8</Latitude><Status>OFF</Status>\
         <CertNum>c</CertNum></Item>",
    );
    let item = &read[0];
    assert_eq!((item.ptz_type, item.port), (Some(3), Some(5060)));
    assert_eq!(item.block.as_deref(), Some("b"));
    assert_eq!(item.ip_address.as_deref(), Some("192.0.2.10"));
    assert_eq!(
        (item.longitude.as_deref(), item.latitude.as_deref()),
        (Some("117.2"), Some("31.8"))
    );
    assert!(!format!("{item:?}").contains("hunter2"));
}

#[test]
fn a_status_is_read_however_it_is_written() {
    for (status, expected) in [
        ("ON", Some(true)),
        ("On", Some(true)),
        ("OK", Some(true)),
        ("ONLINE", Some(true)),
        ("OFF", Some(false)),
        ("off", Some(false)),
        ("OFFLINE", Some(false)),
        ("DEFECT", None),
        ("", None),
    ] {
        let item = format!("<Item><DeviceID>1</DeviceID><Status>{status}</Status></Item>");
        assert_eq!(items(&item)[0].is_on(), expected, "{status:?}");
    }
}

#[test]
fn a_value_is_all_of_its_elements_text() {
    let name = "a<![CDATA[<b>&]]><!-- no part of it -->&lt;c&#x4e1c;";
    let read = items(&format!("<Item><DeviceID>1</DeviceID><Name>{name}</Name></Item>"));
    assert_eq!(read[0].name.as_deref(), Some("a<b>&<c东"));
}

#[test]
fn only_the_white_space_of_xml_is_taken_off() {
    let read = items("<Item><DeviceID>1</DeviceID><Name>\u{3000}门\u{a0} </Name></Item>");
    assert_eq!(read[0].name.as_deref(), Some("\u{3000}门\u{a0}"));
}
