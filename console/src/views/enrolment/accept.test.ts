import { expect, test } from "vitest";
import { callsFor, PER_CALL, withAnswer } from "./accept";

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

test("one that is refused by call after call is told once, and not where it was accepted after all", () => {
  const error = (detail: string) => ({ code: "x", detail });
  const first = withAnswer(
    { made: [], refused: [] },
    {
      devices: [
        { id: "1", accepted: false, error: error("full") },
        { id: "2", accepted: true, password: "p2" },
        { id: "3", accepted: false, error: error("taken") },
      ],
    },
  );
  const then = withAnswer(first, {
    devices: [
      { id: "1", accepted: false, error: error("still full") },
      { id: "3", accepted: true, password: "p3" },
    ],
  });
  expect(then).toEqual({
    made: [
      { id: "2", password: "p2" },
      { id: "3", password: "p3" },
    ],
    refused: [{ id: "1", detail: "still full" }],
  });
  expect(first.refused.length).toBe(2);
});
