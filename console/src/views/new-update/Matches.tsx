import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Skeleton } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { type Filter, queryOf } from "../devices/filters";
import { deviceList } from "../devices/list";
import { DeviceLink } from "../updates/ReasonTable";

/** How many of those that match are named. */
const SHOWN = 6;

/** How many devices a filter means, and the first of them. */
export function Matches({ filter }: { filter: Filter }) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const found = useInfiniteQuery({ ...deviceList(filter), placeholderData: keepPreviousData });
  const hasMore = found.data !== undefined && (found.data.pages[0]?.next ?? null) !== null;
  const counted = useQuery({
    queryKey: ["devices", "count", filter],
    queryFn: ({ signal }) => {
      const params = { query: queryOf(filter) };
      return ask(api.GET("/api/v1/devices/count", { params, signal }));
    },
    enabled: hasMore,
  });
  if (found.data === undefined) {
    return found.isError ? (
      <ProblemNotice error={found.error} retry={() => void found.refetch()} />
    ) : (
      <Skeleton height={50} />
    );
  }
  const [page] = found.data.pages;
  const rows = page?.rows ?? [];
  // A page tells how many there are if it is the only one.
  const isWhole = !hasMore || counted.data?.more === false;
  const count = formats.number((hasMore && counted.data?.count) || rows.length);
  return (
    <div className="column" aria-busy={found.isPlaceholderData}>
      <p aria-live="polite">
        {rows.length === 0
          ? text.matchesNone
          : isWhole
            ? text.matchesAll(count)
            : text.matchesMore(count)}
      </p>
      {rows.length > 0 && (
        <ul className="row" aria-label={text.matches}>
          {rows.slice(0, SHOWN).map((row) => (
            <li key={row.key} className="chip">
              <DeviceLink project={row.project} id={row.id} name={row.name} />
            </li>
          ))}
          {rows.length > SHOWN && <li className="quiet">…</li>}
        </ul>
      )}
    </div>
  );
}
