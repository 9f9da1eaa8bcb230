//! The code blocks of a page, and the commands in those that are for a shell.

/// A code block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is written in, as the page says: `sh`, `toml`.
    pub language: String,
    /// The page's line on which it begins, from 1.
    pub line: usize,
    /// What is in it, without the indentation of the block.
    pub text: String,
}

/// A command as a page shows it; may have several lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Example {
    /// The page's line on which it begins, from 1.
    pub line: usize,
    /// The command.
    pub text: String,
}

/// The code blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut open) = (Vec::new(), None::<(usize, Block)>);
    for (at, line) in page.lines().enumerate() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(language)) => {
                let language = language.trim().to_owned();
                open = Some((indent, Block { language, line: at + 2, text: String::new() }));
            }
            (None, None) => {}
            (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
            (Some((outer, block)), None) => {
                block.text.push_str(line.get((*outer).min(indent)..).unwrap_or_default());
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a code block has no end");
    blocks
}

/// The commands of a page, in order.
pub fn examples(page: &str) -> Vec<Example> {
    let mut found = Vec::new();
    for block in blocks(page) {
        match block.language.as_str() {
            "sh" | "bash" | "shell" => commands(&block.text, block.line, &mut found),
            "console" => {
                for (at, line) in block.text.lines().enumerate() {
                    if let Some(command) = line.strip_prefix("$ ") {
                        commands(command, block.line + at, &mut found);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Parts a shell's text into its commands. Comments are none.
fn commands(text: &str, first: usize, found: &mut Vec<Example>) {
    let mut command = String::new();
    let mut begins = first;
    for (at, line) in text.lines().enumerate() {
        if command.is_empty() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            begins = first + at;
        }
        command.push_str(line);
        if is_whole(&command) {
            found.push(Example { line: begins, text: std::mem::take(&mut command) });
        } else {
            command.push('\n');
        }
    }
    assert!(command.is_empty(), "a command has no end: {command}");
}

/// Whether a command does not go on in the next line.
fn is_whole(command: &str) -> bool {
    let (mut quote, mut before) = (None, ' ');
    let mut letters = command.chars();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None | Some('"'), '\\') => {
                let Some(escaped) = letters.next() else { return false };
                before = if escaped == '\n' { ' ' } else { 'x' };
                continue;
            }
            (None, '#') if before.is_whitespace() => {
                // A comment, to the end of its line.
                letters.by_ref().find(|c| *c == '\n');
            }
            _ => {}
        }
        before = c;
    }
    quote.is_none()
}

#[test]
fn commands_are_parted_as_a_shell_does() {
    let page = "x\n```sh\na b \\\n  c  # d 'e\n\n# f\ng 'h\ni' j\n```\n- k\n\n  ```sh\n  l\n  ```\n\
                ```console\n$ m\nn\n$ o\n```\n```toml\np = 1\n```\n";
    let found: Vec<(usize, String)> =
        examples(page).into_iter().map(|found| (found.line, found.text)).collect();
    let expected = [(3, "a b \\\n  c  # d 'e"), (7, "g 'h\ni' j"), (13, "l"), (16, "m"), (18, "o")];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    assert_eq!(blocks(page).len(), 4);
}
