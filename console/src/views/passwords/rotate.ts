import { ApiProblem } from "../../api/problem";
import type { Wanted } from "./wanted";

/** How many passwords are set at a time: a server of cameras has more to do than this. */
const AT_A_TIME = 6;

/** How long is waited where the server has too much to do, and how often. */
const WAIT_MS = 2_000;
const WAITS_MAX = 30;

/** What has come of a rotation so far. */
export type Progress = {
  done: number;
  failed: { wanted: Wanted; error: unknown }[];
  /** Those that were not tried. */
  left: Wanted[];
  /** Whether the server stayed away, which ended it. */
  isAway: boolean;
};

/** How it is told, and when it ends before its end. */
export type Watch = { tell: (progress: Progress) => void; isOver: () => boolean };

/**
 * Sets passwords, several at a time. A camera that is refused is noted and the others go on; where
 * the server stays away, what was not tried is left, to be gone on with.
 */
export async function rotate(
  wanted: readonly Wanted[],
  set: (wanted: Wanted) => Promise<unknown>,
  { tell, isOver }: Watch,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<Progress> {
  const left = [...wanted];
  const progress: Progress = { done: 0, failed: [], left, isAway: false };
  const copy = () => ({ ...progress, failed: [...progress.failed], left: [...left] });
  const work = async () => {
    while (!isOver() && !progress.isAway) {
      const next = left.shift();
      if (!next) {
        return;
      }
      for (let waits = 0; ; waits += 1) {
        try {
          await set(next);
          progress.done += 1;
        } catch (error) {
          if (error instanceof ApiProblem && error.isPassing) {
            if (error.status !== 0 && waits < WAITS_MAX && !isOver()) {
              await wait(WAIT_MS);
              continue;
            }
            progress.isAway = true;
            left.unshift(next);
          } else {
            progress.failed.push({ wanted: next, error });
          }
        }
        break;
      }
      tell(copy());
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, wanted.length) }, work));
  const end = copy();
  tell(end);
  return end;
}
