import { describe, expect, it } from "vitest";
import type { Sample } from "./data";
import { hourly, nearest, needing, samplesOf, stacked } from "./history";

function sample(at: string, trouble = 0, drift = 0, restart_pending = 0, pending = 0): Sample {
  return { at: `2026-01-01T${at}:00Z`, total: 100, trouble, drift, restart_pending, pending };
}

describe("the history", () => {
  it("is stacked from the worst up, and drawn from the top down", () => {
    const { at, edges } = stacked([sample("00:00", 1, 2, 3, 4), sample("00:10", 1)]);
    expect(at).toHaveLength(2);
    expect(edges).toEqual([
      { word: "pending", upper: [10, 1] },
      { word: "restart_pending", upper: [6, 1] },
      { word: "drift", upper: [3, 1] },
      { word: "trouble", upper: [1, 1] },
    ]);
    expect(needing(sample("00:00", 1, 2, 3, 4))).toBe(10);
  });

  it("ends with what was counted last", () => {
    const { at: _, total, ...attention } = sample("00:00", 1);
    const overview = {
      as_of: "2026-01-01T00:14:00Z",
      devices: { total, attention },
      history: [sample("00:00"), sample("00:10")],
    };
    expect(samplesOf(overview).map(needing)).toEqual([0, 0, 1]);
    expect(samplesOf({ ...overview, as_of: "2026-01-01T00:10:00Z" })).toBe(overview.history);
    expect(samplesOf({ ...overview, as_of: null })).toBe(overview.history);
  });

  it("has nothing where nothing was counted", () => {
    const { at, edges } = stacked([sample("00:00", 1), sample("00:30", 2), sample("02:00", 3)]);
    expect(at).toHaveLength(5);
    expect(edges[3]?.upper).toEqual([1, 2, null, 3, 3]);
    expect(at[2]).toBe(Date.parse("2026-01-01T01:15:00Z") / 1_000);
  });

  it("begins with a point, which is drawn as a bar", () => {
    const now = Date.parse("2026-01-01T01:00:00Z") / 1_000;
    const { at, edges } = stacked([sample("01:00", 1, 2)]);
    // A hundredth of the hour that is drawn at least.
    expect(at).toEqual([now - 36, now]);
    expect(edges.map(({ upper }) => upper)).toEqual([
      [3, 3],
      [3, 3],
      [3, 3],
      [1, 1],
    ]);
    // So does one that is alone between two gaps, of a longer time.
    const gaps = stacked([sample("00:00"), sample("10:00", 1), sample("20:00")]);
    const seconds = (time: string) => Date.parse(`2026-01-01T${time}:00Z`) / 1_000;
    expect(gaps.at).toEqual([
      seconds("00:00") - 720,
      seconds("00:00"),
      seconds("05:00"),
      seconds("10:00") - 720,
      seconds("10:00"),
      seconds("15:00"),
      seconds("20:00") - 720,
      seconds("20:00"),
    ]);
    expect(stacked([])).toMatchObject({ at: [] });
  });

  it("is told by the hour, the newest first", () => {
    const samples = [sample("00:00", 1), sample("00:50", 2), sample("01:00", 3)];
    expect(hourly(samples).map(needing)).toEqual([3, 2]);
  });

  it("is read at the nearest sample", () => {
    const samples = [sample("00:00", 1), sample("00:10", 2)];
    expect(nearest(samples, Date.parse("2026-01-01T00:06:00Z"))?.trouble).toBe(2);
    expect(nearest([], 0)).toBeUndefined();
  });
});
