import { Store } from "../api/store";

/** Light, dark, or as the system is. */
export type Theme = "system" | "light" | "dark";

const KEPT_AS = "fleetwright.theme";

function first(): Theme {
  const kept = localStorage.getItem(KEPT_AS);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** The chosen appearance. */
export const theme = new Store<Theme>(first());

function show(): void {
  const root = document.documentElement;
  if (theme.get() === "system") {
    delete root.dataset.theme;
  } else {
    root.dataset.theme = theme.get();
  }
}

show();
theme.watch(() => {
  localStorage.setItem(KEPT_AS, theme.get());
  show();
});
