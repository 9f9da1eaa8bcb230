import { render } from "@testing-library/react";
import { expect, test } from "vitest";
import { UpdatePhase } from "./Progress";
import type { Update } from "./queries";

const AT = "2026-11-23T05:00:00Z";

/** How the word is toned that says where such an update stands. */
function toneOf(phase: string | null, failed: number, ended: string | null): string | undefined {
  const jobs = { total: 10, pending: 0, waiting: 0, running: 0, succeeded: 10 - failed, failed };
  const plain = { id: "1", project: "p", door: "native", actor: "admin", accepted_at: AT };
  const rollout = phase === null ? null : ({ phase } as Update["rollout"]);
  const update: Update = { ...plain, ended_at: ended, jobs, rollout };
  const { container } = render(<UpdatePhase update={update} />);
  return container.querySelector<HTMLElement>(".badge")?.dataset.tone;
}

test("an update that is over is good only if nothing has failed", () => {
  expect(toneOf(null, 0, AT)).toBe("good");
  expect(toneOf(null, 1, AT)).toBe("bad");
  expect(toneOf("done", 0, AT)).toBe("good");
  expect(toneOf("done", 1, AT)).toBe("bad");
  expect(toneOf("done", 1, null)).toBe("busy");
  expect(toneOf("stopped", 1, null)).toBe("bad");
});
