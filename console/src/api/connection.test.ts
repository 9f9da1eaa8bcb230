import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { connected, connection, onceThere } from "./connection";

/** The statuses that paths are answered with; a path that is not among them is not answered. */
let statuses: Record<string, number>;
let asked: string[];

beforeEach(() => {
  vi.useFakeTimers();
  connection.reached();
  asked = [];
  statuses = {};
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const status = statuses[path];
    if (status === undefined) {
      throw new TypeError("Failed to fetch");
    }
    return new Response(null, { status });
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("looks for a server that is away until it is ready", async () => {
  connection.lost();
  connection.lost();
  expect(connected.get()).toBe(false);
  await vi.advanceTimersByTimeAsync(4_100);
  expect(asked).toEqual(["/readyz", "/readyz"]);
  statuses = { "/readyz": 503 };
  await vi.advanceTimersByTimeAsync(2_000);
  expect(connected.get()).toBe(false);
  statuses = { "/readyz": 200 };
  await vi.advanceTimersByTimeAsync(2_000);
  expect(connected.get()).toBe(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(4);
});

it("looks at a call where a proxy keeps readiness to itself", async () => {
  statuses = { "/readyz": 404, "/api/v1/session": 502 };
  connection.doubted();
  await vi.advanceTimersByTimeAsync(10);
  expect(connected.get()).toBe(false);
  statuses = { "/readyz": 404, "/api/v1/session": 401 };
  await vi.advanceTimersByTimeAsync(2_000);
  expect(connected.get()).toBe(true);
});

it("does not take a doubt for a loss", async () => {
  statuses = { "/readyz": 200 };
  connection.doubted();
  connection.doubted();
  expect(connected.get()).toBe(true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([connected.get(), asked.length]).toEqual([true, 1]);
});

it("loads what could not be loaded once the server is back", async () => {
  let isThere = false;
  const load = vi.fn(async () => {
    if (!isThere) {
      throw new TypeError("Failed to fetch dynamically imported module");
    }
    return "a view";
  });
  const loaded = onceThere(load);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(load).toHaveBeenCalledTimes(1);
  isThere = true;
  statuses = { "/readyz": 200 };
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await loaded).toBe("a view");
});

it("says so where the server is there and has it not", async () => {
  statuses = { "/readyz": 200 };
  await expect(onceThere(() => Promise.reject(new TypeError("gone")))).rejects.toThrow("gone");
});
