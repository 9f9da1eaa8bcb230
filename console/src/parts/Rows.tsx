import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type CSSProperties,
  type FocusEvent,
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { useFormats, useText } from "../i18n";
import { PrintedRows } from "./Printed";
import { usePrinting } from "./printing";

/** How many rows before the last loaded one the next page is asked for. */
const AHEAD = 40;

/** The most rows that are printed: who needs more of them needs a file. */
const PRINTED_MAX = 1_000;

/** How long after it is shown again a list gives the focus to the row that one went by. */
const FOCUSED_AFTER_MS = 100;

/** A column of {@link Rows}. */
export type Column<T> = {
  id: string;
  header: ReactNode;
  cell: (row: T) => ReactNode;
  /** A width of CSS grid: `160px`, `2fr`, `minmax(120px, 1fr)`. */
  width: string;
  /** Not drawn where the list is narrow: what it says is in another cell then, or in the view. */
  isWideOnly?: boolean;
};

/** What rows can be chosen, and which are. */
export type Choice = {
  chosen: ReadonlySet<string>;
  set: (chosen: ReadonlySet<string>) => void;
  /** What a row is called where it is read out. */
  name: (key: string) => string;
};

/** What a list is told of the pages of a query that are still to come. */
export function moreOf(
  query: Pick<
    UseInfiniteQueryResult,
    "hasNextPage" | "isFetchNextPageError" | "isFetchingNextPage" | "fetchNextPage"
  >,
) {
  return {
    hasMore: query.hasNextPage,
    isMoreFailed: query.isFetchNextPageError,
    isLoadingMore: query.isFetchingNextPage,
    onMore: () => void query.fetchNextPage(),
  };
}

/** How much larger than usual the viewer has text. */
function scaleOfText(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
}

/** Which row had the focus last, of which list, and in which entry of the browser's history. */
let left: { entry: string; label: string; key: string } | undefined;

/** The entry of the browser's history that is shown, as the router calls it. */
function entryNow(): string | undefined {
  const { __TSR_key: entry } = (window.history.state ?? {}) as { __TSR_key?: string };
  return entry;
}

/** What a list was given last, and the place at which it asked for more. */
type Latest<T> = { rowKey: (row: T) => string; onMore?: () => void; askedAt?: string };

/**
 * A list of any length, of which only what is in sight is drawn. All rows are as high as each
 * other, and that height is known before they are there, so nothing jumps. The arrow keys, Page Up,
 * Page Down, Home and End go through it; Space chooses, where there is a choice. Whoever comes back
 * to it has the focus again on the row that they went by. On paper is what is loaded, up to
 * {@link PRINTED_MAX} rows, and which of how many these are.
 */
export function Rows<T>({
  label,
  rows,
  rowKey,
  columns,
  rowHeight: askedHeight = 44,
  isNarrow,
  height,
  choice,
  hasMore = false,
  isLoadingMore = false,
  isMoreFailed = false,
  onMore,
  onSight,
  total = hasMore ? null : rows.length,
  isPrintedInSight = false,
  rest,
}: {
  /** What the list is, for who hears it. */
  label: string;
  rows: readonly T[];
  rowKey: (row: T) => string;
  columns: readonly Column<T>[];
  /** In pixels, where text is as large as browsers have it unless told otherwise. */
  rowHeight?: number;
  /** Whether there is room for the first columns only. See `useIsNarrow`. */
  isNarrow: boolean;
  /** Of the list in CSS; 60vh unless given. */
  height?: string;
  choice?: Choice;
  hasMore?: boolean;
  isLoadingMore?: boolean;
  /** Whether the page that was asked for last could not be loaded. */
  isMoreFailed?: boolean;
  onMore?: () => void;
  /** Told which rows are drawn, by their places in the list, whenever they are others. */
  onSight?: (first: number, last: number) => void;
  /**
   * How many rows there are, also of those that are not loaded; null where there are more than are
   * loaded, and nobody has counted them.
   */
  total?: number | null;
  /** Whether only what is in sight is printed: where each row reads something of its own. */
  isPrintedInSight?: boolean;
  /** What paper says where it does not hold all: how to come by the others. */
  rest?: string;
}) {
  const { parts } = useText();
  const formats = useFormats();
  const [textScale] = useState(scaleOfText);
  const rowHeight = Math.round(askedHeight * textScale);
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef<Latest<T>>({ rowKey });
  Object.assign(latest.current, { rowKey, onMore });
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: useCallback(
      (index: number) => {
        const row = rows[index];
        return row === undefined ? index : latest.current.rowKey(row);
      },
      [rows],
    ),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height that was asked for is kept
  useEffect(() => virtual.measure(), [rowHeight]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const end = rows.at(-1);
  const place = `${rows.length} ${last} ${end === undefined ? "" : rowKey(end)}`;
  useEffect(() => {
    const { askedAt, onMore } = latest.current;
    // A page that could not be loaded is asked for again when one scrolls on, not without end. One
    // that came without a row is not the last: a search looks through so many devices a page.
    const isInVain = isMoreFailed && askedAt === place;
    if (hasMore && !isLoadingMore && !isInVain && last >= rows.length - AHEAD) {
      latest.current.askedAt = place;
      onMore?.();
    }
  }, [hasMore, isLoadingMore, isMoreFailed, last, rows.length, place]);

  const first = items.at(0)?.index ?? 0;
  useEffect(() => onSight?.(first, last), [first, last, onSight]);

  const isPrinting = usePrinting() !== undefined;
  // From the first row, unless there are too many: then from the one in sight.
  const from = rows.length > PRINTED_MAX ? Math.min(first, rows.length - PRINTED_MAX) : 0;
  const drawn =
    isPrinting && !isPrintedInSight
      ? rows
          .slice(from, from + PRINTED_MAX)
          .map((row, at) => ({ index: from + at, key: rowKey(row), start: 0 }))
      : items;

  // On paper each row is as high as it needs to be, and below the one before.
  const placed = (style: CSSProperties) => (isPrinting ? undefined : style);

  const shown = columns.filter((column) => !(isNarrow && column.isWideOnly));
  const template = [choice && "24px", ...shown.map((column) => column.width)]
    .filter(Boolean)
    .join(" ");
  const areAllChosen =
    choice !== undefined && rows.length > 0 && rows.every((row) => choice.chosen.has(rowKey(row)));

  const toggle = (key: string) => {
    if (choice) {
      const chosen = new Set(choice.chosen);
      if (!chosen.delete(key)) {
        chosen.add(key);
      }
      choice.set(chosen);
    }
  };
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const from = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    const at = from ? Number(from.dataset.index) : -1;
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? 0) / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = steps[event.key];
    // Keys of the browser's own, and those that move in what is being typed.
    const isOther = event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented;
    const isTyping = (event.target as HTMLElement).matches(
      "input:not([type=checkbox]), textarea, select",
    );
    if (to === undefined || isOther || isTyping || rows.length === 0) {
      return;
    }
    event.preventDefault();
    const index = Math.min(rows.length - 1, Math.max(0, to));
    virtual.scrollToIndex(index);
    // The row is drawn once the list has scrolled there.
    requestAnimationFrame(() => focus(index, "a, input, button"));
  };
  const focus = (index: number, what: string) => {
    const row = frame.current?.querySelector<HTMLElement>(`[data-index="${index}"]`);
    row?.querySelector<HTMLElement>(what)?.focus({ preventScroll: true });
  };
  const note = ({ target }: FocusEvent<HTMLDivElement>) => {
    const row = rows[Number(target.closest<HTMLElement>("[data-index]")?.dataset.index ?? -1)];
    const entry = entryNow();
    if (row !== undefined && entry !== undefined) {
      left = { entry, label, key: rowKey(row) };
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the list is shown again
  useEffect(() => {
    const before = left?.entry === entryNow() && left?.label === label ? left.key : undefined;
    const index = rows.findIndex((row) => rowKey(row) === before);
    // The view is given the focus, and the list its place, once all of it is drawn.
    const due = setTimeout(() => {
      const { activeElement, body } = document;
      if (index >= 0 && (activeElement === body || activeElement?.id === "content")) {
        focus(index, "a, button");
      }
    }, FOCUSED_AFTER_MS);
    return () => clearTimeout(due);
  }, []);

  return (
    <>
      {isPrinting && (
        <PrintedRows
          first={drawn.at(0)?.index ?? 0}
          last={drawn.at(-1)?.index ?? -1}
          // A count may be older than the list.
          total={total === null || total < rows.length ? undefined : total}
          rest={rest}
        />
      )}
      <div
        ref={frame}
        className="rows"
        role="table"
        aria-label={label}
        aria-rowcount={hasMore ? -1 : rows.length + 1}
        tabIndex={0}
        onKeyDown={move}
        onFocus={note}
        style={{ "--rows-columns": template, "--rows-height": height } as object}
      >
        <div role="rowgroup">
          <div className="rows-head" role="row" tabIndex={-1} aria-rowindex={1}>
            {choice && (
              <div role="columnheader">
                <input
                  type="checkbox"
                  aria-label={parts.selectAll}
                  checked={areAllChosen}
                  onChange={() => choice.set(new Set(areAllChosen ? [] : rows.map(rowKey)))}
                />
              </div>
            )}
            {shown.map((column) => (
              <div key={column.id} role="columnheader">
                {column.header}
              </div>
            ))}
          </div>
        </div>
        <div
          className="rows-body"
          role="rowgroup"
          style={placed({ height: virtual.getTotalSize() })}
        >
          {drawn.map((item) => {
            const row = rows[item.index];
            if (row === undefined) {
              return null;
            }
            const key = rowKey(row);
            const isChosen = choice?.chosen.has(key);
            return (
              <div
                key={item.key}
                className="rows-row"
                role="row"
                tabIndex={-1}
                aria-rowindex={item.index + 2}
                aria-selected={isChosen}
                data-index={item.index}
                style={placed({
                  height: rowHeight,
                  transform: `translateY(${item.start}px)`,
                })}
              >
                {choice && (
                  <div role="cell">
                    <input
                      type="checkbox"
                      aria-label={parts.selectRow(choice.name(key))}
                      checked={isChosen}
                      onChange={() => toggle(key)}
                    />
                  </div>
                )}
                {shown.map((column) => (
                  <div key={column.id} role="cell">
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {/* Beside the table: rows are all that may stand in one. */}
      <p className="heard" aria-live="polite">
        {isLoadingMore ? parts.loadingMore : parts.rows(formats.number(rows.length))}
      </p>
    </>
  );
}
