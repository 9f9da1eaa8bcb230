import { expect, test } from "vitest";
import { callsFor, PER_CALL } from "./accept";

test("named cameras are asked for in calls of a thousand, each once", () => {
  const ids = Array.from({ length: 2 * PER_CALL + 1 }, (_, index) => String(index));
  const calls = callsFor({ ids }, "hikvision");
  expect(calls.map((call) => call.devices?.length)).toEqual([PER_CALL, PER_CALL, 1]);
  expect(calls.flatMap((call) => call.devices?.map((device) => device.id))).toEqual(ids);
  expect(calls.every((call) => call.generate && !call.all)).toBe(true);
  expect(callsFor({ ids: [] }, undefined)).toEqual([]);
});

test("all are asked for by their prefix, and never without an end", () => {
  const calls = callsFor({ prefix: "44" }, undefined);
  expect(calls[0]).toEqual({ all: true, generate: true, prefix: "44" });
  expect(calls.length).toBeLessThan(20);
});
