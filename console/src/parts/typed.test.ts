import { act, renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { useTyped, useTypedAlong } from "./typed";

test("what is typed is applied once, and stays where it comes back from the address", () => {
  const put: string[] = [];
  const hook = renderHook(({ held }) => useTyped(held, (typed) => put.push(typed)), {
    initialProps: { held: "" },
  });
  act(() => hook.result.current.type(" north "));
  act(() => hook.result.current.apply());
  act(() => hook.result.current.apply());
  expect(put).toEqual(["north"]);
  act(() => hook.result.current.type("north gate"));
  hook.rerender({ held: "north" });
  expect(hook.result.current.typed).toBe("north gate");
});

test("it follows a value that others change", () => {
  const hook = renderHook(({ held }) => useTyped(held, () => {}), { initialProps: { held: "a" } });
  hook.rerender({ held: "" });
  expect(hook.result.current.typed).toBe("");
});

test("it is applied by itself once the typing rests, and not by what comes from elsewhere", () => {
  vi.useFakeTimers();
  const put: string[] = [];
  const hook = renderHook(({ held }) => useTypedAlong(held, (typed) => put.push(typed)), {
    initialProps: { held: "" },
  });
  act(() => hook.result.current.type("a"));
  act(() => vi.advanceTimersByTime(200));
  act(() => hook.result.current.type("ab "));
  act(() => vi.advanceTimersByTime(200));
  expect(put).toEqual([]);
  act(() => vi.advanceTimersByTime(100));
  expect(put).toEqual(["ab"]);
  // More is typed while the address takes what was put there.
  act(() => hook.result.current.type("abc"));
  hook.rerender({ held: "ab" });
  expect(hook.result.current.typed).toBe("abc");
  hook.rerender({ held: "elsewhere" });
  expect(hook.result.current.typed).toBe("elsewhere");
  act(() => vi.advanceTimersByTime(1_000));
  expect(put).toEqual(["ab"]);
  vi.useRealTimers();
});
