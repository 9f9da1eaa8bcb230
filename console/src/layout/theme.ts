import { kept } from "../api/store";

/** Light, dark, or as the system is. */
export type Theme = "system" | "light" | "dark";

/** The chosen appearance. */
export const theme = kept<Theme>("theme", ["system", "light", "dark"], "system");

function show(): void {
  const root = document.documentElement;
  if (theme.get() === "system") {
    delete root.dataset.theme;
  } else {
    root.dataset.theme = theme.get();
  }
}

show();
theme.watch(show);
