import { afterEach, expect, it } from "vitest";
import { connected } from "./connection";
import { ApiProblem } from "./problem";
import { isTriedAgain, retryDelay } from "./queries";

afterEach(() => connected.set(true));

const busy = new ApiProblem(503, {}, "busy");

it("waits for a server that is away, and not for ever for one that is there", () => {
  expect([0, 5, 6, 100].map((count) => isTriedAgain(count, busy))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  connected.set(false);
  expect(isTriedAgain(100, busy)).toBe(true);
  expect(isTriedAgain(100, ApiProblem.unreachable())).toBe(true);
});

it("shows a refusal, and what is wrong here, at once", () => {
  connected.set(false);
  const shown = [new ApiProblem(403, {}, "no"), ApiProblem.unreadable(), new TypeError("wrong")];
  expect(shown.map((error) => isTriedAgain(0, error))).toEqual([false, false, false]);
});

it("waits as the server asks, within bounds", () => {
  const asking = (ms: number) => new ApiProblem(429, {}, "slow down", ms);
  expect([0, 1, 2, 3, 2_000].map((count) => retryDelay(count, busy))).toEqual([
    500, 1_000, 2_000, 4_000, 4_000,
  ]);
  expect([1_000, 7_000, 900_000].map((ms) => retryDelay(2, asking(ms)))).toEqual([
    2_000, 7_000, 30_000,
  ]);
});
