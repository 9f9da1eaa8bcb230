//! Words of the shell.

/// `text` as one word of the shell, whatever it holds: single quotes suspend everything but a
/// single quote, which stands outside of them behind a backslash (POSIX.1-2017, Shell Command
/// Language, 2.2.2). The one text that no word can hold is one with a NUL.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(quoted_bytes(text));
    quoted.push('\'');
    for part in text.split_inclusive('\'') {
        match part.strip_suffix('\'') {
            Some(before) => {
                quoted.push_str(before);
                quoted.push_str("'\\''");
            }
            None => quoted.push_str(part),
        }
    }
    quoted.push('\'');
    quoted
}

/// Bytes of `quote(text)`.
pub(super) fn quoted_bytes(text: &str) -> usize {
    text.len() + 2 + 3 * text.bytes().filter(|byte| *byte == b'\'').count()
}
