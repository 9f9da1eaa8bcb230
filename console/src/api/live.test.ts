import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, renderHook } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Happened, listen, useLive } from "./live";
import { sessionEnd, sessionOver } from "./session-end";

/** A stream of which a test says what comes. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static all: Stream[] = [];
  readyState = 0;
  onopen?: () => void;
  onerror?: () => void;

  constructor() {
    super();
    Stream.all.push(this);
  }

  close(): void {
    this.readyState = Stream.CLOSED;
  }

  begin(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  refuse(): void {
    this.readyState = Stream.CLOSED;
    this.onerror?.();
  }

  send(type: string, data: object): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }
}

let told: Happened[];
let end: () => void;
let sessionStatus: number;

const stream = () => Stream.all.at(-1) ?? new Stream();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("fetch", async () => new Response("{}", { status: sessionStatus }));
  sessionStatus = 200;
  Stream.all = [];
  told = [];
  end = listen((happened) => told.push(happened));
});

afterEach(() => {
  cleanup();
  end();
  sessionEnd.over(true);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("takes what was read before a new stream began for old", async () => {
  stream().begin();
  await vi.advanceTimersByTimeAsync(600);
  expect(told.map(({ dropped }) => dropped)).toEqual([true]);
  // The browser's own attempt goes on where it was.
  stream().begin();
  await vi.advanceTimersByTimeAsync(600);
  expect(told).toHaveLength(1);
});

it("opens a stream that was refused anew, ever later", async () => {
  for (let times = 0; times < 4; times += 1) {
    stream().refuse();
    await vi.advanceTimersByTimeAsync(2_000 * 2 ** times + 10);
    expect(Stream.all).toHaveLength(times + 2);
  }
  const opened = Stream.all.length;
  stream().refuse();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(Stream.all).toHaveLength(opened);
});

it("opens none for a session that is over, and says that it is", async () => {
  sessionStatus = 401;
  stream().refuse();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(sessionOver.get()).toBe("told");
  expect(Stream.all).toHaveLength(1);
  sessionEnd.over(true);
  expect(Stream.all).toHaveLength(2);
});

it("names no more devices than anybody could look at", async () => {
  stream().begin();
  await vi.advanceTimersByTimeAsync(600);
  for (let device = 0; device <= 20_000; device += 1) {
    stream().send("device.changed", { project: "demo", id: `${device}` });
  }
  stream().send("job.ended", { project: "demo", device: "last" });
  await vi.advanceTimersByTimeAsync(600);
  expect(told.at(-1)).toMatchObject({ devices: new Set(["demo/last"]), dropped: true, jobs: 1 });
});

it("reads again what was under way when something happened", async () => {
  const client = new QueryClient();
  const answers: (() => void)[] = [];
  const wrapper = ({ children }: { children: ReactNode }) =>
    createElement(QueryClientProvider, { client }, children);
  const reads = vi.fn(() => new Promise<number>((resolve) => answers.push(() => resolve(1))));
  void client.prefetchQuery({ queryKey: ["devices"], queryFn: reads });
  const { unmount } = renderHook(() => useLive([["devices"]], () => true, 1_000), { wrapper });
  stream().send("device.changed", { project: "demo", id: "1" });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(reads).toHaveBeenCalledTimes(1);
  answers[0]?.();
  const { QueryObserver } = await import("@tanstack/react-query");
  const leave = new QueryObserver(client, {
    queryKey: ["devices"],
    queryFn: reads,
    staleTime: Number.POSITIVE_INFINITY,
  }).subscribe(() => {});
  await vi.advanceTimersByTimeAsync(2_000);
  expect(reads).toHaveBeenCalledTimes(2);
  leave();
  unmount();
});
