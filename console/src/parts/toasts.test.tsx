import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { hush, say, Toasts } from "./toasts";

afterEach(() => {
  cleanup();
  hush();
  vi.useRealTimers();
});

const said = () => screen.queryAllByText(/^(good|bad) \d$/).map((each) => each.textContent);

it("keeps bad news over good, and until it is dismissed", () => {
  vi.useFakeTimers();
  render(<Toasts />);
  act(() => {
    say("bad", "bad 1");
    for (const each of [1, 2, 3, 4]) {
      say("good", `good ${each}`);
    }
  });
  expect(said()).toEqual(["bad 1", "good 2", "good 3", "good 4"]);
  act(() => {
    vi.advanceTimersByTime(60_000);
  });
  expect(said()).toEqual(["bad 1"]);
  act(() => hush());
  expect(said()).toEqual([]);
});
