import { useSyncExternalStore } from "react";
import { theme } from "../../layout/theme";

/** The colours that a chart is drawn with, as the page has them now. */
export type Colours = {
  text: string;
  line: string;
  bad: string;
  badGround: string;
  warn: string;
  busy: string;
  font: string;
};

const TOKENS = {
  text: "--text-quiet",
  line: "--line",
  bad: "--bad",
  badGround: "--bad-ground",
  warn: "--warn",
  busy: "--busy",
} as const;

/**
 * Reads the tokens. A token is one of two colours, of which only an element that is drawn with it
 * says which. Each takes an element of its own: where a change of colour is a transition, however
 * short, an element that had another colour still shows that one.
 */
function read(): Colours {
  const of = (token: string) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
  return {
    text: of(TOKENS.text),
    line: of(TOKENS.line),
    bad: of(TOKENS.bad),
    badGround: of(TOKENS.badGround),
    warn: of(TOKENS.warn),
    busy: of(TOKENS.busy),
    font: getComputedStyle(document.body).fontFamily,
  };
}

let known: Colours | undefined;
const system = "(prefers-color-scheme: dark)";

function watch(watcher: () => void): () => void {
  const changed = () => {
    known = undefined;
    watcher();
  };
  const list = window.matchMedia(system);
  list.addEventListener("change", changed);
  const end = theme.watch(changed);
  return () => {
    list.removeEventListener("change", changed);
    end();
  };
}

/** The colours for a chart, which is drawn anew when the page has others. */
export function useColours(): Colours {
  return useSyncExternalStore(watch, () => {
    known ??= read();
    return known;
  });
}
