//! 9.5: a catalog is answered by as many messages as it takes, each with the query's number
//! and with how many items there are in all.

use gb28181::manscdp::{
    AssemblyError, CATALOG_ITEMS_MAX, CatalogAssembly, CatalogItem, CatalogPart, Incoming, Progress,
};

use crate::example::{CAMERA, read};

/// The number of the query.
const SN: u32 = 17;

/// An item of this id and name.
fn item(device_id: &str, name: &str) -> CatalogItem {
    CatalogItem {
        device_id: device_id.to_owned(),
        name: Some(name.to_owned()),
        ..CatalogItem::default()
    }
}

/// A message with these ids.
fn part(sum_num: Option<u32>, ids: &[&str]) -> CatalogPart {
    let items = ids.iter().map(|id| item(id, "cam")).collect();
    CatalogPart { sn: SN, device_id: CAMERA.to_owned(), sum_num, items }
}

/// What comes of messages, one after the other.
fn check(parts: &[(Option<u32>, &[&str])], expected: Progress) {
    let mut assembly = CatalogAssembly::new(SN);
    let mut progress = assembly.progress();
    for (sum_num, ids) in parts {
        progress = assembly.add(part(*sum_num, ids)).unwrap();
    }
    assert_eq!(progress, expected, "{parts:?}");
    assert_eq!(assembly.progress(), expected);
}

/// So many items seen of so many.
fn incomplete(seen: u32, sum_num: Option<u32>) -> Progress {
    Progress::Incomplete { seen, sum_num }
}

#[test]
fn one_message_or_many_in_any_order_make_a_catalog() {
    check(&[(Some(2), &["1", "2"])], Progress::Complete);
    check(&[(Some(3), &["3"]), (Some(3), &["1"]), (Some(3), &["2"])], Progress::Complete);
    check(&[(Some(3), &["3"]), (Some(3), &["1"])], incomplete(2, Some(3)));
    check(&[], incomplete(0, None));
}

#[test]
fn an_item_that_comes_twice_counts_once() {
    check(&[(Some(2), &["1"]), (Some(2), &["1"])], incomplete(1, Some(2)));
    check(&[(Some(2), &["1", "1"])], incomplete(1, Some(2)));
}

#[test]
fn the_later_of_two_items_stays() {
    let mut assembly = CatalogAssembly::new(SN);
    for name in ["old", "new"] {
        let items = vec![item("1", name), item("0", "other")];
        let sent = CatalogPart { sn: SN, device_id: CAMERA.to_owned(), sum_num: Some(2), items };
        assert_eq!(assembly.add(sent), Ok(Progress::Complete));
    }
    assert_eq!(assembly.items().count(), 2);
    assert_eq!(assembly.into_items(), [item("0", "other"), item("1", "new")]);
}

#[test]
fn more_items_than_announced_are_complete() {
    check(&[(Some(1), &["1", "2"])], Progress::Complete);
}

#[test]
fn a_catalog_that_grows_while_it_is_sent_waits_for_the_larger_number() {
    check(&[(Some(2), &["1"]), (Some(3), &["2"])], incomplete(2, Some(3)));
    check(&[(Some(3), &["1"]), (Some(2), &["2"])], incomplete(2, Some(3)));
}

#[test]
fn without_a_number_nobody_knows_the_end() {
    check(&[(None, &["1"])], incomplete(1, None));
    check(&[(Some(0), &["1"])], incomplete(1, Some(0)));
    check(&[(None, &["1"]), (Some(1), &[])], Progress::Complete);
}

#[test]
fn a_device_without_channels_has_a_complete_catalog() {
    check(&[(Some(0), &[])], Progress::Complete);
    check(&[(None, &[])], incomplete(0, None));
}

#[test]
fn the_answer_to_another_query_is_refused() {
    let mut assembly = CatalogAssembly::new(SN);
    let other = CatalogPart { sn: 18, ..part(Some(1), &["1"]) };
    let refused = AssemblyError::OtherSn { expected: SN, found: 18 };
    assert_eq!(assembly.add(other), Err(refused));
    assert_eq!(assembly.progress(), incomplete(0, None));
}

#[test]
fn a_catalog_has_a_bound() {
    let mut assembly = CatalogAssembly::new(SN);
    let announced = u32::try_from(CATALOG_ITEMS_MAX).unwrap();
    for number in 0..CATALOG_ITEMS_MAX {
        let id = format!("{number:020}");
        assembly.add(part(Some(announced), &[&id])).unwrap();
    }
    assert_eq!(assembly.progress(), Progress::Complete);
    // One that is there may come again.
    assert_eq!(assembly.add(part(None, &[&format!("{:020}", 7)])), Ok(Progress::Complete));
    assert_eq!(assembly.add(part(None, &["x"])), Err(AssemblyError::TooManyItems));
    let promised = part(Some(announced + 1), &[]);
    assert_eq!(CatalogAssembly::new(SN).add(promised), Err(AssemblyError::TooManyItems));
}

#[test]
fn a_catalog_of_long_texts_has_a_bound_too() {
    let mut assembly = CatalogAssembly::new(SN);
    let long = Some("x".repeat(1024));
    let message = |number: usize| {
        let items = vec![CatalogItem {
            name: long.clone(),
            address: long.clone(),
            block: long.clone(),
            ..item(&format!("{number:020}"), "")
        }];
        CatalogPart { items, ..part(None, &[]) }
    };
    let mut sent = 0;
    let refused = loop {
        match assembly.add(message(sent)) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, AssemblyError::TooManyBytes);
    assert!((1_500..3_000).contains(&sent), "{sent} items");
    // What takes the place of another of its size takes no more.
    for _ in 0..10 {
        assert!(assembly.add(message(0)).is_ok());
    }
}

#[test]
fn the_list_is_counted_and_not_believed() {
    for num in ["Num=\"5\"", "Num=\"x\"", ""] {
        let text = format!(
            "<Response><CmdType>Catalog</CmdType><SN>17</SN><DeviceID>{CAMERA}</DeviceID>\
             <SumNum>2</SumNum><DeviceList {num}><Item><DeviceID>1</DeviceID></Item>\
             <Item><DeviceID>2</DeviceID></Item></DeviceList></Response>"
        );
        let Incoming::Catalog(sent) = read(&text) else { panic!("a catalog was sent") };
        assert_eq!(CatalogAssembly::new(SN).add(sent), Ok(Progress::Complete));
    }
}
