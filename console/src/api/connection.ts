import { Store } from "./store";

/** How often a server that is away is looked for. */
const LOOK_EVERY_MS = 2_000;

/** How long it has to say that it is there. */
const ANSWERS_WITHIN_MS = 10_000;

/** Whether the server answers, and can do its work. */
export const connected = new Store(true);

let looking: ReturnType<typeof setTimeout> | undefined;

/** The status of what is at a path; 0 if nothing answers. */
async function statusOf(path: string): Promise<number> {
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
  const answer = await fetch(path, { cache: "no-store", signal }).catch(() => undefined);
  return answer?.status ?? 0;
}

/** Looks for the server; and again until it is ready. */
async function look(): Promise<void> {
  let status = await statusOf("/readyz");
  if (status === 404) {
    // A proxy that keeps this path to itself says nothing of the server. What it thinks of the
    // caller does not matter.
    status = await statusOf("/api/v1/session");
  }
  const isReady = status !== 0 && status < 500;
  looking = isReady ? undefined : setTimeout(look, LOOK_EVERY_MS);
  connected.set(isReady);
}

/** What calls tell of the way to the server. */
export const connection = {
  /** An answer came. */
  reached(): void {
    clearTimeout(looking);
    looking = undefined;
    connected.set(true);
  },

  /** None came. */
  lost(): void {
    connected.set(false);
    looking ??= setTimeout(look, LOOK_EVERY_MS);
  },

  /** Something came that may mean that the server is away: it is looked for at once. */
  doubted(): void {
    looking ??= setTimeout(look, 0);
  },
};

/** What `load` gives. Where it fails while the server is away, it is done again once that is back. */
export async function onceThere<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    clearTimeout(looking);
    await look();
    if (connected.get()) {
      throw error;
    }
  }
  await new Promise<void>((resolve) => {
    const end = connected.watch(() => {
      end();
      resolve();
    });
  });
  return onceThere(load);
}
