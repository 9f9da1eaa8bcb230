//! Every view of the console and every dialog, light and dark, in both languages, on a desk and on
//! a telephone: axe finds nothing that shuts anybody out, nothing jumps, nothing sticks out, and
//! nothing is offered to whoever may not do it.

use std::time::Duration;

use super::filled::Filled;
use super::script;
use crate::harness::browser::{LANGUAGES, NARROW, WIDE};

/// How long a script may take that goes through all views.
pub const BOUND: Duration = Duration::from_secs(240);

/// Has a script go through all views, in a language and width.
fn go_through(name: &'static str, way: (&'static str, u32)) {
    let filled = Filled::start();
    let facts = filled.shown().facts(&filled.site.server.admin_token());
    script(name, way, facts).bound(BOUND).run(&filled.site.server.url());
}

/// Looks at all views.
fn look(way: (&'static str, u32)) {
    go_through("views", way);
}

#[test]
fn every_view_is_open_to_everybody_on_a_desk_in_english() {
    look((LANGUAGES[0], WIDE));
}

#[test]
fn every_view_is_open_to_everybody_on_a_desk_in_chinese() {
    look((LANGUAGES[1], WIDE));
}

#[test]
fn every_view_is_open_to_everybody_on_a_telephone_in_english() {
    look((LANGUAGES[0], NARROW));
}

#[test]
fn every_view_is_open_to_everybody_on_a_telephone_in_chinese() {
    look((LANGUAGES[1], NARROW));
}

#[test]
fn no_view_moves_while_it_loads_slowly_on_a_desk() {
    go_through("slow", (LANGUAGES[0], WIDE));
}

#[test]
fn no_view_moves_while_it_loads_slowly_on_a_telephone() {
    go_through("slow", (LANGUAGES[1], NARROW));
}

#[test]
fn a_view_that_can_not_be_read_says_so_and_can_be_tried_again() {
    go_through("broken", (LANGUAGES[0], WIDE));
}

/// Opens every dialog in a language and width.
fn open_dialogs((language, width): (&'static str, u32)) {
    let filled = Filled::start();
    let script = script("dialogs", (language, width), filled.dialogs());
    script.bound(BOUND).run(&filled.site.server.url());
}

#[test]
fn every_dialog_is_open_to_everybody_on_a_desk() {
    open_dialogs((LANGUAGES[0], WIDE));
}

#[test]
fn every_dialog_is_open_to_everybody_on_a_telephone() {
    open_dialogs((LANGUAGES[1], NARROW));
}

#[test]
fn whoever_may_only_look_is_offered_nothing_else() {
    let filled = Filled::start();
    let script = script("viewer", (LANGUAGES[0], WIDE), filled.dialogs());
    script.bound(BOUND).run(&filled.site.server.url());
}
