import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import type { MadePassword } from "../../parts/MadePasswords";

/** The most cameras that one call names. */
export const PER_CALL = 1_000;

/** The most that may wait in a project; so many calls at most make an end of "all". */
const CALLS_MAX = 11;

/** Which pending cameras are meant. */
export type Meant = { ids: readonly string[] } | { prefix: string | undefined };

/** What came of cameras that were to be accepted. */
export type Accepted = {
  made: MadePassword[];
  refused: { id: string; detail: string }[];
};

type Asked = components["schemas"]["AcceptPending"];
type Answer = components["schemas"]["AcceptedPending"];

/** What has come so far, with another answer. Of one that is refused again and again the last counts. */
export function withAnswer(before: Accepted, { devices }: Pick<Answer, "devices">): Accepted {
  const made = [...before.made];
  const refused = new Map(before.refused.map((each) => [each.id, each]));
  for (const { id, password, error } of devices) {
    if (error) {
      refused.set(id, { id, detail: error.detail });
    } else {
      refused.delete(id);
      if (password) {
        made.push({ id, password });
      }
    }
  }
  return { made, refused: [...refused.values()] };
}

/** The calls by which the meant cameras are accepted: those of "all" are the same one again. */
export function callsFor(meant: Meant, profile: string | undefined): Asked[] {
  if (!("ids" in meant)) {
    return Array.from({ length: CALLS_MAX }, () => ({
      all: true,
      generate: true,
      prefix: meant.prefix,
    }));
  }
  const calls: Asked[] = [];
  for (let from = 0; from < meant.ids.length; from += PER_CALL) {
    const ids = meant.ids.slice(from, from + PER_CALL);
    calls.push({ generate: true, devices: ids.map((id) => ({ id, profile })) });
  }
  return calls;
}

/**
 * Accepts cameras, call by call. What is done is given to `tell` after each, so that nothing that
 * was made is lost where a later call fails.
 */
export async function accept(
  project: string,
  meant: Meant,
  profile: string | undefined,
  tell: (soFar: Accepted) => void,
): Promise<void> {
  let done: Accepted = { made: [], refused: [] };
  for (const body of callsFor(meant, profile)) {
    const answer = await change((header) =>
      api.POST("/api/v1/projects/{project}/pending/accept", {
        params: { path: { project }, header },
        body,
      }),
    );
    done = withAnswer(done, answer);
    tell(done);
    // One that can't be accepted stays where it is: without progress the same would come again.
    if (body.all && (!answer.more || answer.accepted === 0)) {
      return;
    }
  }
}
