import { expect, test } from "vitest";
import { ApiProblem } from "../../api/problem";
import { rotate } from "./rotate";
import type { Wanted } from "./wanted";

const wanted: Wanted[] = Array.from({ length: 40 }, (_, index) => ({
  id: String(index),
  password: "x",
  isMade: true,
}));
const never = { tell: () => {}, isOver: () => false };

test("each is set once, and one that is refused holds up none", async () => {
  const set: string[] = [];
  const end = await rotate(
    wanted,
    async ({ id }) => {
      if (id === "7") {
        throw new ApiProblem(404, { code: "no_such_device" }, "no such device");
      }
      set.push(id);
    },
    never,
  );
  expect([end.done, end.left.length, end.isAway]).toEqual([39, 0, false]);
  expect(end.failed.map((each) => each.wanted.id)).toEqual(["7"]);
  expect(new Set(set).size).toBe(39);
});

test("where the server stays away nothing is lost: the rest is left, to be gone on with", async () => {
  let calls = 0;
  const end = await rotate(
    wanted,
    async () => {
      calls += 1;
      if (calls > 10) {
        throw ApiProblem.unreachable();
      }
    },
    never,
  );
  expect([end.done, end.isAway, end.failed.length]).toEqual([10, true, 0]);
  expect(end.left.length).toBe(30);
  expect(new Set(end.left.map((each) => each.id)).size).toBe(30);
});

test("a server that has too much to do is asked again", async () => {
  let calls = 0;
  const busy = async () => {
    calls += 1;
    if (calls % 2 === 1) {
      throw new ApiProblem(429, {}, "busy");
    }
  };
  const end = await rotate(wanted, busy, never, async () => {});
  expect([end.done, end.failed.length, end.isAway]).toEqual([40, 0, false]);
});

test("it stops where it is told to", async () => {
  let done = 0;
  const end = await rotate(
    wanted,
    async () => {
      done += 1;
    },
    { tell: () => {}, isOver: () => done >= 12 },
  );
  expect(end.done).toBeLessThan(20);
  expect(end.done + end.left.length).toBe(40);
});
