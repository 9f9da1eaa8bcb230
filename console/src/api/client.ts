import createClient, { type Middleware } from "openapi-fetch";
import { heardClock } from "./clock";
import { connection } from "./connection";
import { ApiProblem } from "./problem";
import type { paths } from "./schema";
import { sessionEnd } from "./session-end";

/**
 * Sent with every call: no page of another site can send it without being asked first, so the
 * server takes a call by cookie only with it.
 */
const FROM_CONSOLE = { "X-Fleetwright-Console": "1" };

/** How long a call that changes something is tried again while the server is away. */
const CHANGE_TRIED_FOR_MS = 60_000;

/** What a proxy, or the server itself, says while it can't do its work. */
const AWAY = [502, 503, 504];

/**
 * The calls under way: a copy, since the body of a request can be read once, and when each was sent,
 * by {@link sessionEnd}.
 */
const sent = new WeakMap<Request, { copy: Request; at: number }>();

/**
 * Waits where a session has ended until somebody has signed in, and makes the call again: nobody
 * loses what they typed. Calls about the session itself are left alone.
 */
const afterSignIn: Middleware = {
  onRequest({ request }) {
    sent.set(request, { copy: request.clone(), at: sessionEnd.now() });
  },
  async onResponse({ request, response, schemaPath }) {
    heardClock(response.headers.get("Date"));
    if (AWAY.includes(response.status)) {
      connection.doubted();
    } else {
      connection.reached();
    }
    const call = sent.get(request);
    if (!call || response.status !== 401 || schemaPath.startsWith("/api/v1/session")) {
      return undefined;
    }
    const isMadeAgain = await sessionEnd.wait(call.at, request.method !== "GET");
    return isMadeAgain ? fetch(call.copy) : undefined;
  },
};

/** The API, typed by its own document. */
export const api = createClient<paths>({
  baseUrl: typeof window === "undefined" ? "http://localhost" : window.location.origin,
  headers: FROM_CONSOLE,
  // Looked up with each call, so that a test can answer in the server's place.
  fetch: (request) => fetch(request),
  // A device's tag says what is desired of it and nothing of what it shows (its ETag): a browser that
  // asked with the tag that it has kept would show what the device was.
  cache: "no-store",
  // Several values of one name are given as the name several times.
  querySerializer: { array: { style: "form", explode: true } },
});
api.use(afterSignIn);

/** What openapi-fetch gives. */
type Answer<T> = { data?: T; error?: unknown; response: Response };

/**
 * The content of an answer.
 *
 * @throws {ApiProblem} if the call was refused, or did not reach the server.
 */
export async function ask<T>(call: Promise<Answer<T>>): Promise<NonNullable<T>> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw ApiProblem.unreadable();
    }
    // An abort is no loss of the server: whoever aborted does not wait for this.
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      connection.lost();
    }
    throw ApiProblem.unreachable();
  }
  if (answer.error !== undefined || !answer.response.ok) {
    throw problemOf(answer);
  }
  // 204 has no content, and whoever asks for it expects none.
  return (answer.data ?? {}) as NonNullable<T>;
}

/** The problem of an answer, whose body openapi-fetch has read. */
function problemOf({ error, response }: Answer<unknown>): ApiProblem {
  const body = typeof error === "object" && error !== null ? error : {};
  const { detail, title } = body as { detail?: string; title?: string };
  const message = detail ?? title ?? `HTTP ${response.status}`;
  // Not given as a date by this server.
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return new ApiProblem(response.status, body, message, retryAfter * 1_000);
}

/**
 * A call that changes something, made again while the server can't take it. `call` is given the
 * headers that make it safe to do so: the server does what has one `Idempotency-Key` once.
 *
 * @throws {ApiProblem} if it was refused, the server stayed away for a minute, or somebody else has
 * signed in meanwhile.
 */
export async function change<T>(
  call: (headers: { "Idempotency-Key": string }) => Promise<Answer<T>>,
): Promise<NonNullable<T>> {
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const until = Date.now() + CHANGE_TRIED_FOR_MS;
  const began = sessionEnd.now();
  for (let wait = 500; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await ask(call(headers));
    } catch (error) {
      if (!(error instanceof ApiProblem) || !error.isPassing) {
        throw error;
      }
      const pause = Math.max(wait, error.retryAfterMs);
      if (Date.now() + pause > until) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (!sessionEnd.isSame(began)) {
        throw error;
      }
    }
  }
}
