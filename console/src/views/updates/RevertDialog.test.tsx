import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import type { Update } from "./queries";
import { RevertDialog } from "./RevertDialog";

/** What the server is asked and says; the API's client keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { answer: async (_: unknown): Promise<Response> => new Response() };
  globalThis.fetch = async (request) => server.answer(await (request as Request).clone().json());
  return server;
});

const { newUpdate, parts, update: text } = messages.en;

const update: Update = {
  id: "01a2079e",
  project: "demo",
  door: "native",
  actor: "admin",
  accepted_at: "2026-11-23T05:00:00Z",
  ended_at: "2026-11-23T05:01:00Z",
  jobs: { total: 3, pending: 0, waiting: 0, running: 0, succeeded: 3, failed: 0 },
};

const foreseen = {
  devices: [
    {
      id: "phone-1",
      changes: [{ name: "wm.density", desired: "320", shown: "320", to: "480", acts: "at_once" }],
      unchanged: [],
      away: false,
      restart: false,
      refused: null,
    },
  ],
  next: "1",
  devices_total: 2,
  left_out: [{ device: "phone-3", property: null, why: "the device is gone" }],
  left_out_total: 1,
};

const begin = () => screen.getByRole<HTMLButtonElement>("button", { name: text.revertStart });

afterEach(cleanup);

it("is done once the server has told what it would do", async () => {
  const asked: unknown[] = [];
  let tell: (told: Response) => void = () => {};
  server.answer = (body) => {
    asked.push(body);
    return new Promise((resolve) => {
      tell = resolve;
    });
  };
  show(<RevertDialog update={update} onClose={() => {}} />);
  await screen.findByRole("dialog");
  await waitFor(() => expect(asked).toEqual([{ dry_run: true }]));
  expect(begin().disabled).toBe(true);

  tell(Response.json(foreseen));
  await screen.findByText(text.revertReading("1", "2"));
  screen.getByText(text.revertWould("2"));
  screen.getByText(text.leftOut("1"));
  expect(begin().disabled).toBe(false);

  // The other pages tell of the rest, and nothing of all.
  expect(asked[1]).toEqual({ dry_run: true, after: "1" });
  const other = foreseen.devices.map((device) => ({ ...device, id: "phone-2" }));
  const none = { devices_total: null, left_out: [], left_out_total: null };
  tell(Response.json({ devices: other, next: null, ...none }));
  await screen.findByText(`${newUpdate.filters.all} (2)`);
  screen.getByText(text.revertWould("2"));
  screen.getByText(text.leftOut("1"));
  expect(screen.queryByText(/being worked out/)).toBeNull();

  fireEvent.click(begin());
  await waitFor(() => expect(asked.length).toBe(3));
  expect(asked[2]).toEqual({ rollout: {} });
  tell(Response.json({ id: "01a2079f", devices: 2 }));
  await screen.findByRole("dialog", { name: text.revertBegun });
});

it("tells what it has, and can be done, where it is stopped or fails before the last page", async () => {
  const refusal = { code: "internal", detail: "the page is lost" };
  let pages = 0;
  server.answer = async () => {
    pages += 1;
    return pages === 1 ? Response.json(foreseen) : Response.json(refusal, { status: 500 });
  };
  show(<RevertDialog update={update} onClose={() => {}} />);
  await screen.findByText(refusal.detail);
  screen.getByText(text.revertFirst("1"));
  expect(begin().disabled).toBe(false);
});

it("can't be done where the server says why not", async () => {
  const refusal = { code: "nothing_to_revert", detail: "nothing of it can be brought back" };
  server.answer = async () => Response.json(refusal, { status: 409 });
  show(<RevertDialog update={update} onClose={() => {}} />);
  await screen.findByText(refusal.detail);
  expect(begin().disabled).toBe(true);
  // There is nothing to try again, and nothing that could go out in waves.
  expect(screen.queryByRole("button", { name: parts.retry })).toBeNull();
  expect(screen.queryByRole("radio")).toBeNull();
});
