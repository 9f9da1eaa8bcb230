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
  toasts.set([...toasts.get(), { id, tone, content }].slice(-SHOWN_MAX));
  if (tone !== "bad") {
    setTimeout(() => dismiss(id), SHOWN_FOR_MS);
  }
}

/** Where it is said. */
export function Toasts() {
  const { parts } = useText();
  return (
    <div className="toasts">
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
