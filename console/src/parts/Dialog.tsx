import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from "react";
import { sessionOver } from "../api/session-end";
import { useStore } from "../api/store";
import { useText } from "../i18n";
import { Button } from "./Button";
import { SessionOver } from "./SessionOver";
import { mayLeave } from "./stay";
import { dialogs, Toasts } from "./toasts";

/**
 * A dialog over the page, open for as long as it is drawn. The browser keeps the focus inside and
 * gives it back at the end. Escape closes it; where something is typed in it, that is asked first.
 */
export function Dialog({
  title,
  isTyped = () => false,
  onClose,
  children,
  width,
}: {
  title: ReactNode;
  /** Asked on Escape: whether something is typed in it that is lost when it closes. */
  isTyped?: () => boolean;
  onClose: () => void;
  children: ReactNode;
  width?: number;
}) {
  const { parts } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  /** What of it had the focus last. */
  const focused = useRef<HTMLElement>(null);
  const titleId = useId();
  const over = useStore(sessionOver);
  // Before it is taken out of the page: then the browser gives back the focus.
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    dialogs.set([...dialogs.get(), titleId]);
    return () => {
      dialogs.set(dialogs.get().filter((each) => each !== titleId));
      shown?.close();
    };
  }, [titleId]);
  useEffect(
    () => () => {
      // What had opened it may be gone by what was done in it.
      if (document.activeElement === document.body) {
        document.getElementById("content")?.focus({ preventScroll: true });
      }
    },
    [],
  );
  const leave = () => {
    if (mayLeave(isTyped(), parts.leaveTyped)) {
      onClose();
    }
  };
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      style={width ? ({ "--dialog-width": `${width}px` } as object) : undefined}
      onFocus={({ target }) => {
        focused.current = target;
      }}
      onCancel={(event) => {
        // One that comes from a choice of files inside is not about the dialog.
        if (event.target === event.currentTarget) {
          event.preventDefault();
          leave();
        }
      }}
      onClose={({ currentTarget: shown }) => {
        // A browser lets a second Escape close it without asking. It is shown for as long as it is
        // drawn: a secret that is in it is nowhere else.
        if (!shown.open) {
          const before = focused.current;
          shown.showModal();
          before?.focus();
          leave();
        }
      }}
    >
      <div className="dialog-inside">
        <h2 id={titleId}>{title}</h2>
        {/* What the page says of it can't be reached from in here. */}
        {over === "told" && <SessionOver />}
        {children}
      </div>
      <Toasts dialog={titleId} />
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
  isReady = true,
  width,
  onConfirm,
  onClose,
}: {
  title: ReactNode;
  children: ReactNode;
  action: ReactNode;
  isDangerous?: boolean;
  isBusy?: boolean;
  /** Whether what it says is known, so that it can be done. */
  isReady?: boolean;
  width?: number;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const { parts } = useText();
  return (
    <Dialog title={title} onClose={onClose} width={width}>
      {children}
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button
          kind={isDangerous ? "danger" : "primary"}
          isBusy={isBusy}
          disabled={!isReady}
          onClick={onConfirm}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
