import type { components } from "../../api/schema";
import type { Holder } from "./query";

/** A user who may sign in, and the roles in the projects that one administers. */
export type Roles = {
  name: string;
  /** Whether the account is another project's. */
  isForeign: boolean;
  /** By project; undefined where none is held. */
  roles: Readonly<Record<string, string>>;
};

/**
 * Everybody who has a role in one of the projects or an account in it, by name. Who is disabled is
 * left out: the roles mean nothing any more.
 */
export function rolesOf(
  users: readonly components["schemas"]["User"][],
  holders: readonly { project: string; holders: readonly Holder[] }[],
): Roles[] {
  const found = new Map<string, { isForeign: boolean; roles: Record<string, string> }>();
  for (const user of users) {
    if (!user.disabled_at) {
      found.set(user.name, { isForeign: false, roles: {} });
    }
  }
  for (const { project, holders: held } of holders) {
    for (const { user, role, of_project, disabled_at } of held) {
      if (disabled_at) {
        continue;
      }
      const entry = found.get(user) ?? { isForeign: true, roles: {} };
      entry.isForeign &&= !of_project;
      entry.roles[project] = role;
      found.set(user, entry);
    }
  }
  return [...found]
    .map(([name, entry]) => ({ name, ...entry }))
    .sort((one, other) => one.name.localeCompare(other.name));
}
