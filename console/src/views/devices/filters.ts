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
type ListName = (typeof LISTS)[number];

/** What a filter is about. */
export type FilterName = TextName | ListName;

/** Which devices are meant. What is left out lets all through. */
export type Filter = Pick<Search, FilterName | "project">;

/** One thing that devices have to be, as it is shown and taken away by itself. */
export type Chip = { name: FilterName; value: string };

/** The filter that an address holds. */
export function filterOf(search: Search): Filter {
  const filter: Filter = {};
  if (search.project !== undefined) {
    filter.project = search.project;
  }
  for (const name of TEXTS) {
    const value = search[name];
    if (value !== undefined) {
      filter[name] = value;
    }
  }
  for (const name of LISTS) {
    const values = search[name];
    if (values !== undefined && values.length > 0) {
      filter[name] = values;
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
    default: {
      const values = (search[name] ?? []).filter((each) => each !== value);
      if (values.length > 0) {
        left[name] = values;
      } else {
        delete left[name];
      }
    }
  }
  return left;
}

/** The address with these values of a filter; none takes the filter away. */
export function withValues(search: Search, name: ListName, values: readonly string[]): Search {
  const { [name]: _, ...left } = search;
  const distinct = [...new Set(values)];
  return distinct.length > 0 ? { ...left, [name]: distinct } : left;
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
  const tags = (filter.tag ?? []).map((text): [string, string | null] => {
    const [key = "", ...rest] = text.split(":");
    return [key, rest.length > 0 ? rest.join(":") : null];
  });
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
