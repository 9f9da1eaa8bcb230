import { createContext, type ReactNode, useContext, useEffect } from "react";
import { serverNow } from "../api/clock";
import { useStore } from "../api/store";
import { type LanguageId, language } from "./language";
import { type Messages, messages } from "./messages";

const Text = createContext<Messages>(messages.en);

/** Gives everything below it the words of the chosen language. */
export function Language({ children }: { children: ReactNode }) {
  const chosen = useStore(language);
  useEffect(() => {
    document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  }, [chosen]);
  return <Text.Provider value={messages[chosen]}>{children}</Text.Provider>;
}

/** The words of the chosen language. */
export function useText(): Messages {
  return useContext(Text);
}

/** What ages are told in: a unit, its seconds, and from how many of it on the next one is taken. */
const AGES = [
  ["second", 1, 60],
  ["minute", 60, 60],
  ["hour", 3_600, 24],
] as const;
const DAYS = ["day", 86_400] as const;

/** How numbers and times are written in a language. */
function formatsIn(chosen: LanguageId) {
  const locale = chosen === "zh" ? "zh-CN" : "en";
  const number = new Intl.NumberFormat(locale);
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  // By 24 hours: half of a list is shorter and read at a glance, as logs have it.
  const hourCycle = "h23";
  const moment = new Intl.DateTimeFormat(locale, {
    dateStyle: "medium",
    timeStyle: "medium",
    hourCycle,
  });
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  return {
    locale,
    number: (value: number) => number.format(value),
    percent: (share: number) => percent.format(share),
    /** A moment, to the second, in the viewer's time zone. */
    moment: (at: string | number | Date) => moment.format(new Date(at)),
    /** The time of day. */
    clock: (at: string | number | Date) => clock.format(new Date(at)),
    /** How long ago, or in how long. */
    ago: (at: string | number | Date, now = serverNow()) => {
      const seconds = (new Date(at).getTime() - now) / 1_000;
      const count = (size: number) => Math.round(seconds / size);
      const [unit, size] = AGES.find(([, size, end]) => Math.abs(count(size)) < end) ?? DAYS;
      return relative.format(count(size), unit);
    },
  };
}

/** Made once a language: a browser takes long to make them, and a list has hundreds of cells. */
const made = new Map<LanguageId, ReturnType<typeof formatsIn>>();

/** How numbers and times are written in the chosen language. */
export function useFormats() {
  const chosen = useStore(language);
  const formats = made.get(chosen) ?? formatsIn(chosen);
  made.set(chosen, formats);
  return formats;
}
