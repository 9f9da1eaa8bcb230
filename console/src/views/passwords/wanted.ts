import { textOf } from "../../parts/csv";

/** A camera whose password is to change, and to what. */
export type Wanted = { id: string; password: string; isMade: boolean };

/** A camera that is named, with a password of its own if one is given. */
export type Named = { id: string; password?: string };

/** What a list of ids says. */
export type Read = {
  cameras: Named[];
  /** Lines that are none, the first of them. */
  wrong: string[];
  wrongCount: number;
  twice: number;
};

/** The most cameras that a rotation takes at once. */
export const ROTATED_MAX = 20_000;

/** How many wrong lines are shown. */
const WRONG_MAX = 10;

/** How many digits a made password has: as the server's own, and what every maker's cameras take. */
const DIGITS = 12;

/** Reads ids, one a line, each with a password behind it or without. A header is passed over. */
export function readList(text: string): Read {
  const found = new Map<string, Named>();
  const wrong: string[] = [];
  let wrongCount = 0;
  let twice = 0;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const trimmed = line.replace(/^\uFEFF/, "").trim();
    if (trimmed === "" || trimmed.startsWith("#") || /^"?id"?\s*([,;\t]|$)/i.test(trimmed)) {
      continue;
    }
    const [, first = "", rest = ""] = /^([^,;\t]*)[,;\t]?([\s\S]*)$/.exec(trimmed) ?? [];
    const id = unquoted(first);
    if (!/^\d{20}$/.test(id)) {
      wrongCount += 1;
      if (wrong.length < WRONG_MAX) {
        wrong.push(trimmed.slice(0, 80));
      }
      continue;
    }
    twice += found.has(id) ? 1 : 0;
    const password = unquoted(rest);
    found.set(id, password === "" ? { id } : { id, password });
  }
  return { cameras: [...found.values()], wrong, wrongCount, twice };
}

/** A cell without its quotation marks, and without what keeps a spreadsheet from changing it. */
function unquoted(cell: string): string {
  const trimmed = cell.trim();
  const inner = /^"([\s\S]*)"$/.exec(trimmed)?.[1]?.replaceAll('""', '"') ?? trimmed;
  return textOf(inner);
}

/** Digits that nobody guesses; none is a 0 in front, which is lost where they are taken for a number. */
export function madeDigits(): string {
  let made = "";
  while (made.length < DIGITS) {
    for (const byte of crypto.getRandomValues(new Uint8Array(DIGITS))) {
      const digit = String(byte % 10);
      // Above 249 the first digits would come more often.
      if (byte < 250 && made.length < DIGITS && made + digit !== "0") {
        made += digit;
      }
    }
  }
  return made;
}

/** What each camera's password is to be: its own, or one that is made. */
export function wantedOf(cameras: readonly Named[]): Wanted[] {
  return cameras.map(({ id, password }) =>
    password === undefined
      ? { id, password: madeDigits(), isMade: true }
      : { id, password, isMade: false },
  );
}
