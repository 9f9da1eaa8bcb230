import type { components } from "../../api/schema";

/** Registrations of one id from one host that were refused for one reason. */
export type Refused = components["schemas"]["RefusedRegistration"];

/** The registrations that were refused for a reason. */
export type Reason = { why: string; text: string; cameras: number; last: string };

/** Why registrations were refused: the reason of most cameras first. */
export function reasonsOf(refused: readonly Refused[]): Reason[] {
  const reasons = new Map<string, { reason: Reason; ids: Set<string> }>();
  for (const { why, text, id, at } of refused) {
    const known = reasons.get(why);
    if (known) {
      known.ids.add(id);
      known.reason.cameras = known.ids.size;
      if (at > known.reason.last) {
        known.reason.last = at;
      }
    } else {
      reasons.set(why, { reason: { why, text, cameras: 1, last: at }, ids: new Set([id]) });
    }
  }
  return [...reasons.values()]
    .map(({ reason }) => reason)
    .sort((one, other) => other.cameras - one.cameras || other.last.localeCompare(one.last));
}
