import { describe, expect, it } from "vitest";
import { type Device, LINES_MAX, nothingYet, withPage } from "./predicted";

const base = { changes: [], unchanged: [], away: false, restart: false };
const change = (acts: string) => ({ name: "a", to: "1", desired: null, shown: "0", acts });
const refused = (property: string | null, detail: string) => ({
  code: "property_invalid",
  property,
  detail,
});

describe("a dry run", () => {
  it("is summed up over its pages", () => {
    const first: Device[] = [
      { ...base, id: "1", changes: [change("at_once"), change("after_restart")] },
      { ...base, id: "2", changes: [change("after_restart")], restart: true, away: true },
      { ...base, id: "3", unchanged: ["a"] },
    ];
    const second: Device[] = [
      { ...base, id: "4", refused: refused("a", "no") },
      { ...base, id: "5", refused: refused("b", "never") },
      { ...base, id: "6", refused: refused("b", "never") },
      { ...base, id: "7", changes: [change("recreate")] },
    ];
    const after = withPage(withPage(nothingYet(), first), second);
    expect(after).toMatchObject({
      devices: 7,
      changed: 3,
      same: 1,
      refused: 3,
      away: 1,
      restarted: 1,
      needRestart: 1,
      needRecreate: 1,
      linesLeftOut: 0,
    });
    expect(after.reasons).toEqual([
      { code: "property_invalid", property: "b", detail: "never", count: 2, devices: ["5", "6"] },
      { code: "property_invalid", property: "a", detail: "no", count: 1, devices: ["4"] },
    ]);
    expect(after.lines.map((line) => `${line.device} ${line.outcome}`)).toEqual([
      "1 change",
      "1 change",
      "2 change",
      "3 same",
      "4 refused",
      "5 refused",
      "6 refused",
      "7 change",
    ]);
  });

  it("does not call a device the same that is restarted", () => {
    const after = withPage(nothingYet(), [{ ...base, id: "1", restart: true }]);
    expect(after).toMatchObject({ changed: 0, same: 0, restarted: 1 });
    expect(after.lines.map((line) => line.outcome)).toEqual(["restart"]);
  });

  it("keeps no more lines than can be looked at, and refusals before others", () => {
    const same = Array.from({ length: LINES_MAX + 5 }, (_, index) => ({
      ...base,
      id: `s${index}`,
      unchanged: ["a"],
    }));
    const wrong = { ...base, id: "r", refused: refused("a", "no") };
    const after = withPage(nothingYet(), [...same, wrong]);
    expect(after.devices).toBe(LINES_MAX + 6);
    expect(after.lines).toHaveLength(LINES_MAX + 1);
    expect(after.lines.at(-1)?.device).toBe("r");
    expect(after.linesLeftOut).toBe(5);
  });

  it("folds reasons of one code once there are too many", () => {
    const page = Array.from({ length: 130 }, (_, index) => ({
      ...base,
      id: `d${index}`,
      refused: refused("a", `value ${index}`),
    }));
    const after = withPage(nothingYet(), page);
    expect(after.reasons).toHaveLength(100);
    expect(after.reasons.reduce((sum, reason) => sum + reason.count, 0)).toBe(130);
  });
});
