//! The text of strangers, as it may stand in an answer.

use std::fmt::Write as _;

/// The text without control characters, and cut to `bytes_max` bytes (with an ellipsis) if it is
/// longer.
pub(crate) fn printable(text: &str, bytes_max: usize) -> String {
    const ELLIPSIS: &str = "...";
    let mut whole = String::with_capacity(text.len().min(bytes_max));
    let mut cut = 0;
    for character in text.chars() {
        if whole.len() + ELLIPSIS.len() <= bytes_max {
            cut = whole.len();
        }
        if character.is_control() {
            // Writing to a string can't fail.
            let _ = write!(whole, "{}", character.escape_default());
        } else {
            whole.push(character);
        }
        if whole.len() > bytes_max {
            whole.truncate(cut);
            whole.push_str(ELLIPSIS);
            break;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_characters_and_show_no_control_characters() {
        for (text, bytes_max, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "..."),
            ("abcdefgh", 6, "abc..."),
            ("手手手", 9, "手手手"),
            ("手手手a", 9, "手手..."),
            ("a\nb\u{7f}", 64, "a\\nb\\u{7f}"),
            ("", 5, ""),
        ] {
            assert_eq!(printable(text, bytes_max), expected, "{text:?}");
        }
        assert!(printable(&"\0".repeat(5000), 1024).len() <= 1024);
    }
}
