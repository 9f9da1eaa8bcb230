import { textOf } from "../../parts/csv";
import { charsetOf } from "./charset";
import { Pace } from "./pace";
import { cellsOf, type Row, rowsOf, separatorOf } from "./rows";

/** Lines in a piece: what the server takes in one call. */
export const LINES_MAX = 10_000;

/** Bytes of a piece before its last line: with that below the 12 MB of one body. */
const PIECE_BYTES_MAX = 7 * 1024 * 1024;

/** Bytes of a line: a recorder with as many channels as it may have takes some 3 MB. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes of a file, which is read whole. The server has no bound of its own for all the pieces. */
export const FILE_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes that are read, or looked at, between two looks at the clock. */
const STEP = 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const HASH = 0x23;

/** What one call sends: some lines of the file, as they are. */
export type Piece = {
  /** What the server calls its first line. */
  firstLine: number;
  lastLine: number;
  lines: number;
  /** What is sent: made when it is, for all of them would be the file once more. */
  body: () => Blob;
};

/** A line of a device: what the server calls it, and where it is. */
export type Line = Row;

/** A file that can be sent. */
export type Source = {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  kind: "csv" | "lines" | "list";
  contentType: string;
  /** Of CSV, the charset of its text. */
  charset?: "utf-8" | "gb18030";
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
    readonly why:
      | "too_large"
      | "line_too_long"
      | "no_list"
      | "spreadsheet"
      | "no_text"
      | "both"
      | "unlikely",
    readonly line = 0,
  ) {
    super(why);
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
  const [first = "", ...others] = cellsOf(text, separator).map((cell) => cell.trim());
  return (first === "" || first.startsWith("#")) && others.every((cell) => cell === "");
}

/** Cuts lines into pieces, each of which one call takes. `bodyOf` has what is sent of some lines. */
function cut(
  lines: readonly Line[],
  bodyOf: (lines: readonly Line[], next: Line | undefined) => Blob,
): Piece[] {
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
      const next = lines[to];
      const body = () => bodyOf(part, next);
      pieces.push({ firstLine: first.line, lastLine: last.line, lines: part.length, body });
    }
    from = to;
  }
  return pieces;
}

/**
 * Collects the lines of a file of so many bytes. What is too long for a call is refused.
 *
 * @throws {Unreadable}
 */
async function collected(rows: Generator<Row>, bytes: number, pace: Pace): Promise<Line[]> {
  const lines: Line[] = [];
  let looked = 0;
  for (const row of rows) {
    if (row.end - row.start > LINE_BYTES_MAX) {
      throw new Unreadable("line_too_long", row.line);
    }
    lines.push(row);
    if (row.end - looked > STEP / 16) {
      looked = row.end;
      if (pace.isOver) {
        await pace.rest(READ_PART + (1 - READ_PART) * (row.end / bytes));
      }
    }
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

/** Which part of the work it is to read the bytes of a file. */
const READ_PART = 0.4;

/**
 * Reads a file that was chosen, a part at a time: the page goes on meanwhile.
 *
 * @throws {Unreadable} before anything of it is read, if it is too large.
 */
export async function sourceOfFile(file: File, pace: Pace): Promise<Source> {
  if (file.size > FILE_BYTES_MAX) {
    throw new Unreadable("too_large");
  }
  const bytes = new Uint8Array(file.size);
  for (let at = 0; at < bytes.length; at += STEP) {
    const part = await file.slice(at, at + STEP).arrayBuffer();
    bytes.set(new Uint8Array(part), at);
    pace.signal?.throwIfAborted();
    pace.onDone(READ_PART * (at / bytes.length));
  }
  return sourceOf(file.name, bytes, pace);
}

/** Makes of a file what is sent of it. Its bytes stay as they are. */
export async function sourceOf(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  pace = new Pace(),
): Promise<Source> {
  refuseNoText(bytes);
  const [extension = ""] = /\.[a-z]+$/.exec(name.toLowerCase()) ?? [];
  if (extension === ".csv") {
    return csv(name, bytes, pace);
  }
  const text = [0xef, 0xbb, 0xbf].every((byte, at) => bytes[at] === byte)
    ? bytes.subarray(3)
    : bytes;
  const isJson = [".json", ".jsonl", ".ndjson"].includes(extension) || beginsAsJson(text);
  return isJson ? json(name, text, pace) : csv(name, bytes, pace);
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

async function csv(name: string, bytes: Uint8Array<ArrayBuffer>, pace: Pace): Promise<Source> {
  const charset = await charsetOf(bytes, pace, READ_PART);
  if (charset === "both" || charset === "unlikely") {
    throw new Unreadable(charset);
  }
  const decoder = new TextDecoder(charset);
  const rows = await collected(rowsOf(bytes, LINE_BYTES_MAX), bytes.length, pace);
  const header = rows.shift();
  const headerEnd = rows[0]?.start ?? bytes.length;
  const separator = String.fromCharCode(separatorOf(bytes));
  const decoded = (row: Row) => decoder.decode(bytes.subarray(row.start, row.end));
  const mayBeNone = (row: Row) => {
    const first = String.fromCharCode(bytes[row.start] ?? 0);
    return first === "#" || first === '"' || first === separator || /\s/.test(first);
  };
  const lines = rows.filter((row) => !(mayBeNone(row) && isNoDevice(decoded(row), separator)));
  const columns = header ? cellsOf(decoded(header), separator) : [];
  const bodyOf = (part: readonly Line[], next: Line | undefined) => {
    const first = part[0]?.start ?? headerEnd;
    return new Blob([bytes.subarray(0, headerEnd), bytes.subarray(first, next?.start)]);
  };
  const pieces = cut(lines, bodyOf);
  // Of a file without lines the header is sent: what is wrong with it is the server's to say.
  const whole = { firstLine: 1, lastLine: 1, lines: 0, body: () => new Blob([bytes]) };
  return {
    name,
    bytes,
    kind: "csv",
    contentType: `text/csv; charset=${charset}`,
    charset,
    decoder,
    lines,
    headerEnd,
    columns: columns.map((column) => textOf(column).trim().toLowerCase()),
    separator,
    pieces: pieces.length > 0 ? pieces : [whole],
  };
}

async function json(name: string, bytes: Uint8Array<ArrayBuffer>, pace: Pace): Promise<Source> {
  const isList = firstOf(bytes) === 0x5b;
  const isNone = (row: Row) => {
    const first = firstOf(bytes.subarray(row.start, row.end));
    return first === undefined || first === HASH;
  };
  const rows = isList ? listed(bytes) : linesOf(bytes);
  const found = await collected(rows, bytes.length, pace);
  const lines = isList ? found : found.filter((row) => !isNone(row));
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
    return textOf(cells[source.columns.indexOf("id")] ?? "").trim();
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
