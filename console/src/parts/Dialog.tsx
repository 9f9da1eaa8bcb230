import { type ReactNode, useEffect, useId, useRef } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";

/**
 * A dialog over the page, open for as long as it is drawn. The browser keeps the focus inside and
 * gives it back at the end.
 */
export function Dialog({
  title,
  onClose,
  children,
  width,
}: {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  width?: number;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      style={width ? ({ "--dialog-width": `${width}px` } as object) : undefined}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClose={({ currentTarget: shown }) => {
        // A browser lets a second Escape close it without asking. It is shown for as long as it is
        // drawn: a secret that is in it is nowhere else.
        if (!shown.open) {
          shown.showModal();
          onClose();
        }
      }}
    >
      <div className="dialog-inside">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** Asks whether to do what can't be taken back lightly, and says what it does. */
export function Confirm({
  title,
  children,
  action,
  isDangerous = false,
  isBusy = false,
  onConfirm,
  onClose,
}: {
  title: ReactNode;
  children: ReactNode;
  action: ReactNode;
  isDangerous?: boolean;
  isBusy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const { parts } = useText();
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button kind={isDangerous ? "danger" : "primary"} isBusy={isBusy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
