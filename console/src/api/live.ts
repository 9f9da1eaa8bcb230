import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api } from "./client";
import { connection } from "./connection";
import { sessionEnd, sessionOver } from "./session-end";

/** How long events are gathered before anybody is told: however many come, the page is drawn so often. */
const GATHERED_FOR_MS = 500;

/** The most devices that are told by name within that time: where it is more, anything may have changed. */
const NAMED_MAX = 20_000;

/** How long to wait before the stream is opened anew after the server refused it, at first and at most. */
const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

/** What happened within half a second. */
export type Happened = {
  /** The devices that may have something new to read: `PROJECT/ID`. */
  devices: ReadonlySet<string>;
  /** The updates that were accepted, waves of rollouts among them. */
  updates: ReadonlySet<string>;
  /** The jobs that ended. */
  jobs: number;
  /** How many events it was. */
  events: number;
  /** Whether some were dropped, so that anything may have changed. */
  dropped: boolean;
};

type Listener = (happened: Happened) => void;

const listeners = new Set<Listener>();
let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let refusals = 0;
let flush: ReturnType<typeof setTimeout> | undefined;
let gathered = nothing();

function nothing() {
  return {
    devices: new Set<string>(),
    updates: new Set<string>(),
    jobs: 0,
    events: 0,
    dropped: false,
  };
}

/** Tells whoever listens what was gathered. */
function tell(): void {
  flush = undefined;
  const happened = gathered;
  gathered = nothing();
  for (const listener of listeners) {
    listener(happened);
  }
}

/** Has it told within half a second. */
function tellSoon(): void {
  if (flush === undefined) {
    flush = setTimeout(tell, GATHERED_FOR_MS);
  }
}

/** Takes an event. */
function take(type: string, data: string): void {
  gathered.events += 1;
  if (type === "dropped") {
    gathered.dropped = true;
  } else {
    const { id, device, project } = JSON.parse(data) as Record<string, string>;
    if (type === "device.changed" && id !== undefined) {
      gathered.devices.add(`${project}/${id}`);
    } else if (type === "device.changed") {
      // Of too many devices at once to name each.
      gathered.dropped = true;
    } else if (type === "job.ended") {
      gathered.jobs += 1;
      gathered.devices.add(`${project}/${device}`);
    } else if (type === "update.accepted" && id !== undefined) {
      gathered.updates.add(id);
    }
  }
  if (gathered.devices.size > NAMED_MAX) {
    gathered.devices.clear();
    gathered.dropped = true;
  }
  tellSoon();
}

/** Opens the stream, if somebody listens, the page is seen and somebody is signed in. */
function open(): void {
  clearTimeout(retry);
  retry = undefined;
  if (source || listeners.size === 0 || document.hidden || sessionOver.get() !== undefined) {
    return;
  }
  const opened = new EventSource("/api/v1/events");
  source = opened;
  for (const type of ["update.accepted", "job.ended", "device.changed", "dropped"]) {
    opened.addEventListener(type, (event) => take(type, (event as MessageEvent<string>).data));
  }
  let isFirst = true;
  opened.onopen = () => {
    connection.reached();
    refusals = 0;
    if (isFirst) {
      // A new stream tells what happens from now on. What was read before it began may be older.
      isFirst = false;
      gathered.dropped = true;
      tellSoon();
    }
  };
  opened.onerror = () => {
    connection.doubted();
    // The browser tries again by itself where the connection broke, with the place it had reached;
    // not where the server refused.
    if (opened.readyState === EventSource.CLOSED && source === opened) {
      source = undefined;
      void refused();
    }
  };
}

/** Has the stream opened anew later, unless it was refused because the session is over. */
async function refused(): Promise<void> {
  // Half of it by chance: all pages are refused at one time by a server that restarts.
  const wait = Math.min(RETRY_MS * 2 ** refusals, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
  refusals += 1;
  retry ??= setTimeout(open, wait);
  const who = await api.GET("/api/v1/session").catch(() => undefined);
  if (who?.response.status === 401) {
    sessionEnd.seen();
  }
}

/** Closes the stream. */
function close(): void {
  source?.close();
  source = undefined;
  clearTimeout(retry);
  retry = undefined;
}

if (typeof document !== "undefined") {
  // A browser opens few connections to a server at a time; a page that nobody sees keeps none.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  sessionOver.watch(() => {
    // What was told to one user is not told to the next.
    close();
    open();
  });
}

/** Has `listener` told what happens; gives what ends that. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  open();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      close();
    }
  };
}

/** Has the stream held open from view to view. */
export function useStream(): void {
  useEffect(() => listen(() => {}), []);
}

/**
 * Reads queries anew when `concerns` says that what happened concerns them, at most every
 * `everyMs`: what a stream of events asks for is bounded by that, not by the stream.
 */
export function useLive(
  keys: readonly QueryKey[],
  concerns: (happened: Happened) => boolean,
  everyMs = 1_000,
): void {
  const client = useQueryClient();
  const latest = useRef({ keys, concerns });
  latest.current = { keys, concerns };
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    let isOver = false;
    const invalidate = () => {
      const { keys } = latest.current;
      return Promise.all(
        keys.map((queryKey) => client.invalidateQueries({ queryKey }, { cancelRefetch: false })),
      );
    };
    const readSoon = () => {
      if (!isOver) {
        due ??= setTimeout(() => void read(), Math.max(0, last + everyMs - Date.now()));
      }
    };
    const read = async () => {
      due = undefined;
      last = Date.now();
      const { keys } = latest.current;
      const isUnderWay = keys.some((queryKey) => client.isFetching({ queryKey }) > 0);
      await invalidate();
      if (isUnderWay) {
        // What was under way may have been read before what has happened.
        readSoon();
      }
    };
    const end = listen((happened) => {
      if (happened.dropped || latest.current.concerns(happened)) {
        readSoon();
      }
    });
    // What is shown again may have changed since nobody looked, however short that was.
    void invalidate();
    return () => {
      isOver = true;
      clearTimeout(due);
      end();
    };
  }, [client, everyMs]);
}
