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

const { importing: text, parts } = messages.en;

const report = { lines: 1, new: 1, changed: 0, channels: 0, failed: 0, errors: [], more: 0 };

afterEach(cleanup);

it("reads a file a part at a time, and stops where it is told to", async () => {
  show(<Import />, "/?project=p");
  const field = await screen.findByLabelText(text.file, { selector: "input" });
  const slow = new File(["kind,id\nphone,a\n"], "slow.csv");
  let go = () => {};
  const wait = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { slice } = slow;
  slow.slice = (...range) => {
    const part = slice.apply(slow, range);
    const { arrayBuffer } = part;
    part.arrayBuffer = async () => {
      await wait;
      return arrayBuffer.call(part);
    };
    return part;
  };
  await act(async () => void fireEvent.change(field, { target: { files: [slow] } }));
  await screen.findByText(text.reading("0"));
  fireEvent.click(screen.getByRole("button", { name: parts.cancel }));
  await act(async () => go());
  expect(screen.queryByText("slow.csv")).toBeNull();
  expect(screen.queryByText(text.reading("0"))).toBeNull();

  const large = new File(["kind,id\n"], "large.csv");
  Object.defineProperty(large, "size", { value: 300 * 1024 * 1024 });
  await act(async () => void fireEvent.change(field, { target: { files: [large] } }));
  await screen.findByText(text.tooLarge("300 MiB", "256 MiB"));
});

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

it("says what becomes of a piece with a line that is not right, and shows what that is", async () => {
  show(<Import />, "/?project=p");
  const field = await screen.findByLabelText(text.file, { selector: "input" });
  const file = new File(["kind,id\nphone,a\n"], "bad.csv");
  await act(async () => void fireEvent.change(field, { target: { files: [file] } }));
  await screen.findByText(text.ofCharset(text.kind.csv, "UTF-8"), { exact: false });
  fireEvent.click(screen.getByRole("button", { name: text.dryRun }));
  await screen.findByRole("heading", { name: text.trying });
  const errors = [{ line: 2, code: "missing", field: "name", detail: "a phone needs `name`" }];
  const told = { ...report, dry_run: true, new: 0, failed: 1, errors };
  const problem = { code: "lines_invalid", detail: "nothing is imported", report: told };
  await act(async () => server.answer(Response.json(problem, { status: 422 })));
  await screen.findByText(text.triedNone);
  // What may be done next is to mend it: not to import it as it is.
  const begin = screen.getByRole("button", { name: text.importCount("1") });
  expect(begin.dataset.kind).toBe("normal");
});
