import { ATTENTION, type Attention, type FleetOverview, type Sample } from "./data";

/** The shortest time that is drawn: what is shorter has nothing to compare. */
export const LEAST_MS = 3_600_000;

/** Of the time that is drawn, how much one sample takes that has none beside it. */
const ALONE = 0.01;

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

/** For how long it is drawn from the first sample to the last, in milliseconds. */
export function drawn(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  const known = first && last ? Date.parse(last.at) - Date.parse(first.at) : 0;
  return Math.max(known, LEAST_MS);
}

/** The samples between which the server has counted all the time. */
function stretches(samples: readonly Sample[]): Sample[][] {
  const found: Sample[][] = [];
  let before: number | undefined;
  for (const sample of samples) {
    const now = Date.parse(sample.at);
    if (before !== undefined && now - before <= GAP_MS) {
      found.at(-1)?.push(sample);
    } else {
      found.push([sample]);
    }
    before = now;
  }
  return found;
}

/**
 * The samples as areas on top of each other, with nothing where nothing was counted. A stretch that
 * is too short to be seen, as the first one, becomes a bar.
 */
export function stacked(samples: readonly Sample[]): Stacked {
  const at: number[] = [];
  const uppers = ATTENTION.map((): (number | null)[] => []);
  const put = (time: number, sample?: Sample) => {
    at.push(time / 1_000);
    let height = 0;
    for (const [index, word] of ATTENTION.entries()) {
      height += sample?.[word] ?? 0;
      uppers[index]?.push(sample ? height : null);
    }
  };
  const least = drawn(samples) * ALONE;
  let before: number | undefined;
  for (const stretch of stretches(samples)) {
    const times = stretch.map((sample) => Date.parse(sample.at));
    const [begin = 0, end = 0] = [times[0], times.at(-1)];
    if (before !== undefined) {
      put((before + begin) / 2);
    }
    if (end - begin < least) {
      put(end - least, stretch[0]);
    }
    for (const [index, sample] of stretch.entries()) {
      put(times[index] ?? 0, sample);
    }
    before = end;
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
