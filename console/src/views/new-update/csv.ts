import { NAMED_MAX } from "./target";

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

/** Decodes what a spreadsheet wrote: UTF-8, or the Chinese one that Excel writes in China. */
export function decoded(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

/** A row of cells, with the line on which it begins. */
type Row = { line: number; cells: string[] };

/**
 * Splits comma-separated values (RFC 4180). Empty lines are left out.
 *
 * @throws {FileError} if a quote is not closed.
 */
export function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  let line = 1;
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const row: Row = { line, cells: [] };
    let isOver = false;
    while (!isOver) {
      let cell = "";
      if (text[at] === '"') {
        const begun = line;
        at += 1;
        for (;;) {
          const end = text.indexOf('"', at);
          if (end < 0) {
            throw new FileError({ line: begun, what: "quote", detail: "" });
          }
          cell += text.slice(at, end);
          at = end + 1;
          if (text[at] !== '"') {
            break;
          }
          cell += '"';
          at += 1;
        }
        line += cell.split("\n").length - 1;
      }
      let end = at;
      while (end < text.length && text[end] !== "," && text[end] !== "\n" && text[end] !== "\r") {
        end += 1;
      }
      row.cells.push(cell + text.slice(at, end));
      isOver = text[end] !== ",";
      at = end + 1;
      if (isOver && text[end] === "\r" && text[end + 1] === "\n") {
        at += 1;
      }
    }
    line += 1;
    if (row.cells.length > 1 || row.cells[0]?.trim() !== "") {
      rows.push(row);
    }
  }
  return rows;
}

/**
 * Reads which device is asked for what: the column `id` names the devices, each other one is a
 * property, or a variable of the preset. An empty cell says nothing.
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

function read(text: string): FileRows {
  const [head, ...rows] = rowsOf(text);
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
