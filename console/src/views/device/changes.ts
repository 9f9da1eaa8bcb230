import type { Change } from "./data";

/** A property that going back to a revision changes, as the loaded history tells it. */
export type Undone = {
  name: string;
  /** What the newest change asked for; null where it was forgotten. */
  now: string | null;
  /** What is asked for again; null if that is not known, so that it stays as it is. */
  again: string | null;
};

/** What no revert brings back: a camera's user name and password are not kept. */
const NOT_KEPT = ["Pwd", "User"];

/** What is on record of a camera or a channel, and is taken off it where nothing was there before. */
const RECORD = /^(Channel\.\d{20}\.)?(Desc|Organization)$|^(Ip|Port|Manufacturer|Transport)$/;

/** What there was before a value; null where that is not known. */
function before(value: Change["values"][number], kind: string): string | null {
  if (kind === "camera" && NOT_KEPT.includes(value.name)) {
    return null;
  }
  const nothing = kind === "camera" && RECORD.test(value.name) ? "" : null;
  return value.desired_before ?? value.shown_before ?? nothing;
}

/**
 * What going back to the revision `to` is expected to change, of a device of this kind: each
 * property that a change above it has touched, and what there was before the first of those.
 * `changes` are newest first.
 */
export function undoneBy(changes: readonly Change[], to: number, kind: string): Undone[] {
  const undone = new Map<string, Undone>();
  for (const change of changes) {
    if (change.revision <= to) {
      break;
    }
    for (const value of change.values) {
      const { name } = value;
      const now = undone.has(name) ? undone.get(name)?.now : value.to;
      undone.set(name, { name, now: now ?? null, again: before(value, kind) });
    }
  }
  return [...undone.values()]
    .filter(({ now, again }) => now !== again)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
