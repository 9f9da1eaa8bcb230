import { act, cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { Presets } from "./Presets";

/** What the server says; the API's client keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { answer: async (_: Request): Promise<Response> => new Response() };
  globalThis.fetch = (request) => server.answer(request as Request);
  return server;
});

const { presets: text } = messages.en;

const AT = "2026-11-23T05:00:00Z";
const lobby = {
  project: "p",
  name: "lobby",
  kind: "phone",
  description: "",
  values: { "wm.density": "320" },
  version: 3,
  created_at: AT,
  updated_at: AT,
};

/** A server with one preset, that refuses to set any, and somebody who can delete it. */
function stage(refusal: string) {
  let presets = [lobby];
  const asked: unknown[] = [];
  server.answer = async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") {
      asked.push(await request.json());
      return Response.json({ code: refusal, detail: "no" }, { status: 409 });
    }
    if (pathname.endsWith("/presets")) {
      return Response.json({ presets, next: null });
    }
    return pathname.endsWith("/lobby")
      ? Response.json({ code: "no_such_preset" }, { status: 404 })
      : Response.json({ projects: [{ id: "p", name: "p" }], properties: [], next: null });
  };
  const deleted = () => {
    presets = [];
  };
  return { asked, deleted };
}

const save = () => fireEvent.click(screen.getByRole("button", { name: text.save }));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("keeps what is typed where somebody else deletes the preset meanwhile", async () => {
  const { asked, deleted } = stage("preset_moved");
  const { client } = show(<Presets />, "/?project=p&preset=lobby&tab=edit");
  const field = await screen.findByLabelText<HTMLInputElement>(text.description);
  fireEvent.change(field, { target: { value: "mine" } });
  deleted();
  await act(() => client.invalidateQueries({ queryKey: ["presets"] }));
  await waitFor(() => expect(screen.queryByText(text.list, { selector: "h2" })).toBeNull());
  expect(field.isConnected && field.value).toBe("mine");

  save();
  await screen.findByText(text.conflictGone);
  fireEvent.click(screen.getByRole("button", { name: text.keepMine }));
  await waitFor(() => expect(asked.length).toBe(2));
  expect(asked).toMatchObject([{ version: 3 }, { version: 0, description: "mine" }]);
});

it("does not call every refusal somebody else's doing", async () => {
  stage("too_many_presets");
  show(<Presets />, "/?project=p&preset=lobby&tab=edit");
  await screen.findByLabelText(text.description);
  save();
  await screen.findByText("no");
  expect(screen.queryByText(text.conflictGone)).toBeNull();
});

it("asks before what is typed is left", async () => {
  stage("preset_moved");
  const confirm = vi.fn(() => false);
  vi.stubGlobal("confirm", confirm);
  const { router } = show(<Presets />, "/?project=p&preset=lobby&tab=edit");
  const field = await screen.findByLabelText<HTMLInputElement>(text.description);
  fireEvent.change(field, { target: { value: "mine" } });
  act(() => void router.navigate({ to: ".", search: { project: "p" } }));
  await waitFor(() => expect(confirm).toHaveBeenCalledWith(messages.en.parts.leaveTyped));
  expect(field.isConnected && field.value).toBe("mine");
});
