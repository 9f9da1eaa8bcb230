//! The rows of a CSV file, each with the line on which it begins. They are of bytes, whose encoding
//! may be any in which the bytes of ASCII stand for nothing else than ASCII where they stand alone:
//! UTF-8, and GB18030, whose second bytes are never a quotation mark, a separator or the end of a
//! line.

use csv::{ByteRecord, Reader, ReaderBuilder};

/// What may part cells; the first one unless the header tells.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// One byte more than the longest line that names a separator.
const SEPARATOR_LINE_BYTES: usize = 8;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, counted from 1 as an editor does.
    pub line: usize,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Its cells.
    pub cells: ByteRecord,
}

/// The rows of a file, as they are asked for. Blank lines are none, nor is a first line `sep=` that
/// says what parts cells.
pub struct Rows<'a> {
    text: &'a [u8],
    /// Where the reader has begun.
    begin: usize,
    reader: Reader<&'a [u8]>,
    /// Up to where lines were counted, and how many ends of lines there were.
    counted: (usize, usize),
}

impl<'a> Rows<'a> {
    /// The rows of `text`, whose cells are parted by what its first line names, as Excel has it, or
    /// else by what parts those of the first row: a comma, a semicolon or a tab.
    pub fn new(text: &'a [u8]) -> Self {
        let (begin, named) = named_separator(text);
        let rest = text.get(begin..).unwrap_or_default();
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(named.unwrap_or_else(|| separator(rest)))
            .from_reader(rest);
        Self { text, begin, reader, counted: (0, 0) }
    }

    /// The next row; `None` at the end. Unlike an iterator's, it can't be asked again.
    pub fn next_row(&mut self) -> Option<Row> {
        let mut cells = ByteRecord::new();
        // It fails only as what is read from does, and that is memory.
        if !self.reader.read_byte_record(&mut cells).unwrap_or(false) {
            return None;
        }
        let from = cells.position().map_or(0, csv::Position::byte);
        let from = usize::try_from(from).unwrap_or(usize::MAX).saturating_add(self.begin);
        // The reader counts what stands between two rows to the second one.
        let rest = self.text.get(from..).unwrap_or_default();
        let between = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = from + between;
        Some(Row { line: self.line_at(start), start, cells })
    }

    /// The line on which the byte at `place` stands, which is behind all that were asked for.
    fn line_at(&mut self, place: usize) -> usize {
        let (begin, lines) = self.counted;
        let passed = self.text.get(begin..place).unwrap_or_default();
        let after = self.text.get(begin + 1..).unwrap_or_default();
        let next = after.iter().copied().map(Some).chain([None]);
        let is_end = |(byte, next): &(&u8, Option<u8>)| match byte {
            b'\n' => true,
            // Macintosh's of old; before a line feed it is one with it.
            b'\r' => *next != Some(b'\n'),
            _ => false,
        };
        let lines = lines + passed.iter().zip(next).filter(is_end).count();
        self.counted = (place, lines);
        lines + 1
    }
}

/// What a first line `sep=;` names, also in quotation marks, and where the rest begins; nothing and
/// the beginning if there is none.
fn named_separator(text: &[u8]) -> (usize, Option<u8>) {
    let from = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let first = text.iter().skip(from).take_while(|byte| !matches!(byte, b'\r' | b'\n'));
    let line: Vec<u8> = first.take(SEPARATOR_LINE_BYTES).copied().collect();
    let bare = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    let named = match bare.unwrap_or(&line) {
        [s, e, p, b'=', separator]
            if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && SEPARATORS.contains(separator) =>
        {
            Some(*separator)
        }
        _ => None,
    };
    (if named.is_some() { from + line.len() } else { 0 }, named)
}

/// What parts the cells of the first row that is not blank: what stands there most outside of
/// quotation marks.
fn separator(text: &[u8]) -> u8 {
    let first = text.iter().skip_while(|byte| matches!(byte, b'\r' | b'\n'));
    let mut counts = SEPARATORS.map(|separator| (0_usize, separator));
    let mut is_quoted = false;
    for byte in first {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted => break,
            byte if !is_quoted => {
                let counted = counts.iter_mut().filter(|(_, separator)| separator == byte);
                counted.for_each(|(count, _)| *count += 1);
            }
            _ => {}
        }
    }
    // Of several that stand there as often, the first.
    let most = counts.into_iter().rev().max_by_key(|(count, _)| *count);
    most.map_or(b',', |(_, separator)| separator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<(usize, Vec<String>)> {
        let mut rows = Rows::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(row) = rows.next_row() {
            let cells = row.cells.iter().map(|cell| String::from_utf8(cell.to_vec()).unwrap());
            found.push((row.line, cells.collect()));
        }
        found
    }

    fn lines(text: &str) -> Vec<usize> {
        all(text).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        assert_eq!(lines("a,b\n1,2\n3,4\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4"), [1, 2, 3]);
        assert_eq!(lines("a,b\r1,2\r3,4\r"), [1, 2, 3]);
        assert_eq!(lines("\n\na,b\n\n1,2\n\r\n\n3,4\n"), [3, 5, 8]);
        assert_eq!(lines("a,b\n\"1\n1\",2\n3,\"4\r\n\n4\"\n5,6\n"), [1, 2, 4, 7]);
        assert_eq!(lines("\u{feff}a,b\n1,2\n"), [1, 2]);
        assert!(lines("").is_empty() && lines("\r\n\n").is_empty());
    }

    #[test]
    fn cells_are_parted_by_what_the_header_has() {
        for text in ["a,b;c\n1,2;3\n", "a;b,c;d\n1;2,3;4\n", "a\tb,c\td\n1\t2,3\t4\n"] {
            let rows = all(text);
            assert_eq!(rows[0].1.len(), rows[1].1.len(), "{text}");
        }
        assert_eq!(all("\"a,a,a\";b\n1;2\n")[1].1, ["1", "2"]);
        assert_eq!(all("a\n1;2\n")[1].1, ["1;2"]);
        assert_eq!(all("a;b\n\"x;\"\"y\"\"\";2\n")[1].1, ["x;\"y\"", "2"]);
    }

    #[test]
    fn a_first_line_may_name_what_parts_cells() {
        for text in ["sep=;\na,b,c;d\n", "\u{feff}SEP=;\r\na,b,c;d", "\"sep=;\"\ra,b,c;d"] {
            let cells = ["a,b,c", "d"].map(str::to_owned).to_vec();
            assert_eq!(all(text), [(2, cells)], "{text}");
        }
        assert_eq!(all("sep=\t\n\na\tb\n")[0].0, 3);
        for text in ["sep=x\n", "sep=;;\n", "xsep=;\n", "sep=\n", "a\nsep=;\n"] {
            assert_eq!(all(text)[0].0, 1, "{text}");
        }
        let mut rows = Rows::new(b"sep=;\r\na;b\n1;2\n");
        let starts = [rows.next_row().unwrap().start, rows.next_row().unwrap().start];
        assert_eq!(starts, [7, 11]);
    }

    #[test]
    fn a_row_is_where_it_is_said_to_be() {
        let text = "a,b\r\n\r\n\"1\n1\",2\r\n3,4\n";
        let mut rows = Rows::new(text.as_bytes());
        let mut starts = Vec::new();
        while let Some(row) = rows.next_row() {
            starts.push(row.start);
        }
        let at = |part: &str| text.find(part).unwrap();
        assert_eq!(starts, [0, at("\"1"), at("3,4")]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_go_back(
            text in proptest::collection::vec(
                prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200,
            ),
        ) {
            let mut rows = Rows::new(&text);
            let mut before = (0, 0);
            while let Some(row) = rows.next_row() {
                prop_assert!(row.line > before.0 || before.0 == 0);
                prop_assert!(row.start >= before.1 && row.start <= text.len());
                before = (row.line, row.start);
            }
        }
    }
}
