import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { Import } from "./Import";

/** What the server says of a piece; the API's client keeps what `fetch` is when it is loaded. */
const server = vi.hoisted(() => {
  const server = { answer: (_: Response): void => {} };
  globalThis.fetch = async (request) =>
    (request as Request).url.includes("/import")
      ? new Promise((resolve) => {
          server.answer = resolve;
        })
      : Response.json({ projects: [], next: null });
  return server;
});

const { importing: text } = messages.en;

const report = { lines: 1, new: 1, changed: 0, channels: 0, failed: 0, errors: [], more: 0 };

afterEach(cleanup);

it("takes no other file while one is sent", async () => {
  show(<Import />, "/?project=p");
  const field = await screen.findByLabelText(text.file, { selector: "input" });
  const drop = async (name: string) => {
    const file = new File(["kind,id\nphone,a\n"], name);
    const zone = document.querySelector(".import-drop");
    await act(async () => void (zone && fireEvent.drop(zone, { dataTransfer: { files: [file] } })));
  };
  const file = new File(["kind,id\nphone,a\n"], "first.csv");
  await act(async () => void fireEvent.change(field, { target: { files: [file] } }));
  await screen.findByText("first.csv");

  fireEvent.click(screen.getByRole("button", { name: text.dryRun }));
  await screen.findByRole("heading", { name: text.trying });
  const another = screen.getByRole<HTMLButtonElement>("button", { name: text.another });
  expect(another.disabled).toBe(true);
  await drop("second.csv");
  screen.getByText("first.csv");

  await act(async () => server.answer(Response.json({ ...report, dry_run: true })));
  await screen.findByText(text.allRight);
  expect(another.disabled).toBe(false);
  await drop("second.csv");
  await screen.findByText("second.csv");
});
