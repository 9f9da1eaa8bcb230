//! The cameras that both registrars know: the same ids and the same password on both sides.

use serde_json::json;

/// The digits that all ids begin with: a network camera's of GB/T 28181-2016, Annex D.
pub const ID_PREFIX: &str = "34020000001320";

/// The serial number of the first one. It has six digits, as the last one's has, so that a script
/// that only counts makes the same ids.
pub const FIRST_SERIAL: u32 = 100_001;

/// How many there can be.
pub const COUNT_MAX: u32 = 800_000;

/// The password of each.
pub const PASSWORD: &str = "12345678";

/// The realm that both sides challenge with: our default, made of the server's id.
pub const REALM: &str = "3402000000";

/// The id of the camera with this index, from 0.
pub fn id(index: u32) -> String {
    format!("{ID_PREFIX}{:06}", FIRST_SERIAL + index.min(COUNT_MAX))
}

/// The first so many, one JSON object a line, as `fleetwright device import` takes them.
pub fn import_lines(project: &str, count: u32) -> String {
    let mut lines = String::new();
    for index in 0..count {
        let line = json!({
            "kind": "camera", "project": project, "id": id(index),
            "name": format!("camera-{index}"), "password": PASSWORD,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_twenty_digits_and_go_on() {
        assert_eq!(id(0), "34020000001320100001");
        assert_eq!(id(499_999), "34020000001320600000");
        assert_eq!(id(COUNT_MAX - 1).len(), 20);
    }

    #[test]
    fn each_camera_is_a_line() {
        let lines = import_lines("bench", 2);
        let second: serde_json::Value =
            serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert_eq!((&second["id"], &second["kind"]), (&id(1).into(), &"camera".into()));
    }
}
