import { cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Rows } from "./Rows";

afterEach(cleanup);

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
