import { describe, expect, it } from "vitest";
import type { Search } from "../../search";
import { FIRST_PLAN } from "../updates/plan";
import type { Draft } from "./draft";
import { fieldOf, requestOf } from "./request";
import { idsOf, textOf } from "./target";

const draft: Draft = {
  ids: "",
  file: null,
  values: [{ name: "wm.density", value: "320" }],
  variables: {},
  restart: false,
  plan: FIRST_PLAN,
};
const here: Search = { project: "demo", kind: "phone" };

describe("what is asked for", () => {
  it("of those that a filter means has the filter as its selector", () => {
    const search = { ...here, server: ["s1"], desired: ["Name:a:b", "!Desc"], tag: ["floor:2"] };
    expect(requestOf(search, { ...draft, restart: true }, undefined)).toEqual({
      request: {
        project: "demo",
        kind: "phone",
        set: { "wm.density": "320" },
        restart: true,
        selector: {
          servers: ["s1"],
          tags: { floor: "2" },
          values: [
            { name: "Name", value: "a:b", of: "desired" },
            { name: "Desc", value: null, of: "desired" },
          ],
        },
      },
    });
  });

  it("of ids beside other filters is of those for which all of it holds", () => {
    const search = { ...here, id: ["a", "b"], attention: ["drift"] };
    expect(requestOf(search, { ...draft, ids: "a\nb" }, undefined)).toMatchObject({
      request: { selector: { ids: ["a", "b"], attention: ["drift"] } },
    });
    const { attention: _, ...named } = search;
    expect(requestOf(named, { ...draft, ids: "a\nb" }, undefined)).toMatchObject({
      request: { devices: [{ id: "a" }, { id: "b" }] },
    });
  });

  it("of named devices names each once", () => {
    expect(idsOf(" a, b\n\nb;c，d、e ")).toEqual(["a", "b", "c", "d", "e"]);
    const search = { ...here, kind: "camera", tab: "list" };
    expect(requestOf(search, { ...draft, ids: "a b", restart: true }, undefined)).toEqual({
      request: {
        project: "demo",
        kind: "camera",
        set: { "wm.density": "320" },
        devices: [
          { id: "a", set: {} },
          { id: "b", set: {} },
        ],
      },
    });
  });

  it("takes ids of any characters, as they are handed over", () => {
    const ids = ["front door", "a,b；c", 'say "x"', '"', "a/b?c#d%", "门 1", 'x"y'];
    expect(idsOf(textOf(ids))).toEqual(ids);
    expect(idsOf('"front door", x"y  "unclosed')).toEqual(["front door", 'x"y', '"unclosed']);
  });

  it("of a file is each device's own: values, or variables of the preset", () => {
    const file = { name: "f.csv", text: "id,number\na,1\nb,\n" };
    const search = { ...here, tab: "file" };
    const own = { ...draft, values: [], file, variables: { number: "", other: "x" } };
    expect(requestOf(search, own, undefined)).toEqual({
      lacks: [{ step: "values", what: "someNothing" }],
    });
    const bare = { ...own, file: { name: "f.csv", text: "id\na\n" } };
    expect(requestOf(search, bare, undefined)).toEqual({
      lacks: [{ step: "values", what: "nothing" }],
    });
    expect(requestOf({ ...search, preset: "lobby" }, own, { kind: "phone" })).toEqual({
      request: {
        project: "demo",
        kind: "phone",
        set: {},
        preset: "lobby",
        variables: { other: "x" },
        devices: [
          { id: "a", set: {}, variables: { number: "1" } },
          { id: "b", set: {}, variables: {} },
        ],
      },
    });
  });

  it("says what it lacks", () => {
    expect(requestOf({}, { ...draft, values: [] }, undefined)).toEqual({
      lacks: [
        { step: "devices", what: "project" },
        { step: "devices", what: "kind" },
        { step: "values", what: "nothing" },
      ],
    });
    expect(requestOf({ ...here, tab: "list" }, draft, undefined)).toEqual({
      lacks: [{ step: "devices", what: "ids" }],
    });
  });
});

describe("a refusal", () => {
  it("names its field", () => {
    expect(fieldOf("rollout.canary: must be 0 to 8096")).toBe("rollout.canary");
    expect(fieldOf("values.sys.prop.x: character 20: no")).toBe("values.sys.prop.x");
    expect(fieldOf("no such project: demo")).toBeUndefined();
  });
});
