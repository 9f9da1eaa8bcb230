import type { components } from "../../api/schema";

/** What a dry run says of its devices, added up. */
export type Foreseen = {
  accepted: number;
  refused: number;
  /** Those of the accepted that can't be reached now. */
  away: number;
  /** Why devices are refused, the most frequent first. */
  reasons: { why: string; count: number }[];
};

/** So often each, the most frequent first. */
function sorted(counts: ReadonlyMap<string, number>): Foreseen["reasons"] {
  const reasons = [...counts].map(([why, count]) => ({ why, count }));
  return reasons.sort((one, other) => other.count - one.count);
}

/** Adds up what would come of devices. */
export function addUp(devices: readonly components["schemas"]["PredictedDevice"][]): Foreseen {
  const reasons = new Map<string, number>();
  let [refused, away] = [0, 0];
  for (const device of devices) {
    if (device.refused) {
      refused += 1;
      reasons.set(device.refused.detail, (reasons.get(device.refused.detail) ?? 0) + 1);
    } else if (device.away) {
      away += 1;
    }
  }
  return { accepted: devices.length - refused, refused, away, reasons: sorted(reasons) };
}

/** The pages of a dry run as one. */
export function sum(pages: readonly Foreseen[]): Foreseen {
  const reasons = new Map<string, number>();
  let [accepted, refused, away] = [0, 0, 0];
  for (const page of pages) {
    accepted += page.accepted;
    refused += page.refused;
    away += page.away;
    for (const { why, count } of page.reasons) {
      reasons.set(why, (reasons.get(why) ?? 0) + count);
    }
  }
  return { accepted, refused, away, reasons: sorted(reasons) };
}
