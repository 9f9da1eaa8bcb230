import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { Button } from "./Button";

afterEach(cleanup);

it("begins something once for a double click, and nothing while it is under way", () => {
  const begin = vi.fn();
  const { rerender } = render(
    <Button isBusy={false} onClick={begin}>
      Go
    </Button>,
  );
  const button = screen.getByRole("button");
  fireEvent.click(button, { detail: 1 });
  fireEvent.click(button, { detail: 2 });
  expect(begin).toHaveBeenCalledTimes(1);
  button.focus();
  rerender(
    <Button isBusy onClick={begin}>
      Go
    </Button>,
  );
  fireEvent.click(button, { detail: 1 });
  expect(begin).toHaveBeenCalledTimes(1);
  expect(document.activeElement).toBe(button);
});

it("takes Enter that is pressed twice for once", () => {
  const send = vi.fn((event: { preventDefault: () => void }) => event.preventDefault());
  render(
    <form onSubmit={send}>
      <Button type="submit" isBusy={false}>
        Go
      </Button>
    </form>,
  );
  // Enter in a field presses the form's button, with no pointer's detail.
  fireEvent.click(screen.getByRole("button"), { detail: 0 });
  fireEvent.click(screen.getByRole("button"), { detail: 0 });
  expect(send).toHaveBeenCalledTimes(1);
});

it("sends no form that is under way", () => {
  const send = vi.fn((event: { preventDefault: () => void }) => event.preventDefault());
  render(
    <form onSubmit={send}>
      <Button type="submit" isBusy>
        Go
      </Button>
    </form>,
  );
  fireEvent.click(screen.getByRole("button"), { detail: 1 });
  expect(send).not.toHaveBeenCalled();
});
