import type { components } from "../../api/schema";
import type { Search } from "../../search";
import { filterOf, selectorOf } from "../devices/filters";
import { FileError, type FileFault, fileOf } from "./csv";
import type { Draft } from "./draft";
import { idsOf, NAMED_MAX, wayOf } from "./target";

/** What is asked for, as the API takes it. */
export type Request = components["schemas"]["NewUpdate"];

/** What is not yet said. */
export type Lack =
  | { step: "devices"; what: "project" | "kind" | "ids" | "tooMany" | "file" }
  | { step: "devices"; what: "fault"; fault: FileFault }
  | { step: "values"; what: "nothing" | "someNothing" };

/** The kind of device that is meant: the address's, or that of the preset. */
export function kindOf(search: Search, preset: { kind: string } | undefined) {
  const kind = preset?.kind ?? search.kind;
  return kind === "phone" || kind === "camera" ? kind : undefined;
}

/** The call that asks for what was put together, without how it goes; or what it lacks. */
export function requestOf(
  search: Search,
  draft: Draft,
  preset: { kind: string } | undefined,
): { request: Request } | { lacks: Lack[] } {
  const lacks: Lack[] = [];
  const kind = kindOf(search, preset);
  const hasPreset = search.preset !== undefined;
  if (!search.project) {
    lacks.push({ step: "devices", what: "project" });
  }
  if (!kind) {
    lacks.push({ step: "devices", what: "kind" });
  }
  const set = Object.fromEntries(draft.values.map((line) => [line.name, line.value]));
  const request: Request = { project: search.project ?? "", kind, set };
  if (draft.restart && kind === "phone") {
    request.restart = true;
  }
  if (search.preset !== undefined) {
    request.preset = search.preset;
    const given = Object.entries(draft.variables).filter(([, value]) => value !== "");
    request.variables = Object.fromEntries(given);
  }
  const way = wayOf(search);
  // Of how many devices the file itself asks something.
  let asked: "none" | "some" | "all" = "none";
  if (way === "selection") {
    request.selector = selectorOf(filterOf(search));
  } else if (way === "list") {
    const ids = idsOf(draft.ids);
    if (ids.length === 0) {
      lacks.push({ step: "devices", what: "ids" });
    } else if (ids.length > NAMED_MAX) {
      lacks.push({ step: "devices", what: "tooMany" });
    }
    request.devices = ids.map((id) => ({ id, set: {} }));
  } else if (!draft.file) {
    lacks.push({ step: "devices", what: "file" });
  } else {
    try {
      const { devices } = fileOf(draft.file.text);
      const have = devices.map((device) => Object.keys(device.own).length > 0);
      asked = have.every(Boolean) ? "all" : have.some(Boolean) ? "some" : "none";
      request.devices = devices.map(({ id, own }) =>
        hasPreset ? { id, set: {}, variables: own } : { id, set: own },
      );
    } catch (error) {
      if (!(error instanceof FileError)) {
        throw error;
      }
      lacks.push({ step: "devices", what: "fault", fault: error.fault });
    }
  }
  const asks = draft.values.length > 0 || hasPreset || request.restart;
  if (!asks && asked !== "all") {
    lacks.push({ step: "values", what: asked === "none" ? "nothing" : "someNothing" });
  }
  return lacks.length > 0 ? { lacks } : { request };
}

/** The field that a refusal begins with: `rollout.canary: must be 0 to 8096`. */
export function fieldOf(message: string): string | undefined {
  return /^([A-Za-z][\w.*-]*(?:, [\w.*-]+)*): /.exec(message)?.[1];
}
