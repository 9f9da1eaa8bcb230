import { expect, it } from "vitest";
import { addUp, sum } from "./foreseen";

type Devices = Parameters<typeof addUp>[0];

/** Devices that are refused for these reasons; one that is taken where there is none. */
function devices(...reasons: (string | null)[]): Devices {
  return reasons.map((detail, at) => ({
    id: `${at}`,
    away: false,
    changes: [],
    restart: true,
    unchanged: [],
    refused: detail === null ? null : { code: "conflict", detail },
  }));
}

it("adds up the pages of a dry run, the most frequent reason first over all of them", () => {
  const pages = [devices("frozen", null, "frozen"), devices("stopped", "stopped", "stopped")];
  expect(sum(pages.map(addUp))).toEqual({
    accepted: 1,
    refused: 5,
    away: 0,
    reasons: [
      { why: "stopped", count: 3 },
      { why: "frozen", count: 2 },
    ],
  });
});
