import { expect, test } from "vitest";
import { csvOf } from "./csv";

test("what would part cells or rows is quoted, and formulas are disarmed as the server does", () => {
  expect(
    csvOf([
      ["id", "a,b", 'say "x"'],
      ["=1+1", "'=1", "'quoted"],
      ["\tx", "a\nb", ""],
    ]),
  ).toBe('\uFEFFid,"a,b","say ""x"""\r\n\'=1+1,\'\'=1,\'quoted\r\n"\'\tx","a\nb",\r\n');
});
