import { expect, test } from "vitest";
import { factsOf, told } from "./detail";

test("a detail is told name by name, and what is empty is left out", () => {
  const detail = {
    devices: 2,
    first: ["a", "b"],
    name: "",
    note: null,
    settings: { paused: true },
  };
  expect(factsOf(detail)).toEqual([
    ["devices", "2"],
    ["first", "a, b"],
    ["settings", '{"paused":true}'],
  ]);
  expect(told({ role: "admin", project: "p" })).toBe("role: admin · project: p");
});
