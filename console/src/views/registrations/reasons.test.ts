import { expect, it } from "vitest";
import { type Refused, reasonsOf } from "./reasons";

function refused(id: string, why: string, at: string): Refused {
  return {
    id,
    why,
    at,
    text: `because ${why}`,
    detail: "",
    count: 3,
    first_at: at,
    remote: "192.0.2.1:5060",
    transport: "udp",
  };
}

it("counts a camera once for a reason, and puts the reason of most first", () => {
  const reasons = reasonsOf([
    refused("1", "wrong_digest", "2026-01-01T00:00:03Z"),
    refused("2", "unknown_id", "2026-01-01T00:00:02Z"),
    refused("2", "unknown_id", "2026-01-01T00:00:04Z"),
    refused("3", "unknown_id", "2026-01-01T00:00:01Z"),
  ]);
  expect(reasons).toEqual([
    { why: "unknown_id", text: "because unknown_id", cameras: 2, last: "2026-01-01T00:00:04Z" },
    { why: "wrong_digest", text: "because wrong_digest", cameras: 1, last: "2026-01-01T00:00:03Z" },
  ]);
});
