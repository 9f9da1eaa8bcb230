import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../../i18n/messages";
import { FILE_BYTES_MAX } from "./csv";
import { FileTarget } from "./FileTarget";

const { newUpdate: text } = messages.en;

/** A file that is read when `read` is called. */
function slow(name: string) {
  let read: (content: ArrayBuffer) => void = () => {};
  const content = new Promise<ArrayBuffer>((resolve) => {
    read = resolve;
  });
  const file = Object.assign(new File(["id\n"], name), { arrayBuffer: () => content });
  return { file, read: () => act(async () => read(new TextEncoder().encode(name).buffer)) };
}

/** Shows the field; gives what chooses a file, and what it was told of. */
function stage() {
  const set = vi.fn();
  render(<FileTarget hasPreset={false} file={null} set={set} />);
  const field = screen.getByLabelText(text.file);
  const choose = (file: File) =>
    act(async () => void fireEvent.change(field, { target: { files: [file] } }));
  return { set, choose };
}

afterEach(cleanup);

it("takes the file that was chosen last, however long the one before takes", async () => {
  const { set, choose } = stage();
  const [first, second] = [slow("first"), slow("second")];
  await choose(first.file);
  await choose(second.file);
  await second.read();
  await first.read();
  expect(set.mock.calls).toEqual([[{ name: "second", text: "second" }]]);
});

it("says what it can't take, and keeps what was there", async () => {
  const { set, choose } = stage();
  const large = Object.assign(new File([], "l.csv"), {});
  Object.defineProperty(large, "size", { value: FILE_BYTES_MAX + 1 });
  await choose(large);
  screen.getByText(text.fileTooLarge("l.csv", "12 MiB"));
  const gone = Object.assign(new File([], "g.csv"), {
    arrayBuffer: () => Promise.reject(new DOMException("", "NotFoundError")),
  });
  await choose(gone);
  screen.getByText(text.fileUnreadable("g.csv"));
  expect(set).not.toHaveBeenCalled();
});
