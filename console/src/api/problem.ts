import type { components } from "./schema";

/** What the server says of a call that it refuses: an RFC 9457 problem. */
export type ProblemBody = components["schemas"]["Problem"];

/** A call that was refused, or that did not reach the server. */
export class ApiProblem extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The problem's stable code, for programs; `unreachable` if there was no answer. */
  readonly code: string;
  /** The whole answer, for what a code has besides. */
  readonly body: Partial<ProblemBody>;

  constructor(status: number, body: Partial<ProblemBody>, message: string) {
    super(message);
    this.name = "ApiProblem";
    this.status = status;
    this.code = body.code ?? (status === 0 ? "unreachable" : `http_${status}`);
    this.body = body;
  }

  /** That no answer came: the server is away, or the network. */
  static unreachable(): ApiProblem {
    return new ApiProblem(0, {}, "");
  }

  /** Of an answer that is none of success. */
  static async of(response: Response): Promise<ApiProblem> {
    const text = await response.text().catch(() => "");
    let body: Partial<ProblemBody> = {};
    try {
      body = JSON.parse(text) as Partial<ProblemBody>;
    } catch {
      // A proxy's own page: its status says enough.
    }
    const message = body.detail ?? body.title ?? `HTTP ${response.status}`;
    return new ApiProblem(response.status, body, message);
  }

  /** Whether the same call may go through if it is made again later. */
  get isPassing(): boolean {
    return this.status === 0 || [429, 502, 503, 504].includes(this.status);
  }
}
