import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { api, ask } from "./client";
import { ApiProblem } from "./problem";
import type { components } from "./schema";

/** Who one is, and what one may do. */
export type WhoAmI = components["schemas"]["WhoAmI"];

/** What may be done in a project, from the least to the most. */
export type Role = "viewer" | "operator" | "admin";

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/** How one signs in. */
export type Credentials = { user: string; password: string } | { token: string };

/** Who is signed in; null for nobody. */
export const session = queryOptions({
  queryKey: ["session"],
  queryFn: async (): Promise<WhoAmI | null> => {
    try {
      return await ask(api.GET("/api/v1/session"));
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) {
        return null;
      }
      throw error;
    }
  },
  staleTime: 60_000,
});

/** Who is signed in. Only used where somebody is. */
export function useWhoAmI(): WhoAmI | null {
  return useQuery(session).data ?? null;
}

/**
 * Whether the one who is signed in may do what needs this role, in the project or, if none is
 * given, in any. It decides what is offered; the server decides what is done.
 */
export function may(who: WhoAmI | null, role: Role, project?: string): boolean {
  if (who === null) {
    return false;
  }
  if (who.server_admin) {
    return true;
  }
  const enough = (held: string) => ROLES.indexOf(held as Role) >= ROLES.indexOf(role);
  return who.grants.some(
    (grant) => enough(grant.role) && (project === undefined || grant.project === project),
  );
}

/** {@link may} of the one who is signed in. */
export function useMay(role: Role, project?: string): boolean {
  return may(useWhoAmI(), role, project);
}

/** Whether it is the server's administrator who is signed in. */
export function useIsServerAdmin(): boolean {
  return useWhoAmI()?.server_admin ?? false;
}

/** Signs in: the server answers with a cookie that no script can read. */
export async function signIn(credentials: Credentials, client: QueryClient): Promise<void> {
  const who = await ask(api.POST("/api/v1/session/cookie", { body: credentials }));
  client.setQueryData(session.queryKey, who);
}

/** Signs out, and forgets all that was shown. */
export async function signOut(client: QueryClient): Promise<void> {
  await ask(api.DELETE("/api/v1/session"));
  // The session's own query stays: the frame is drawn by it, and would not see another.
  client.setQueryData(session.queryKey, null);
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== session.queryKey[0] });
  client.getMutationCache().clear();
}
