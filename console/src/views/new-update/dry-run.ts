import { useCallback, useEffect, useRef, useState } from "react";
import { api, ask } from "../../api/client";
import { nothingYet, type Predicted, withPage } from "./predicted";
import type { Request } from "./request";

/** A dry run: of what, and what it has told. */
export type DryRun = {
  /** Of exactly this. See {@link keyOf}. */
  key: string;
  phase: "running" | "done" | "failed" | "cancelled";
  predicted: Predicted;
  error?: unknown;
};

/** Tells what is asked for apart from anything else that could be. */
export function keyOf(request: Request): string {
  return JSON.stringify(request);
}

/** Makes dry runs, page by page, to the end of the devices. */
export function useDryRun() {
  const [dryRun, setDryRun] = useState<DryRun>();
  const running = useRef<AbortController>(undefined);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);

  const run = useCallback(async (request: Request) => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const key = keyOf(request);
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
        const answer = await ask(
          api.POST("/api/v1/updates", { body: { ...request, dry_run: true, after } }),
        );
        if (control.signal.aborted) {
          show("cancelled");
          return;
        }
        if (!("next" in answer) || !Array.isArray(answer.devices)) {
          break;
        }
        predicted = withPage(predicted, answer.devices);
        after = answer.next ?? undefined;
        show(after === undefined ? "done" : "running");
      } while (after !== undefined);
      show("done");
    } catch (error) {
      show(control.signal.aborted ? "cancelled" : "failed", error);
    }
  }, []);
  return { dryRun, run, cancel };
}
