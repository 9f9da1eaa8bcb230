import { expect, test } from "vitest";
import { rowsOf, separatorOf } from "./rows";
import { fileOf, idOf, LINES_MAX, sourceOf, Unreadable } from "./source";

const bytesOf = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const lines = (text: string) => [...rowsOf(bytesOf(text))].map((row) => row.line);

test("lines are counted as an editor does", () => {
  expect(lines("a,b\n1,2\n3,4\n")).toEqual([1, 2, 3]);
  expect(lines("a,b\r\n1,2\r\n3,4")).toEqual([1, 2, 3]);
  expect(lines("a,b\r1,2\r3,4\r")).toEqual([1, 2, 3]);
  expect(lines("\n\na,b\n\n1,2\n\r\n\n3,4\n")).toEqual([3, 5, 8]);
  expect(lines('a,b\n"1\n1",2\n3,"4\r\n\n4"\n5,6\n')).toEqual([1, 2, 4, 7]);
  expect(lines('a,b\n1,x"y\n2,"say ""x"""\n')).toEqual([1, 2, 3]);
  expect(lines("")).toEqual([]);
});

test("cells are parted by what the header has most of", () => {
  const separator = (text: string) => String.fromCharCode(separatorOf(bytesOf(text)));
  expect(separator("a,b;c\n1;2;3;4\n")).toBe(",");
  expect(separator("a;b,c;d\n")).toBe(";");
  expect(separator('"a,a,a";b\n')).toBe(";");
  expect(separator("a\tb,c\td\n")).toBe("\t");
});

test("each piece has the header and as many lines as a call takes, all of them once", async () => {
  const body = Array.from({ length: LINES_MAX + 2 }, (_, index) => `phone,p${index}`).join("\r\n");
  const plain = sourceOf("x.CSV", bytesOf(`kind,id\r\n\r\n${body}\r\n`));
  expect(plain.contentType).toBe("text/csv; charset=utf-8");
  expect(plain.pieces.map((piece) => [piece.firstLine, piece.lastLine, piece.lines])).toEqual([
    [3, LINES_MAX + 2, LINES_MAX],
    [LINES_MAX + 3, LINES_MAX + 4, 2],
  ]);
  const texts = await Promise.all(plain.pieces.map((piece) => piece.body.text()));
  expect(texts.every((text) => text.startsWith("kind,id\r\n"))).toBe(true);
  expect(texts.map((text) => text.replace("kind,id\r\n\r\n", "")).join("")).toBe(`${body}\r\n`);
});

test("a file in GB18030 goes as it is, and its text is read", async () => {
  // 东门 in GB18030.
  const name = new Uint8Array([0xb6, 0xab, 0xc3, 0xc5]);
  const bytes = new Uint8Array([...bytesOf("kind,id,name\ncamera,1,"), ...name, 0x0a]);
  const source = sourceOf("x.csv", bytes);
  expect(source.contentType).toBe("text/csv; charset=gb18030");
  expect(new Uint8Array((await source.pieces[0]?.body.arrayBuffer()) ?? [])).toEqual(bytes);
  expect(source.lines.map((line) => idOf(source, line))).toEqual(["1"]);
});

test("JSON goes by lines, and a list by devices", async () => {
  const objects = sourceOf("x.jsonl", bytesOf('{"id":"a"}\n\n{"id":"b"}\n # no\nnone'));
  expect(objects.lines.map((line) => [line.line, idOf(objects, line)])).toEqual([
    [1, "a"],
    [3, "b"],
    [5, ""],
  ]);
  const list = sourceOf("x.json", bytesOf(' [ {"id":"a,]",\n"x":[1,{}]} ,{"id":"b\\""}, 3 ]\n'));
  expect(list.lines.map((line) => [line.line, idOf(list, line)])).toEqual([
    [1, "a,]"],
    [2, 'b"'],
    [3, ""],
  ]);
  const body = '{"id":"a,]", "x":[1,{}]} \n{"id":"b\\""}\n3 \n';
  expect(await list.pieces[0]?.body.text()).toBe(body);
  expect(await fileOf(list, new Set([1, 2, 3])).text()).toBe(body);
  expect(() => sourceOf("x.json", bytesOf('[{"id":"a"}'))).toThrow(Unreadable);
});

test("what a file is that its name does not tell is told by how it begins", () => {
  const kind = (name: string, text: string) => sourceOf(name, bytesOf(text)).kind;
  expect(kind("x.txt", "kind,id\nphone,a\n")).toBe("csv");
  expect(kind("x", ' {"id":"a"}\n')).toBe("lines");
  expect(kind("x.JSON", '\ufeff[{"id":"a"}]')).toBe("list");
  expect(kind("x.jsonl", "none\n")).toBe("lines");
  expect(kind("x.csv", "[a],id\n")).toBe("csv");
});

test("the bad lines make a file of their own, with the header", async () => {
  const source = sourceOf("x.csv", bytesOf("kind,id\r\nphone,a\r\n# no,\r\n,\r\n#5,b\r\nphone,c"));
  expect(source.lines.map((line) => line.line)).toEqual([2, 5, 6]);
  expect(await fileOf(source, new Set([5, 6])).text()).toBe("kind,id\r\n#5,b\nphone,c\n");
});

test("of a file that has a header alone, that is sent", async () => {
  const source = sourceOf("x.csv", bytesOf("kind,id\n"));
  expect(source.pieces.map((piece) => piece.lines)).toEqual([0]);
  expect(await source.pieces[0]?.body.text()).toBe("kind,id\n");
});

test("what is no text is refused, and it is said what to make of it", () => {
  const why = (...bytes: number[]) => {
    try {
      sourceOf("x.csv", new Uint8Array(bytes));
      return undefined;
    } catch (error) {
      return error instanceof Unreadable && error.why;
    }
  };
  expect(why(0x50, 0x4b, 0x03, 0x04, 0x14)).toBe("spreadsheet");
  expect(why(0xd0, 0xcf, 0x11, 0xe0, 0xa1)).toBe("spreadsheet");
  expect(why(0xff, 0xfe, 0x69, 0x00)).toBe("no_text");
  expect(why(0x69, 0x64, 0x00, 0x0a)).toBe("no_text");
  expect(why(0x69, 0x64, 0x0a)).toBeUndefined();
});
