import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { messages } from "../../i18n/messages";
import { FindField, useBounded } from "./Values";

const { device: text, parts } = messages.en;

/** So many rows, of which a part is drawn. */
function Many({ count }: { count: number }) {
  const { shown, more } = useBounded(Array.from({ length: count }, (_, at) => at));
  return (
    <>
      <output>{shown.length}</output>
      {more}
    </>
  );
}

const drawn = () => screen.getByRole("status").textContent;

afterEach(cleanup);

it("draws a part of many rows, offers the next, and says how many are never drawn", () => {
  render(<Many count={500} />);
  expect(drawn()).toBe("100");
  fireEvent.click(screen.getByRole("button", { name: parts.more("300") }));
  expect(drawn()).toBe("400");
  screen.getByText(text.notShown("100"));

  cleanup();
  render(<Many count={150} />);
  fireEvent.click(screen.getByRole("button", { name: parts.more("50") }));
  expect(drawn()).toBe("150");
  expect(screen.queryByRole("button")).toBeNull();
});

it("draws on paper all that could be asked for", () => {
  render(<Many count={500} />);
  act(() => void window.dispatchEvent(new Event("beforeprint")));
  expect(drawn()).toBe("400");
  screen.getByText(text.notShown("100"));
  act(() => void window.dispatchEvent(new Event("afterprint")));
  expect(drawn()).toBe("100");
});

it("lets one take back what a link has looked for among a few", () => {
  render(<FindField find="" setFind={() => {}} among={2} />);
  expect(screen.queryByLabelText(text.find)).toBeNull();
  cleanup();
  render(<FindField find="x" setFind={() => {}} among={2} />);
  screen.getByLabelText(text.find);
});
