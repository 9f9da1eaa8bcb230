//! The shape of a parsed script. Text is bytes throughout: a shell does not know encodings.

use std::sync::Arc;

/// Commands one after the other.
pub type List = Vec<AndOr>;

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub struct AndOr {
    pub first: Pipeline,
    pub rest: Vec<(Joint, Pipeline)>,
}

/// What stands between two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    And,
    Or,
}

/// Commands joined by `|`; nearly always one.
#[derive(Debug)]
pub struct Pipeline {
    pub negated: bool,
    pub commands: Vec<Command>,
}

/// One command with its redirections.
#[derive(Debug)]
pub struct Command {
    pub kind: Kind,
    pub redirects: Vec<Redirect>,
}

/// The kinds of command.
#[derive(Debug)]
pub enum Kind {
    Simple { assignments: Vec<(Vec<u8>, Word)>, words: Vec<Word> },
    Group(List),
    Subshell(List),
    If { branches: Vec<(List, List)>, otherwise: Option<List> },
    Case { subject: Word, arms: Vec<(Vec<Word>, List)> },
    For { name: Vec<u8>, words: Option<Vec<Word>>, body: List },
    Loop { until: bool, test: List, body: List },
    Function { name: Vec<u8>, body: Arc<Command> },
}

/// One redirection. `fd` is 0, 1 or 2.
#[derive(Debug)]
pub struct Redirect {
    pub fd: u8,
    pub target: Target,
}

/// Where a redirection leads.
#[derive(Debug)]
pub enum Target {
    Read(Word),
    Write(Word),
    Append(Word),
    /// A copy of another descriptor, 0 to 2.
    Copy(u8),
    Close,
}

/// One word: its parts follow each other without a blank.
#[derive(Debug, Clone, Default)]
pub struct Word(pub Vec<Part>);

/// One part of a word.
#[derive(Debug, Clone)]
pub enum Part {
    /// Unquoted text; `*`, `?` and `[` in it match.
    Literal(Vec<u8>),
    /// Text from single quotes or behind a backslash.
    Quoted(Vec<u8>),
    /// The inside of double quotes.
    Double(Vec<Part>),
    Parameter(Parameter),
    Substitution(Arc<List>),
    Arithmetic(Word),
}

/// `$name` in any of its forms.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: Name,
    pub op: Op,
}

/// What a parameter expansion names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Variable(Vec<u8>),
    /// `$1`, `${10}`; `$0` is the shell's name.
    Positional(usize),
    /// One of `? # @ * $ ! -`.
    Special(u8),
}

/// What a parameter expansion does with the value.
#[derive(Debug, Clone)]
pub enum Op {
    Plain,
    /// `${#x}`.
    Length,
    /// `-`, `=`, `?` or `+`; with `colon`, an empty value counts as unset.
    Missing {
        kind: Missing,
        colon: bool,
        word: Word,
    },
    /// `#`, `##`, `%`, `%%`.
    Trim {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
}

/// What happens when a value is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Default,
    Assign,
    Fail,
    /// `+`: the word when the value is *not* missing.
    Alternative,
}
