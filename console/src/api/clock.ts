/** By how much two clocks may differ for it to be the way of an answer that makes the difference. */
const SAME_WITHIN_MS = 5_000;

/** How far the server's clock is ahead of the browser's. */
let aheadMs = 0;

/** Notes what the server's clock said in an answer, by its header `Date`, which has whole seconds. */
export function heardClock(date: string | null): void {
  const ahead = Date.parse(date ?? "") + 500 - Date.now();
  if (!Number.isNaN(ahead)) {
    aheadMs = Math.abs(ahead) < SAME_WITHIN_MS ? 0 : ahead;
  }
}

/**
 * The time by the server's clock, in milliseconds: ages of what it has recorded are reckoned by it,
 * for the browser's may be hours wrong.
 */
export function serverNow(): number {
  return Date.now() + aheadMs;
}
