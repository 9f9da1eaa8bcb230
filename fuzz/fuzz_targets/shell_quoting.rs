//! Any text as one word of a phone's shell: `quote` of it, read by a shell, is the text again, and
//! nothing of it is run.
//!
//! The input's NULs part it into words, since no argument can hold one. Two readers judge: the
//! simulated phones' shell, which runs the line, and a plain reader of POSIX words below.

#![no_main]

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use libfuzzer_sys::fuzz_target;
use phones::script::quote;
use simulator::shell::{self, Chunk, FileError, Outcome, Stat, Stdin, System};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// The command that is given the words.
const COMMAND: &str = "probe";

/// A system that has no files and no commands but one, and writes down all that it is asked for.
#[derive(Default)]
struct Recorder {
    commands: Mutex<Vec<Vec<Vec<u8>>>>,
    touched: Mutex<Vec<Vec<u8>>>,
}

impl Recorder {
    fn touch(&self, path: &[u8]) -> FileError {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_vec());
        FileError::Missing
    }
}

impl System for Recorder {
    fn command<'a>(&'a self, args: &'a [&'a [u8]]) -> BoxFuture<'a, Option<Outcome>> {
        let args = args.iter().map(|arg| arg.to_vec()).collect();
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(args);
        async { Some(Outcome::status(0)) }.boxed()
    }

    fn read(&self, path: &[u8]) -> Result<Vec<u8>, FileError> {
        Err(self.touch(path))
    }

    fn write(&self, path: &[u8], _: &[u8], _: bool) -> Result<(), FileError> {
        Err(self.touch(path))
    }

    fn stat(&self, path: &[u8]) -> Option<Stat> {
        self.touch(path);
        None
    }

    fn list(&self, path: &[u8]) -> Vec<Vec<u8>> {
        self.touch(path);
        Vec::new()
    }

    fn remove(&self, path: &[u8], _: bool) -> Result<(), FileError> {
        Err(self.touch(path))
    }

    fn make_directory(&self, path: &[u8], _: bool) -> Result<(), FileError> {
        Err(self.touch(path))
    }

    fn rename(&self, from: &[u8], _: &[u8]) -> Result<(), FileError> {
        Err(self.touch(from))
    }

    fn change_mode(&self, path: &[u8]) -> Result<(), FileError> {
        Err(self.touch(path))
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

/// Runs a line and gives what it ran and which files it looked for.
fn run(line: &str) -> (Vec<Vec<Vec<u8>>>, Vec<Vec<u8>>) {
    let recorder = Arc::new(Recorder::default());
    let system = Arc::clone(&recorder);
    RUNTIME.block_on(async {
        let (sender, mut chunks) = mpsc::channel(4);
        let script = shell::run(system, line.as_bytes(), Arc::new(Stdin::default()), sender);
        let printed = async {
            let mut printed = Vec::new();
            while let Some(chunk) = chunks.recv().await {
                printed.push(chunk);
            }
            printed
        };
        let ((), printed) = futures_util::future::join(script, printed).await;
        assert_eq!(printed, [Chunk::Exit(0)], "{line:?}");
    });
    let commands = recorder.commands.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let touched = recorder.touched.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (commands, touched)
}

/// Reads a line as POSIX words (POSIX.1-2017, Shell Command Language, 2.2): blanks part them,
/// single quotes keep everything, a backslash outside keeps the next character. `None` for a line
/// with anything else that means something to a shell.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        match letter {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        kept => word.push(kept),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next()?),
            plain if plain.is_ascii_alphanumeric() => word.get_or_insert_default().push(plain),
            _ => return None,
        }
    }
    words.extend(word);
    Some(words)
}

fuzz_target!(|text: &str| {
    let mut expected = vec![COMMAND];
    expected.extend(text.split('\0'));
    let mut line = COMMAND.to_owned();
    for word in &expected[1..] {
        line.push(' ');
        line.push_str(&quote(word));
    }
    if line.len() > shell::SCRIPT_BYTES_MAX {
        return;
    }
    assert_eq!(
        words(&line).as_deref(),
        Some(expected.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>().as_slice()),
        "{line:?}"
    );
    let (commands, touched) = run(&line);
    let expected: Vec<Vec<u8>> = expected.iter().map(|word| word.as_bytes().to_vec()).collect();
    assert_eq!(commands, [expected], "{line:?}");
    assert!(touched.is_empty(), "{line:?} looked for {touched:?}");
});
