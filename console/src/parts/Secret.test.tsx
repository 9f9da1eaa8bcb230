import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { messages } from "../i18n/messages";
import { show } from "../views/stage";
import { SecretDialog } from "./Secret";

afterEach(cleanup);

it("is lost by no key, and closes once it is kept", async () => {
  const onClose = vi.fn();
  show(<SecretDialog title="Key" secrets={[{ name: "SK", value: "s3cr3t" }]} onClose={onClose} />);
  const dialog = await screen.findByRole<HTMLDialogElement>("dialog");
  fireEvent(dialog, new Event("cancel", { cancelable: true }));
  // As a browser does it at the second Escape, without asking.
  dialog.close();
  expect([dialog.open, onClose.mock.calls.length]).toEqual([true, 0]);
  screen.getByText("s3cr3t");
  fireEvent.click(screen.getByRole("button", { name: messages.en.parts.kept }));
  expect(onClose).toHaveBeenCalledTimes(1);
});
