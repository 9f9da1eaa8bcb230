import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { type Device, SubjectProvider } from "./data";
import { RevertDialog } from "./Revert";

/** What the server says; the API's client keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { asked: {} as unknown, answer: (): Response => new Response() };
  globalThis.fetch = async (request) => {
    server.asked = await (request as Request).clone().json();
    return server.answer();
  };
  return server;
});

const { device: text } = messages.en;

/** Shows the dialog. */
function open() {
  const subject = {
    ref: { project: "p", id: "d" },
    device: { kind: "phone" } as Device,
    mayOperate: true,
  };
  show(
    <SubjectProvider value={subject}>
      <RevertDialog to={2} onClose={() => {}} />
    </SubjectProvider>,
  );
}

const goBack = () => screen.getByRole<HTMLButtonElement>("button", { name: text.goBackTo("2") });

afterEach(cleanup);

it("tells what the server would do, and what it would leave", async () => {
  const changes = [{ name: "Name", desired: "now", shown: null, to: "then", acts: "record" }];
  const device = { id: "d", changes, unchanged: [], away: false, restart: false, refused: null };
  const left_out = [{ device: "d", property: "Desc", why: "it was changed since" }];
  server.answer = () =>
    Response.json({ devices: [device], next: null, devices_total: 1, left_out, left_out_total: 1 });
  open();
  await screen.findByText("then");
  screen.getByText("now");
  screen.getByText(/it was changed since/);
  expect(server.asked).toEqual({ to: 2, dry_run: true });
  expect(goBack().disabled).toBe(false);
});

it("says where nothing would come back", async () => {
  server.answer = () => Response.json({ code: "nothing_to_revert", detail: "no" }, { status: 409 });
  open();
  await screen.findByText(text.backNothing);
  expect(goBack().disabled).toBe(true);
});
