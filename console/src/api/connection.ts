import { Store } from "./store";

/** How often a server that is away is looked for. */
const LOOK_EVERY_MS = 2_000;

/** Whether the server answers. */
export const connected = new Store(true);

let looking: ReturnType<typeof setTimeout> | undefined;

/** Looks for the server until it is ready. */
async function look(): Promise<void> {
  const answer = await fetch("/readyz", { cache: "no-store" }).catch(() => undefined);
  // A server that does not have this path in development answers something else than 503 as well.
  if (answer && answer.status < 500) {
    looking = undefined;
    connected.set(true);
    return;
  }
  looking = setTimeout(look, LOOK_EVERY_MS);
}

/** What calls tell of the way to the server. */
export const connection = {
  /** An answer came. */
  reached(): void {
    if (looking !== undefined) {
      clearTimeout(looking);
      looking = undefined;
    }
    connected.set(true);
  },
  /** None came. */
  lost(): void {
    connected.set(false);
    looking ??= setTimeout(look, LOOK_EVERY_MS);
  },
};
