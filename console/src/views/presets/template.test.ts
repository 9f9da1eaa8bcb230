import { describe, expect, it } from "vitest";
import { givenVariables, partsOf } from "./template";

describe("a preset's value", () => {
  it("is parted into text and variables", () => {
    expect(partsOf(`49$$\${tag:floor:-0}\${var:number}x`)).toEqual([
      { text: "49$$" },
      { text: `\${tag:floor:-0}`, variable: { name: "tag:floor", fallback: "0" } },
      { text: `\${var:number}`, variable: { name: "var:number", fallback: undefined } },
      { text: "x" },
    ]);
    expect(partsOf(`$\${id}`)).toEqual([{ text: `$\${id}` }]);
    expect(partsOf(`\${id`)).toEqual([{ text: `\${id` }]);
  });

  it("tells what whoever uses it has to give", () => {
    const values = { a: `\${var:n:-}\${id}`, b: `\${var:n}\${var:m}` };
    expect([...givenVariables(values)]).toEqual([
      ["n", new Set(["", undefined])],
      ["m", new Set([undefined])],
    ]);
  });
});
