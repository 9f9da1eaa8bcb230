import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { sessionEnd } from "../../api/session-end";
import { CHOICE_KEPT_MS, NONE, useChosen } from "./chosen";

const chosen = { isAll: false, keys: new Set(["demo/1"]) };

/** A list that was opened for some devices. */
const list = (meant: string) =>
  renderHook(({ meant }) => useChosen(meant), { initialProps: { meant } });

/** What is chosen in a list that is opened now. */
const found = (meant: string) => list(meant).result.current[0];

/** Chooses one in a list, and leaves it. */
function chooseAndLeave(meant: string): void {
  const { result, unmount } = list(meant);
  act(() => result.current[1](chosen));
  expect(result.current[0]).toBe(chosen);
  unmount();
}

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  sessionEnd.over(false);
});

it("is there again for the same devices, and for no others", () => {
  chooseAndLeave("server-1");
  expect(found("server-1")).toBe(chosen);
  expect(found("server-2")).toBe(NONE);
  const { result, rerender } = list("server-1");
  rerender({ meant: "server-2" });
  expect(result.current[0]).toBe(NONE);
});

it("ends with the session, and stays over one that the same user goes on with", () => {
  chooseAndLeave("all");
  sessionEnd.over(true);
  expect(found("all")).toBe(chosen);
  sessionEnd.over(false);
  expect(found("all")).toBe(NONE);
  sessionEnd.over(true);
  expect(found("all")).toBe(NONE);
});

it("is not kept for long", () => {
  vi.useFakeTimers();
  chooseAndLeave("all");
  vi.advanceTimersByTime(CHOICE_KEPT_MS + 1);
  expect(found("all")).toBe(NONE);
});
