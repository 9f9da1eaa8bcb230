import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiProblem } from "./problem";
import { NOT_KEPT, refused, session, signIn, signOut, type WhoAmI } from "./session";
import { sessionEnd, sessionOver } from "./session-end";

const ADA: WhoAmI = {
  user: "ada",
  server_admin: false,
  project: "demo",
  token: "1",
  expires_at: null,
  grants: [],
};
const BOB: WhoAmI = { ...ADA, user: "bob" };

let client: QueryClient;
let answers: Record<string, WhoAmI | number>;

beforeEach(() => {
  sessionEnd.over(false);
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  answers = {};
  vi.stubGlobal("fetch", async ({ method, url }: Request) => {
    const answer = answers[`${method} ${new URL(url).pathname}`] ?? 204;
    return typeof answer === "number"
      ? new Response(answer === 204 ? null : "{}", { status: answer })
      : Response.json(answer);
  });
});

afterEach(() => vi.unstubAllGlobals());

const GET = "GET /api/v1/session";
const read = () => client.fetchQuery({ ...session, staleTime: 0 });
const shown = () => client.getQueryData(["projects"]);

it("keeps who was signed in, and what they see, over the end of a session", async () => {
  answers = { [GET]: 401 };
  expect(await read()).toBeNull();
  expect(sessionOver.get()).toBeUndefined();
  answers = { [GET]: ADA };
  await read();
  client.setQueryData(["projects"], "ada's");
  answers = { [GET]: 401 };
  expect(await read()).toEqual(ADA);
  expect([sessionOver.get(), shown()]).toEqual(["told", "ada's"]);
});

it("goes on where it ended as the same user, and anew as another", async () => {
  const cookie = "POST /api/v1/session/cookie";
  client.setQueryData(session.queryKey, ADA);
  client.setQueryData(["projects"], "ada's");
  sessionEnd.ask();
  answers = { [cookie]: ADA, [GET]: ADA };
  await signIn({ user: "ada", password: "secret" }, client);
  expect([sessionOver.get(), shown()]).toEqual([undefined, "ada's"]);
  const sent = sessionEnd.now();
  answers = { [cookie]: BOB, [GET]: BOB };
  await signIn({ user: "bob", password: "secret" }, client);
  expect(client.getQueryData(session.queryKey)).toEqual(BOB);
  expect([shown(), sessionEnd.isSame(sent)]).toEqual([undefined, false]);
});

it("sees that another tab has signed in, as the same user or as another", async () => {
  client.setQueryData(session.queryKey, ADA);
  client.setQueryData(["projects"], "ada's");
  sessionEnd.ask();
  answers = { [GET]: 401 };
  await read();
  expect(sessionOver.get()).toBe("asked");
  answers = { [GET]: ADA };
  await read();
  expect([sessionOver.get(), shown()]).toEqual([undefined, "ada's"]);
  const waiting = sessionEnd.wait(sessionEnd.now(), true);
  answers = { [GET]: BOB };
  expect(await read()).toEqual(BOB);
  expect([shown(), await waiting]).toEqual([undefined, false]);
});

it("reads one's roles anew where a call is refused for them, and not with each", async () => {
  answers = { [GET]: ADA };
  await read();
  const reads = () => client.getQueryState(session.queryKey)?.isInvalidated;
  const forbidden = new ApiProblem(403, {}, "this call needs the role admin");
  refused(forbidden, client);
  expect(reads()).toBe(false);
  client.setQueryData(session.queryKey, ADA, { updatedAt: Date.now() - 10_000 });
  refused(new ApiProblem(409, {}, "not now"), client);
  expect(reads()).toBe(false);
  refused(forbidden, client);
  expect(reads()).toBe(true);
});

it("says of a browser that keeps no cookie that it does not", async () => {
  answers = { "POST /api/v1/session/cookie": ADA, [GET]: 401 };
  const refused = signIn({ token: "secret" }, client);
  await expect(refused).rejects.toMatchObject({ code: NOT_KEPT });
  expect(client.getQueryData(session.queryKey)).toBeUndefined();
});

it.each([204, 401])("forgets all where one signs out, answered with %i", async (status) => {
  client.setQueryData(session.queryKey, ADA);
  client.setQueryData(["projects"], "ada's");
  const waiting = sessionEnd.wait(sessionEnd.now(), true);
  answers = { "DELETE /api/v1/session": status };
  await signOut(client);
  expect(client.getQueryData(session.queryKey)).toBeNull();
  expect([shown(), sessionOver.get(), await waiting]).toEqual([undefined, undefined, false]);
});
