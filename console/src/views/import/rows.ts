/** A row of a CSV file: the line on which it begins, from 1, and where it is in bytes. */
export type Row = {
  line: number;
  start: number;
  end: number;
  /** Set where a quotation mark in it is never closed, so that it goes to the end of the file. */
  isUnclosed?: true;
};

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** What may part cells; the first one unless the header tells. */
const SEPARATORS = [",", ";", "\t"].map((separator) => separator.charCodeAt(0));

/** A first line, as Excel has it, that names what parts cells. */
const NAMED = /^("?)sep=([,;\t])\1$/i;

/** What a first line `sep=;` names, and where that line ends. */
function namedSeparator(bytes: Uint8Array): { separator: number; end: number } | undefined {
  const from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  // One byte more than the longest such line has.
  const begin = bytes.subarray(from, from + 8);
  const found = begin.findIndex((byte) => byte === LF || byte === CR);
  const line = String.fromCharCode(...(found < 0 ? begin : begin.subarray(0, found)));
  const separator = NAMED.exec(line)?.[2]?.charCodeAt(0);
  return separator === undefined ? undefined : { separator, end: from + line.length };
}

/**
 * What parts cells, as the server finds it: what the first line names, or else what stands most in
 * the first row that is not blank, outside of quotation marks.
 */
export function separatorOf(bytes: Uint8Array): number {
  const named = namedSeparator(bytes);
  if (named) {
    return named.separator;
  }
  const counts = SEPARATORS.map(() => 0);
  let isQuoted = false;
  let at = 0;
  while (bytes[at] === LF || bytes[at] === CR) {
    at += 1;
  }
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      isQuoted = !isQuoted;
    } else if (!isQuoted) {
      if (byte === LF || byte === CR) {
        break;
      }
      const which = SEPARATORS.indexOf(byte);
      if (which >= 0) {
        counts[which] = (counts[which] ?? 0) + 1;
      }
    }
  }
  const most = Math.max(...counts);
  return SEPARATORS[counts.indexOf(most)] ?? 0x2c;
}

/**
 * The rows of a CSV file of any encoding in which the bytes of ASCII stand for nothing else where
 * they stand alone: UTF-8, and GB18030, whose second bytes are never a quotation mark, a separator
 * or the end of a line. Blank lines are none, nor is a first line `sep=`. One that is longer than
 * `rowBytesMax` is the last, and has no end.
 */
export function* rowsOf(bytes: Uint8Array, rowBytesMax = Number.POSITIVE_INFINITY): Generator<Row> {
  const separator = separatorOf(bytes);
  const length = bytes.length;
  let line = 1;
  let at = namedSeparator(bytes)?.end ?? 0;
  while (at < length) {
    const first = bytes[at];
    if (first === LF || first === CR) {
      // A carriage return before a line feed is one end with it.
      line += first === LF || bytes[at + 1] !== LF ? 1 : 0;
      at += 1;
      continue;
    }
    const row: Row = { line, start: at, end: at };
    let isQuoted = false;
    let isCellBegun = false;
    const most = Math.min(length, row.start + rowBytesMax + 1);
    for (; at < most; at += 1) {
      const byte = bytes[at];
      if (isQuoted) {
        if (byte === QUOTE) {
          if (bytes[at + 1] === QUOTE) {
            at += 1;
          } else {
            isQuoted = false;
          }
        } else if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) {
          line += 1;
        }
      } else if (byte === LF || byte === CR) {
        break;
      } else if (byte === separator) {
        isCellBegun = false;
      } else {
        isQuoted = byte === QUOTE && !isCellBegun;
        isCellBegun = true;
      }
    }
    row.end = at;
    if (isQuoted) {
      row.isUnclosed = true;
    }
    yield row;
    if (at > row.start + rowBytesMax) {
      return;
    }
  }
}

/** The cells of a row that was decoded. */
export function cellsOf(text: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  let isBegun = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (isQuoted) {
      if (char !== '"') {
        cell += char;
      } else if (text[at + 1] === '"') {
        cell += char;
        at += 1;
      } else {
        isQuoted = false;
      }
    } else if (char === separator) {
      cells.push(cell);
      cell = "";
      isBegun = false;
    } else if (char === '"' && !isBegun) {
      isQuoted = true;
      isBegun = true;
    } else {
      cell += char;
      isBegun = true;
    }
  }
  return [...cells, cell];
}
