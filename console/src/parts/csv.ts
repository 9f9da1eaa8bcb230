/** What a spreadsheet takes for a formula, also behind the apostrophes that stand for one already. */
const FORMULA = /^'*[=+\-@\t]/;

/** Such a text behind the apostrophe that it is given. */
const DISARMED = /^'+[=+\-@\t]/;

/**
 * What a spreadsheet shows and saves as another text: digits with a zero in front or more of them
 * than its numbers show, dates and times, powers of ten.
 */
const NUMBER = /^(0\d+|\d{12,}|\d+[.:/-][\d.:/-]*|\d+(\.\d+)?e[+-]?\d+)$/i;

/** A text as the formula of it: what a spreadsheet leaves as it is, and copies without the formula. */
const FORMULA_OF_TEXT = /^="([\s\S]*)"$/;

/** A text that a spreadsheet neither runs nor takes for a number. */
function kept(text: string): string {
  if (FORMULA.test(text)) {
    return `'${text}`;
  }
  return NUMBER.test(text) ? `="${text}"` : text;
}

/** The text that was written as such a cell, by {@link csvOf} or by the server. */
export function textOf(cell: string): string {
  const [, inner] = FORMULA_OF_TEXT.exec(cell) ?? [];
  return inner?.replaceAll('""', '"') ?? (DISARMED.test(cell) ? cell.slice(1) : cell);
}

/** A cell of CSV. */
function cell(text: string): string {
  const safe = kept(text);
  return /[",\r\n;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as CSV, with the mark by which a spreadsheet knows that it is UTF-8. */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return `\uFEFF${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** Has the browser keep a file that was made here. */
export function saveBlob(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** {@link saveBlob} of rows as CSV. */
export function saveCsv(name: string, rows: readonly (readonly string[])[]): void {
  saveBlob(name, new Blob([csvOf(rows)], { type: "text/csv;charset=utf-8" }));
}
