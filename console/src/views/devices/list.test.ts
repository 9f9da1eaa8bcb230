import { expect, it } from "vitest";
import { type DevicePages, patched } from "./list";
import { sampleRow as row } from "./sample";

it("puts rows that were read anew in their places, and leaves the other pages as they are", () => {
  const pages: DevicePages = {
    pageParams: [undefined, "2"],
    pages: [
      { rows: [row("1"), row("2")], next: "2" },
      { rows: [row("3")], next: null },
    ],
  };
  const after = patched(
    pages,
    [row("1"), row("2")],
    [row("2", { condition: "stopped" }), row("9")],
  );
  expect(after?.pages[0]?.rows).toEqual([row("2", { condition: "stopped" })]);
  expect(after?.pages[0]?.next).toBe("2");
  expect(after?.pages[1]).toBe(pages.pages[1]);
  expect(patched(undefined, [], [])).toBeUndefined();
});
