/** What a spreadsheet takes for a formula, also behind the apostrophes that stand for one already. */
const FORMULA = /^'*[=+\-@\t]/;

/** A cell of CSV. A text that a spreadsheet would run gets an apostrophe; an import takes it off. */
function cell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
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
