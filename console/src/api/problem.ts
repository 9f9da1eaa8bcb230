import type { components } from "./schema";

/** What the server says of a call that it refuses: an RFC 9457 problem. */
export type ProblemBody = components["schemas"]["Problem"];

/** The statuses that pass: too much is asked, or what is between here and the store is away. */
const PASSING = [0, 429, 502, 503, 504];

/** The code of a call that is being made already, by an earlier attempt. */
const IN_PROGRESS = "idempotency_in_progress";

/** A call that was refused, or that did not reach the server. */
export class ApiProblem extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The problem's stable code, for programs; `unreachable` if there was no answer. */
  readonly code: string;
  /** The whole answer, for what a code has besides. */
  readonly body: Partial<ProblemBody>;
  /** How long the server asks to wait before the call is made again; 0 if it does not say. */
  readonly retryAfterMs: number;

  constructor(status: number, body: Partial<ProblemBody>, message: string, retryAfterMs = 0) {
    super(message);
    this.name = "ApiProblem";
    this.status = status;
    this.code = body.code ?? (status === 0 ? "unreachable" : `http_${status}`);
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }

  /** That no answer came: the server is away, or the network. */
  static unreachable(): ApiProblem {
    return new ApiProblem(0, {}, "");
  }

  /** That what came is nothing of this API's: a proxy's own page, say. */
  static unreadable(): ApiProblem {
    return new ApiProblem(200, { code: "unreadable" }, "");
  }

  /** Whether the same call may go through if it is made again later. */
  get isPassing(): boolean {
    return PASSING.includes(this.status) || this.code === IN_PROGRESS;
  }
}
