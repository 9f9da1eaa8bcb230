import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api, ask, change } from "./client";
import { connected } from "./connection";
import { sessionEnd, sessionOver } from "./session-end";

/** What was sent, and what is answered next. */
let sent: { url: string; key: string | null; body: string }[];
let answers: (() => Response | Promise<Response>)[];

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ code, title: code }, { status, headers });
}

beforeEach(() => {
  vi.useFakeTimers();
  sessionEnd.over(false);
  connected.set(true);
  sent = [];
  answers = [];
  vi.stubGlobal("fetch", async (input: Request | string) => {
    const request = input instanceof Request ? input : undefined;
    if (!request) {
      return new Response(null, { status: 503 });
    }
    sent.push({
      url: request.url,
      key: request.headers.get("Idempotency-Key"),
      body: await request.text(),
    });
    return answers.shift()?.() ?? Response.json({});
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const reload = () =>
  change((header) => api.POST("/api/v1/catalogue/reload", { params: { header } }));

const pause = () =>
  change((header) => api.PUT("/api/v1/settings", { params: { header }, body: { paused: true } }));

it("makes a change again, as it was, once the same user has signed in again", async () => {
  answers = [() => problem(401, "unauthorized"), () => Response.json({ paused: true })];
  const done = pause();
  await vi.waitFor(() => expect(sessionOver.get()).toBe("asked"));
  expect(sent).toHaveLength(1);
  sessionEnd.over(true);
  expect(await done).toEqual({ paused: true });
  expect(sent[1]).toEqual(sent[0]);
  expect(sent[0]?.body).toBe('{"paused":true}');
});

it("does not make it as somebody else", async () => {
  answers = [() => problem(401, "unauthorized")];
  const done = pause().catch((error) => error);
  await vi.waitFor(() => expect(sessionOver.get()).toBe("asked"));
  sessionEnd.over(false);
  expect(await done).toMatchObject({ status: 401 });
  expect(sent).toHaveLength(1);
});

it("tries a change with one key until the first attempt is through", async () => {
  answers = [
    () => Promise.reject(new TypeError("Failed to fetch")),
    () => problem(409, "idempotency_in_progress", { "Retry-After": "1" }),
    () => problem(504, "gateway"),
    () => Response.json({ properties: 1 }),
  ];
  const done = reload();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await done).toEqual({ properties: 1 });
  expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
  expect(sent).toHaveLength(4);
});

it("waits as long as the server asks, and no longer than a minute", async () => {
  answers = [() => problem(429, "slow_down", { "Retry-After": "7" })];
  const done = reload();
  await vi.advanceTimersByTimeAsync(6_900);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  await done;
  expect(sent).toHaveLength(2);
  answers = [() => problem(429, "slow_down", { "Retry-After": "70" })];
  await expect(reload()).rejects.toMatchObject({ retryAfterMs: 70_000 });
});

it("tries nothing again for one who has left", async () => {
  answers = [() => problem(503, "busy"), () => Response.json({})];
  const done = reload().catch((error) => error);
  await vi.advanceTimersByTimeAsync(100);
  sessionEnd.over(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await done).toMatchObject({ status: 503 });
  expect(sent).toHaveLength(1);
});

it("takes a refusal for one", async () => {
  answers = [() => problem(409, "revision_differs")];
  await expect(reload()).rejects.toMatchObject({ code: "revision_differs" });
  expect(sent).toHaveLength(1);
});

it("says that the server is away where a proxy answers for it", async () => {
  answers = [() => new Response("<html>", { status: 502 })];
  await expect(ask(api.GET("/api/v1/projects"))).rejects.toMatchObject({ status: 502 });
  await vi.advanceTimersByTimeAsync(10);
  expect(connected.get()).toBe(false);
});

it("shows what is none of the API's for that, and does not wait for the server", async () => {
  answers = [() => new Response("<html>", { headers: { "Content-Type": "text/html" } })];
  const read = ask(api.GET("/api/v1/projects"));
  await expect(read).rejects.toMatchObject({ code: "unreadable", isPassing: false });
  expect(connected.get()).toBe(true);
});
