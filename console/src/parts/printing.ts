import { flushSync } from "react-dom";
import { Store, useStore } from "../api/store";

/** Since when the page is being printed; undefined while it is not. */
const printing = new Store<Date | undefined>(undefined);

// All has to be drawn by the end of the event: what is drawn then is what is printed.
window.addEventListener("beforeprint", () => flushSync(() => printing.set(new Date())));
window.addEventListener("afterprint", () => printing.set(undefined));

/** Since when the page is being printed, for what is drawn on paper alone. */
export function usePrinting(): Date | undefined {
  return useStore(printing);
}
