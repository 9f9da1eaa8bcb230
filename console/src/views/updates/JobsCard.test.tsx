import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { searchOf } from "../../search";
import { show } from "../stage";
import { JobsCard } from "./JobsCard";
import type { Update } from "./queries";

/** What the server says; the API's client keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { answer: async (_: URL): Promise<Response> => new Response() };
  globalThis.fetch = (request) => server.answer(new URL((request as Request).url));
  return server;
});

const { update: text } = messages.en;

const update: Update = {
  id: "1",
  project: "demo",
  door: "native",
  actor: "admin",
  accepted_at: "2026-11-23T05:00:00Z",
  ended_at: "2026-11-23T05:01:00Z",
  jobs: { total: 3, pending: 0, waiting: 0, running: 0, succeeded: 2, failed: 1 },
};

const page = (devices: string[], next: string | null = null) =>
  Response.json({
    jobs: devices.map((device) => ({ id: `j-${device}`, project: "demo", device, patch: {} })),
    next,
  });

afterEach(cleanup);

it("begins an update with all devices that failed, however few are shown", async () => {
  server.answer = async ({ searchParams: asked }) => {
    if (asked.get("state") === null) {
      return page(["a", "b", "c"]);
    }
    if (asked.get("limit") === "200") {
      return page(["b"], "200");
    }
    return asked.get("after") === null ? page(["b", "d"], "1000") : page(["d", "e"]);
  };
  const { router } = show(<JobsCard update={update} isKept={false} />, "/?project=demo");
  await screen.findByRole("table", { name: text.jobs });
  fireEvent.click(screen.getByLabelText(text.states.failed));
  fireEvent.click(await screen.findByRole("button", { name: text.againForThese }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/ui/updates/new"));
  const begun = searchOf(router.state.location.search);
  expect(begun).toEqual({ project: "demo", id: ["b", "d", "e"], tab: "list" });
});

it("asks for the state that it shows, whatever else an address says", async () => {
  const asked: string[] = [];
  server.answer = async (url) => {
    asked.push(url.search);
    return page([]);
  };
  show(<JobsCard update={update} isKept={false} />, "/?state=tired&state=failed");
  await screen.findByText(text.jobsNoneAtAll);
  expect(screen.getByLabelText<HTMLInputElement>(text.states.all).checked).toBe(true);
  expect(asked).toEqual(["?limit=200"]);
});
