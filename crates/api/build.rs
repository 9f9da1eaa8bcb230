//! Has the crate built again when the console has been built, which `src/console.rs` puts into it.

use std::path::Path;

/// Says what is looked at. While there is no built console, that is all of its folder: a path that
/// is not there would have everything built again each time.
fn main() {
    let folder = Path::new("../../console");
    let dist = folder.join("dist");
    let looked_at = if dist.exists() { &dist } else { folder };
    println!("cargo::rerun-if-changed={}", looked_at.display());
}
