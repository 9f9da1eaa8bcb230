//! The command grammar (POSIX.1-2017, Shell Command Language, section 2.10), less here-documents,
//! background commands and backquotes.

use std::sync::Arc;

use super::ast::{AndOr, Command, Joint, Kind, List, Part, Pipeline, Redirect, Target, Word};
use super::source::{Source, SyntaxError};

/// Words that end a list when they stand where a command would.
const CLOSERS: &[&[u8]] = &[b"then", b"elif", b"else", b"fi", b"do", b"done", b"esac", b"}"];

/// Parses a whole script.
pub fn parse(script: &[u8]) -> Result<List, SyntaxError> {
    let mut source = Source::new(script);
    let list = list(&mut source)?;
    if source.peek().is_some() { Err(source.unexpected()) } else { Ok(list) }
}

/// Parses commands until a closer, a `)`, a `;;` or the end; takes none of these.
pub fn list(source: &mut Source<'_>) -> Result<List, SyntaxError> {
    let mut list = List::new();
    loop {
        skip_lines(source);
        let at_end = matches!(source.peek(), None | Some(b')'))
            || (source.peek() == Some(b';') && source.peek_at(1) == Some(b';'))
            || CLOSERS.iter().any(|word| at_reserved(source, word));
        if at_end {
            return Ok(list);
        }
        list.push(and_or(source)?);
        source.skip_blanks();
        match (source.peek(), source.peek_at(1)) {
            (None | Some(b'\n' | b')'), _) | (Some(b';'), Some(b';')) => {}
            (Some(b';'), _) => {
                source.take();
            }
            (Some(b'&'), _) => return Err(source.unsupported("&")),
            _ => return Err(source.unexpected()),
        }
    }
}

/// Skips blanks, comments and newlines.
fn skip_lines(source: &mut Source<'_>) {
    loop {
        source.skip_blanks();
        if !source.eat(b"\n") {
            return;
        }
    }
}

/// Whether the reserved word `word` comes next, as a word of its own.
fn at_reserved(source: &Source<'_>, word: &[u8]) -> bool {
    let same = word.iter().enumerate().all(|(at, byte)| source.peek_at(at) == Some(*byte));
    let end = source.peek_at(word.len());
    same && end.is_none_or(|byte| b" \t\r\n&|;<>()".contains(&byte))
}

/// Takes a reserved word if it comes next, after blanks and newlines.
fn eat_reserved(source: &mut Source<'_>, word: &[u8]) -> bool {
    let mark = source.mark();
    skip_lines(source);
    let found = at_reserved(source, word) && source.eat(word);
    if !found {
        source.rewind(mark);
    }
    found
}

/// Takes a reserved word that must come next.
fn expect_reserved(source: &mut Source<'_>, word: &[u8]) -> Result<(), SyntaxError> {
    if eat_reserved(source, word) {
        return Ok(());
    }
    skip_lines(source);
    Err(source.unexpected())
}

/// A list that must not be empty, as the bodies of compound commands.
fn body(source: &mut Source<'_>) -> Result<List, SyntaxError> {
    let list = source.deeper(list)?;
    if list.is_empty() { Err(source.unexpected()) } else { Ok(list) }
}

/// `pipeline && pipeline || pipeline`.
fn and_or(source: &mut Source<'_>) -> Result<AndOr, SyntaxError> {
    let first = pipeline(source)?;
    let mut rest = Vec::new();
    loop {
        source.skip_blanks();
        let joint = if source.eat(b"&&") {
            Joint::And
        } else if source.eat(b"||") {
            Joint::Or
        } else {
            return Ok(AndOr { first, rest });
        };
        skip_lines(source);
        rest.push((joint, pipeline(source)?));
    }
}

/// `! command | command`.
fn pipeline(source: &mut Source<'_>) -> Result<Pipeline, SyntaxError> {
    source.skip_blanks();
    let negated = at_reserved(source, b"!") && source.eat(b"!");
    let mut commands = Vec::new();
    loop {
        source.skip_blanks();
        commands.push(command(source)?);
        source.skip_blanks();
        if source.peek() != Some(b'|') || source.peek_at(1) == Some(b'|') {
            return Ok(Pipeline { negated, commands });
        }
        source.take();
        skip_lines(source);
    }
}

/// One command of any kind, with its redirections.
fn command(source: &mut Source<'_>) -> Result<Command, SyntaxError> {
    let kind = if source.peek() == Some(b'(') {
        source.take();
        let list = body(source)?;
        if !source.eat(b")") {
            return Err(source.unexpected());
        }
        Kind::Subshell(list)
    } else if let Some(kind) = compound(source)? {
        kind
    } else if let Some(name) = function_name(source) {
        skip_lines(source);
        let body = Arc::new(source.deeper(command)?);
        return Ok(Command { kind: Kind::Function { name, body }, redirects: Vec::new() });
    } else {
        return simple(source);
    };
    let mut redirects = Vec::new();
    loop {
        source.skip_blanks();
        match redirect(source)? {
            Some(one) => redirects.push(one),
            None => return Ok(Command { kind, redirects }),
        }
    }
}

/// A compound command that a reserved word begins.
fn compound(source: &mut Source<'_>) -> Result<Option<Kind>, SyntaxError> {
    let kind = if eat_reserved(source, b"{") {
        let list = body(source)?;
        expect_reserved(source, b"}")?;
        Kind::Group(list)
    } else if eat_reserved(source, b"if") {
        conditional(source)?
    } else if eat_reserved(source, b"case") {
        case(source)?
    } else if eat_reserved(source, b"for") {
        for_loop(source)?
    } else if eat_reserved(source, b"while") {
        while_loop(source, false)?
    } else if eat_reserved(source, b"until") {
        while_loop(source, true)?
    } else {
        return Ok(None);
    };
    Ok(Some(kind))
}

/// Behind `if`.
fn conditional(source: &mut Source<'_>) -> Result<Kind, SyntaxError> {
    let mut branches = Vec::new();
    loop {
        let test = body(source)?;
        expect_reserved(source, b"then")?;
        branches.push((test, body(source)?));
        if !eat_reserved(source, b"elif") {
            break;
        }
    }
    let otherwise = if eat_reserved(source, b"else") { Some(body(source)?) } else { None };
    expect_reserved(source, b"fi")?;
    Ok(Kind::If { branches, otherwise })
}

/// Behind `case`.
fn case(source: &mut Source<'_>) -> Result<Kind, SyntaxError> {
    source.skip_blanks();
    let subject = source.word()?.ok_or_else(|| source.unexpected())?;
    expect_reserved(source, b"in")?;
    let mut arms = Vec::new();
    while !eat_reserved(source, b"esac") {
        skip_lines(source);
        source.eat(b"(");
        let mut patterns = Vec::new();
        loop {
            source.skip_blanks();
            patterns.push(source.word()?.ok_or_else(|| source.unexpected())?);
            source.skip_blanks();
            if !source.eat(b"|") {
                break;
            }
        }
        if !source.eat(b")") {
            return Err(source.unexpected());
        }
        let list = source.deeper(list)?;
        arms.push((patterns, list));
        skip_lines(source);
        if !source.eat(b";;") {
            expect_reserved(source, b"esac")?;
            break;
        }
    }
    Ok(Kind::Case { subject, arms })
}

/// Behind `for`.
fn for_loop(source: &mut Source<'_>) -> Result<Kind, SyntaxError> {
    source.skip_blanks();
    let name = source.name();
    if name.is_empty() {
        return Err(source.unexpected());
    }
    let words = if eat_reserved(source, b"in") {
        let mut words = Vec::new();
        loop {
            source.skip_blanks();
            match source.word()? {
                Some(word) => words.push(word),
                None => break,
            }
        }
        Some(words)
    } else {
        None
    };
    source.skip_blanks();
    source.eat(b";");
    Ok(Kind::For { name, words, body: do_body(source)? })
}

/// Behind `while` or `until`.
fn while_loop(source: &mut Source<'_>, until: bool) -> Result<Kind, SyntaxError> {
    let test = body(source)?;
    Ok(Kind::Loop { until, test, body: do_body(source)? })
}

/// `do ...; done`.
fn do_body(source: &mut Source<'_>) -> Result<List, SyntaxError> {
    expect_reserved(source, b"do")?;
    let list = body(source)?;
    expect_reserved(source, b"done")?;
    Ok(list)
}

/// Takes `name()`, when that is what comes.
fn function_name(source: &mut Source<'_>) -> Option<Vec<u8>> {
    let mark = source.mark();
    let name = source.name();
    source.skip_blanks();
    if !name.is_empty() && source.eat(b"(") {
        source.skip_blanks();
        if source.eat(b")") {
            return Some(name);
        }
    }
    source.rewind(mark);
    None
}

/// Assignments, words and redirections in any order.
fn simple(source: &mut Source<'_>) -> Result<Command, SyntaxError> {
    let mut assignments = Vec::new();
    let mut words = Vec::new();
    let mut redirects = Vec::new();
    loop {
        source.skip_blanks();
        if let Some(one) = redirect(source)? {
            redirects.push(one);
            continue;
        }
        if words.is_empty() {
            let mark = source.mark();
            let name = source.name();
            if !name.is_empty() && source.eat(b"=") {
                assignments.push((name, source.word()?.unwrap_or_default()));
                continue;
            }
            source.rewind(mark);
        }
        match source.word()? {
            Some(word) => words.push(word),
            None => break,
        }
    }
    if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
        return Err(source.unexpected());
    }
    Ok(Command { kind: Kind::Simple { assignments, words }, redirects })
}

/// One redirection, when one comes. A digit belongs to it only directly before its sign.
fn redirect(source: &mut Source<'_>) -> Result<Option<Redirect>, SyntaxError> {
    let digit = source.peek().filter(u8::is_ascii_digit);
    let sign = source.peek_at(usize::from(digit.is_some()));
    if !matches!(sign, Some(b'<' | b'>')) {
        return Ok(None);
    }
    if let Some(digit) = digit {
        if digit > b'2' {
            return Err(source.unsupported("a descriptor above 2"));
        }
        source.take();
    }
    let fd = |standard: u8| digit.map_or(standard, |digit| digit - b'0');
    for form in ["<<", "<>"] {
        if source.eat(form.as_bytes()) {
            return Err(source.unsupported(form));
        }
    }
    let (fd, target) = if source.eat(b"<&") {
        (fd(0), copy(source)?)
    } else if source.eat(b">&") {
        (fd(1), copy(source)?)
    } else if source.eat(b"<") {
        (fd(0), Target::Read(file(source)?))
    } else if source.eat(b">>") {
        (fd(1), Target::Append(file(source)?))
    } else {
        source.take();
        source.eat(b"|");
        (fd(1), Target::Write(file(source)?))
    };
    Ok(Some(Redirect { fd, target }))
}

/// The file's name behind a redirection sign.
fn file(source: &mut Source<'_>) -> Result<Word, SyntaxError> {
    source.skip_blanks();
    source.word()?.ok_or_else(|| source.unexpected())
}

/// The descriptor behind `>&` or `<&`: `0` to `2`, or `-`.
fn copy(source: &mut Source<'_>) -> Result<Target, SyntaxError> {
    let word = file(source)?;
    match word.0.as_slice() {
        [Part::Literal(text)] => match text.as_slice() {
            [digit @ b'0'..=b'2'] => Ok(Target::Copy(digit - b'0')),
            b"-" => Ok(Target::Close),
            _ => Err(source.unsupported("a descriptor above 2")),
        },
        _ => Err(source.unexpected()),
    }
}
