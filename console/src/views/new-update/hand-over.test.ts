import { afterEach, describe, expect, it, vi } from "vitest";
import { handOver } from "./draft";
import { IDS_IN_ADDRESS_MAX } from "./target";

const KEPT_AS = "fleetwright.draft.update";
const ids = (count: number) => Array.from({ length: count }, (_, at) => `id-${at}`);

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

describe("ids that are handed to a new update", () => {
  it("stand in the address while they are few", () => {
    const few = { project: "p", id: ids(IDS_IN_ADDRESS_MAX) };
    expect(handOver(few, "vera")).toBe(few);
    expect(sessionStorage.getItem(KEPT_AS)).toBeNull();
  });

  it("stand in the draft beyond that", () => {
    const many = { project: "p", kind: "phone", id: ids(IDS_IN_ADDRESS_MAX + 1) };
    const address = { project: "p", kind: "phone", tab: "list" };
    expect(handOver(many, "vera")).toEqual(address);
    const kept = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "");
    expect(kept.draft.ids.split("\n")).toEqual(many.id);
    expect(kept.search).toEqual(address);
  });

  it("have nothing with them of what somebody else had typed", () => {
    const values = [{ name: "Name", value: "hers" }];
    const ofVera = { draft: { values }, search: {}, user: "vera" };
    sessionStorage.setItem(KEPT_AS, JSON.stringify(ofVera));
    const many = { project: "p", id: ids(IDS_IN_ADDRESS_MAX + 1) };
    const kept = () => JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "").draft.values;
    handOver(many, "vera");
    expect(kept()).toEqual(values);
    handOver(many, "otto");
    expect(kept()).toEqual([]);
  });

  it("go by the address where nothing is kept", () => {
    const full = () => {
      throw new Error("full");
    };
    vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: full, clear: () => {} });
    const many = { project: "p", id: ids(IDS_IN_ADDRESS_MAX + 1) };
    expect(handOver(many, "vera")).toBe(many);
  });
});
