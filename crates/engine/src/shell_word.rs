//! What is named in the commands that reasons and checks tell: people copy them into a shell.

use std::borrow::Cow;

use fleet::{DeviceId, ProjectId};

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

/// The words by which a command of `fleetwright device` is told which device is meant. The project
/// is always there: other projects may have a device of that id, and a command that names no
/// project is refused then, or means another one where the caller sees that alone.
pub(crate) fn device_words(project: &ProjectId, device: &DeviceId) -> String {
    format!("{} --project {}", shell_word(device.as_str()), shell_word(project.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_with_its_project() {
        let words = |project: &str, device: &str| {
            device_words(&project.parse().unwrap(), &device.parse().unwrap())
        };
        assert_eq!(words("acme", "phone-1"), "phone-1 --project acme");
        assert_eq!(words("a;b", "it's 1"), r"'it'\''s 1' --project 'a;b'");
    }

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
