import type { Search } from "../../search";
import { IDS_IN_ADDRESS_MAX } from "../new-update/target";

/** Which devices an update meant, as it is answered: what is not said is left out. */
type Meant = {
  conditions?: string[];
  ids?: string[];
  manufacturer?: string | null;
  organization?: string | null;
  servers?: string[];
  tags?: Record<string, string | null>;
  text?: string | null;
  values?: { name: string; of: string; value: string | null }[];
  attention?: string[];
  statuses?: string[];
  credentials?: string[];
  frozen?: boolean | null;
};

/**
 * The address by which the list of devices shows whom a selector means now; none where it would
 * have more ids than an address holds.
 */
export function searchOfSelector(project: string, kind: string, meant: Meant): Search | undefined {
  if ((meant.ids?.length ?? 0) > IDS_IN_ADDRESS_MAX) {
    return undefined;
  }
  const said = (of: string) =>
    (meant.values ?? [])
      .filter((value) => value.of === of)
      .map(({ name, value }) => (value === null ? `!${name}` : `${name}:${value}`));
  const tags = Object.entries(meant.tags ?? {});
  const all = {
    server: meant.servers,
    condition: meant.conditions,
    attention: meant.attention,
    status: meant.statuses,
    credentials: meant.credentials,
    id: meant.ids,
    desired: said("desired"),
    reported: said("reported"),
    tag: tags.map(([key, value]) => (value === null ? key : `${key}:${value}`)),
  };
  const lists = Object.entries(all).filter(([, list]) => list !== undefined && list.length > 0);
  return {
    project,
    kind,
    ...Object.fromEntries(lists),
    ...(meant.text && { text: meant.text }),
    ...(typeof meant.frozen === "boolean" && { frozen: String(meant.frozen) }),
    ...(meant.organization && { organization: meant.organization }),
    ...(meant.manufacturer && { manufacturer: meant.manufacturer }),
  };
}
