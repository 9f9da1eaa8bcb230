import { useCallback, useSyncExternalStore } from "react";

/**
 * Whether the page is as narrow as on a phone, or as so many pixels, where text is as large as
 * browsers have it unless told otherwise. Whoever has larger letters has a narrower page.
 */
export function useIsNarrow(below = 900): boolean {
  const query = `(width < ${below / 16}em)`;
  const watch = useCallback(
    (watcher: () => void) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", watcher);
      return () => list.removeEventListener("change", watcher);
    },
    [query],
  );
  return useSyncExternalStore(watch, () => window.matchMedia(query).matches);
}
