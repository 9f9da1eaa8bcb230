import type { ReactNode } from "react";
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

/** Where it is said. It is there before it says anything: else nobody would hear that it does. */
export function Toasts() {
  const { parts } = useText();
  return (
    <div className="toasts" aria-live="polite">
      {useStore(toasts).map((toast) => (
        <Notice
          key={toast.id}
          tone={toast.tone}
          actions={
            <Button kind="plain" onClick={() => dismiss(toast.id)}>
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
