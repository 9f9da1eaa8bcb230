import { cellsOf, rowsOf, separatorOf } from "../import/rows";
import { NAMED_MAX } from "./target";

/** Bytes of a file: what it asks for has to fit into one call, which takes 12 MB. */
export const FILE_BYTES_MAX = 12 * 1024 * 1024;

/** What a file asks of each device. */
export type FileRows = {
  /** The columns besides `id`. */
  columns: string[];
  devices: { id: string; own: Record<string, string> }[];
};

/** Why a file can't be taken: a line of it, and what is wrong there. */
export type FileFault = {
  line: number;
  what:
    | "empty"
    | "noId"
    | "unnamed"
    | "twice"
    | "cells"
    | "emptyId"
    | "idTwice"
    | "tooMany"
    | "quote";
  detail: string;
};

/** A file that can't be taken. */
export class FileError extends Error {
  readonly fault: FileFault;
  constructor(fault: FileFault) {
    super(fault.what);
    this.fault = fault;
  }
}

/**
 * Decodes what a spreadsheet wrote: UTF-8, UTF-16 where a mark says so, or the Chinese one that
 * Excel writes in China.
 */
export function decoded(content: ArrayBuffer): string {
  const [first, second] = new Uint8Array(content);
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return new TextDecoder(first === 0xff ? "utf-16le" : "utf-16be").decode(content);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return new TextDecoder("gb18030").decode(content);
  }
}

/**
 * Reads which device is asked for what: the column `id` names the devices, each other one is a
 * property, or a variable of the preset. An empty cell says nothing, and a row of such is none.
 *
 * @throws {FileError} naming the line.
 */
export function fileOf(text: string): FileRows {
  if (lastRead?.text !== text) {
    lastRead = { text, rows: read(text) };
  }
  return lastRead.rows;
}

/** The last file that was read: it is asked for with each change of what is around it. */
let lastRead: { text: string; rows: FileRows } | undefined;

/** A row of cells, with the line on which it begins. */
type Row = { line: number; cells: string[] };

/** The rows of a file that say something, parted as an import parts them. */
function tableOf(text: string): Row[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const separator = String.fromCharCode(separatorOf(bytes));
  const rows: Row[] = [];
  for (const { line, start, end, isUnclosed } of rowsOf(bytes)) {
    if (isUnclosed) {
      throw new FileError({ line, what: "quote", detail: "" });
    }
    const cells = cellsOf(decoder.decode(bytes.subarray(start, end)), separator);
    if (cells.some((cell) => cell.trim() !== "")) {
      rows.push({ line, cells });
    }
  }
  return rows;
}

function read(text: string): FileRows {
  const [head, ...rows] = tableOf(text);
  if (!head || rows.length === 0) {
    throw new FileError({ line: 1, what: "empty", detail: "" });
  }
  const columns = head.cells.map((name) => name.trim());
  const bad = (line: number, what: FileFault["what"], detail = "") => {
    throw new FileError({ line, what, detail });
  };
  for (const [index, name] of columns.entries()) {
    if (name === "") {
      bad(head.line, "unnamed", String(index + 1));
    }
    if (columns.indexOf(name) !== index) {
      bad(head.line, "twice", name);
    }
  }
  const idAt = columns.indexOf("id");
  if (idAt < 0) {
    bad(head.line, "noId");
  }
  const seen = new Set<string>();
  const devices = rows.map(({ line, cells }) => {
    if (cells.length !== columns.length) {
      bad(line, "cells", `${cells.length} / ${columns.length}`);
    }
    if (seen.size === NAMED_MAX) {
      bad(line, "tooMany", String(NAMED_MAX));
    }
    const id = (cells[idAt] ?? "").trim();
    if (id === "") {
      bad(line, "emptyId");
    }
    if (seen.has(id)) {
      bad(line, "idTwice", id);
    }
    seen.add(id);
    const own: Record<string, string> = {};
    for (const [index, name] of columns.entries()) {
      const cell = cells[index] ?? "";
      if (index !== idAt && cell !== "") {
        own[name] = cell;
      }
    }
    return { id, own };
  });
  return { columns: columns.filter((_, index) => index !== idAt), devices };
}
