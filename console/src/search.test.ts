import { expect, it } from "vitest";
import { parseSearch, searchOf, stringifySearch } from "./search";

const read = (text: string) => searchOf(parseSearch(text));

it("takes what looks like a number for the text that it is", () => {
  expect(read("?text=34020000001320000001&id=34020000001320000001&code=1e5&frozen=true")).toEqual({
    text: "34020000001320000001",
    id: ["34020000001320000001"],
    code: "1e5",
    frozen: "true",
  });
});

it("writes and reads any text", () => {
  const texts = [
    'a "b"',
    "a&b=c#d?e",
    "100%",
    "%41",
    "1+1 =2",
    "门 41",
    "[1]",
    "{}",
    "null",
    "שלום",
  ];
  for (const text of texts) {
    const search = { text, tag: [text, "other"] };
    expect(read(stringifySearch(search))).toEqual(search);
  }
});

it("writes several values as the name several times, and nothing of nothing", () => {
  expect(stringifySearch({ attention: ["drift", "trouble"], text: undefined })).toBe(
    "?attention=drift&attention=trouble",
  );
  expect(stringifySearch({ project: undefined, id: [] })).toBe("");
});

it("leaves out what is empty or not known, and takes the first of what there is one of", () => {
  expect(read("?project=&unknown=1&__proto__=x&kind=phone&kind=camera&server=")).toEqual({
    kind: "phone",
  });
});
