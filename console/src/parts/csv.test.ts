import { expect, test } from "vitest";
import { csvOf, textOf } from "./csv";

test("what would part cells or rows is quoted, and formulas are disarmed as the server does", () => {
  expect(
    csvOf([
      ["id", "a,b", 'say "x"'],
      ["=1+1", "'=1", "'quoted"],
      ["\tx", "a\nb", ""],
    ]),
  ).toBe('\uFEFFid,"a,b","say ""x"""\r\n\'=1+1,\'\'=1,\'quoted\r\n"\'\tx","a\nb",\r\n');
});

test("what a spreadsheet would take for a number stays a text in it, and is read again", () => {
  const texts = ["34020000001320000001", "081284262660", "007", "1-2", "1:30", "12e5", "1.50"];
  expect(csvOf([texts.slice(0, 2)])).toBe(
    '\uFEFF"=""34020000001320000001""","=""081284262660"""\r\n',
  );
  expect(csvOf([["0", "42", "12 lines", "1.x", "e5"]])).toBe("\uFEFF0,42,12 lines,1.x,e5\r\n");
  for (const text of texts) {
    expect(textOf(`="${text}"`)).toBe(text);
    expect(csvOf([[text]])).toContain(`=""${text}""`);
  }
});
