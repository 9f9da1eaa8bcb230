import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { components } from "../../api/schema";
import { messages } from "../../i18n/messages";
import { General, ProjectSettings } from "./Settings";

/** What the server is asked and says; the client of the API keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { asked: [] as unknown[], answer: async () => new Response("{}") };
  globalThis.fetch = async (request) => {
    server.asked.push(await (request as Request).json());
    return server.answer();
  };
  return server;
});

const { projects: text, parts } = messages.en;

const project: components["schemas"]["Project"] = {
  id: "p",
  name: "Old",
  description: "",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  settings: {
    adoption: "unmarked",
    drift: "report",
    identity: false,
    iss: { mask_passwords: false, private_ip: false, profile: "460" },
    password_overlap_seconds: 3_600,
    paused: false,
  },
};

const show = (view: React.ReactNode) =>
  render(<QueryClientProvider client={new QueryClient()}>{view}</QueryClientProvider>);
const type = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
const save = () => fireEvent.click(screen.getByRole("button", { name: parts.save }));

afterEach(() => {
  cleanup();
  server.asked.length = 0;
});

it("keeps what is typed while the rest is being saved", async () => {
  let answer: (response: Response) => void = () => {};
  server.answer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  show(<General project={project} isAdmin />);
  type(text.name, "New");
  save();
  await waitFor(() => expect(server.asked).toEqual([{ name: "New" }]));
  type(text.description, "typed meanwhile");
  await act(async () => answer(Response.json(project)));
  await screen.findByDisplayValue("typed meanwhile");
  server.answer = async () => Response.json(project);
  await waitFor(() => save());
  await waitFor(() => expect(server.asked[1]).toMatchObject({ description: "typed meanwhile" }));
});

it("sends the overlap with what else was changed, and forgets what was saved", async () => {
  server.answer = async () => Response.json(project);
  show(<ProjectSettings project={project} isAdmin />);
  fireEvent.click(screen.getByLabelText(text.pausedLabel));
  type(text.overlap, "1.");
  type(text.overlap, "1.5");
  save();
  await waitFor(() =>
    expect(server.asked).toEqual([{ paused: true, password_overlap_seconds: 5_400 }]),
  );
  // What the server says is shown again, for it is the truth.
  await screen.findByDisplayValue("1");
});
