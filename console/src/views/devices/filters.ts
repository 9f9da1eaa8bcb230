import type { components } from "../../api/schema";
import type { Search } from "../../search";

type Selector = components["schemas"]["Selector"];

/** What of an address says which devices are meant, each as the API's query calls it. */
const TEXTS = ["text", "kind", "frozen", "organization", "manufacturer"] as const;
const LISTS = [
  "attention",
  "condition",
  "status",
  "credentials",
  "server",
  "tag",
  "desired",
  "reported",
  "id",
] as const;

type TextName = (typeof TEXTS)[number];
/** What a filter has several values of. */
export type ListName = (typeof LISTS)[number];

/** What a filter is about. */
export type FilterName = TextName | ListName;

/** Which devices are meant. What is left out lets all through. */
export type Filter = Pick<Search, FilterName | "project">;

/** One thing that devices have to be, as it is shown and taken away by itself. */
export type Chip = { name: FilterName; value: string };

/** Splits a tag: `KEY:VALUE`, or `KEY` for any value. */
function tagOf(text: string): [string, string | null] {
  const [key = "", ...rest] = text.split(":");
  return [key, rest.length > 0 ? rest.join(":") : null];
}

/**
 * These tags, of each key one, as a selector holds them and a device has them: a value says more
 * than none, and of two values the last counts. The list would be of no device else, and what is
 * begun with it of many.
 */
function oneOfEachKey(tags: readonly string[]): string[] {
  const kept = new Map<string, string>();
  for (const tag of tags) {
    const [key, value] = tagOf(tag);
    if (value !== null || !kept.has(key)) {
      kept.set(key, tag);
    }
  }
  return [...kept.values()];
}

/** The filter that an address holds. */
export function filterOf(search: Search): Filter {
  const filter: Filter = {};
  if (search.project !== undefined) {
    filter.project = search.project;
  }
  for (const name of TEXTS) {
    const value = search[name];
    const isKnown = name !== "frozen" || value === "true" || value === "false";
    if (value !== undefined && isKnown) {
      filter[name] = value;
    }
  }
  for (const name of LISTS) {
    const values = search[name];
    if (values !== undefined && values.length > 0) {
      filter[name] = name === "tag" ? oneOfEachKey(values) : values;
    }
  }
  return filter;
}

/**
 * What of a filter is shown as chips: not the project, which all views have in common. Ids are one
 * chip however many there are.
 */
export function chipsOf(filter: Filter): Chip[] {
  const chips: Chip[] = [];
  for (const name of TEXTS) {
    const value = filter[name];
    if (value !== undefined) {
      chips.push({ name, value });
    }
  }
  for (const name of LISTS) {
    const values = filter[name] ?? [];
    if (name === "id" && values.length > 0) {
      chips.push({ name, value: "" });
    } else {
      chips.push(...values.map((value) => ({ name, value })));
    }
  }
  return chips;
}

/** The address without what a chip says. */
export function without(search: Search, { name, value }: Chip): Search {
  const left = { ...search };
  switch (name) {
    case "text":
    case "kind":
    case "frozen":
    case "organization":
    case "manufacturer":
    case "id":
      delete left[name];
      break;
    default:
      return toggled(search, name, value, false);
  }
  return left;
}

/** The address with or without a value of a filter; without the last one the filter goes. */
export function toggled(search: Search, name: ListName, value: string, isChosen: boolean): Search {
  const { [name]: before = [], ...left } = search;
  const others = before.filter((each) => each !== value);
  const values = isChosen ? [...others, value] : others;
  const kept = name === "tag" ? oneOfEachKey(values) : values;
  return kept.length > 0 ? { ...left, [name]: kept } : left;
}

/** The address with this text of a filter; an empty one takes it away. */
export function withText(search: Search, name: TextName, text: string): Search {
  const { [name]: _, ...left } = search;
  const trimmed = text.trim();
  return trimmed === "" ? left : { ...left, [name]: trimmed };
}

/** The address of a kind. What only the other kind can be would leave nothing, so it goes. */
export function withKind(search: Search, kind: string): Search {
  const left = withText(search, "kind", kind);
  if (kind === "phone") {
    delete left.status;
    delete left.credentials;
    delete left.organization;
    delete left.manufacturer;
  } else if (kind === "camera") {
    delete left.server;
  }
  return left;
}

/** The address without any filter. */
export function withoutFilters(search: Search): Search {
  const left = { ...search };
  for (const name of [...TEXTS, ...LISTS]) {
    delete left[name];
  }
  return left;
}

/** What of a filter the calls take that list devices. */
export function queryOf({ frozen, ...filter }: Filter) {
  return { ...filter, ...(frozen !== undefined && { frozen: frozen === "true" }) };
}

/** Where devices are exported that are meant: a file, which the browser loads by itself. */
export function exportAddress(filter: Filter, format: "csv" | "jsonl"): string {
  const query = new URLSearchParams({ format, state: "true" });
  for (const name of ["project", ...TEXTS] as const) {
    const value = filter[name];
    if (value !== undefined) {
      query.set(name, value);
    }
  }
  for (const name of LISTS) {
    for (const value of filter[name] ?? []) {
      query.append(name, value);
    }
  }
  return `/api/v1/devices/export?${query}`;
}

/** Splits what a filter of values says: `NAME:VALUE`, or `!NAME` for none. */
export function wantedValue(text: string): { name: string; value: string | null } {
  if (text.startsWith("!")) {
    return { name: text.slice(1), value: null };
  }
  const [name = "", ...rest] = text.split(":");
  return { name, value: rest.join(":") };
}

/** The body of a call that means the devices of a filter; its kind and project stand beside it. */
export function selectorOf(filter: Filter): Selector {
  const values = (["desired", "reported"] as const).flatMap((of) =>
    (filter[of] ?? []).map((text) => ({ ...wantedValue(text), of })),
  );
  const tags = (filter.tag ?? []).map(tagOf);
  // An empty list is refused: it is no way to mean all.
  const selector: Partial<Selector> = {
    ...(filter.server && { servers: filter.server }),
    ...(tags.length > 0 && { tags: Object.fromEntries(tags) }),
    ...(filter.condition && { conditions: filter.condition }),
    ...(filter.attention && { attention: filter.attention }),
    ...(filter.frozen && { frozen: filter.frozen === "true" }),
    ...(filter.status && { statuses: filter.status }),
    ...(filter.credentials && { credentials: filter.credentials }),
    ...(values.length > 0 && { values }),
    ...(filter.organization && { organization: filter.organization }),
    ...(filter.manufacturer && { manufacturer: filter.manufacturer }),
    ...(filter.text && { text: filter.text }),
    ...(filter.id && { ids: filter.id }),
  };
  // The generated type takes what has a default for what is always there, as it is in answers.
  return selector as Selector;
}
