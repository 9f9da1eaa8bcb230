import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { FreezeAllDialog } from "./FreezeAllDialog";
import { freezingOf } from "./target";

/** What is asked of the server; the client of the API keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { asked: [] as string[], counts: { devices: 0, changed: 0 }, isRefused: false };
  globalThis.fetch = async (given) => {
    const request = given as Request;
    server.asked.push(`${new URL(request.url).pathname} ${await request.text()}`);
    return server.isRefused
      ? Response.json({ code: "too_many_devices", detail: "too many" }, { status: 409 })
      : Response.json(server.counts);
  };
  return server;
});

const { devices: text } = messages.en;
const freezing = freezingOf({ project: "50%", kind: "phone", server: ["s"] });

/** Shows the dialog to a server that says this. */
function open(counts: { devices: number; changed: number }, onClose = () => {}, isFreeze = true) {
  Object.assign(server, { asked: [], counts, isRefused: false });
  if (!freezing) {
    throw new Error("it is of a project");
  }
  show(
    <FreezeAllDialog freezing={freezing} isFreeze={isFreeze} onClose={onClose} onDone={() => {}} />,
  );
}

afterEach(cleanup);

it("says how many it would freeze before it does, and freezes them by one call", async () => {
  const onClose = vi.fn();
  open({ devices: 5, changed: 3 }, onClose);
  const act = await screen.findByRole("button", { name: text.freezeDo("3") });
  screen.getByText(text.alreadyFrozen("2"));
  expect(server.asked).toEqual([
    '/api/v1/projects/50%25/freeze {"kind":"phone","selector":{"servers":["s"]},"dry_run":true}',
  ]);
  fireEvent.click(act);
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(server.asked[1]).toBe(
    '/api/v1/projects/50%25/freeze {"kind":"phone","selector":{"servers":["s"]}}',
  );
});

it("has nothing to do where none would be changed, and stays where it is refused", async () => {
  open({ devices: 2, changed: 0 }, undefined, false);
  const act = await screen.findByRole("button", { name: text.unfreezeDo("0") });
  expect(act.hasAttribute("disabled")).toBe(true);
  expect(server.asked[0]).toContain("/unfreeze ");
  cleanup();
  const onClose = vi.fn();
  open({ devices: 1, changed: 1 }, onClose);
  const freeze = await screen.findByRole("button", { name: text.freezeDo("1") });
  server.isRefused = true;
  fireEvent.click(freeze);
  await screen.findByText("too many");
  expect(onClose).not.toHaveBeenCalled();
});
