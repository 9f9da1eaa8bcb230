import { useBlocker } from "@tanstack/react-router";

/** Asks before the page is left while something would be lost by it. */
export function useStay(isNeeded: boolean, question: string): void {
  useBlocker({
    shouldBlockFn: () => isNeeded && !window.confirm(question),
    enableBeforeUnload: isNeeded,
    disabled: !isNeeded,
  });
}
