import { describe, expect, it } from "vitest";
import {
  chipsOf,
  exportAddress,
  filterOf,
  queryOf,
  selectorOf,
  toggled,
  wantedValue,
  withKind,
  without,
  withoutFilters,
  withText,
} from "./filters";

describe("the filter of an address", () => {
  it("leaves out what is not about devices", () => {
    const search = { project: "p", tab: "x", kind: "phone", condition: [], tag: ["a:b"] };
    expect(filterOf(search)).toEqual({ project: "p", kind: "phone", tag: ["a:b"] });
  });

  it("is shown as chips, of ids one", () => {
    const chips = chipsOf({
      project: "p",
      text: "x",
      attention: ["drift", "trouble"],
      id: ["1", "2"],
    });
    expect(chips).toEqual([
      { name: "text", value: "x" },
      { name: "attention", value: "drift" },
      { name: "attention", value: "trouble" },
      { name: "id", value: "" },
    ]);
  });

  it("loses what a chip says, and nothing else", () => {
    const search = { project: "p", attention: ["drift", "trouble"], text: "x", id: ["1"] };
    const one = without(search, { name: "attention", value: "drift" });
    expect(one).toEqual({ project: "p", attention: ["trouble"], text: "x", id: ["1"] });
    const none = without(one, { name: "attention", value: "trouble" });
    expect(none).toEqual({ project: "p", text: "x", id: ["1"] });
    expect(without(none, { name: "id", value: "" })).toEqual({ project: "p", text: "x" });
    expect(withoutFilters(search)).toEqual({ project: "p" });
  });

  it("takes values once, and none as no filter", () => {
    expect(toggled({ server: ["a", "b"] }, "server", "a", true)).toEqual({ server: ["b", "a"] });
    expect(toggled({ project: "p" }, "server", "a", true)).toEqual({ project: "p", server: ["a"] });
    expect(toggled({ server: ["a"] }, "server", "a", false)).toEqual({});
    expect(withText({ text: "a" }, "text", "  ")).toEqual({});
  });

  it("has one tag of each key, the one that says more, and of two values the last", () => {
    expect(filterOf({ tag: ["a:1", "b", "a"] })).toEqual({ tag: ["a:1", "b"] });
    expect(filterOf({ tag: ["a", "a:1", "a:2"] })).toEqual({ tag: ["a:2"] });
    expect(toggled({ tag: ["a:1"] }, "tag", "a:2", true)).toEqual({ tag: ["a:2"] });
    expect(selectorOf(filterOf({ tag: ["a:1", "a"] }))).toEqual({ tags: { a: "1" } });
  });

  it("drops what the chosen kind can't be", () => {
    const search = { server: ["a"], status: ["OnLine"], condition: ["running"] };
    expect(withKind(search, "phone")).toEqual({
      kind: "phone",
      server: ["a"],
      condition: ["running"],
    });
    expect(withKind(search, "camera")).toEqual({
      kind: "camera",
      status: ["OnLine"],
      condition: ["running"],
    });
  });
});

describe("what is made of a filter", () => {
  it("is the address of a file", () => {
    const address = exportAddress({ project: "p", tag: ["a:b c", "d"], kind: "phone" }, "csv");
    expect(address).toBe(
      "/api/v1/devices/export?format=csv&state=true&project=p&kind=phone&tag=a%3Ab+c&tag=d",
    );
  });

  it("is a selector without empty lists", () => {
    expect(selectorOf({ project: "p", kind: "phone" })).toEqual({});
    expect(
      selectorOf({
        server: ["s"],
        tag: ["floor:2:b", "vip"],
        desired: ["Name:a:b"],
        reported: ["!Name"],
        status: ["OffLine"],
        id: ["1"],
      }),
    ).toEqual({
      servers: ["s"],
      tags: { floor: "2:b", vip: null },
      values: [
        { name: "Name", value: "a:b", of: "desired" },
        { name: "Name", value: null, of: "reported" },
      ],
      statuses: ["OffLine"],
      ids: ["1"],
    });
  });

  it("says of frozen whether, not what was typed", () => {
    expect(queryOf({ kind: "phone", frozen: "true" })).toEqual({ kind: "phone", frozen: true });
    expect(queryOf({ kind: "phone" })).toEqual({ kind: "phone" });
    expect(filterOf({ frozen: "maybe" })).toEqual({});
    expect(selectorOf({ frozen: "false" })).toEqual({ frozen: false });
  });

  it("tells an empty value from none", () => {
    expect(wantedValue("a:")).toEqual({ name: "a", value: "" });
    expect(wantedValue("!a")).toEqual({ name: "a", value: null });
  });
});
