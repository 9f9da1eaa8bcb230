//! The page for readers.

use super::super::*;
use super::built_in;

/// The page that is part of the documentation, from this crate.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/properties.md");

/// `UPDATE_DOCS=1` writes it anew.
#[test]
fn the_documentation_says_what_the_files_say() {
    let page = built_in().table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap();
    let differs = page.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert_eq!(differs, None, "docs/properties.md is out of date: UPDATE_DOCS=1 writes it anew");
    assert_eq!(page.len(), written.len());
}

#[test]
fn every_row_has_its_cells() {
    let catalogue = built_in();
    let page = catalogue.table();
    let (phones, cameras) = page.split_once("\n## Profiles of cameras\n").unwrap();
    let (makes, matrix) = cameras.split_once("\nHow each of them takes").unwrap();
    let rows = |part: &str, cells: usize| {
        let rows: Vec<String> =
            part.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect();
        for row in &rows {
            assert_eq!(row.replace("\\|", "").matches('|').count(), cells + 1, "{row}");
        }
        rows.len()
    };
    let count = |kind| {
        let all = catalogue.properties_of(kind).count();
        let changed = catalogue.properties_of(kind);
        let changed = changed.filter(|property| property.updatable && !property.record).count();
        (all, changed, catalogue.profiles().filter(|profile| profile.kind == kind).count())
    };
    let (all, changed, profiles) = count(Kind::Phone);
    let (of_cameras, of_cameras_changed, makes_of_camera) = count(Kind::Camera);
    assert_eq!(rows(phones, 6), all + 2 + profiles * (changed + 2) + of_cameras + 2);
    assert_eq!(rows(makes, 4), makes_of_camera + 2);
    assert_eq!(rows(matrix, makes_of_camera + 1), of_cameras_changed + 2);
    for text in [
        "| `sys.prop.writeimsi` | `setprop persist.sys.prop.writeimsi` | \
         `getprop persist.sys.prop.writeimsi` | over restarts | after a restart | \
         takes only 15 decimal digits |",
        "| `wm.density` | `wm density {value}` |",
        "| `com.cph.mainkeys` | unsupported: only the image of a Huawei cloud phone acts on it |",
        "| `ro.product.model` | container argument `ro.product.model={value}` | \
         `getprop ro.product.model` | as long as the container | at once |",
        "| `HeartBeatInterval` |  | a whole number from 5 to 3600 | `60` | at once | yes |",
        "| `Port` |  | a whole number from 1 to 65535, or nothing: then it is taken off the record |  \
         | as our record | yes |",
        "| Name | `dahua` | `generic` | `hikvision` | `uniview` |",
        "| `Channel.*` | a record of ours; this make takes no configuration for a channel | \
         `DeviceConfig` | `DeviceConfig` | `DeviceConfig` |",
        "| `dahua` | Cameras and recorders of Dahua | 2016 and 2022 | dahua, 大华 |",
    ] {
        assert!(page.contains(text), "{text}");
    }
}
