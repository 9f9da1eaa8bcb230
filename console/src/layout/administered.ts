import { may, useWhoAmI } from "../api/session";
import { useProject, useProjects } from "./project";

/** Of how many projects a view that asks for each shows something at once. */
export const ADMINISTERED_MAX = 30;

/**
 * The projects whose administrator the viewer is: the chosen one alone, or all up to
 * {@link ADMINISTERED_MAX}, and whether there are more.
 */
export function useAdministered(): { ids: string[]; hasMore: boolean } {
  const who = useWhoAmI();
  const project = useProject();
  const all = useProjects().map((each) => each.id);
  const ids = (project === undefined ? all : [project]).filter((id) => may(who, "admin", id));
  return { ids: ids.slice(0, ADMINISTERED_MAX), hasMore: ids.length > ADMINISTERED_MAX };
}
