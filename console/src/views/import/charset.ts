import type { Pace } from "./pace";

/** What a file's text is, or why that can't be told: as the server finds it. */
export type Charset = "utf-8" | "gb18030" | "both" | "unlikely";

/** Bytes that are looked at between two looks at the clock. */
const STEP = 1024 * 1024;

/** What bytes are if they are read as GB18030, by their characters beyond ASCII. */
type Chinese = {
  /** Those of GB 2312: hanzi that are in use, and what goes with them. */
  usual: number;
  /** All others. Texts of other charsets have many. */
  unusual: number;
  /** Hanzi with none beside them. */
  alone: number;
};

/** Whether the bytes are UTF-8. */
async function isUtf8(bytes: Uint8Array, pace: Pace, part: number): Promise<boolean> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (let at = 0; at < bytes.length; at += STEP) {
      decoder.decode(bytes.subarray(at, at + STEP), { stream: true });
      if (pace.isOver) {
        await pace.rest(part);
      }
    }
    decoder.decode();
    return true;
  } catch (error) {
    if (pace.signal?.aborted) {
      throw error;
    }
    return false;
  }
}

/**
 * Whether there are characters beyond ASCII and UTF-8 writes each of them with two bytes: Greek,
 * Cyrillic, letters with accents.
 */
async function isOfTwoBytes(bytes: Uint8Array, pace: Pace, part: number): Promise<boolean> {
  let isAny = false;
  for (let at = 0; at < bytes.length; at += STEP) {
    for (const byte of bytes.subarray(at, at + STEP)) {
      if (byte >= 0xe0) {
        return false;
      }
      isAny ||= byte >= 0x80;
    }
    if (pace.isOver) {
      await pace.rest(part);
    }
  }
  return isAny;
}

/** Reads bytes as GB18030. */
async function chinese(bytes: Uint8Array, pace: Pace, part: number): Promise<Chinese> {
  const found = { usual: 0, unusual: 0, alone: 0 };
  let run = 0;
  let looked = 0;
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    if (first < 0x80) {
      found.alone += run === 1 ? 1 : 0;
      run = 0;
      at += 1;
    } else {
      const second = bytes[at + 1] ?? 0;
      const isOfHanzi = (first >= 0xa1 && first <= 0xa9) || (first >= 0xb0 && first <= 0xf7);
      if (isOfHanzi && second >= 0xa1) {
        found.usual += 1;
      } else {
        found.unusual += 1;
      }
      run += 1;
      // What has a digit there takes four bytes.
      at += second >= 0x30 && second <= 0x39 ? 4 : 2;
    }
    if (at - looked > STEP) {
      looked = at;
      if (pace.isOver) {
        await pace.rest(part);
      }
    }
  }
  found.alone += run === 1 ? 1 : 0;
  return found;
}

/**
 * What the text of a file is: UTF-8 if it can be, else GB18030. All of it is asked, for a part of
 * one may look like the other. `part`: how far the work is that this is a piece of.
 */
export async function charsetOf(bytes: Uint8Array, pace: Pace, part: number): Promise<Charset> {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (await isUtf8(bytes, pace, part)) {
    if (isMarked || !(await isOfTwoBytes(bytes, pace, part))) {
      return "utf-8";
    }
    const { unusual, alone } = await chinese(bytes, pace, part);
    return unusual === 0 && alone === 0 ? "both" : "utf-8";
  }
  const { usual, unusual } = await chinese(bytes, pace, part);
  return unusual * 2 <= usual ? "gb18030" : "unlikely";
}
