import type { Search } from "../../search";
import { filterOf } from "../devices/filters";

/** How one says which devices are meant: by what they are, by their ids, or by a file of values. */
export type Way = "selection" | "list" | "file";

/** The most ids that an address holds: a server reads no line of any length. */
export const IDS_IN_ADDRESS_MAX = 100;

/** The most devices that an update may name. */
export const NAMED_MAX = 8_096;

/** How the devices are said in an address. Ids beside other filters are one of these. */
export function wayOf(search: Search): Way {
  if (search.tab === "list" || search.tab === "file" || search.tab === "selection") {
    return search.tab;
  }
  const { project: _, kind: __, id, ...others } = filterOf(search);
  return id && Object.keys(others).length === 0 ? "list" : "selection";
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

/** What parts ids that are typed, and what has such in it: an id may be any text. */
const PARTED = /[\s,;，；、]/;
const IDS = /"((?:[^"]|"")+)"|[^\s,;，；、]+/g;

/**
 * The ids in a text: what stands between spaces, commas and lines, or, with these in it, between
 * quotation marks. Each once, in their order.
 */
export function idsOf(text: string): string[] {
  const ids = [...text.matchAll(IDS)].map(
    ([bare, quoted]) => quoted?.replaceAll('""', '"') ?? bare,
  );
  return [...new Set(ids)];
}

/** Ids as the text of which {@link idsOf} makes them. */
export function textOf(ids: readonly string[]): string {
  const isBare = (id: string) => !PARTED.test(id) && !id.startsWith('"');
  return ids.map((id) => (isBare(id) ? id : `"${id.replaceAll('"', '""')}"`)).join("\n");
}
