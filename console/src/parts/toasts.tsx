import { type ReactNode, useRef } from "react";
import { Store, useStore } from "../api/store";
import { useText } from "../i18n";
import type { Tone } from "./Badge";
import { Button } from "./Button";
import { Notice } from "./Notice";

/** How long good news stays. Bad news stays until it is dismissed. */
const SHOWN_FOR_MS = 6_000;

/** The most that are shown at a time. */
const SHOWN_MAX = 4;

type Toast = { id: number; tone: Tone; content: ReactNode };

const toasts = new Store<readonly Toast[]>([]);

/** The dialogs that are open, by their ids, the one on top last. */
export const dialogs = new Store<readonly string[]>([]);

let nextId = 1;

function dismiss(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

/** Says something about what was just done. */
export function say(tone: Tone, content: ReactNode): void {
  const id = nextId++;
  const shown = [...toasts.get(), { id, tone, content }];
  if (shown.length > SHOWN_MAX) {
    // Bad news goes last.
    const passing = shown.findIndex((toast) => toast.tone !== "bad");
    shown.splice(Math.max(0, passing), 1);
  }
  toasts.set(shown);
  if (tone !== "bad") {
    setTimeout(() => dismiss(id), SHOWN_FOR_MS);
  }
}

/** Takes all back that is said. */
export function hush(): void {
  toasts.set([]);
}

/**
 * Where it is said: in the dialog on top, below which nothing can be reached, or on the page. It is
 * there before it says anything: else nobody would hear that it does.
 */
export function Toasts({ dialog }: { dialog?: string }) {
  const { parts } = useText();
  const place = useRef<HTMLDivElement>(null);
  /** What had the focus before something in here was given it. */
  const before = useRef<EventTarget>(null);
  const isHere = useStore(dialogs).at(-1) === dialog;
  const said = useStore(toasts);
  const end = (id: number) => {
    const shown = place.current;
    const hadFocus = shown?.contains(document.activeElement);
    dismiss(id);
    if (hadFocus) {
      // It has gone with what was said. Whoever was typing goes on there.
      const typing = before.current;
      const inDialog = shown?.closest("dialog")?.querySelector<HTMLElement>("input, button");
      const isThere = typing instanceof HTMLElement && typing.isConnected;
      const next = isThere ? typing : (inDialog ?? document.getElementById("content"));
      next?.focus({ preventScroll: true });
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it notes where the focus comes from
    <div
      ref={place}
      className="toasts"
      aria-live="polite"
      onFocus={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) {
          before.current = relatedTarget;
        }
      }}
    >
      {(isHere ? said : []).map((toast) => (
        <Notice
          key={toast.id}
          tone={toast.tone}
          actions={
            <Button kind="plain" onClick={() => end(toast.id)}>
              {parts.dismiss}
            </Button>
          }
        >
          {toast.content}
        </Notice>
      ))}
    </div>
  );
}
