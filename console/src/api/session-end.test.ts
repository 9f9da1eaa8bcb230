import { beforeEach, expect, it } from "vitest";
import { sessionEnd, sessionOver } from "./session-end";

beforeEach(() => {
  document.body.innerHTML = "<input id=text><input id=box type=checkbox>";
  sessionEnd.over(false);
});

/** What a promise has come to; "waits" as long as it has not. */
function now<T>(promise: Promise<T>): Promise<T | "waits"> {
  return Promise.race([
    promise,
    new Promise<"waits">((resolve) => setTimeout(resolve, 0, "waits")),
  ]);
}

it("makes calls again once the same user has signed in", async () => {
  const read = sessionEnd.wait(sessionEnd.now(), false);
  const change = sessionEnd.wait(sessionEnd.now(), true);
  expect(sessionOver.get()).toBe("asked");
  sessionEnd.over(true);
  expect(await Promise.all([read, change])).toEqual([true, true]);
  expect(sessionOver.get()).toBeUndefined();
});

it("makes none of them again as somebody else", async () => {
  const sent = sessionEnd.now();
  const change = sessionEnd.wait(sent, true);
  sessionEnd.over(false);
  expect(await change).toBe(false);
  sessionEnd.over(true);
  expect(sessionEnd.isSame(sent)).toBe(false);
  expect(await sessionEnd.wait(sent, true)).toBe(false);
});

it("asks nobody again for a refusal that comes late", async () => {
  const sent = sessionEnd.now();
  sessionEnd.over(true);
  expect(await sessionEnd.wait(sent, true)).toBe(true);
  expect(sessionOver.get()).toBeUndefined();
});

it("lets reads wait on, and no change, when one turns away", async () => {
  const read = sessionEnd.wait(sessionEnd.now(), false);
  const change = sessionEnd.wait(sessionEnd.now(), true);
  sessionEnd.turnAway();
  expect(await change).toBe(false);
  expect(await now(read)).toBe("waits");
  expect(sessionOver.get()).toBe("told");
  void sessionEnd.wait(sessionEnd.now(), false);
  expect(sessionOver.get()).toBe("told");
  sessionEnd.over(true);
  expect(await read).toBe(true);
});

it.each([
  ["text", "told"],
  ["box", "asked"],
])("takes no keys away from what is typed, in %s", (focus, over) => {
  document.getElementById(focus)?.focus();
  void sessionEnd.wait(sessionEnd.now(), false);
  expect(sessionOver.get()).toBe(over);
  void sessionEnd.wait(sessionEnd.now(), true);
  expect(sessionOver.get()).toBe("asked");
});
