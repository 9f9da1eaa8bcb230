//! From words to fields: parameters, substitutions, splitting, pathnames
//! (POSIX.1-2017, Shell Command Language, section 2.6).

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};

use super::TEXT_BYTES_MAX;
use super::arithmetic;
use super::ast::{List, Missing, Name, Op, Parameter, Part, Word};
use super::interpreter::{Io, Shell, Sink, Stop};
use super::pattern::{self, Pattern, Unit};

/// Fields as they grow.
struct Fields {
    done: Vec<Vec<Unit>>,
    current: Vec<Unit>,
    /// The current field exists, even if empty.
    open: bool,
    /// A blank separator just ended a field: a visible one behind it belongs to it.
    blank: bool,
    /// Whether unquoted expansions split.
    split: bool,
    /// Inside an expansion's own word, where even literal text splits.
    inside: bool,
    ifs: Vec<u8>,
    bytes: usize,
}

impl Fields {
    /// Adds text to the current field.
    fn add(&mut self, bytes: &[u8], quoted: bool) {
        self.open |= quoted || !bytes.is_empty();
        self.blank = false;
        self.bytes += bytes.len();
        self.current.extend(bytes.iter().map(|byte| Unit { byte: *byte, quoted }));
    }

    /// Adds what an expansion gave; splits it unless it is quoted.
    fn add_expansion(&mut self, bytes: &[u8], quoted: bool) {
        if quoted || !self.split {
            // An empty unquoted expansion makes no field; an empty quoted one does.
            self.add(bytes, quoted);
            return;
        }
        for byte in bytes {
            if !self.ifs.contains(byte) {
                self.add(&[*byte], false);
            } else if b" \t\n".contains(byte) {
                if self.open {
                    self.finish();
                    self.blank = true;
                }
            } else if self.blank {
                self.blank = false;
            } else {
                self.finish();
            }
        }
    }

    /// Ends the current field.
    fn finish(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
        self.open = false;
        self.bytes += 1;
    }

    /// Ends the last field, if there is one.
    fn finish_last(&mut self) {
        if self.open {
            self.finish();
        }
        self.blank = false;
    }
}

/// The value of a parameter.
enum Value {
    Unset,
    Text(Vec<u8>),
    /// `$@` and `$*`.
    List(Vec<Vec<u8>>),
}

impl Shell {
    /// Expands words to fields, as for a command's arguments.
    pub(super) fn fields<'a>(
        &'a mut self,
        words: &'a [Word],
        io: &'a Io,
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>, Stop>> {
        async move {
            let mut fields = self.new_fields(true);
            for word in words {
                self.parts(&word.0, false, &mut fields, io).await?;
                fields.finish_last();
            }
            let mut result = Vec::with_capacity(fields.done.len());
            for field in fields.done {
                if pattern::has_pattern(&field) {
                    self.pathnames(&field, &mut result);
                } else {
                    result.push(pattern::text(&field));
                }
            }
            Ok(result)
        }
        .boxed()
    }

    /// Expands a word to one text without splitting, as for an assignment.
    pub(super) async fn text(&mut self, word: &Word, io: &Io) -> Result<Vec<u8>, Stop> {
        Ok(pattern::text(&self.units(word, io).await?))
    }

    /// Expands a word to one text that still knows what was quoted, as for a pattern.
    pub(super) async fn units(&mut self, word: &Word, io: &Io) -> Result<Vec<Unit>, Stop> {
        let mut fields = self.new_fields(false);
        self.parts(&word.0, false, &mut fields, io).await?;
        Ok(fields.current)
    }

    /// No fields yet.
    fn new_fields(&self, split: bool) -> Fields {
        let ifs = self.variable(b"IFS").unwrap_or_else(|| b" \t\n".to_vec());
        let (done, current) = (Vec::new(), Vec::new());
        Fields { done, current, open: false, blank: false, split, inside: false, ifs, bytes: 0 }
    }

    /// Expands the parts of a word into `fields`.
    fn parts<'a>(
        &'a mut self,
        parts: &'a [Part],
        quoted: bool,
        fields: &'a mut Fields,
        io: &'a Io,
    ) -> BoxFuture<'a, Result<(), Stop>> {
        async move {
            for part in parts {
                match part {
                    Part::Literal(text) if fields.inside => fields.add_expansion(text, quoted),
                    Part::Literal(text) => fields.add(text, quoted),
                    Part::Quoted(text) => fields.add(text, true),
                    Part::Double(inside) => {
                        // "$@" without parameters is no field at all.
                        let nothing = inside.iter().all(is_all_parameters)
                            && !inside.is_empty()
                            && self.positional().is_empty();
                        fields.open |= !nothing;
                        self.parts(inside, true, fields, io).await?;
                    }
                    Part::Parameter(parameter) => {
                        self.parameter(parameter, quoted, fields, io).await?;
                    }
                    Part::Substitution(list) => {
                        let text = self.substitution(list, io).await?;
                        fields.add_expansion(&text, quoted);
                    }
                    Part::Arithmetic(word) => {
                        let text = self.arithmetic(word, io).await?;
                        fields.add_expansion(text.as_bytes(), quoted);
                    }
                }
                if fields.bytes > TEXT_BYTES_MAX {
                    return Err(self.fatal(io, "expansion too long"));
                }
            }
            Ok(())
        }
        .boxed()
    }

    /// Expands one parameter.
    async fn parameter(
        &mut self,
        parameter: &Parameter,
        quoted: bool,
        fields: &mut Fields,
        io: &Io,
    ) -> Result<(), Stop> {
        let value = self.value(&parameter.name);
        match &parameter.op {
            Op::Plain => self.add_value(&parameter.name, value, quoted, fields),
            Op::Length => {
                let length = match value {
                    Value::Unset => 0,
                    Value::Text(text) => text.len(),
                    Value::List(list) => list.len(),
                };
                fields.add_expansion(length.to_string().as_bytes(), quoted);
            }
            Op::Trim { suffix, longest, pattern } => {
                let text = self.joined(value);
                let pattern = Pattern::new(&self.units(pattern, io).await?);
                let cut = pattern.trim(&text, *suffix, *longest);
                let kept = if *suffix { text.get(..text.len() - cut) } else { text.get(cut..) };
                fields.add_expansion(kept.unwrap_or_default(), quoted);
            }
            Op::Missing { kind, colon, word } => {
                let missing = match &value {
                    Value::Unset => true,
                    Value::Text(text) => *colon && text.is_empty(),
                    Value::List(list) => list.is_empty(),
                };
                match kind {
                    Missing::Alternative if missing => {}
                    Missing::Default | Missing::Alternative
                        if missing == (*kind == Missing::Default) =>
                    {
                        let outer = std::mem::replace(&mut fields.inside, true);
                        self.parts(&word.0, quoted, fields, io).await?;
                        fields.inside = outer;
                    }
                    Missing::Assign if missing => {
                        let Name::Variable(name) = &parameter.name else {
                            return Err(self.fatal(io, "bad substitution"));
                        };
                        let text = self.text(word, io).await?;
                        fields.add_expansion(&text, quoted);
                        self.assign(name, text, io)?;
                    }
                    Missing::Fail if missing => {
                        let text = self.text(word, io).await?;
                        let text = if text.is_empty() {
                            b"parameter null or not set".into()
                        } else {
                            text
                        };
                        return Err(self.fatal(io, &String::from_utf8_lossy(&text)));
                    }
                    _ => self.add_value(&parameter.name, value, quoted, fields),
                }
            }
        }
        Ok(())
    }

    /// Adds a parameter's value as it is.
    fn add_value(&self, name: &Name, value: Value, quoted: bool, fields: &mut Fields) {
        match value {
            Value::Unset => fields.add_expansion(b"", quoted),
            Value::Text(text) => fields.add_expansion(&text, quoted),
            Value::List(list) if quoted && *name == Name::Special(b'*') => {
                fields.add(&self.joined(Value::List(list)), true);
            }
            Value::List(list) if !fields.split => fields.add(&list.join(&b' '), quoted),
            Value::List(list) => {
                for (at, text) in list.iter().enumerate() {
                    if at > 0 && (quoted || fields.open) {
                        fields.finish();
                    }
                    if quoted {
                        fields.add(text, true);
                    } else {
                        fields.add_expansion(text, false);
                    }
                }
            }
        }
    }

    /// The current value of a parameter.
    fn value(&self, name: &Name) -> Value {
        let text = match name {
            Name::Variable(name) => self.variable(name),
            Name::Positional(0) => Some(self.zero()),
            Name::Positional(at) => self.positional().get(at - 1).cloned(),
            Name::Special(b'?') => Some(self.status.to_string().into()),
            Name::Special(b'#') => Some(self.positional().len().to_string().into()),
            Name::Special(b'$') => Some(b"4711".into()),
            Name::Special(b'@' | b'*') => return Value::List(self.positional().to_vec()),
            Name::Special(_) => None,
        };
        text.map_or(Value::Unset, Value::Text)
    }

    /// A value as one text: a list joined by IFS's first byte.
    fn joined(&self, value: Value) -> Vec<u8> {
        match value {
            Value::Unset => Vec::new(),
            Value::Text(text) => text,
            Value::List(list) => match self.variable(b"IFS").unwrap_or_else(|| b" ".into()) {
                ifs if ifs.is_empty() => list.concat(),
                ifs => list.join(ifs.first().unwrap_or(&b' ')),
            },
        }
    }

    /// `$(...)`: the output of a subshell, less its last newlines.
    async fn substitution(&mut self, list: &Arc<List>, io: &Io) -> Result<Vec<u8>, Stop> {
        let sink = Sink::capture();
        let inner = Io { stdout: sink.clone(), ..io.clone() };
        self.subshell(list, &inner).await?;
        let mut text = sink.captured();
        while text.last() == Some(&b'\n') {
            text.pop();
        }
        self.substituted = true;
        Ok(text)
    }

    /// `$((...))`.
    async fn arithmetic(&mut self, word: &Word, io: &Io) -> Result<String, Stop> {
        let text = self.text(word, io).await?;
        let variable = |name: &str| {
            let value = self.variable(name.as_bytes())?;
            Some(String::from_utf8_lossy(&value).into_owned())
        };
        match arithmetic::evaluate(&String::from_utf8_lossy(&text), &variable) {
            Ok(value) => Ok(value.to_string()),
            Err(error) => Err(self.fatal(io, &error.to_string())),
        }
    }

    /// Pathname expansion of one field; a field that matches nothing stays as it is.
    fn pathnames(&self, field: &[Unit], result: &mut Vec<Vec<u8>>) {
        let absolute = field.first().is_some_and(|unit| unit.byte == b'/');
        let mut found: Vec<Vec<u8>> = vec![if absolute { b"/".into() } else { Vec::new() }];
        let pieces = field.split(|unit| unit.byte == b'/').filter(|piece| !piece.is_empty());
        for piece in pieces {
            let matcher = pattern::has_pattern(piece).then(|| Pattern::new(piece));
            let hidden = piece.first().is_some_and(|unit| unit.byte == b'.');
            let mut next = Vec::new();
            for base in found {
                let names = match &matcher {
                    Some(matcher) => {
                        let mut names =
                            self.system.list(if base.is_empty() { b"/" } else { &base });
                        names.retain(|name| {
                            (hidden || name.first() != Some(&b'.')) && matcher.matches(name)
                        });
                        names
                    }
                    None => vec![pattern::text(piece)],
                };
                for name in names {
                    let mut path = base.clone();
                    if !path.is_empty() && path.last() != Some(&b'/') {
                        path.push(b'/');
                    }
                    path.extend(name);
                    if self.system.stat(&path).is_some() {
                        next.push(path);
                    }
                }
            }
            found = next;
        }
        if found.is_empty() {
            result.push(pattern::text(field));
        } else {
            result.extend(found);
        }
    }
}

/// Whether a part is a plain `$@`.
fn is_all_parameters(part: &Part) -> bool {
    let all = Name::Special(b'@');
    matches!(part, Part::Parameter(Parameter { name, op: Op::Plain }) if *name == all)
}
