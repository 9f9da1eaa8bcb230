import { useBlocker } from "@tanstack/react-router";

/**
 * Asks before the page is left while something would be lost by it. A function is asked at that
 * moment, for what ends the need and leaves the page at once.
 */
export function useStay(isNeeded: boolean | (() => boolean), question: string): void {
  const isNeededNow = typeof isNeeded === "function" ? isNeeded : () => isNeeded;
  useBlocker({
    shouldBlockFn: () => isNeededNow() && !window.confirm(question),
    enableBeforeUnload: isNeededNow,
    disabled: isNeeded === false,
  });
}
