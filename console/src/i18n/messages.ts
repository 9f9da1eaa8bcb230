import { en } from "./en";
import { zh } from "./zh";

/** Widens the texts to strings, and leaves functions as they are. */
type Widened<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...given: infer Given) => string
      ? (...given: Given) => string
      : Widened<T[K]>;
};

/** All words of the console. English is the measure: what it has the others must have. */
export type Messages = Widened<typeof en>;

/** The words, by language. */
export const messages: { en: Messages; zh: Messages } = { en, zh };
