//! What the program prints: data to stdout, everything else to stderr, colours only on a terminal.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Table, presets};

/// Prints data. Fails as the write does: a closed pipe is an error of kind `BrokenPipe`.
pub fn data(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}

/// Prints a JSON value as data, indented.
pub fn json(value: &serde_json::Value) -> io::Result<()> {
    data(&format!("{value:#}"))
}

/// Tells the person at the terminal. Who has closed stderr does not want to be told.
pub fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An error with its causes, each said once, parted by colons.
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// A table for people: columns parted by blanks, so that `awk` reads it too. `empty` stands for
/// no rows.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().copied());
    for row in rows {
        table
            .add_row(row.iter().map(|cell| if cell.is_empty() { "-".into() } else { clean(cell) }));
    }
    let text = table.trim_fmt();
    let lines: Vec<&str> =
        text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.join("\n")
}

/// One thing for people: a line for each of its fields, aligned; empty ones are left out.
pub fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{label:width$}  {}\n", clean(value)));
    }
    text
}

/// Text from elsewhere without control characters: a phone's words must not drive the terminal.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Colours, where they are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// For stdout: on a terminal, unless `NO_COLOR` is set (no-color.org).
    pub fn stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { on: io::stdout().is_terminal() && !refused }
    }

    /// Never.
    #[cfg(test)]
    pub fn off() -> Self {
        Self { on: false }
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// What is as it should be.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// What is not.
    pub fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// `text` between the escape sequences of ECMA-48 "select graphic rendition".
    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_lets_no_escape_through() {
        let rows = vec![
            vec!["phone-0001".into(), "running".into(), String::new()],
            vec!["p".into(), "abnormal".into(), "bell \u{7} and \u{1b}[31mred".into()],
        ];
        insta::assert_snapshot!(table(&["NAME", "CONDITION", "TROUBLE"], rows), @r"
        NAME        CONDITION  TROUBLE
        phone-0001  running    -
        p           abnormal   bell \u{7} and \u{1b}[31mred
        ");
    }

    #[test]
    fn fields_are_aligned_and_empty_ones_left_out() {
        let text = fields(&[("id", "x".into()), ("address", "y\nz".into()), ("server", "".into())]);
        assert_eq!(text, "id       x\naddress  y\\nz\n");
    }

    #[test]
    fn colours_can_be_off() {
        assert_eq!(Paint::off().bad("x"), "x");
        assert_eq!(Paint { on: true }.heading("x"), "\u{1b}[1mx\u{1b}[0m");
    }
}
