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
  /** Of an update's jobs: where they stand, and why they failed; a job that failed for the same. */
  state?: string[];
  code?: string;
  reason?: string;
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
  "reason",
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
    const [text] = textsOf(given[name]);
    if (text !== undefined) {
      search[name] = text;
    }
  }
  for (const name of LISTS) {
    const list = textsOf(given[name]);
    if (list.length > 0) {
      search[name] = list;
    }
  }
  return search;
}

/** The texts of a value, but for empty ones, which say nothing. */
function textsOf(value: unknown): string[] {
  return [value].flat().filter((each): each is string => typeof each === "string" && each !== "");
}

/**
 * Takes apart what stands behind the `?`. All of it is text: an id of twenty digits is no number,
 * and whoever writes an address by hand puts nothing in quotes.
 */
export function parseSearch(text: string): Record<string, string[]> {
  const given = new URLSearchParams(text);
  return Object.fromEntries([...given.keys()].map((name) => [name, given.getAll(name)]));
}

/** Writes what stands behind the `?`: several values of one name as the name several times. */
export function stringifySearch(search: Record<string, unknown>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const each of textsOf(value)) {
      given.append(name, each);
    }
  }
  const text = given.toString();
  return text && `?${text}`;
}
