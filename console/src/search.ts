/**
 * What stands behind the `?` of an address, so that each view can be shared as it is shown. One
 * shape serves all views: a list's filters go from view to view with its links.
 */
export type Search = {
  project?: string;
  /** Of devices: free text. */
  text?: string;
  kind?: string;
  server?: string[];
  tag?: string[];
  condition?: string[];
  attention?: string[];
  desired?: string[];
  reported?: string[];
  organization?: string;
  manufacturer?: string;
  /** Of devices: `true` for those that an operator has frozen, `false` for the others. */
  frozen?: string;
  /** Of cameras: whether they are there. */
  status?: string[];
  /** Of cameras: which of their passwords they use. */
  credentials?: string[];
  /** Of devices: these alone. */
  id?: string[];
  /** Of an update's jobs: where they stand, and why they failed. */
  state?: string[];
  code?: string;
  /** The preset that an update begins with. */
  preset?: string;
  /** Which part of a view is shown. */
  tab?: string;
  /** Of the audit. */
  actor?: string;
  action?: string;
};

const TEXTS = [
  "project",
  "text",
  "kind",
  "organization",
  "manufacturer",
  "frozen",
  "code",
  "preset",
  "tab",
  "actor",
  "action",
] as const;

const LISTS = [
  "server",
  "tag",
  "condition",
  "attention",
  "desired",
  "reported",
  "status",
  "credentials",
  "id",
  "state",
] as const;

/** Reads what an address says. What is not known is left out, so that an old link still works. */
export function searchOf(given: Record<string, unknown>): Search {
  const search: Search = {};
  for (const name of TEXTS) {
    const value = given[name];
    // What is no text was one that looks like something else.
    const isText = ["string", "number", "boolean"].includes(typeof value);
    if (isText && value !== "") {
      search[name] = String(value);
    }
  }
  for (const name of LISTS) {
    const value = given[name];
    const list = (Array.isArray(value) ? value : value === undefined ? [] : [value])
      .filter((each) => typeof each === "string" || typeof each === "number")
      .map(String);
    if (list.length > 0) {
      search[name] = list;
    }
  }
  return search;
}
