import type { ReactNode } from "react";
import { ApiProblem } from "../api/problem";
import { NOT_KEPT } from "../api/session";
import { useText } from "../i18n";
import type { Tone } from "./Badge";
import { Button } from "./Button";

/** Something that is said beside the content. Bad news is read out at once. */
export function Notice({
  tone,
  children,
  actions,
}: {
  tone: Tone;
  children: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className="notice" data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
      <div className="notice-text">{children}</div>
      {actions && <div className="row">{actions}</div>}
    </div>
  );
}

/** What went wrong, in the server's own words, and a way to try again. */
export function ProblemNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  const { parts } = useText();
  return (
    <Notice tone="bad" actions={retry && <Button onClick={retry}>{parts.retry}</Button>}>
      {useWhy()(error)}
    </Notice>
  );
}

/** Gives what to tell of an error. */
export function useWhy(): (error: unknown) => string {
  const { parts, signIn } = useText();
  return (error) => {
    if (!(error instanceof ApiProblem)) {
      return parts.failed;
    }
    if (error.code === NOT_KEPT) {
      return signIn.insecure;
    }
    return error.status === 0 ? parts.unreachable : error.message || parts.failed;
  };
}

/** What stands where there is nothing to show: why, and what to do about it. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <p>{children}</p>
      {action}
    </div>
  );
}
