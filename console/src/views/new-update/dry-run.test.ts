import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiProblem } from "../../api/problem";
import { useDryRun } from "./dry-run";
import type { Device } from "./predicted";

const device = (id: string): Device => ({
  id,
  changes: [],
  unchanged: ["a"],
  away: false,
  restart: false,
});

/** A dry run that is begun by `run`, and what it has told. */
function stage() {
  const { result } = renderHook(() => useDryRun());
  return {
    run: (...given: Parameters<typeof result.current.run>) =>
      act(async () => void result.current.run(...given)),
    cancel: () => act(async () => result.current.cancel()),
    forget: () => act(async () => result.current.forget()),
    told: () => [
      result.current.dryRun?.key,
      result.current.dryRun?.phase,
      result.current.dryRun?.predicted.devices,
    ],
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a dry run", () => {
  it("asks for page after page", async () => {
    const { run, told } = stage();
    await run("k", async (after) =>
      after === undefined
        ? { devices: [device("1"), device("2")], next: "2" }
        : { devices: [device("3")], next: null },
    );
    expect(told()).toEqual(["k", "done", 3]);
  });

  it("asks for a page again while the server is away, and not where it refuses", async () => {
    const { run, told } = stage();
    const away = new ApiProblem(503, {}, "");
    const answers = [away, away, { devices: [device("1")] }];
    await run("k", async () => {
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) {
        throw answer;
      }
      return answer;
    });
    expect(told()).toEqual(["k", "running", 0]);
    await act(() => vi.advanceTimersByTimeAsync(2_500));
    expect(told()).toEqual(["k", "done", 1]);

    await run("other", async () => {
      throw new ApiProblem(400, {}, "no");
    });
    expect(told()).toEqual(["other", "failed", 0]);
  });

  it("tells nothing of what was asked before", async () => {
    const { run, told } = stage();
    let answer: (page: { devices: Device[] }) => void = () => {};
    await run("slow", () => new Promise((resolve) => (answer = resolve)));
    await run("quick", async () => ({ devices: [device("1"), device("2")] }));
    await act(async () => answer({ devices: [device("3")] }));
    expect(told()).toEqual(["quick", "done", 2]);
  });

  it("is gone once it is forgotten", async () => {
    const { run, forget, told } = stage();
    let answer: (page: { devices: Device[] }) => void = () => {};
    await run("k", () => new Promise((resolve) => (answer = resolve)));
    await forget();
    await act(async () => answer({ devices: [device("1")] }));
    expect(told()).toEqual([undefined, undefined, undefined]);
  });

  it("ends where it is stopped, with what it has told", async () => {
    const { run, cancel, told } = stage();
    await run("k", async (after, signal) => {
      if (after === undefined) {
        return { devices: [device("1")], next: "1" };
      }
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(ApiProblem.unreachable()));
      });
    });
    expect(told()).toEqual(["k", "running", 1]);
    await cancel();
    expect(told()).toEqual(["k", "cancelled", 1]);
  });
});
