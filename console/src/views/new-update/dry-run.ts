import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem } from "../../api/problem";
import { type Device, nothingYet, type Predicted, withPage } from "./predicted";

/** For how long the same page is asked for again while the server is away or has no room. */
const ASKED_FOR_MS = 60_000;

/** How long to wait before that. */
const AGAIN_AFTER_MS = 1_000;

/** A dry run: of what, and what it has told. */
export type DryRun = {
  /** Of exactly this: what the run was begun with. */
  key: string;
  phase: "running" | "done" | "failed" | "cancelled";
  predicted: Predicted;
  error?: unknown;
};

/** A page of what would come of devices, and where the next begins. */
type Page = { devices: readonly Device[]; next?: string | null | undefined };

/** Asks for a page: the one after `after`, or the first. */
type AskPage = (after: string | undefined, signal: AbortSignal) => Promise<Page>;

/** Asks for a page until there is an answer: nothing is written by it, so that it may be repeated. */
async function askPatiently(ask: AskPage, after: string | undefined, signal: AbortSignal) {
  const until = Date.now() + ASKED_FOR_MS;
  for (;;) {
    try {
      return await ask(after, signal);
    } catch (error) {
      const isPassing = error instanceof ApiProblem && error.isPassing;
      if (!isPassing || signal.aborted || Date.now() > until) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
    }
  }
}

/** Makes dry runs, page by page, to the end of the devices. */
export function useDryRun() {
  const [dryRun, setDryRun] = useState<DryRun>();
  const running = useRef<AbortController>(undefined);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);
  /** As if none had been made. */
  const forget = useCallback(() => {
    running.current?.abort();
    running.current = undefined;
    setDryRun(undefined);
  }, []);

  const run = useCallback(async (key: string, ask: AskPage) => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    let predicted = nothingYet();
    const show = (phase: DryRun["phase"], error?: unknown) => {
      // A later one has taken its place.
      if (running.current === control) {
        setDryRun({ key, phase, predicted, error });
      }
    };
    show("running");
    try {
      let after: string | undefined;
      do {
        const page = await askPatiently(ask, after, control.signal);
        if (control.signal.aborted) {
          break;
        }
        predicted = withPage(predicted, page.devices);
        after = page.next ?? undefined;
        show("running");
      } while (after !== undefined);
      show(control.signal.aborted ? "cancelled" : "done");
    } catch (error) {
      if (control.signal.aborted) {
        show("cancelled");
      } else {
        show("failed", error);
      }
    }
  }, []);
  return { dryRun, run, cancel, forget };
}
