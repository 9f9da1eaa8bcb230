import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { connected } from "./connection";
import { ApiProblem } from "./problem";
import { refused } from "./session";

/** How often a read is tried again that a server refuses for now which is there. */
const RETRIES_MAX = 6;

/** How long a read waits at most before it is tried again: unasked, and by the server's wish. */
const RETRY_MS_MAX = 4_000;
const RETRY_ASKED_MS_MAX = 30_000;

/**
 * Whether a read that has failed `count` times before is tried again. A server that is away is
 * waited for; a refusal is shown at once, and one that should pass and does not before long.
 */
export function isTriedAgain(count: number, error: unknown): boolean {
  return (
    error instanceof ApiProblem && error.isPassing && (count < RETRIES_MAX || !connected.get())
  );
}

/** How long to wait before that, in milliseconds. */
export function retryDelay(count: number, error: unknown): number {
  const asked = error instanceof ApiProblem ? error.retryAfterMs : 0;
  return Math.max(Math.min(500 * 2 ** count, RETRY_MS_MAX), Math.min(asked, RETRY_ASKED_MS_MAX));
}

/** What keeps the answers for the views. */
export function queryClient(): QueryClient {
  const onError = (error: unknown) => refused(error, client);
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: isTriedAgain,
        retryDelay,
        // The browser's own word on being online is about its network, not about the server.
        networkMode: "always",
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
  return client;
}
