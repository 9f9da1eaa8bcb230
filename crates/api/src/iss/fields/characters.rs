//! The characters of which the vendor lets names consist: Chinese, English, digits, `_`, `-` and
//! `*` (UpdateDevice, column "limits").

/// Characters of a name.
pub(super) const CHARACTERS_MAX: usize = 64;

/// Chinese: the characters whose script is Han, in their order (Unicode 16.0, `Scripts.txt`).
const HAN: [(char, char); 22] = [
    ('\u{2e80}', '\u{2e99}'),
    ('\u{2e9b}', '\u{2ef3}'),
    ('\u{2f00}', '\u{2fd5}'),
    ('\u{3005}', '\u{3005}'),
    ('\u{3007}', '\u{3007}'),
    ('\u{3021}', '\u{3029}'),
    ('\u{3038}', '\u{303b}'),
    ('\u{3400}', '\u{4dbf}'),
    ('\u{4e00}', '\u{9fff}'),
    ('\u{f900}', '\u{fa6d}'),
    ('\u{fa70}', '\u{fad9}'),
    ('\u{16fe2}', '\u{16fe3}'),
    ('\u{16ff0}', '\u{16ff1}'),
    ('\u{20000}', '\u{2a6df}'),
    ('\u{2a700}', '\u{2b739}'),
    ('\u{2b740}', '\u{2b81d}'),
    ('\u{2b820}', '\u{2cea1}'),
    ('\u{2ceb0}', '\u{2ebe0}'),
    ('\u{2ebf0}', '\u{2ee5d}'),
    ('\u{2f800}', '\u{2fa1d}'),
    ('\u{30000}', '\u{3134a}'),
    ('\u{31350}', '\u{323af}'),
];

/// Whether the text is 1 to [`CHARACTERS_MAX`] of these characters, each counted once however many
/// bytes it has.
pub(super) fn is_name(text: &str) -> bool {
    is_text(text, CHARACTERS_MAX)
}

/// The same of up to `characters_max` characters.
pub(in crate::iss) fn is_text(text: &str, characters_max: usize) -> bool {
    !text.is_empty() && text.chars().nth(characters_max).is_none() && text.chars().all(is_allowed)
}

/// Whether a name may have the character.
fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-*".contains(character) || is_han(character)
}

/// Whether the character's script is Han.
fn is_han(character: char) -> bool {
    // The range that may hold it is the last one that begins at or before it.
    let after = HAN.partition_point(|(first, _)| *first <= character);
    let range = after.checked_sub(1).and_then(|index| HAN.get(index));
    range.is_some_and(|(_, last)| character <= *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_64_of_the_characters_that_are_listed() {
        for (text, expected) in [
            ("", false),
            ("a", true),
            ("东门-1_*", true),
            ("Ä", false),
            ("a b", false),
            (" a", false),
            ("a.b", false),
            ("(a)", false),
            ("a/b", false),
            ("１", false),
            ("٣", false),
            ("ア", false),
            ("門", true),
            ("々〇", true),
            ("，", false),
            ("\u{20000}\u{323af}", true),
            ("\u{323b0}", false),
            ("🎥", false),
            ("a\u{301}", false),
        ] {
            assert_eq!(is_name(text), expected, "{text:?}");
        }
        for character in ["x", "东", "\u{20000}"] {
            assert!(is_name(&character.repeat(64)), "{character}");
            assert!(!is_name(&character.repeat(65)), "{character}");
        }
    }

    #[test]
    fn each_range_ends_where_it_says() {
        let mut before = '\0';
        for (first, last) in HAN {
            assert!(before < first && first <= last, "{first:?}");
            assert!(is_han(first) && is_han(last), "{first:?}");
            let (below, above) = (u32::from(first) - 1, u32::from(last) + 1);
            let ranges = |code: u32| {
                HAN.iter().any(|(a, b)| (u32::from(*a)..=u32::from(*b)).contains(&code))
            };
            for code in [below, above] {
                assert_eq!(char::from_u32(code).is_some_and(is_han), ranges(code), "{code:x}");
            }
            before = last;
        }
    }
}
