import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Choices } from "./Choices";

afterEach(cleanup);

it("is opened by the arrow keys, which go from choice to choice and not past the last", () => {
  const choices = ["a", "b"].map((value) => ({ value, label: value }));
  render(<Choices label="Which" choices={choices} chosen={[]} onToggle={() => {}} />);
  const button = screen.getByRole("button");
  const press = (key: string) => {
    fireEvent.keyDown(document.activeElement ?? button, { key });
    return document.activeElement;
  };
  button.focus();
  press("ArrowDown");
  const [first, second] = screen.getAllByRole("checkbox");
  expect(press("ArrowDown")).toBe(first);
  expect(press("ArrowDown")).toBe(second);
  expect(press("ArrowDown")).toBe(second);
  expect(press("ArrowUp")).toBe(first);
  expect(press("Escape")).toBe(button);
  expect(screen.queryByRole("checkbox")).toBeNull();
});
