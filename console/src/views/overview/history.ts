import { ATTENTION, type Attention, type FleetOverview, type Sample } from "./data";

/** Two samples that are further apart have nothing between them: the server did not count then. */
const GAP_MS = 35 * 60_000;

/** What a chart is drawn of: seconds, and per word the height of its area's upper edge. */
export type Stacked = {
  at: number[];
  /** From the topmost edge to the lowest: each is drawn over the one before. */
  edges: { word: Attention; upper: (number | null)[] }[];
};

/** What was counted over time, the newest counts last: they are kept as a sample only later. */
export function samplesOf({
  as_of,
  devices,
  history,
}: Pick<FleetOverview, "as_of"> & {
  devices: Pick<FleetOverview["devices"], "total" | "attention">;
  history: Sample[];
}): Sample[] {
  const last = history.at(-1)?.at;
  if (as_of == null || (last !== undefined && Date.parse(last) >= Date.parse(as_of))) {
    return history;
  }
  return [...history, { at: as_of, total: devices.total, ...devices.attention }];
}

/** How many devices of a sample need attention. */
export function needing(sample: Sample): number {
  return ATTENTION.reduce((sum, word) => sum + sample[word], 0);
}

/** The samples as areas on top of each other, with nothing where nothing was counted. */
export function stacked(samples: readonly Sample[]): Stacked {
  const at: number[] = [];
  const uppers = ATTENTION.map((): (number | null)[] => []);
  let before: number | undefined;
  for (const sample of samples) {
    const now = Date.parse(sample.at);
    if (before !== undefined && now - before > GAP_MS) {
      at.push((before + now) / 2_000);
      for (const upper of uppers) {
        upper.push(null);
      }
    }
    before = now;
    at.push(now / 1_000);
    let height = 0;
    for (const [index, word] of ATTENTION.entries()) {
      height += sample[word];
      uppers[index]?.push(height);
    }
  }
  const edges = ATTENTION.map((word, index) => ({ word, upper: uppers[index] ?? [] }));
  return { at, edges: edges.reverse() };
}

/** The sample that is nearest to a moment, in milliseconds. */
export function nearest(samples: readonly Sample[], to: number): Sample | undefined {
  let found: Sample | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const sample of samples) {
    const distance = Math.abs(Date.parse(sample.at) - to);
    if (distance < least) {
      [found, least] = [sample, distance];
    }
  }
  return found;
}

/** At most one sample an hour, the newest first: as many as a table can be listened to. */
export function hourly(samples: readonly Sample[]): Sample[] {
  const newest = new Map<number, Sample>();
  for (const sample of samples) {
    newest.set(Math.floor(Date.parse(sample.at) / 3_600_000), sample);
  }
  return [...newest.values()].reverse();
}
