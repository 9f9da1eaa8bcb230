//! The names that clients give to phones and servers: letters, digits, Chinese characters, `-` and
//! `_`, at most 60 (CPH API, pages cph_api_0508 and 0551).

/// Characters of a name.
pub(super) const CHARACTERS_MAX: usize = 60;

/// Whether `name` keeps the rule.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '-' | '_') || is_chinese(character)
    };
    (1..=CHARACTERS_MAX).contains(&name.chars().count()) && name.chars().all(fits)
}

/// Whether Unicode counts the character among the ideographs of Chinese (the blocks "CJK Unified
/// Ideographs" and its extensions, and "CJK Compatibility Ideographs").
fn is_chinese(character: char) -> bool {
    matches!(
        character,
        '\u{3007}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3347f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_vendors_rule() {
        let long = |filler: &str, count| filler.repeat(count);
        for good in ["a", "Phone-0001_b", "手机-1", "-", "_", "9", "㐀𠀀〇"] {
            assert!(is_name(good), "{good}");
        }
        assert!(is_name(&long("a", 60)) && is_name(&long("手", 60)));
        for bad in ["", " ", "a b", "a.b", "a/b", "é", "ひらがな", "한글", "a\n", "😀", "a+b", "，"]
        {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(!is_name(&long("a", 61)) && !is_name(&long("手", 61)));
    }
}
