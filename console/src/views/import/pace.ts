/** For how long the page may be kept waiting at a time, in milliseconds: less than a frame. */
const SLICE_MS = 12;

/**
 * Has what takes long, as reading a large file, give the page its turn now and then, tell how far
 * it is, and end once nobody wants it any more.
 */
export class Pace {
  #until = performance.now() + SLICE_MS;

  /** `onDone` is told which part of the work is done, from 0 to 1. */
  constructor(
    readonly signal?: AbortSignal,
    readonly onDone: (part: number) => void = () => {},
  ) {}

  /** Whether it is the page's turn. */
  get isOver(): boolean {
    return performance.now() > this.#until;
  }

  /** Gives the page its turn. Throws if the work is not wanted any more. */
  async rest(part: number): Promise<void> {
    this.onDone(part);
    await new Promise((resolve) => setTimeout(resolve));
    this.signal?.throwIfAborted();
    this.#until = performance.now() + SLICE_MS;
  }
}
