import { Store } from "../api/store";

/** The languages that there are. */
export type LanguageId = "en" | "zh";

const KEPT_AS = "fleetwright.language";

function first(): LanguageId {
  const kept = localStorage.getItem(KEPT_AS);
  if (kept === "en" || kept === "zh") {
    return kept;
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The chosen language: the browser's own, unless another was chosen here. */
export const language = new Store<LanguageId>(first());

language.watch(() => localStorage.setItem(KEPT_AS, language.get()));
