import { act, cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { Devices } from "./Devices";

/** What the server says; the client of the API keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { answer: async (_: Request): Promise<Response> => new Response() };
  globalThis.fetch = (request) => server.answer(request as Request);
  return server;
});

const { devices: text, parts } = messages.en;

/** A phone as the server shows it in a list. */
const phone = (id: string) => ({
  project: "p",
  id,
  kind: "phone",
  name: id,
  condition: "running",
  since: "2026-01-01T00:00:00Z",
  frozen: false,
  drift: [],
  open_jobs: [],
});

const button = (name: string) => screen.getByRole("button", { name });

afterEach(cleanup);

it("goes on with what was asked where the chosen devices leave the list meanwhile", async () => {
  let devices = ["1", "2"].map(phone);
  const held: (() => void)[] = [];
  server.answer = async (request) => {
    if (request.method === "POST") {
      await new Promise<void>((resolve) => held.push(resolve));
      return new Response(null, { status: 204 });
    }
    return Response.json({ devices, projects: [], next: null });
  };
  const { client } = show(<Devices />, "/ui/devices?project=p&frozen=false");
  fireEvent.click(await screen.findByLabelText(parts.selectAll));
  fireEvent.click(button(text.freeze));
  fireEvent.click(button(text.freezeDo("2")));
  await waitFor(() => expect(held.length).toBe(2));

  devices = [];
  await act(() => client.invalidateQueries({ queryKey: ["devices"] }));
  await screen.findByText(text.noneMatch);
  screen.getByText(text.progress("0", "2"));

  act(() => {
    for (const release of held) {
      release();
    }
  });
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});
