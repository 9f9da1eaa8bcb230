import { act, cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { FreezeDialog } from "./FreezeDialog";
import { sampleRow as row } from "./sample";

/** What the server says; the client of the API keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { answer: async (_: Request): Promise<Response> => new Response() };
  globalThis.fetch = (request) => server.answer(request as Request);
  return server;
});

const { devices: text, parts } = messages.en;

/** Answers each call by the device that it is about, and gives which were made. */
function answering(answer: (id: string) => Promise<Response>): string[] {
  const calls: string[] = [];
  server.answer = (request) => {
    const [, id = "", what = ""] = /devices\/([^/]+)\/([a-z]+)\?/.exec(request.url) ?? [];
    calls.push(`${what} ${id}`);
    return answer(id);
  };
  return calls;
}

/** Shows the dialog for these devices. */
async function open(rows: ReturnType<typeof row>[], onClose: () => void, onDone = () => {}) {
  show(<FreezeDialog rows={rows} isFreeze onClose={onClose} onDone={onDone} />);
  await screen.findByRole("dialog");
}

const button = (name: string) => screen.getByRole("button", { name });

afterEach(cleanup);

it("says what failed, goes on with it alone, and ends where all are frozen", async () => {
  let isRefused = true;
  const calls = answering(async (id) => {
    const refusal = { code: "conflict", detail: "it is being deleted" };
    return id === "2" && isRefused
      ? Response.json(refusal, { status: 409 })
      : new Response(null, { status: 204 });
  });
  const [onClose, onDone] = [vi.fn(), vi.fn()];
  await open([row("1"), row("2"), row("3"), row("4", { frozen: true })], onClose, onDone);
  screen.getByText(text.alreadyFrozen("1"));
  fireEvent.click(button(text.freezeDo("3")));
  await screen.findByText(text.failedSome("1"));
  screen.getByText(text.progress("2", "3"));
  screen.getByText(/it is being deleted/);
  expect(onClose).not.toHaveBeenCalled();

  isRefused = false;
  fireEvent.click(button(parts.again));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(onDone).toHaveBeenCalled();
  expect(calls.sort()).toEqual(["freeze 1", "freeze 2", "freeze 2", "freeze 3"]);
});

it("stops where it is told to, and says what was left as it was", async () => {
  const held: (() => void)[] = [];
  const calls = answering(
    () =>
      new Promise((resolve) => {
        held.push(() => resolve(new Response(null, { status: 204 })));
      }),
  );
  const onClose = vi.fn();
  await open(
    Array.from({ length: 100 }, (_, at) => row(`${at}`)),
    onClose,
  );
  fireEvent.click(button(text.freezeDo("100")));
  await waitFor(() => expect(held.length).toBe(6));
  fireEvent.click(button(parts.stop));
  act(() => {
    for (const release of held) {
      release();
    }
  });
  await screen.findByText(text.notFrozen("94"));
  screen.getByText(text.progress("6", "100"));
  expect(calls.length).toBe(6);
  fireEvent.click(button(parts.leave));
  expect(onClose).toHaveBeenCalled();
});

it("has nothing to do where all are frozen already", async () => {
  answering(() => Promise.reject(new Error("nothing is asked")));
  await open([row("1", { frozen: true })], () => {});
  expect(button(text.freezeDo("0")).hasAttribute("disabled")).toBe(true);
});
