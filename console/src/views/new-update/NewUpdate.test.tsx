import { act, cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { NewUpdate } from "./NewUpdate";

/** What the server says to a start; the API's client keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { starts: 0, version: 1, answer: (_: Response): void => {} };
  const device = { id: "a", changes: [], unchanged: ["x"], away: false, restart: false };
  globalThis.fetch = async (given) => {
    const request = given as Request;
    const { pathname } = new URL(request.url);
    if (request.method === "POST") {
      const { dry_run } = (await request.clone().json()) as { dry_run?: boolean };
      if (dry_run) {
        return Response.json({ devices: [device], next: null });
      }
      server.starts += 1;
      return new Promise((resolve) => {
        server.answer = resolve;
      });
    }
    const preset = { project: "p", name: "lobby", kind: "phone", description: "", values: {} };
    return Response.json(
      pathname.endsWith("/presets")
        ? { presets: [{ ...preset, version: server.version }], next: null }
        : { projects: [], devices: [], properties: [], next: null },
    );
  };
  return server;
});

const { newUpdate: text } = messages.en;

const start = () => screen.getByRole("button", { name: text.startCount("1") });

/** Puts an update together, and has it tried out. */
async function tried() {
  const shown = show(<NewUpdate />, "/?project=p&kind=phone&id=a&preset=lobby");
  await screen.findByLabelText(text.preset);
  await screen.findByText(text.presetValues);
  fireEvent.click(screen.getByRole("button", { name: text.dryRunButton }));
  await waitFor(start);
  return shown;
}

afterEach(() => {
  cleanup();
  sessionStorage.clear();
  server.starts = 0;
  server.version = 1;
});

it("begins once, and goes to the update", async () => {
  const { router } = await tried();
  fireEvent.click(start());
  await waitFor(() => expect(server.starts).toBe(1));
  fireEvent.click(start());
  await act(async () => server.answer(Response.json({ id: "u1", devices: 1 })));
  await waitFor(() => expect(router.state.location.pathname).toBe("/ui/updates/u1"));
  expect(server.starts).toBe(1);
});

it("fetches nobody back who has gone elsewhere meanwhile", async () => {
  const { router, unmount } = await tried();
  fireEvent.click(start());
  await waitFor(() => expect(server.starts).toBe(1));
  unmount();
  await act(async () => server.answer(Response.json({ id: "u1", devices: 1 })));
  await waitFor(() => expect(sessionStorage.length).toBe(0));
  expect(router.state.location.pathname).toBe("/");
});

it("wants another dry run where the preset has become another", async () => {
  const { client } = await tried();
  server.version = 2;
  await act(() => client.invalidateQueries({ queryKey: ["presets"] }));
  await screen.findByText(text.dryRunStale);
  expect(screen.queryByRole("button", { name: text.startCount("1") })).toBeNull();
});
