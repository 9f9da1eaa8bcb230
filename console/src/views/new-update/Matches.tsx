import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useFormats, useText } from "../../i18n";
import { Skeleton } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import type { Filter } from "../devices/filters";
import { deviceCount, deviceList } from "../devices/list";
import { DeviceLink } from "../updates/ReasonTable";

/** How many of those that match are named. */
const SHOWN = 6;

/** How many devices a filter means, and the first of them. */
export function Matches({ filter }: { filter: Filter }) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const found = useInfiniteQuery({ ...deviceList(filter), placeholderData: keepPreviousData });
  const hasMore = found.data !== undefined && (found.data.pages[0]?.next ?? null) !== null;
  const counted = useQuery({ ...deviceCount(filter), enabled: hasMore });
  if (found.data === undefined) {
    return found.isError ? (
      <ProblemNotice error={found.error} retry={() => void found.refetch()} />
    ) : (
      <Skeleton height={50} />
    );
  }
  const rows = found.data.pages[0]?.rows ?? [];
  // A page tells how many there are if it is the only one; it may be empty and not the only one.
  const counting = { count: rows.length, more: true };
  const { count, more } = hasMore ? (counted.data ?? counting) : { ...counting, more: false };
  const told = formats.number(count);
  return (
    <div className="column" aria-busy={found.isPlaceholderData || (hasMore && counted.isPending)}>
      <p aria-live="polite">
        {more ? text.matchesMore(told) : count === 0 ? text.matchesNone : text.matchesAll(told)}
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
