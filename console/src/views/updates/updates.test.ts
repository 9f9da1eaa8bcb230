import { describe, expect, it } from "vitest";
import { actsOf } from "./Actions";
import { filterOfJobs } from "./JobsCard";
import { FIRST_PLAN, faultsOf, isAtOnce, planOf } from "./plan";
import type { Update } from "./queries";
import { searchOfSelector } from "./selector";

const jobs = { total: 10, pending: 0, waiting: 0, running: 0, succeeded: 10, failed: 0 };
const plain: Update = {
  id: "1",
  project: "demo",
  door: "cph",
  actor: "admin",
  accepted_at: "2026-11-23T05:00:00Z",
  ended_at: "2026-11-23T05:01:00Z",
  jobs,
};
const inPhase = (phase: string): Update => ({
  ...plain,
  ended_at: null,
  rollout: {
    away: 0,
    begun: 10,
    devices: 20,
    kind: "phone",
    operation: "update",
    phase,
    plan: {},
    refused: 0,
    set: {},
    wave: 1,
    waves: [],
  },
});

describe("what can be done with an update", () => {
  it("goes by where it stands", () => {
    expect(actsOf(plain)).toEqual(["revert"]);
    const open = { ...plain, ended_at: null, jobs: { ...jobs, running: 3, succeeded: 7 } };
    expect(actsOf(open)).toEqual(["cancel"]);
    expect(actsOf(inPhase("running"))).toEqual(["pause", "abort"]);
    expect(actsOf(inPhase("paused"))).toEqual(["resume", "abort", "revert"]);
    expect(actsOf(inPhase("stopped"))).toEqual(["resume", "abort", "revert"]);
    expect(actsOf(inPhase("aborted"))).toEqual(["revert"]);
  });
});

describe("the jobs that an address means", () => {
  it("are those of one reason, where it names a job of that", () => {
    expect(filterOfJobs("all", undefined, undefined)).toEqual({});
    expect(filterOfJobs("open", undefined, undefined)).toEqual({ state: ["open"] });
    const ofCode = { state: ["failed"], code: ["refused"] };
    expect(filterOfJobs("failed", "refused", undefined)).toEqual(ofCode);
    // Jobs of another reason may have the same code.
    const ofReason = { state: ["failed"], same_reason_as: "j" };
    expect(filterOfJobs("failed", "refused", "j")).toEqual(ofReason);
  });
});

describe("a plan", () => {
  it("is the one that was typed", () => {
    expect(planOf(FIRST_PLAN)).toEqual({});
    const form = { ...FIRST_PLAN, isInWaves: true, pauseMinutes: "2", hasWindow: true };
    expect(planOf(form)).toEqual({
      canary: 10,
      wave: 500,
      pause_seconds: 120,
      stop: { failed: null, failed_percent: 5 },
      window: { from: "22:00", to: "06:00" },
    });
    expect(isAtOnce(planOf(FIRST_PLAN), 300)).toBe(true);
    expect(isAtOnce(planOf(form), 300)).toBe(false);
    // Hours say when the one wave begins, not that there are more.
    expect(isAtOnce(planOf({ ...form, canary: "0" }), 300)).toBe(true);
    expect(isAtOnce(planOf({ ...form, canary: "0" }), 501)).toBe(false);
  });

  it("is not begun where a field is wrong", () => {
    const form = { ...FIRST_PLAN, canary: "-1", wave: "0", stopAt: "101", to: FIRST_PLAN.from };
    expect(faultsOf(form)).toEqual([]);
    const waves = { ...form, isInWaves: true, hasWindow: true };
    expect(faultsOf(waves)).toEqual(["canary", "wave", "stopAt", "window"]);
    expect(faultsOf({ ...waves, stopBy: "number" })).toEqual(["canary", "wave", "window"]);
  });
});

describe("whom an update meant", () => {
  it("is shown by the list of devices", () => {
    const meant = {
      servers: ["s1"],
      ids: [],
      tags: { floor: "2", vip: null },
      values: [
        { name: "Name", of: "desired", value: "a:b" },
        { name: "Desc", of: "reported", value: null },
      ],
      text: "lobby",
      organization: null,
      frozen: false,
    };
    expect(searchOfSelector("demo", "phone", meant)).toEqual({
      project: "demo",
      kind: "phone",
      server: ["s1"],
      tag: ["floor:2", "vip"],
      desired: ["Name:a:b"],
      reported: ["!Desc"],
      text: "lobby",
      frozen: "false",
    });
    const many = Array.from({ length: 101 }, (_, index) => `d${index}`);
    expect(searchOfSelector("demo", "phone", { ids: many })).toBeUndefined();
  });
});
