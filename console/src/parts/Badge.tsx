import type { ReactNode } from "react";

/** How good or bad something is. The colour goes by it, and is never all that says so. */
export type Tone = "good" | "busy" | "warn" | "bad" | "none";

/** A state in a word. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  );
}
