//! The console in a browser, as people use it: in English and in Chinese, on a desk and on a
//! telephone. What each script does is in `console/e2e`; every one of them fails as well on
//! anything that the page's policy forbids, on an error in the browser's log, and on a view that
//! moves under the reader's eyes.

mod cameras;
mod demo;
mod devices;
mod filled;
mod import;
mod keeping;
mod many;
mod pictures;
mod rollout;
mod session;
mod shown;
mod views;

use serde_json::Value;

use crate::harness::browser::{LANGUAGES, NARROW, Script, WIDE};

/// A property that simulated phones hold and show: digits.
const NAME: &str = "sys.prop.writephonenum";

/// The languages and widths in which most scripts run: both languages on a desk, and one on a
/// telephone.
const USUAL: [(&str, u32); 3] =
    [(LANGUAGES[0], WIDE), (LANGUAGES[1], WIDE), (LANGUAGES[1], NARROW)];

/// A script in one of the [`USUAL`] ways.
fn script(name: &'static str, (language, width): (&'static str, u32), facts: Value) -> Script {
    Script::new(name).language(language).width(width).facts(facts)
}
