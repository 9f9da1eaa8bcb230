import type { components } from "../../api/schema";
import type { Search } from "../../search";
import { NAMED_MAX } from "../new-update/target";
import { type Filter, selectorOf } from "./filters";
import type { DeviceRow } from "./list";

/** The most that are frozen one by one: it takes a call each. */
export const FREEZE_MAX = 1_000;

/** With which devices something is to be done: some of the list, or all that a filter means. */
export type Target = { of: "rows"; rows: readonly DeviceRow[] } | { of: "filter"; filter: Filter };

/** Why something can't be done with devices; the words for it are in the texts. */
export type WhyNot =
  | "severalProjects"
  | "severalKinds"
  | "noProject"
  | "tooManyIds"
  | "camerasRestart"
  | "tooManyToFreeze";

/** The one thing that all of them say; undefined if they differ. */
function common(values: readonly string[]): string | undefined {
  const [first, ...others] = new Set(values);
  return others.length === 0 ? first : undefined;
}

/** The project that they are all of; undefined if it is not known, or they are of several. */
export function projectOf(target: Target): string | undefined {
  return target.of === "filter"
    ? target.filter.project
    : common(target.rows.map((row) => row.project));
}

/** What they all are; undefined if it is not known, or they differ. */
export function kindOf(target: Target): string | undefined {
  return target.of === "filter" ? target.filter.kind : common(target.rows.map((row) => row.kind));
}

/** Why no update can be begun with them; null if one can. What a filter leaves open is asked there. */
export function whyNoUpdate(target: Target): WhyNot | null {
  if (target.of === "filter") {
    return null;
  }
  if (projectOf(target) === undefined) {
    return "severalProjects";
  }
  if (kindOf(target) === undefined) {
    return "severalKinds";
  }
  return target.rows.length > NAMED_MAX ? "tooManyIds" : null;
}

/** Why they can't be restarted; null if they can. */
export function whyNoRestart(target: Target): WhyNot | null {
  if (target.of === "filter") {
    const { project, kind, ...filter } = target.filter;
    const isOfCameras = ["status", "credentials", "organization", "manufacturer"].some(
      (name) => name in filter,
    );
    if (kind === "camera" || isOfCameras) {
      return "camerasRestart";
    }
    return project === undefined ? "noProject" : null;
  }
  if (target.rows.some((row) => row.kind !== "phone")) {
    return "camerasRestart";
  }
  return whyNoUpdate(target);
}

/** Why they can't be frozen; null if they can. */
export function whyNoFreeze(target: Target): WhyNot | null {
  if (target.of === "filter") {
    return target.filter.project === undefined ? "noProject" : null;
  }
  return target.rows.length > FREEZE_MAX ? "tooManyToFreeze" : null;
}

/** All that a filter means, as one call freezes or unfreezes them. */
export type Freezing = { project: string } & components["schemas"]["FrozenSelection"];

/** What freezes all that a filter means; undefined where {@link whyNoFreeze} says why not. */
export function freezingOf(filter: Filter): Freezing | undefined {
  const { project, kind } = filter;
  return project === undefined ? undefined : { project, kind, selector: selectorOf(filter) };
}

/** What the address of a new update says of them. */
export function newUpdateOf(target: Target): Search {
  if (target.of === "filter") {
    return { ...target.filter };
  }
  return {
    project: projectOf(target),
    kind: kindOf(target),
    id: target.rows.map((row) => row.id),
  };
}

/** The call that restarts them; undefined where {@link whyNoRestart} says why not. */
export function restartOf(target: Target): components["schemas"]["NewUpdate"] | undefined {
  const project = projectOf(target);
  if (project === undefined || whyNoRestart(target) !== null) {
    return undefined;
  }
  const asked = { project, kind: "phone", restart: true };
  return target.of === "filter"
    ? { ...asked, selector: selectorOf(target.filter) }
    : { ...asked, devices: target.rows.map(({ id }) => ({ id, set: {} })) };
}
