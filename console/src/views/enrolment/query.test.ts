import { expect, test } from "vitest";
import { daysOffered, type Enrolment } from "./query";

const now = Date.parse("2026-03-01T12:00:00Z");
const until = (ends_at: string): Enrolment => ({
  open: true,
  prefixes: ["34"],
  ends_at,
  set_by: "admin",
  set_at: "2026-02-01T00:00:00Z",
});

test("who changes the terms of an open project is offered the days that are left", () => {
  expect(daysOffered(until("2026-03-31T12:00:00Z"), now)).toBe(30);
  expect(daysOffered(until("2026-03-01T13:00:00Z"), now)).toBe(1);
  expect(daysOffered(until("2027-03-01T12:00:00Z"), now)).toBe(90);
});

test("a project that is closed, or whose time is over, is offered a fortnight", () => {
  expect(daysOffered(undefined, now)).toBe(14);
  expect(daysOffered(until("2026-02-28T12:00:00Z"), now)).toBe(14);
});
