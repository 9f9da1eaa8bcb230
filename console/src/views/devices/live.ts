import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { listen } from "../../api/live";
import { type DevicePages, type DeviceRow, patched, readAnew } from "./list";

/** How often the rows in sight are read anew at most, however much happens. */
const READ_EVERY_MS = 1_000;

/** How long to wait after a read that failed. */
const RETRY_MS = 5_000;

/** How long a list that is shown again is as good as new. */
const FRESH_FOR_MS = 5_000;

/** The most rows that are read at a time; no window shows as many. */
const READ_MAX = 200;

/** The most devices whose change is remembered until they are in sight. */
const CHANGED_MAX = 20_000;

/**
 * Keeps the rows in sight as the devices are, whatever is loaded beside them: however much happens,
 * it is a read a second, of what the window shows. What changes elsewhere in the list is read when
 * it comes in sight. Gives what tells which rows are.
 */
export function useRowsInSight(
  listKey: QueryKey,
  rows: readonly DeviceRow[],
): (first: number, last: number) => void {
  const client = useQueryClient();
  const sight = useRef<[number, number]>([0, 40]);
  const latest = useRef({ listKey, rows });
  latest.current = { listKey, rows };
  const changed = useRef(new Set<string>());
  const readSoon = useRef(() => {});

  const allChanged = useCallback(() => {
    changed.current = new Set(latest.current.rows.map((row) => row.key));
    readSoon.current();
  }, []);

  useEffect(() => {
    let isReading = false;
    let due: ReturnType<typeof setTimeout> | undefined;
    let next = 0;

    const inSight = () => {
      const [first, last] = sight.current;
      const seen = latest.current.rows.slice(first, last + 1);
      return seen.filter((row) => changed.current.has(row.key)).slice(0, READ_MAX);
    };
    const read = async () => {
      due = undefined;
      const { listKey } = latest.current;
      const concerned = inSight();
      if (concerned.length === 0) {
        return;
      }
      isReading = true;
      next = Date.now() + READ_EVERY_MS;
      for (const row of concerned) {
        // What happens while it is read is read the next time.
        changed.current.delete(row.key);
      }
      try {
        const fresh = await readAnew(concerned);
        const updatedAt = client.getQueryState(listKey)?.dataUpdatedAt;
        client.setQueryData<DevicePages>(listKey, (pages) => patched(pages, concerned, fresh), {
          updatedAt,
        });
      } catch {
        // The list itself says that the server is away.
        next = Date.now() + RETRY_MS;
        for (const row of concerned) {
          changed.current.add(row.key);
        }
      }
      isReading = false;
      readSoon.current();
    };
    readSoon.current = () => {
      if (due === undefined && !isReading && inSight().length > 0) {
        due = setTimeout(() => void read(), Math.max(0, next - Date.now()));
      }
    };
    const end = listen(({ devices, dropped }) => {
      if (dropped || changed.current.size + devices.size > CHANGED_MAX) {
        allChanged();
        return;
      }
      for (const key of devices) {
        changed.current.add(key);
      }
      readSoon.current();
    });
    return () => {
      clearTimeout(due);
      readSoon.current = () => {};
      end();
    };
  }, [client, allChanged]);

  const meant = JSON.stringify(listKey);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a list that is shown again may be old
  useEffect(() => {
    const readAt = client.getQueryState(latest.current.listKey)?.dataUpdatedAt ?? 0;
    if (readAt > 0 && Date.now() - readAt > FRESH_FOR_MS) {
      allChanged();
    }
  }, [meant]);

  return useCallback((first, last) => {
    sight.current = [first, last];
    readSoon.current();
  }, []);
}
