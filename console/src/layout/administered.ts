import { useQuery } from "@tanstack/react-query";
import { may, useWhoAmI } from "../api/session";
import { projects, useProject } from "./project";

/** Of how many projects a view that asks for each shows something at once. */
export const ADMINISTERED_MAX = 30;

/**
 * The projects whose administrator the viewer is: the chosen one alone, or all up to
 * {@link ADMINISTERED_MAX}, and whether there are more. `query` says whether they are known yet:
 * that there is none is nothing to tell before.
 */
export function useAdministered() {
  const who = useWhoAmI();
  const project = useProject();
  const query = useQuery(projects);
  const all = (query.data ?? []).map((each) => each.id);
  const ids = (project === undefined ? all : [project]).filter((id) => may(who, "admin", id));
  return { ids: ids.slice(0, ADMINISTERED_MAX), hasMore: ids.length > ADMINISTERED_MAX, query };
}
