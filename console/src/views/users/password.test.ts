import { expect, test } from "vitest";
import { isTaken, madePassword } from "./password";

test("a made password is long, and none comes twice", () => {
  const made = new Set(Array.from({ length: 500 }, madePassword));
  expect(made.size).toBe(500);
  expect([...made].every((each) => /^[a-zA-Z2-9]{20}$/.test(each) && isTaken(each))).toBe(true);
});

test("how long a password is counts in bytes", () => {
  expect(["1234567", "12345678", "密码密", "x".repeat(128), "码".repeat(43)].map(isTaken)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});
