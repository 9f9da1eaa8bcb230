import { expect, test } from "vitest";
import { added, after, anew, ERRORS_MAX, NOTHING, type Report, type Run } from "./run";

const report = (more: Partial<Report>): Report => ({
  dry_run: false,
  lines: 10,
  new: 0,
  changed: 0,
  channels: 0,
  failed: 0,
  errors: [],
  more: 0,
  ...more,
});
const error = { line: 2, code: "invalid", detail: "" };
const run = (terms: Partial<Run["terms"]>): Run => ({
  terms: { project: undefined, mode: "all_or_none", isDry: false, ...terms },
  state: "running",
  next: 0,
  refused: new Set(),
  skipped: new Set(),
  total: NOTHING,
});

test("all or none ends at the first piece that can't be taken, and can be gone on with", () => {
  const refused = after(run({}), 3, report({ failed: 1, errors: [error] }), false);
  expect([refused.state, refused.next, [...refused.refused]]).toEqual(["refused", 0, [0]]);
  expect(anew(refused).total).toBe(NOTHING);
  expect(after(run({}), 3, report({ new: 10 }), true).state).toBe("running");
});

test("good lines and a try go through all pieces", () => {
  for (const terms of [{ mode: "good_lines" as const }, { isDry: true }]) {
    const next = after(run(terms), 2, report({ failed: 10, errors: [error] }), false);
    expect([next.state, next.next]).toEqual(["running", 1]);
    expect(after(next, 2, report({ new: 10 }), true).state).toBe("done");
  }
});

test("a header that can't be read ends it: each piece has the same", () => {
  const ended = after(run({ isDry: true }), 9, report({ lines: 0, errors: [error] }), false);
  expect([ended.state, ended.next]).toEqual(["done", 9]);
});

test("so many faults are kept and no more, and none is lost from the count", () => {
  const errors = Array.from({ length: 1_000 }, () => error);
  let total = NOTHING;
  for (let piece = 0; piece < 12; piece += 1) {
    total = added(total, report({ errors, more: 5, failed: 1_005 }));
  }
  expect(total.errors.length).toBe(ERRORS_MAX);
  expect(total.errors.length + total.more).toBe(12 * 1_005);
  expect(total.failed).toBe(12 * 1_005);
});
