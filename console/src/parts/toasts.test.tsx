import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../i18n/messages";
import { Dialog } from "./Dialog";
import { hush, say, Toasts } from "./toasts";

afterEach(() => {
  cleanup();
  hush();
  vi.useRealTimers();
});

const dismiss = () => screen.getByRole("button", { name: messages.en.parts.dismiss });

const said = () => screen.queryAllByText(/^(good|bad) \d$/).map((each) => each.textContent);

it("keeps bad news over good, and until it is dismissed", () => {
  vi.useFakeTimers();
  render(<Toasts />);
  act(() => {
    say("bad", "bad 1");
    for (const each of [1, 2, 3, 4]) {
      say("good", `good ${each}`);
    }
  });
  expect(said()).toEqual(["bad 1", "good 2", "good 3", "good 4"]);
  act(() => {
    vi.advanceTimersByTime(60_000);
  });
  expect(said()).toEqual(["bad 1"]);
  act(() => hush());
  expect(said()).toEqual([]);
});

it("says it in the dialog on top, where it can be dismissed, and leaves the focus there", () => {
  const page = (dialogs: readonly string[]) => (
    <>
      <Toasts />
      {dialogs.map((title) => (
        <Dialog key={title} title={title} onClose={() => {}}>
          <input aria-label={`in ${title}`} />
        </Dialog>
      ))}
    </>
  );
  const { rerender } = render(page([]));
  act(() => say("bad", "bad 1"));
  rerender(page(["below", "on top"]));
  expect(said()).toEqual(["bad 1"]);
  expect(dismiss().closest("dialog")).toBe(screen.getByLabelText("in on top").closest("dialog"));
  rerender(page(["below"]));
  expect(dismiss().closest("dialog")).toBe(screen.getByLabelText("in below").closest("dialog"));

  screen.getByLabelText("in below").focus();
  dismiss().focus();
  fireEvent.click(dismiss());
  expect(said()).toEqual([]);
  expect(document.activeElement).toBe(screen.getByLabelText("in below"));

  act(() => say("bad", "bad 2"));
  rerender(page([]));
  expect(dismiss().closest("dialog")).toBeNull();
});
