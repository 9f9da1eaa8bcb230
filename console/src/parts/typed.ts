import { useEffect, useRef, useState } from "react";

/**
 * A field over a value that stands elsewhere, as in the address. What is typed is given to `put` when
 * it is applied, without the space around it. The field follows the value where others change it.
 */
export function useTyped(held: string, put: (typed: string) => void) {
  const [typed, type] = useState(held);
  // What this field has put there itself is no news to it: more may have been typed since.
  const own = useRef(held);
  useEffect(() => {
    if (held !== own.current) {
      own.current = held;
      type(held);
    }
  }, [held]);
  const apply = () => {
    const wanted = typed.trim();
    if (wanted !== own.current) {
      own.current = wanted;
      put(wanted);
    }
  };
  return { typed, type, apply };
}

/** How long typing has to rest before it is applied. */
const RESTS_FOR_MS = 250;

/** {@link useTyped}, applied by itself once the typing rests. */
export function useTypedAlong(
  held: string,
  put: (typed: string) => void,
): { typed: string; type: (typed: string) => void } {
  const { typed, type, apply } = useTyped(held, put);
  const latest = useRef(apply);
  latest.current = apply;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it waits for the typing alone
  useEffect(() => {
    const rests = setTimeout(() => latest.current(), RESTS_FOR_MS);
    return () => clearTimeout(rests);
  }, [typed]);
  return { typed, type };
}
