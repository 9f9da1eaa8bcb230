//! What is named in the commands that reasons and checks tell: people copy them into a shell.

use std::borrow::Cow;

/// Characters, besides ASCII letters and digits, that mean nothing to a shell wherever they stand.
const PLAIN: &str = "._-:/@%+=,";

/// A text as one word of the shell, whatever it holds: whoever imports a device chooses its id. As
/// it is where that is plain, else in single quotes, which suspend everything but a single quote;
/// that stands outside of them behind a backslash (POSIX.1-2017, Shell Command Language, 2.2.2).
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_act_on_is_quoted() {
        for (text, word) in [
            ("34020000001320000001", "34020000001320000001"),
            ("ro.boot:a/b@c%d+e=f,g_h-i", "ro.boot:a/b@c%d+e=f,g_h-i"),
            ("", "''"),
            ("a;b", "'a;b'"),
            ("$(x|y)", "'$(x|y)'"),
            ("it's", r"'it'\''s'"),
            ("a b", "'a b'"),
            ("`x`", "'`x`'"),
            ("~", "'~'"),
            ("门", "'门'"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }
}
