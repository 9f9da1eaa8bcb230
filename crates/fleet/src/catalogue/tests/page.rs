//! The page for readers.

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
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for row in &rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 7, "{row}");
    }
    let all = catalogue.properties().count();
    let changed = catalogue.properties().filter(|property| property.updatable).count();
    let profiles = catalogue.profiles().count();
    assert_eq!(rows.len(), all + 2 + profiles * (changed + 2));
    for text in [
        "| `sys.prop.writeimsi` | `setprop persist.sys.prop.writeimsi` | \
         `getprop persist.sys.prop.writeimsi` | over restarts | after a restart | \
         takes only 15 decimal digits |",
        "| `wm.density` | `wm density {value}` |",
        "| `com.cph.mainkeys` | unsupported: only the image of a Huawei cloud phone acts on it |",
        "| `ro.product.model` | container argument `ro.product.model={value}` | \
         `getprop ro.product.model` | as long as the container | at once |",
    ] {
        assert!(page.contains(text), "{text}");
    }
}
