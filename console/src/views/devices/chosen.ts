import { useCallback, useState } from "react";
import { sessionEnd } from "../../api/session-end";

/** Which devices are chosen: some of the list, or all that the filter means. */
export type Chosen = { isAll: boolean; keys: ReadonlySet<string> };

/** None of them. */
export const NONE: Chosen = { isAll: false, keys: new Set() };

/** How long a choice is kept, and the list that it was made in, once that is not shown any more. */
export const CHOICE_KEPT_MS = 30 * 60_000;

/** A choice, what devices it was made of, when, and in whose session. */
type Kept = { chosen: Chosen; meant: string; at: number; session: number };

let kept: Kept | undefined;

/** The last choice, if it is not too old, and nobody has signed out or is another user since. */
function lastChoice(): Kept | undefined {
  if (kept && (Date.now() - kept.at > CHOICE_KEPT_MS || !sessionEnd.isSame(kept.session))) {
    kept = undefined;
  }
  return kept;
}

/**
 * Which devices of a list are chosen. Whoever looks at one of them and comes back finds the choice
 * again, and it alone: what is chosen is done something with, so it never is of other devices than
 * were `meant` when it was made.
 */
export function useChosen(meant: string): [Chosen, (chosen: Chosen) => void] {
  const [last, setLast] = useState(lastChoice);
  const choose = useCallback(
    (chosen: Chosen) => {
      kept = { chosen, meant, at: Date.now(), session: sessionEnd.now() };
      setLast(kept);
    },
    [meant],
  );
  return [last?.meant === meant ? last.chosen : NONE, choose];
}
