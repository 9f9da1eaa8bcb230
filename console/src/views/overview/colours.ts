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
  const of = (token: string, isForced = false) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    // Where the reader has chosen all colours, what stands on the page's own ground has theirs; the
    // areas keep ours, by which they are told apart.
    probe.style.setProperty("forced-color-adjust", isForced ? "auto" : "none");
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
  return {
    text: of(TOKENS.text, true),
    line: of(TOKENS.line, true),
    bad: of(TOKENS.bad),
    badGround: of(TOKENS.badGround),
    warn: of(TOKENS.warn),
    busy: of(TOKENS.busy),
    font: getComputedStyle(document.body).fontFamily,
  };
}

let known: Colours | undefined;
const SYSTEM = ["(prefers-color-scheme: dark)", "(forced-colors: active)"];

function watch(watcher: () => void): () => void {
  const changed = () => {
    known = undefined;
    watcher();
  };
  const lists = SYSTEM.map((query) => window.matchMedia(query));
  for (const list of lists) {
    list.addEventListener("change", changed);
  }
  const end = theme.watch(changed);
  return () => {
    for (const list of lists) {
      list.removeEventListener("change", changed);
    }
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
