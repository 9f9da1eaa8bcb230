import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { messages } from "../i18n/messages";
import { Rows } from "./Rows";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ask = vi.fn();

/** A list with more to come. */
function list(rows: readonly string[], isLoadingMore: boolean, isMoreFailed: boolean) {
  return (
    <Rows
      label="list"
      rows={rows}
      rowKey={(row) => row}
      columns={[{ id: "row", header: "row", cell: (row) => row, width: "1fr" }]}
      isNarrow={false}
      hasMore
      isLoadingMore={isLoadingMore}
      isMoreFailed={isMoreFailed}
      onMore={() => ask()}
    />
  );
}

beforeEach(() => ask.mockClear());

it("asks for a page that could not be loaded once, not without end", () => {
  const rows = ["1", "2", "3"];
  const { rerender } = render(list(rows, false, false));
  expect(ask).toHaveBeenCalledTimes(1);
  for (let times = 0; times < 3; times += 1) {
    rerender(list(rows, true, false));
    rerender(list(rows, false, true));
  }
  expect(ask).toHaveBeenCalledTimes(1);
  rerender(list([...rows, "4"], false, true));
  expect(ask).toHaveBeenCalledTimes(2);
});

it("goes on after a page that came without a row", () => {
  const { rerender } = render(list([], false, false));
  for (let times = 0; times < 3; times += 1) {
    rerender(list([], true, false));
    rerender(list([], false, false));
  }
  expect(ask).toHaveBeenCalledTimes(4);
});

const { parts } = messages.en;

/** What is on paper of a list of so many loaded rows: how many of them, and what is said of them. */
function printed(count: number, more: Partial<Parameters<typeof Rows<number>>[0]> = {}) {
  render(
    <Rows
      label="list"
      rows={Array.from({ length: count }, (_, at) => at)}
      rowKey={String}
      columns={[{ id: "row", header: "row", cell: (row) => `cell ${row}`, width: "1fr" }]}
      isNarrow={false}
      rest="See the file."
      {...more}
    />,
  );
  const seen = () => screen.queryAllByText(/^cell /).length;
  const onScreen = seen();
  act(() => void window.dispatchEvent(new Event("beforeprint")));
  const told = document.querySelector(".printed")?.textContent?.trim();
  const onPaper = seen();
  act(() => void window.dispatchEvent(new Event("afterprint")));
  expect([seen(), document.querySelector(".printed")]).toEqual([onScreen, null]);
  cleanup();
  return [onPaper, told];
}

it("prints what is loaded, and says which rows of how many that is", () => {
  expect(printed(300)).toEqual([300, parts.printedAll("300")]);
  const rest = "See the file.";
  expect(printed(300, { hasMore: true })).toEqual([
    300,
    `${parts.printedOfMore("1", "300")} ${rest}`,
  ]);
  const counted = { hasMore: true, total: 4_000 };
  expect(printed(300, counted)).toEqual([300, `${parts.printedOf("1", "300", "4,000")} ${rest}`]);
  expect(printed(1_500)).toEqual([1_000, `${parts.printedOf("1", "1,000", "1,500")} ${rest}`]);
});

/** Lays the list out as high as some rows: nothing here has a height of its own. */
function layOut(): void {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(440);
}

it("prints no more than is drawn of rows that each read something", () => {
  layOut();
  const [onPaper] = printed(300, { isPrintedInSight: true });
  expect(onPaper).toBeGreaterThan(9);
  expect(onPaper).toBeLessThan(100);
});

it("gives the focus back to the row that one went by, in the same entry of the history", async () => {
  layOut();
  const view = (
    <Rows
      label="list"
      rows={["a", "b"]}
      rowKey={(row) => row}
      columns={[{ id: "row", header: "row", cell: (row) => <a href={row}>{row}</a>, width: "1fr" }]}
      isNarrow={false}
    />
  );
  const link = () => screen.getByRole("link", { name: "b" });
  window.history.replaceState({ __TSR_key: "one" }, "");
  const { unmount } = render(view);
  link().focus();
  unmount();
  window.history.replaceState({ __TSR_key: "other" }, "");
  const elsewhere = render(view);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(document.activeElement).toBe(document.body);
  elsewhere.unmount();
  window.history.replaceState({ __TSR_key: "one" }, "");
  render(view);
  await waitFor(() => expect(document.activeElement).toBe(link()));
});
