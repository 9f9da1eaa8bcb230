import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { connection } from "./connection";
import { Store } from "./store";

/** How long events are gathered before anybody is told: however many come, the page is drawn so often. */
const GATHERED_FOR_MS = 500;

/** How long to wait before the stream is opened anew after the server refused it. */
const RETRY_MS = 5_000;

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

/** Whether events come. */
export const live = new Store<"connecting" | "live" | "away">("connecting");

const listeners = new Set<Listener>();
let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
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
  tellSoon();
}

/** Opens the stream, if somebody listens and the page is seen. */
function open(): void {
  if (source || listeners.size === 0 || document.hidden) {
    return;
  }
  clearTimeout(retry);
  retry = undefined;
  const opened = new EventSource("/api/v1/events");
  source = opened;
  for (const type of ["update.accepted", "job.ended", "device.changed", "dropped"]) {
    opened.addEventListener(type, (event) => take(type, (event as MessageEvent<string>).data));
  }
  opened.onopen = () => {
    connection.reached();
    live.set("live");
  };
  opened.onerror = () => {
    live.set("away");
    // The browser tries again by itself where the connection broke, with the place it had reached;
    // not where the server refused.
    if (opened.readyState === EventSource.CLOSED && source === opened) {
      source = undefined;
      retry ??= setTimeout(open, RETRY_MS);
    }
  };
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
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
    } else if (listeners.size > 0) {
      gathered.dropped = true;
      tellSoon();
      open();
    }
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
    const read = () => {
      due = undefined;
      last = Date.now();
      for (const queryKey of latest.current.keys) {
        void client.invalidateQueries({ queryKey }, { cancelRefetch: false });
      }
    };
    const end = listen((happened) => {
      if (due === undefined && (happened.dropped || latest.current.concerns(happened))) {
        due = setTimeout(read, Math.max(0, last + everyMs - Date.now()));
      }
    });
    return () => {
      clearTimeout(due);
      end();
    };
  }, [client, everyMs]);
}
