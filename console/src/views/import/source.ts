import { cellsOf, type Row, rowsOf, separatorOf } from "./rows";

/** Lines in a piece: what the server takes in one call. */
export const LINES_MAX = 10_000;

/** Bytes of a piece before its last line: with that below the 12 MB of one body. */
const PIECE_BYTES_MAX = 7 * 1024 * 1024;

/** Bytes of a line: a recorder with as many channels as it may have takes some 3 MB. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes of a file, which is read whole. */
export const FILE_BYTES_MAX = 256 * 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const HASH = 0x23;

/** What one call sends: some lines of the file, as they are. */
export type Piece = {
  /** What the server calls its first line. */
  firstLine: number;
  lastLine: number;
  lines: number;
  body: Blob;
};

/** A line of a device: what the server calls it, and where it is. */
export type Line = Row;

/** A file that can be sent. */
export type Source = {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  kind: "csv" | "lines" | "list";
  contentType: string;
  /** What reads its text. */
  decoder: TextDecoder;
  /** The lines of devices; the header, blank lines and comments are none. */
  lines: Line[];
  /** Where the header ends; 0 where there is none. */
  headerEnd: number;
  /** The names of the columns, and what parts cells. */
  columns: string[];
  separator: string;
  pieces: Piece[];
};

/** Why a file can't be read. */
export class Unreadable extends Error {
  constructor(
    readonly why: "too_large" | "line_too_long" | "no_list" | "spreadsheet" | "no_text",
    readonly line = 0,
  ) {
    super(why);
  }
}

/** Whether the bytes are UTF-8. All of a file is asked: a part of one in GB18030 may happen to be. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Lines of bytes, each with its end. */
function* linesOf(bytes: Uint8Array): Generator<Row> {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found + 1;
    yield { line, start, end };
    start = end;
  }
}

/** Where the devices of a list in JSON are, counted from 1. Their content is the server's to judge. */
function* listed(bytes: Uint8Array): Generator<Row> {
  let depth = 0;
  let isText = false;
  let start = -1;
  let number = 1;
  for (let at = 0; at < bytes.length; at += 1) {
    const char = String.fromCharCode(bytes[at] ?? 0);
    if (isText) {
      if (char === "\\") {
        at += 1;
      } else if (char === '"') {
        isText = false;
      }
      continue;
    }
    const isEnd = depth === 1 && (char === "," || char === "]");
    if (isEnd && start >= 0) {
      yield { line: number, start, end: at };
      number += 1;
      start = -1;
    }
    if (char === "]" || char === "}") {
      depth -= 1;
      if (depth === 0) {
        return;
      }
    } else if (!isEnd) {
      if (depth === 1 && start < 0 && !/\s/.test(char)) {
        start = at;
      }
      if (char === '"') {
        isText = true;
      } else if (char === "[" || char === "{") {
        depth += 1;
      }
    }
  }
  throw new Unreadable("no_list", number);
}

/** Whether a row is none of a device: empty cells, or a comment, whose first cell is the only one. */
function isNoDevice(text: string, separator: string): boolean {
  const [first = "", ...others] = cellsOf(text, separator);
  return (first === "" || first.startsWith("#")) && others.every((cell) => cell === "");
}

/** Cuts lines into pieces, each of which one call takes. `bodyOf` has what is sent of some lines. */
function cut(lines: readonly Line[], bodyOf: (lines: readonly Line[]) => Blob): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  while (from < lines.length) {
    let to = from;
    let bytes = 0;
    while (to < lines.length && to - from < LINES_MAX && bytes < PIECE_BYTES_MAX) {
      const line = lines[to];
      bytes += line ? line.end - line.start : 0;
      to += 1;
    }
    const part = lines.slice(from, to);
    const [first, last] = [part[0], part.at(-1)];
    if (first && last) {
      const body = bodyOf(part);
      pieces.push({ firstLine: first.line, lastLine: last.line, lines: part.length, body });
    }
    from = to;
  }
  return pieces;
}

/** Refuses lines that are too long for a call. */
function checked(lines: Line[]): Line[] {
  const long = lines.find((line) => line.end - line.start > LINE_BYTES_MAX);
  if (long) {
    throw new Unreadable("line_too_long", long.line);
  }
  return lines;
}

/**
 * Refuses what is no text: a spreadsheet's own file, which is a ZIP or what came before, and any other
 * with NULs in it. In UTF-16 every second byte is one.
 */
function refuseNoText(bytes: Uint8Array): void {
  const begins = (...magic: number[]) => magic.every((byte, at) => bytes[at] === byte);
  if (begins(0x50, 0x4b, 0x03, 0x04) || begins(0xd0, 0xcf, 0x11, 0xe0)) {
    throw new Unreadable("spreadsheet");
  }
  if (begins(0xff, 0xfe) || begins(0xfe, 0xff) || bytes.includes(0)) {
    throw new Unreadable("no_text");
  }
}

/** Makes of a file what is sent of it. Its bytes stay as they are. */
export function sourceOf(name: string, bytes: Uint8Array<ArrayBuffer>): Source {
  if (bytes.length > FILE_BYTES_MAX) {
    throw new Unreadable("too_large");
  }
  refuseNoText(bytes);
  const [extension = ""] = /\.[a-z]+$/.exec(name.toLowerCase()) ?? [];
  if (extension === ".csv") {
    return csv(name, bytes);
  }
  const text = [0xef, 0xbb, 0xbf].every((byte, at) => bytes[at] === byte)
    ? bytes.subarray(3)
    : bytes;
  const isJson = [".json", ".jsonl", ".ndjson"].includes(extension) || beginsAsJson(text);
  return isJson ? json(name, text) : csv(name, bytes);
}

/** The first byte that is no blank. */
function firstOf(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => byte > 0x20);
}

/** Whether a file that does not say by its name what it is begins with an object or a list. */
function beginsAsJson(bytes: Uint8Array): boolean {
  const first = firstOf(bytes);
  return first === 0x7b || first === 0x5b;
}

/** A device of a list, as a line. A text in JSON has no ends of lines in it. */
function inOneLine(bytes: Uint8Array<ArrayBuffer>, { start, end }: Line) {
  return bytes.slice(start, end).map((byte) => (byte === LF || byte === CR ? 0x20 : byte));
}

function csv(name: string, bytes: Uint8Array<ArrayBuffer>): Source {
  const charset = isUtf8(bytes) ? "utf-8" : "gb18030";
  const decoder = new TextDecoder(charset);
  const rows = [...rowsOf(bytes)];
  const header = rows.shift();
  const headerEnd = rows[0]?.start ?? bytes.length;
  const separator = String.fromCharCode(separatorOf(bytes));
  const textOf = (row: Row) => decoder.decode(bytes.subarray(row.start, row.end));
  const mayBeNone = (row: Row) => {
    const first = String.fromCharCode(bytes[row.start] ?? 0);
    return first === "#" || first === '"' || first === separator;
  };
  const lines = checked(
    rows.filter((row) => !(mayBeNone(row) && isNoDevice(textOf(row), separator))),
  );
  const columns = header ? cellsOf(textOf(header), separator) : [];
  const bodyOf = (part: readonly Line[]) => {
    const first = part[0]?.start ?? headerEnd;
    const next = rows.find((row) => row.start > (part.at(-1)?.start ?? 0));
    return new Blob([bytes.subarray(0, headerEnd), bytes.subarray(first, next?.start)]);
  };
  const pieces = cut(lines, bodyOf);
  // Of a file without lines the header is sent: what is wrong with it is the server's to say.
  const whole = { firstLine: 1, lastLine: 1, lines: 0, body: new Blob([bytes]) };
  return {
    name,
    bytes,
    kind: "csv",
    contentType: `text/csv; charset=${charset}`,
    decoder,
    lines,
    headerEnd,
    columns: columns.map((column) => column.trim().toLowerCase()),
    separator,
    pieces: pieces.length > 0 ? pieces : [whole],
  };
}

function json(name: string, bytes: Uint8Array<ArrayBuffer>): Source {
  const isList = firstOf(bytes) === 0x5b;
  const isNone = (row: Row) => {
    const first = firstOf(bytes.subarray(row.start, row.end));
    return first === undefined || first === HASH;
  };
  const lines = checked(
    isList ? [...listed(bytes)] : [...linesOf(bytes)].filter((row) => !isNone(row)),
  );
  const bodyOf = (part: readonly Line[]) => {
    if (!isList) {
      return new Blob([bytes.subarray(part[0]?.start, part.at(-1)?.end)]);
    }
    return new Blob(part.flatMap((line) => [inOneLine(bytes, line), "\n"]));
  };
  return {
    name,
    bytes,
    kind: isList ? "list" : "lines",
    contentType: "application/x-ndjson",
    decoder: new TextDecoder(),
    lines,
    headerEnd: 0,
    columns: [],
    separator: ",",
    pieces: cut(lines, bodyOf),
  };
}

/** The id of the device of a line, if it can be told. */
export function idOf(source: Source, line: Line): string {
  const text = source.decoder.decode(source.bytes.subarray(line.start, line.end));
  if (source.kind === "csv") {
    const cells = cellsOf(text, source.separator);
    return cells[source.columns.indexOf("id")] ?? "";
  }
  try {
    const device: unknown = JSON.parse(text);
    return typeof device === "object" && device !== null && "id" in device ? String(device.id) : "";
  } catch {
    return "";
  }
}

/** A file of these lines alone, with the header if there is one: to be mended and sent again. */
export function fileOf(source: Source, wanted: ReadonlySet<number>): Blob {
  const lines = source.lines.filter((line) => wanted.has(line.line));
  const header = source.bytes.subarray(0, source.headerEnd);
  const parts = lines.flatMap((line) => [
    source.kind === "list"
      ? inOneLine(source.bytes, line)
      : source.bytes.subarray(line.start, line.end),
    "\n",
  ]);
  return new Blob(source.headerEnd > 0 ? [header, ...parts] : parts);
}
