import { act, renderHook, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { ApiProblem } from "../api/problem";
import { oneByOne, type Progress, useOneByOne } from "./one-by-one";

const items = Array.from({ length: 40 }, (_, index) => String(index));
const never = { tell: () => {}, isOver: () => false };

test("each is done once, and one that is refused holds up none", async () => {
  const done: string[] = [];
  const end = await oneByOne(
    items,
    async (item) => {
      if (item === "7") {
        throw new ApiProblem(404, { code: "no_such_device" }, "no such device");
      }
      done.push(item);
    },
    never,
  );
  expect([end.done, end.left.length, end.endedBy]).toEqual([39, 0, undefined]);
  expect(end.failed.map(({ item }) => item)).toEqual(["7"]);
  expect(new Set(done).size).toBe(39);
});

test("where the server stays away nothing is lost: the rest is left, to be gone on with", async () => {
  let calls = 0;
  const end = await oneByOne(
    items,
    async () => {
      calls += 1;
      if (calls > 10) {
        throw ApiProblem.unreachable();
      }
    },
    never,
  );
  expect([end.done, end.failed.length]).toEqual([10, 0]);
  expect(end.endedBy).toEqual(ApiProblem.unreachable());
  expect(end.left.length).toBe(30);
  expect(new Set(end.left).size).toBe(30);
});

test("whoever does not sign in again is not asked for each of them", async () => {
  let calls = 0;
  const end = await oneByOne(
    items,
    async () => {
      calls += 1;
      throw new ApiProblem(401, {}, "signed out");
    },
    never,
  );
  expect(calls).toBeLessThan(10);
  expect([end.done, end.failed.length]).toEqual([0, 0]);
  expect(end.endedBy).toMatchObject({ status: 401 });
  expect(new Set(end.left).size).toBe(40);
});

test("a server that has too much to do is asked again", async () => {
  let calls = 0;
  const busy = async () => {
    calls += 1;
    if (calls % 2 === 1) {
      throw new ApiProblem(429, {}, "busy");
    }
  };
  const end = await oneByOne(items, busy, never, async () => {});
  expect([end.done, end.failed.length, end.endedBy]).toEqual([40, 0, undefined]);
});

test("it stops where it is told to", async () => {
  let done = 0;
  const end = await oneByOne(
    items,
    async () => {
      done += 1;
    },
    { tell: () => {}, isOver: () => done >= 12 },
  );
  expect(end.done).toBeLessThan(20);
  expect(end.done + end.left.length).toBe(40);
});

test("what was stopped or failed is gone on with, and what was done counts", async () => {
  const ends: Progress<string>[] = [];
  let isRefused = true;
  const tried: string[] = [];
  const { result } = renderHook(() =>
    useOneByOne<string>(
      async (item) => {
        tried.push(item);
        if (tried.length === 6) {
          result.current.stop();
        }
        if (item === "3" && isRefused) {
          throw new ApiProblem(409, {}, "not now");
        }
      },
      (end) => ends.push(end),
    ),
  );
  act(() => void result.current.begin(items));
  await waitFor(() => expect(result.current.isOver).toBe(true));
  const [first] = ends;
  expect(first?.failed.map(({ item }) => item)).toEqual(["3"]);
  expect(first?.left.length).toBeGreaterThan(20);
  expect((first?.done ?? 0) + result.current.undone.length).toBe(40);

  isRefused = false;
  act(() => result.current.goOn());
  await waitFor(() => expect(ends.length).toBe(2));
  expect(ends[1]).toEqual({ done: 40, failed: [], left: [] });
  expect(tried.filter((item) => item === "3").length).toBe(2);
  expect(tried.length).toBe(41);
});

test("a view that is left begins no more of them, and is told what was done", async () => {
  const ends: Progress<string>[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { result, unmount } = renderHook(() =>
    useOneByOne<string>(
      () => held,
      (end) => ends.push(end),
    ),
  );
  act(() => void result.current.begin(items));
  unmount();
  release();
  await waitFor(() => expect(ends.length).toBe(1));
  expect([ends[0]?.done, ends[0]?.left.length]).toEqual([6, 34]);
});
