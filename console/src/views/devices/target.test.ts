import { describe, expect, it } from "vitest";
import { NAMED_MAX } from "../new-update/target";
import type { DeviceRow } from "./list";
import { sampleRow as row } from "./sample";
import {
  FREEZE_MAX,
  freezingOf,
  newUpdateOf,
  restartOf,
  type Target,
  whyNoFreeze,
  whyNoRestart,
  whyNoUpdate,
} from "./target";

const rows = (...rows: DeviceRow[]): Target => ({ of: "rows", rows });
const many = (count: number) => rows(...Array.from({ length: count }, (_, at) => row(`${at}`)));

describe("what can be done with chosen devices", () => {
  it("is an update of one project and one kind", () => {
    expect(whyNoUpdate(rows(row("1"), row("2")))).toBeNull();
    expect(whyNoUpdate(rows(row("1"), row("1", { project: "q" })))).toBe("severalProjects");
    expect(whyNoUpdate(rows(row("1"), row("2", { kind: "camera" })))).toBe("severalKinds");
    expect(whyNoUpdate(many(NAMED_MAX))).toBeNull();
    expect(whyNoUpdate(many(NAMED_MAX + 1))).toBe("tooManyIds");
    expect(newUpdateOf(rows(row("1"), row("2")))).toEqual({
      project: "p",
      kind: "phone",
      id: ["1", "2"],
    });
    expect(newUpdateOf({ of: "filter", filter: { tag: ["a"] } })).toEqual({ tag: ["a"] });
  });

  it("is a restart of phones alone", () => {
    expect(restartOf(rows(row("1"), row("2")))).toEqual({
      project: "p",
      kind: "phone",
      restart: true,
      devices: [
        { id: "1", set: {} },
        { id: "2", set: {} },
      ],
    });
    expect(restartOf({ of: "filter", filter: { project: "p", server: ["s"] } })).toEqual({
      project: "p",
      kind: "phone",
      restart: true,
      selector: { servers: ["s"] },
    });
    expect(restartOf({ of: "filter", filter: {} })).toBeUndefined();
    expect(whyNoRestart({ of: "filter", filter: {} })).toBe("noProject");
    expect(whyNoRestart({ of: "filter", filter: { project: "p", status: ["OnLine"] } })).toBe(
      "camerasRestart",
    );
    expect(whyNoRestart({ of: "filter", filter: { project: "p", organization: "a" } })).toBe(
      "camerasRestart",
    );
    expect(whyNoRestart(rows(row("1", { kind: "camera" })))).toBe("camerasRestart");
  });

  it("is one call that freezes all that a filter means", () => {
    expect(whyNoFreeze({ of: "filter", filter: {} })).toBe("noProject");
    expect(whyNoFreeze({ of: "filter", filter: { project: "p" } })).toBeNull();
    expect(freezingOf({})).toBeUndefined();
    expect(freezingOf({ project: "p", kind: "camera", server: ["s"] })).toEqual({
      project: "p",
      kind: "camera",
      selector: { servers: ["s"] },
    });
  });

  it("is a bounded number of calls", () => {
    expect(whyNoFreeze(many(FREEZE_MAX))).toBeNull();
    expect(whyNoFreeze(many(FREEZE_MAX + 1))).toBe("tooManyToFreeze");
  });
});
