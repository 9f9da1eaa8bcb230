import { type FormEvent, type ReactNode, useEffect, useRef } from "react";
import { connected } from "../api/connection";
import { useStore } from "../api/store";
import { useText } from "../i18n";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Notice, ProblemNotice } from "./Notice";
import { useStay } from "./stay";

/**
 * A form over the page. What the server refuses is said in it, and what was typed stays. It does not
 * close while it is busy: what is under way is done all the same, and its answer may show a secret.
 * Escape asks before what is typed is lost; its button means it.
 */
export function FormDialog({
  title,
  action,
  isBusy,
  error,
  isDangerous = false,
  isReady = true,
  isBegun = false,
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
  /** Whether something is in it besides: typed in the step before it, or made by a press. */
  isBegun?: boolean;
  width?: number;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const { parts } = useText();
  // What the page below says of it is covered.
  const isConnected = useStore(connected);
  // Whether something is in it that leaving the page would lose: what is sent is not lost.
  const isTyped = useRef(isBegun);
  useStay(() => isTyped.current, parts.leaveTyped);
  useEffect(() => {
    if (error) {
      isTyped.current = true;
    }
  }, [error]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !isBusy) {
      isTyped.current = false;
      onSubmit();
    }
  };
  return (
    <Dialog
      title={title}
      isTyped={() => (isTyped.current || isBegun) && !isBusy}
      onClose={isBusy ? () => {} : onClose}
      width={width}
    >
      <form
        className="column"
        onSubmit={submit}
        onInput={() => {
          isTyped.current = true;
        }}
      >
        {Boolean(error) && <ProblemNotice error={error} />}
        {children}
        {isBusy && !isConnected && <Notice tone="warn">{parts.unreachable}</Notice>}
        <div className="dialog-actions">
          <Button disabled={isBusy} onClick={onClose}>
            {parts.cancel}
          </Button>
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
