//! Every view of the console and every dialog, light and dark, in both languages, on a desk and on
//! a telephone: axe finds nothing that shuts anybody out, nothing jumps, nothing sticks out, and
//! nothing is offered to whoever may not do it.

use std::time::Duration;

use super::filled::Filled;
use super::script;
use crate::harness::browser::{Browser, LANGUAGES, NARROW, WIDE};

/// How long a script may take that goes through all views.
pub const BOUND: Duration = Duration::from_secs(240);

/// The two ways that show the most: each language in one, and each width.
const BOTH: [(&str, u32); 2] = [(LANGUAGES[0], WIDE), (LANGUAGES[1], NARROW)];

/// Has a script go through all views, in one language and width after the other. They look, and
/// change nothing.
fn go_through(name: &'static str, ways: &[(&'static str, u32)]) {
    let filled = Filled::start();
    let facts = filled.shown().facts(&filled.site.server.admin_token());
    let mut browser = Browser::default();
    for way in ways {
        let script = script(name, *way, facts.clone()).bound(BOUND);
        script.run_in(&mut browser, &filled.site.server.url());
    }
}

#[test]
fn every_view_is_open_to_everybody_on_a_desk() {
    go_through("views", &LANGUAGES.map(|language| (language, WIDE)));
}

#[test]
fn every_view_is_open_to_everybody_on_a_telephone() {
    go_through("views", &LANGUAGES.map(|language| (language, NARROW)));
}

#[test]
fn no_view_moves_while_it_loads_slowly() {
    let filled = Filled::start();
    let facts = filled.shown().facts(&filled.site.server.admin_token());
    // Both at a time: the pages wait for nearly all of it.
    std::thread::scope(|scope| {
        for way in BOTH {
            let script = script("slow", way, facts.clone()).bound(BOUND);
            let url = filled.site.server.url();
            scope.spawn(move || script.run(&url));
        }
    });
}

#[test]
fn a_view_that_can_not_be_read_says_so_and_can_be_tried_again() {
    go_through("broken", &[(LANGUAGES[0], WIDE)]);
}

#[test]
fn every_dialog_is_open_to_everybody() {
    let filled = Filled::start();
    let mut browser = Browser::default();
    for way in BOTH {
        let script = script("dialogs", way, filled.dialogs()).bound(BOUND);
        script.run_in(&mut browser, &filled.site.server.url());
    }
}

#[test]
fn whoever_may_only_look_is_offered_nothing_else() {
    let filled = Filled::start();
    let script = script("viewer", (LANGUAGES[0], WIDE), filled.dialogs());
    script.bound(BOUND).run(&filled.site.server.url());
}
