import { afterEach, expect, it, vi } from "vitest";
import { heardClock, serverNow } from "./clock";

const NOW = Date.parse("2026-01-31T12:00:00.900Z");

afterEach(() => vi.useRealTimers());

it.each([
  ["Sat, 31 Jan 2026 13:00:00 GMT", 3_599_600],
  ["Sat, 31 Jan 2026 10:00:00 GMT", -7_200_400],
  ["Sat, 31 Jan 2026 11:59:58 GMT", 0],
])("reckons by the server's clock, which says %s", (date, ahead) => {
  vi.useFakeTimers({ now: NOW });
  heardClock(date);
  expect(serverNow() - Date.now()).toBe(ahead);
  heardClock(null);
  heardClock("soon");
  expect(serverNow() - Date.now()).toBe(ahead);
});
