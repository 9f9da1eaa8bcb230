import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { usePopover } from "./popover";

function Choice() {
  const { frame, isOpen, toggle, leave } = usePopover();
  return (
    <>
      <div ref={frame}>
        <button type="button" onClick={toggle}>
          open
        </button>
        {isOpen && (
          <button type="button" onClick={leave}>
            inside
          </button>
        )}
      </div>
      <button type="button">elsewhere</button>
    </>
  );
}

const button = (name: string) => screen.getByText<HTMLButtonElement>(name);
const isOpen = () => screen.queryByText("inside") !== null;

afterEach(cleanup);

test("Escape and what is done in it close it, and the button has the focus again", () => {
  render(<Choice />);
  fireEvent.click(button("open"));
  button("inside").focus();
  expect(isOpen()).toBe(true);
  fireEvent.keyDown(button("inside"), { key: "Escape" });
  expect([isOpen(), document.activeElement === button("open")]).toEqual([false, true]);

  fireEvent.click(button("open"));
  fireEvent.click(button("inside"));
  expect([isOpen(), document.activeElement === button("open")]).toEqual([false, true]);
});

test("a press and the focus elsewhere close it, and leave the focus there", () => {
  render(<Choice />);
  fireEvent.click(button("open"));
  fireEvent.pointerDown(button("elsewhere"));
  expect(isOpen()).toBe(false);

  fireEvent.click(button("open"));
  fireEvent.focusIn(button("elsewhere"));
  expect(isOpen()).toBe(false);
});
