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
  const sorted = [...reasons].map(([why, count]) => ({ why, count }));
  sorted.sort((one, other) => other.count - one.count);
  return { accepted: devices.length - refused, refused, away, reasons: sorted };
}
