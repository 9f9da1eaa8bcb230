import { useCallback, useEffect, useRef, useState } from "react";
import { api, change } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import type { Piece, Source } from "./source";

export type Report = components["schemas"]["ImportReport"];
export type LineError = components["schemas"]["ImportLineError"];

/** The most faults that are kept: the server tells up to 1,000 of each piece. */
export const ERRORS_MAX = 10_000;

/** How a file is sent. */
export type Terms = {
  project: string | undefined;
  mode: "all_or_none" | "good_lines";
  isDry: boolean;
};

/** What has come of a file so far. */
export type Total = {
  new: number;
  changed: number;
  channels: number;
  failed: number;
  errors: readonly LineError[];
  /** Faults that are not among `errors`. */
  more: number;
};

/** How an import goes. */
export type Run = {
  terms: Terms;
  state: "running" | "done" | "stopped" | "failed" | "refused";
  /** The piece that is sent, or would be next. */
  next: number;
  /** Pieces of which nothing went in. */
  refused: ReadonlySet<number>;
  /** Pieces that were left out. */
  skipped: ReadonlySet<number>;
  total: Total;
  /** What had come of the file before the piece that was refused. */
  before?: Total;
  /** Why the piece `next` could not be sent. */
  error?: unknown;
};

export const NOTHING: Total = { new: 0, changed: 0, channels: 0, failed: 0, errors: [], more: 0 };

/** Adds what came of a piece. */
export function added(total: Total, report: Report): Total {
  const errors = [...total.errors, ...report.errors];
  return {
    new: total.new + report.new,
    changed: total.changed + report.changed,
    channels: total.channels + report.channels,
    failed: total.failed + report.failed,
    errors: errors.slice(0, ERRORS_MAX),
    more: total.more + report.more + Math.max(0, errors.length - ERRORS_MAX),
  };
}

/** The report of a refusal, if it has one. */
function reportOf(error: unknown): Report | undefined {
  if (!(error instanceof ApiProblem) || error.status !== 422) {
    return undefined;
  }
  const body: Partial<components["schemas"]["NothingImported"]> = error.body;
  return body.report;
}

/** Sends a piece. */
async function send(
  source: Source,
  piece: Piece,
  { project, mode, isDry }: Terms,
): Promise<{ report: Report; isIn: boolean }> {
  const body = piece.body();
  try {
    const answer = await change((header) =>
      api.POST("/api/v1/devices/import", {
        params: {
          header,
          query: { project, mode, dry_run: isDry, first_line: piece.firstLine },
        },
        headers: { "Content-Type": source.contentType },
        // The bytes go as they are: what the types call the body is left to the serializer.
        body: "",
        bodySerializer: () => body,
      }),
    );
    if (!("lines" in answer)) {
      throw new Error("lines are answered with a report");
    }
    return { report: answer, isIn: true };
  } catch (error) {
    const report = reportOf(error);
    if (report) {
      return { report, isIn: false };
    }
    throw error;
  }
}

/**
 * What follows a piece: an import of all or none ends at the first piece that can't be taken, and
 * any at a header that can't be read, for each further piece has the same.
 */
export function after(run: Run, pieces: number, report: Report, isIn: boolean): Run {
  const total = added(run.total, report);
  const refused = isIn ? run.refused : new Set([...run.refused, run.next]);
  const isUnread = report.lines === 0 && report.errors.length > 0;
  if (isUnread) {
    return { ...run, total, refused, state: "done", next: pieces };
  }
  if (!isIn && !run.terms.isDry && run.terms.mode === "all_or_none") {
    return { ...run, total, refused, before: run.total, state: "refused" };
  }
  const next = run.next + 1;
  return { ...run, total, refused, next, state: next >= pieces ? "done" : "running" };
}

/** As it stood before the piece that was refused, which is sent again. */
export function anew(run: Run): Run {
  const refused = new Set([...run.refused].filter((piece) => piece !== run.next));
  return { ...run, refused, total: run.before ?? run.total, before: undefined };
}

/** An import of a file, piece by piece. It stops between pieces, and goes on where it stopped. */
export function useRun(source: Source | undefined) {
  const [run, setRun] = useState<Run>();
  // What is asked of the loop between two pieces; a number that is not its own ends it.
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );

  const go = useCallback(
    async (from: Run) => {
      if (!source) {
        return;
      }
      turn.current += 1;
      const mine = turn.current;
      let now: Run = { ...from, state: "running", error: undefined };
      setRun(now);
      while (now.state === "running") {
        const piece = source.pieces[now.next];
        if (!piece) {
          now = { ...now, state: "done" };
          break;
        }
        try {
          const { report, isIn } = await send(source, piece, now.terms);
          now = after(now, source.pieces.length, report, isIn);
        } catch (error) {
          now = { ...now, state: "failed", error };
        }
        if (turn.current !== mine) {
          // What this piece came to counts all the same; it was sent.
          setRun(
            (shown) => shown && { ...now, state: now.state === "running" ? "stopped" : now.state },
          );
          return;
        }
        setRun(now);
      }
      setRun(now);
    },
    [source],
  );

  return {
    run,
    begin: (terms: Terms) =>
      void go({
        terms,
        state: "running",
        next: 0,
        refused: new Set(),
        skipped: new Set(),
        total: NOTHING,
      }),
    /** Ends it once the piece that is under way was answered. */
    stop: () => {
      turn.current += 1;
    },
    /** Sends the piece again that failed or was refused, or what is left. */
    goOn: () => run && void go(run.state === "refused" ? anew(run) : run),
    /** Leaves the piece out that failed. */
    skip: () =>
      run && void go({ ...run, next: run.next + 1, skipped: new Set([...run.skipped, run.next]) }),
    forget: () => {
      turn.current += 1;
      setRun(undefined);
    },
  };
}
