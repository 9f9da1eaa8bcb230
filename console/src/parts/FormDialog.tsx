import type { FormEvent, ReactNode } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ProblemNotice } from "./Notice";

/** A form over the page. What the server refuses is said in it, and what was typed stays. */
export function FormDialog({
  title,
  action,
  isBusy,
  error,
  isDangerous = false,
  isReady = true,
  width,
  onSubmit,
  onClose,
  children,
}: {
  title: ReactNode;
  /** What its button says. */
  action: ReactNode;
  isBusy: boolean;
  /** What the last attempt came to, if it failed. */
  error: unknown;
  isDangerous?: boolean;
  /** Whether there is enough in it to be sent. */
  isReady?: boolean;
  width?: number;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const { parts } = useText();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !isBusy) {
      onSubmit();
    }
  };
  return (
    <Dialog title={title} onClose={onClose} width={width}>
      <form className="column" onSubmit={submit}>
        {Boolean(error) && <ProblemNotice error={error} />}
        {children}
        <div className="dialog-actions">
          <Button onClick={onClose}>{parts.cancel}</Button>
          <Button
            kind={isDangerous ? "danger" : "primary"}
            type="submit"
            isBusy={isBusy}
            disabled={!isReady}
          >
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
