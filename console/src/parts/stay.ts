import { useBlocker } from "@tanstack/react-router";

/** Whether what would be lost by leaving, if anything would be, may be: that is asked. */
export function mayLeave(isNeeded: boolean, question: string): boolean {
  return !isNeeded || window.confirm(question);
}

/**
 * Asks before the page is left while something would be lost by it. A function is asked at that
 * moment, for what ends the need and leaves the page at once.
 */
export function useStay(isNeeded: boolean | (() => boolean), question: string): void {
  const isNeededNow = typeof isNeeded === "function" ? isNeeded : () => isNeeded;
  useBlocker({
    shouldBlockFn: () => !mayLeave(isNeededNow(), question),
    enableBeforeUnload: isNeededNow,
    disabled: isNeeded === false,
  });
}
