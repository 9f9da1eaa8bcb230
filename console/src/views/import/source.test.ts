import { expect, test } from "vitest";
import { Pace } from "./pace";
import { rowsOf, separatorOf } from "./rows";
import {
  FILE_BYTES_MAX,
  fileOf,
  idOf,
  LINES_MAX,
  sourceOf,
  sourceOfFile,
  Unreadable,
} from "./source";

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
  const plain = await sourceOf("x.CSV", bytesOf(`kind,id\r\n\r\n${body}\r\n`));
  expect(plain.contentType).toBe("text/csv; charset=utf-8");
  expect(plain.pieces.map((piece) => [piece.firstLine, piece.lastLine, piece.lines])).toEqual([
    [3, LINES_MAX + 2, LINES_MAX],
    [LINES_MAX + 3, LINES_MAX + 4, 2],
  ]);
  const texts = await Promise.all(plain.pieces.map((piece) => piece.body().text()));
  expect(texts.every((text) => text.startsWith("kind,id\r\n"))).toBe(true);
  expect(texts.map((text) => text.replace("kind,id\r\n\r\n", "")).join("")).toBe(`${body}\r\n`);
});

test("a file in GB18030 goes as it is, and its text is read", async () => {
  // 东门 in GB18030.
  const name = new Uint8Array([0xb6, 0xab, 0xc3, 0xc5]);
  const bytes = new Uint8Array([...bytesOf("kind,id,name\ncamera,1,"), ...name, 0x0a]);
  const source = await sourceOf("x.csv", bytes);
  expect(source.contentType).toBe("text/csv; charset=gb18030");
  expect(new Uint8Array((await source.pieces[0]?.body().arrayBuffer()) ?? [])).toEqual(bytes);
  expect(source.lines.map((line) => idOf(source, line))).toEqual(["1"]);
});

test("JSON goes by lines, and a list by devices", async () => {
  const objects = await sourceOf("x.jsonl", bytesOf('{"id":"a"}\n\n{"id":"b"}\n # no\nnone'));
  expect(objects.lines.map((line) => [line.line, idOf(objects, line)])).toEqual([
    [1, "a"],
    [3, "b"],
    [5, ""],
  ]);
  const list = await sourceOf(
    "x.json",
    bytesOf(' [ {"id":"a,]",\n"x":[1,{}]} ,{"id":"b\\""}, 3 ]\n'),
  );
  expect(list.lines.map((line) => [line.line, idOf(list, line)])).toEqual([
    [1, "a,]"],
    [2, 'b"'],
    [3, ""],
  ]);
  const body = '{"id":"a,]", "x":[1,{}]} \n{"id":"b\\""}\n3 \n';
  expect(await list.pieces[0]?.body().text()).toBe(body);
  expect(await fileOf(list, new Set([1, 2, 3])).text()).toBe(body);
  await expect(sourceOf("x.json", bytesOf('[{"id":"a"}'))).rejects.toThrow(Unreadable);
});

test("what a file is that its name does not tell is told by how it begins", async () => {
  const kind = async (name: string, text: string) => (await sourceOf(name, bytesOf(text))).kind;
  expect(await kind("x.txt", "kind,id\nphone,a\n")).toBe("csv");
  expect(await kind("x", ' {"id":"a"}\n')).toBe("lines");
  expect(await kind("x.JSON", '\ufeff[{"id":"a"}]')).toBe("list");
  expect(await kind("x.jsonl", "none\n")).toBe("lines");
  expect(await kind("x.csv", "[a],id\n")).toBe("csv");
});

test("the bad lines make a file of their own, with the header", async () => {
  const source = await sourceOf(
    "x.csv",
    bytesOf("kind,id\r\nphone,a\r\n# no,\r\n,\r\n#5,b\r\nphone,c"),
  );
  expect(source.lines.map((line) => line.line)).toEqual([2, 5, 6]);
  expect(await fileOf(source, new Set([5, 6])).text()).toBe("kind,id\r\n#5,b\nphone,c\n");
});

test("of a file that has a header alone, that is sent", async () => {
  const source = await sourceOf("x.csv", bytesOf("kind,id\n"));
  expect(source.pieces.map((piece) => piece.lines)).toEqual([0]);
  expect(await source.pieces[0]?.body().text()).toBe("kind,id\n");
});

/** Why a file can't be read, if it can't. */
async function whyNot(bytes: Uint8Array<ArrayBuffer>): Promise<string | undefined> {
  try {
    await sourceOf("x.csv", bytes);
    return undefined;
  } catch (error) {
    return error instanceof Unreadable ? `${error.why} ${error.line}` : String(error);
  }
}

test("what is no text is refused, and it is said what to make of it", async () => {
  const why = (...bytes: number[]) => whyNot(new Uint8Array(bytes));
  expect(await why(0x50, 0x4b, 0x03, 0x04, 0x14)).toBe("spreadsheet 0");
  expect(await why(0xd0, 0xcf, 0x11, 0xe0, 0xa1)).toBe("spreadsheet 0");
  expect(await why(0xff, 0xfe, 0x69, 0x00)).toBe("no_text 0");
  expect(await why(0x69, 0x64, 0x00, 0x0a)).toBe("no_text 0");
  expect(await why(0x69, 0x64, 0x0a)).toBeUndefined();
});

test("a text that may be of two charsets is refused, as by the server", async () => {
  const why = (text: string) => whyNot(bytesOf(`id,name\n1,${text}\n`));
  for (const word of ["καμ", "дом,μα", "ãã"]) {
    expect(await why(word), word).toBe("both 0");
    expect(await whyNot(bytesOf(`\ufeffid,name\n1,${word}\n`)), word).toBeUndefined();
  }
  for (const word of ["café", "Kamera für Tür 1", "Камера", "καμ 门", "camera", "东门"]) {
    expect(await why(word), word).toBeUndefined();
  }
  // "étage" in Latin-1.
  expect(await whyNot(new Uint8Array([0xe9, ...bytesOf("tage\n")]))).toBe("unlikely 0");
});

test("a row that does not end is refused as soon as it is too long", async () => {
  const text = `id,name\n1,"${"x".repeat(5 * 1024 * 1024)}\n2,3\n`;
  expect(await whyNot(bytesOf(text))).toBe("line_too_long 2");
  expect(await whyNot(bytesOf(text.replace('"', "")))).toBe("line_too_long 2");
});

test("a first line may name what parts cells, and ids may be kept from becoming numbers", async () => {
  const text = '\ufeffsep=;\r\nKind;="Id";name\r\nphone;="0012";a,b,c\r\nphone;34\t;\r\n ; ;\r\n';
  const source = await sourceOf("x.csv", bytesOf(text));
  expect(source.columns).toEqual(["kind", "id", "name"]);
  expect(source.lines.map((line) => [line.line, idOf(source, line)])).toEqual([
    [3, "0012"],
    [4, "34"],
  ]);
  expect((await source.pieces[0]?.body().text())?.replace("\ufeff", "")).toBe(text.slice(1));
  for (const first of ["sep=x", "sep=;;", "xsep=;"]) {
    expect(lines(`${first}\na;b\n`)).toEqual([1, 2]);
  }
});

test("a large file gives the page its turn, tells how far it is, and can be left", async () => {
  const text = `kind,id\n${"phone,some-rather-long-id\n".repeat(200_000)}`;
  const parts: number[] = [];
  const control = new AbortController();
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  });
  const file = new File([text], "x.csv");
  const source = await sourceOfFile(file, new Pace(control.signal, (part) => parts.push(part)));
  clearInterval(timer);
  expect(source.lines.length).toBe(200_000);
  expect(turns).toBeGreaterThan(0);
  expect(parts.every((part, at) => part >= (parts[at - 1] ?? 0) && part <= 1)).toBe(true);
  expect(parts.at(-1)).toBeGreaterThan(0.4);

  const left = sourceOfFile(file, new Pace(control.signal, () => control.abort()));
  await expect(left).rejects.toThrow("abort");
});

test("a file that is too large is refused before it is read", async () => {
  const file = new File(["id\n"], "x.csv");
  Object.defineProperty(file, "size", { value: FILE_BYTES_MAX + 1 });
  file.slice = () => {
    throw new Error("it was read");
  };
  await expect(sourceOfFile(file, new Pace())).rejects.toThrow("too_large");
});
