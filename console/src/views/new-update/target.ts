import type { Search } from "../../search";
import { type Filter, filterOf } from "../devices/filters";

/** How one says which devices are meant: by what they are, by their ids, or by a file of values. */
export type Way = "selection" | "list" | "file";

/** The most ids that an address holds: a server reads no line of any length. */
export const IDS_IN_ADDRESS_MAX = 100;

/** The most devices that an update may name. */
export const NAMED_MAX = 8_096;

/** How the devices are said in an address. */
export function wayOf(search: Search): Way {
  if (search.tab === "list" || search.tab === "file" || search.tab === "selection") {
    return search.tab;
  }
  return search.id ? "list" : "selection";
}

/** The filter of an address by what devices are: not by their ids, which are a way of their own. */
export function selectionOf(search: Search): Filter {
  const { id: _, ...filter } = filterOf(search);
  return filter;
}

/** What an address says of the update's devices and preset, without what it says of anything else. */
export function targetOf(search: Search): Search {
  const { preset, tab } = search;
  return { ...filterOf(search), ...(preset && { preset }), ...(tab && { tab }) };
}

/** Whether an address says anything of which devices are meant, or what with. */
export function saysTarget(search: Search): boolean {
  return Object.keys(targetOf(search)).some((name) => name !== "project");
}

/** The ids in a text: what stands between spaces, commas and lines. Each once, in their order. */
export function idsOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((id) => id !== ""))];
}
