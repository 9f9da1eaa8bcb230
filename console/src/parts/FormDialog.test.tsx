import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../i18n/messages";
import { show } from "../views/stage";
import { FormDialog } from "./FormDialog";

const { parts } = messages.en;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A form with one field. */
function form(isBusy: boolean, onClose = () => {}) {
  return (
    <FormDialog
      title="Key"
      action="Create"
      isBusy={isBusy}
      error={undefined}
      onSubmit={() => {}}
      onClose={onClose}
    >
      <input aria-label="Name" />
    </FormDialog>
  );
}

/** Shows a form, tries to leave it, and gives how often it was left. */
async function leave(isBusy: boolean): Promise<number> {
  const onClose = vi.fn();
  show(form(isBusy, onClose));
  fireEvent(await screen.findByRole("dialog"), new Event("cancel", { cancelable: true }));
  fireEvent.click(screen.getByRole("button", { name: parts.cancel }));
  return onClose.mock.calls.length;
}

it("closes by Escape and by its button", async () => {
  expect(await leave(false)).toBe(2);
});

it("stays while its answer is on the way, which may show a secret", async () => {
  expect(await leave(true)).toBe(0);
});

it("asks by Escape, not by its button, before what is typed is lost", async () => {
  const isLeft = vi.fn(() => false);
  vi.stubGlobal("confirm", isLeft);
  const onClose = vi.fn();
  show(form(false, onClose));
  const pressEscape = () =>
    fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));
  fireEvent.input(await screen.findByLabelText("Name"), { target: { value: "ada" } });
  pressEscape();
  expect(isLeft).toHaveBeenCalledWith(parts.leaveTyped);
  expect(onClose).not.toHaveBeenCalled();
  isLeft.mockReturnValue(true);
  pressEscape();
  expect(onClose).toHaveBeenCalledTimes(1);
  fireEvent.click(screen.getByRole("button", { name: parts.cancel }));
  expect(onClose).toHaveBeenCalledTimes(2);
  expect(isLeft).toHaveBeenCalledTimes(2);
});

it("asks before the page is left with what is typed, and not once that was sent", async () => {
  const asked = vi.fn(() => false);
  vi.stubGlobal("confirm", asked);
  const { router } = show(form(false));
  const field = await screen.findByLabelText("Name");
  fireEvent.input(field, { target: { value: "ada" } });
  void router.navigate({ to: "/ui/overview" });
  await waitFor(() => expect(asked).toHaveBeenCalledWith(parts.leaveTyped));
  expect(router.state.location.pathname).toBe("/");
  fireEvent.click(screen.getByRole("button", { name: "Create" }), { detail: 1 });
  await router.navigate({ to: "/ui/overview" });
  expect(asked).toHaveBeenCalledTimes(1);
  expect(router.state.location.pathname).toBe("/ui/overview");
});
