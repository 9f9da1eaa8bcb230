import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button, ButtonLink } from "../../parts/Button";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { type Asked, Question } from "./Actions";
import { Chips } from "./Chips";
import { useFilterChange } from "./change";
import { CHOICE_KEPT_MS, NONE, useChosen } from "./chosen";
import { columnsOf } from "./columns";
import { FilterBar } from "./FilterBar";
import { chipsOf, exportAddress, filterOf, withoutFilters } from "./filters";
import {
  type DeviceRow,
  deviceCount,
  deviceList,
  keyOf,
  LOADED_MAX,
  PAGES_READ_ANEW,
} from "./list";
import { useRowsInSight } from "./live";
import { Selection } from "./Selection";
import type { Target } from "./target";
import "../../styles/devices.css";

/** The width of a page, in pixels, on which all columns have room. */
const ALL_COLUMNS_FROM = 1_160;

/** How high the list is where it is long: it fills the window. */
const FILLED = "max(360px, calc(100dvh - 272px))";

/** The devices, by whatever is asked of them, and what can be done with many at a time. */
export function Devices() {
  const { devices: text } = useText();
  const search = useSearch({ strict: false });
  const filter = useMemo(() => filterOf(search), [search]);
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        <>
          <a className="button" href={exportAddress(filter, "csv")} download>
            {text.exportCsv}
          </a>
          <a className="button" href={exportAddress(filter, "jsonl")} download>
            {text.exportLines}
          </a>
        </>
      }
    >
      <div className="devices-head">
        <FilterBar />
        <Chips />
      </div>
      <List />
    </Page>
  );
}

/** The list itself, with what is chosen of it. */
function List() {
  const text = useText();
  const search = useSearch({ strict: false });
  const isNarrow = useIsNarrow(ALL_COLUMNS_FROM);
  const mayChange = useMay("operator", search.project);
  const filter = useMemo(() => filterOf(search), [search]);
  const options = useMemo(() => deviceList(filter), [filter]);
  const [chosen, setChosen] = useChosen(JSON.stringify(filter));
  const isAnyChosen = chosen.isAll || chosen.keys.size > 0;
  const query = useInfiniteQuery({
    ...options,
    placeholderData: keepPreviousData,
    // What is chosen of it may stand far down.
    ...(isAnyChosen && { gcTime: CHOICE_KEPT_MS }),
  });
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage, isPlaceholderData } = query;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? [], [data]);
  const isLong = (data?.pages.length ?? 0) > PAGES_READ_ANEW;
  useLive(isLong ? [] : [options.queryKey], ({ devices }) => devices.size > 0, 3_000);
  const onSight = useRowsInSight(options.queryKey, rows);

  // One page says itself how many there are.
  const count = useQuery({ ...deviceCount(filter), enabled: hasNextPage && !isPlaceholderData });

  const [asked, setAsked] = useState<Asked>();
  const target = useMemo<Target>(
    () =>
      chosen.isAll
        ? { of: "filter", filter }
        : { of: "rows", rows: rows.filter((row) => chosen.keys.has(row.key)) },
    [chosen, filter, rows],
  );
  const names = useMemo(() => new Map(rows.map((row) => [row.key, row.name || row.id])), [rows]);
  const columns = useMemo(
    () => columnsOf(text, search.project, isNarrow),
    [text, search.project, isNarrow],
  );
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const isCounted = count.data !== undefined && !isPlaceholderData && !count.data.more;
  const counted = isCounted ? count.data.count : null;
  const rowHeight = isNarrow ? 64 : 52;
  const isFull = rows.length >= LOADED_MAX;

  if (data === undefined) {
    return query.isError ? (
      <ProblemNotice error={query.error} retry={() => void query.refetch()} />
    ) : (
      <Skeleton height={480} />
    );
  }
  const isFiltered = chipsOf(filter).length > 0;
  return (
    <div
      className="devices-list"
      aria-busy={isPlaceholderData}
      data-stale={isPlaceholderData}
      data-narrow={isNarrow}
    >
      {query.isError && (
        <ProblemNotice
          error={query.error}
          retry={() => void (query.isFetchNextPageError ? fetchNextPage() : query.refetch())}
        />
      )}
      <div className="devices-bar">
        <Loaded
          count={rows.length}
          total={hasNextPage && !isPlaceholderData ? count.data : undefined}
          hasMore={hasNextPage}
          isFull={isFull}
          isUpdating={isPlaceholderData || (query.isFetching && !isFetchingNextPage && isLong)}
          onRefresh={isLong ? () => void query.refetch() : undefined}
        />
        {mayChange && rows.length > 0 && (
          <Selection
            chosen={chosen}
            set={setChosen}
            isFiltered={isFiltered}
            target={target}
            isWhole={!hasNextPage}
            onAsk={setAsked}
          />
        )}
      </div>
      {rows.length === 0 && !hasNextPage ? (
        <NoDevices isFiltered={isFiltered} />
      ) : (
        <Rows<DeviceRow>
          label={text.devices.list}
          rows={rows}
          rowKey={keyOf}
          columns={columns}
          rowHeight={rowHeight}
          isNarrow={isNarrow}
          height={hasNextPage ? FILLED : `min(${FILLED}, ${rows.length * rowHeight + 38}px)`}
          choice={
            mayChange
              ? {
                  chosen: chosen.isAll ? new Set(names.keys()) : chosen.keys,
                  set: (keys) => setChosen({ isAll: false, keys }),
                  name: (key) => names.get(key) ?? key,
                }
              : undefined
          }
          hasMore={hasNextPage && !isFull}
          isMoreFailed={query.isFetchNextPageError}
          isLoadingMore={isFetchingNextPage}
          onMore={more}
          onSight={onSight}
          total={hasNextPage ? counted : undefined}
          rest={text.devices.printRest}
        />
      )}
      {asked && (
        <Question
          asked={asked}
          onDone={() => setChosen(NONE)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  );
}

/** How many are loaded, and whether there are more. */
function Loaded({
  count,
  total,
  hasMore,
  isFull,
  isUpdating,
  onRefresh,
}: {
  count: number;
  /** How many there are, once they are counted. */
  total: { count: number; more: boolean } | undefined;
  hasMore: boolean;
  isFull: boolean;
  isUpdating: boolean;
  onRefresh?: () => void;
}) {
  const { devices: text } = useText();
  const formats = useFormats();
  const told = formats.number(count);
  return (
    <p className="devices-count row quiet numbers" role="status">
      <span>
        {isUpdating
          ? text.updating
          : !hasMore
            ? text.loaded(told)
            : isFull
              ? text.tooMany(told)
              : total === undefined || total.count < count
                ? text.loadedOfMore(told)
                : (total.more ? text.loadedOfAtLeast : text.loadedOf)(
                    told,
                    formats.number(total.count),
                  )}
      </span>
      {onRefresh && (
        <Button kind="plain" disabled={isUpdating} onClick={onRefresh}>
          {text.refresh}
        </Button>
      )}
    </p>
  );
}

/** Why there is nothing, and the next step. */
function NoDevices({ isFiltered }: { isFiltered: boolean }) {
  const { devices: text } = useText();
  const { project } = useSearch({ strict: false });
  const change = useFilterChange();
  const mayImport = useMay("operator", project);
  return isFiltered ? (
    <Empty action={<Button onClick={() => change(withoutFilters)}>{text.clearAll}</Button>}>
      {text.noneMatch}
    </Empty>
  ) : (
    <Empty
      action={
        mayImport && (
          <ButtonLink to="/ui/import" search={{ project }} kind="primary">
            {text.import}
          </ButtonLink>
        )
      }
    >
      {text.noneAtAll}
    </Empty>
  );
}
