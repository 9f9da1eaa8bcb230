import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { sessionEnd, sessionOver } from "../api/session-end";
import { messages } from "../i18n/messages";
import { Dialog } from "./Dialog";

afterEach(cleanup);

it("closes by its own Escape, not by that of a choice of files in it", () => {
  const close = vi.fn();
  render(
    <Dialog title="A file" onClose={close}>
      <input type="file" aria-label="File" />
    </Dialog>,
  );
  const cancel = () => new Event("cancel", { bubbles: true, cancelable: true });
  fireEvent(screen.getByLabelText("File"), cancel());
  expect(close).not.toHaveBeenCalled();
  fireEvent(screen.getByRole("dialog"), cancel());
  expect(close).toHaveBeenCalledTimes(1);
});

it("is there again, with the focus where it was, where a browser closes it without asking", () => {
  const isLeft = vi.fn(() => false);
  vi.stubGlobal("confirm", isLeft);
  const close = vi.fn();
  render(
    <Dialog title="A key" isTyped={() => true} onClose={close}>
      <button type="button">first</button>
      <input aria-label="Name" />
    </Dialog>,
  );
  const shown = screen.getByRole<HTMLDialogElement>("dialog");
  screen.getByLabelText("Name").focus();
  shown.close();
  expect(isLeft).toHaveBeenCalledTimes(1);
  expect([shown.open, close.mock.calls.length]).toEqual([true, 0]);
  expect(document.activeElement).toBe(screen.getByLabelText("Name"));
  vi.unstubAllGlobals();
});

it("has a way to sign in again, since nothing of the page below can be reached", () => {
  render(
    <Dialog title="Delete" onClose={() => {}}>
      <p>It is gone then.</p>
    </Dialog>,
  );
  act(() => sessionEnd.seen());
  fireEvent.click(screen.getByRole("button", { name: messages.en.signIn.title }));
  expect(sessionOver.get()).toBe("asked");
  act(() => sessionEnd.over(true));
  expect(screen.queryByRole("button")).toBeNull();
});

it("leaves the focus somewhere in the view where what had opened it is gone", () => {
  const view = (isOpen: boolean) => (
    <main id="content" tabIndex={-1}>
      {isOpen && (
        <Dialog title="Delete" onClose={() => {}}>
          <button type="button">Delete</button>
        </Dialog>
      )}
    </main>
  );
  const { rerender } = render(view(true));
  screen.getByRole("button").focus();
  rerender(view(false));
  expect(document.activeElement?.id).toBe("content");
});
