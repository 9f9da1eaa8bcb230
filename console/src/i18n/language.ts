import { kept } from "../api/store";

/** The languages that there are. */
export type LanguageId = "en" | "zh";

/** The chosen language: the browser's own, unless another was chosen here. */
export const language = kept<LanguageId>(
  "language",
  ["en", "zh"],
  navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en",
);
