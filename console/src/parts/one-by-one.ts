import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem } from "../api/problem";

/** How many are under way at a time: a server of devices has more to do than this. */
const AT_A_TIME = 6;

/** How long is waited where the server has too much to do, and how often. */
const WAIT_MS = 2_000;
const WAITS_MAX = 30;

/** How often what has come of it is drawn anew at most. */
const DRAWN_EVERY_MS = 200;

/** What has come of things that are done one by one. */
export type Progress<T> = {
  done: number;
  failed: { item: T; error: unknown }[];
  /** Those that were not tried. */
  left: T[];
  /** What ended it before its end: that the server stayed away, or that nobody signed in again. */
  endedBy?: unknown;
};

/** How it is told, and when it ends before its end. */
export type Watch<T> = { tell: (progress: Progress<T>) => void; isOver: () => boolean };

/**
 * Does something with each, several at a time. One that is refused is noted and the others go on;
 * where the server stays away, or nobody signs in again, what was not tried is left, to be gone on
 * with.
 */
export async function oneByOne<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  { tell, isOver }: Watch<T>,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<Progress<T>> {
  const left = [...items];
  const progress: Progress<T> = { done: 0, failed: [], left };
  const copy = () => ({ ...progress, failed: [...progress.failed], left: [...left] });
  const work = async () => {
    while (!isOver() && progress.endedBy === undefined) {
      const [item] = left.splice(0, 1);
      if (item === undefined) {
        return;
      }
      for (let waits = 0; ; waits += 1) {
        try {
          await act(item);
          progress.done += 1;
        } catch (error) {
          const [status, isPassing] =
            error instanceof ApiProblem ? [error.status, error.isPassing] : [undefined, false];
          if (isPassing && status !== 0 && waits < WAITS_MAX && !isOver()) {
            await wait(WAIT_MS);
            continue;
          }
          // Whoever turned away from signing in is not asked again for each of the others.
          if (isPassing || status === 401) {
            progress.endedBy = error;
            left.unshift(item);
          } else {
            progress.failed.push({ item, error });
          }
        }
        break;
      }
      tell(copy());
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, items.length) }, work));
  const end = copy();
  tell(end);
  return end;
}

/**
 * Does something with each of some things, and goes on with those that are left or failed.
 * `onEnd` is told what has come of all of them whenever it ends, also where the view is left: what
 * was sent stays.
 */
export function useOneByOne<T>(
  act: (item: T) => Promise<unknown>,
  onEnd: (progress: Progress<T>) => void,
) {
  const [progress, setProgress] = useState<Progress<T>>();
  const [state, setState] = useState<"idle" | "running" | "stopping">("idle");
  const latest = useRef({ act, onEnd });
  latest.current = { act, onEnd };
  // Which run it is, and whether that was told to stop.
  const turn = useRef(0);
  const isStopped = useRef(false);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );
  const begin = useCallback(async (items: readonly T[], doneBefore = 0) => {
    turn.current += 1;
    const mine = turn.current;
    isStopped.current = false;
    const inAll = (now: Progress<T>) => ({ ...now, done: doneBefore + now.done });
    setProgress({ done: doneBefore, failed: [], left: [...items] });
    setState("running");
    let drawnAt = 0;
    const end = await oneByOne(items, (item) => latest.current.act(item), {
      tell: (now) => {
        if (turn.current === mine && Date.now() - drawnAt >= DRAWN_EVERY_MS) {
          drawnAt = Date.now();
          setProgress(inAll(now));
        }
      },
      isOver: () => turn.current !== mine || isStopped.current,
    });
    if (turn.current === mine) {
      setProgress(inAll(end));
      setState("idle");
    }
    latest.current.onEnd(inAll(end));
  }, []);
  const { done = 0, failed = [], left = [] } = progress ?? {};
  const undone = [...failed.map(({ item }) => item), ...left];
  return {
    /** What has come of it; undefined before it has begun. */
    progress,
    /** What it was not done with: what failed, and what was not tried. */
    undone,
    /** Whether it has ended, with nothing under way any more. */
    isOver: progress !== undefined && state === "idle",
    isStopping: state === "stopping",
    begin,
    /** Begins none that has not begun. */
    stop: () => {
      isStopped.current = true;
      setState("stopping");
    },
    goOn: () => void begin(undone, done),
  };
}

/** What {@link useOneByOne} gives. */
export type OneByOne<T> = ReturnType<typeof useOneByOne<T>>;
