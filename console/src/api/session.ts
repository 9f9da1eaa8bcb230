import {
  type Query,
  type QueryClient,
  queryOptions,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { api, ask } from "./client";
import { ApiProblem } from "./problem";
import type { components } from "./schema";
import { sessionEnd, sessionOver } from "./session-end";

/** Who one is, and what one may do. */
export type WhoAmI = components["schemas"]["WhoAmI"];

/** What may be done in a project, from the least to the most. */
export type Role = "viewer" | "operator" | "admin";

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/** The code of a session that was begun and that the browser does not keep. */
export const NOT_KEPT = "session_not_kept";

/** How one signs in. */
export type Credentials = { user: string; password: string } | { token: string };

/** How old what is known of one's roles has to be for a refusal to say something new. */
const REFUSED_AGAIN_MS = 5_000;

const KEY = ["session"] as const;

/** All that is kept but who is signed in: the frame is drawn by that, and would not see another. */
const ALL_ELSE = { predicate: (query: Query) => query.queryKey[0] !== KEY[0] };

/** Where tabs of one browser tell each other that somebody has signed in or out: it has one cookie. */
const TABS = "fleetwright.session";

/**
 * Who is signed in; null for nobody. Of a session that ends it says who that was, so that the view,
 * with what is typed in it, stays until somebody has signed in again, here or in another tab.
 */
export const session = queryOptions({
  queryKey: KEY,
  queryFn: async ({ client }): Promise<WhoAmI | null> => {
    const before = client.getQueryData<WhoAmI | null>(KEY) ?? null;
    try {
      const who = await ask(api.GET("/api/v1/session"));
      if (before) {
        follow(before, who, client);
      }
      return who;
    } catch (error) {
      if (!(error instanceof ApiProblem && error.status === 401)) {
        throw error;
      }
      if (before) {
        sessionEnd.seen();
      }
      return before;
    }
  },
  staleTime: 60_000,
  refetchOnWindowFocus: "always",
});

/** Whether it is one user, or the server's administrator both times. */
function isSame(one: WhoAmI, other: WhoAmI): boolean {
  return one.user === other.user && one.server_admin === other.server_admin;
}

/** Goes on where the session ended, if it is the same user; else anew. */
function follow(before: WhoAmI | null, who: WhoAmI, client: QueryClient): void {
  if (before === null || !isSame(before, who)) {
    sessionEnd.over(false);
    client.getMutationCache().clear();
    void client.resetQueries(ALL_ELSE);
  } else if (sessionOver.get() !== undefined) {
    sessionEnd.over(true);
    void client.invalidateQueries(ALL_ELSE, { cancelRefetch: false });
  }
}

/**
 * Reads anew who is signed in, and which projects there are, where a refusal says that they may do
 * less than before.
 */
export function refused(error: unknown, client: QueryClient): void {
  const isOfRights =
    error instanceof ApiProblem && (error.status === 403 || error.code === "no_such_project");
  const readAt = client.getQueryState(KEY)?.dataUpdatedAt ?? 0;
  if (isOfRights && Date.now() - readAt > REFUSED_AGAIN_MS) {
    void client.invalidateQueries({ queryKey: KEY });
    void client.invalidateQueries({ queryKey: ["projects"] });
  }
}

/** Tells the other tabs to look who is signed in. */
function tellTabs(): void {
  const tabs = new BroadcastChannel(TABS);
  tabs.postMessage(null);
  tabs.close();
}

/** Looks who is signed in when another tab says that it may be somebody else. */
export function useOtherTabs(): void {
  const client = useQueryClient();
  useEffect(() => {
    const tabs = new BroadcastChannel(TABS);
    tabs.onmessage = () => void client.invalidateQueries({ queryKey: KEY });
    return () => tabs.close();
  }, [client]);
}

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

/**
 * Signs in: the server answers with a cookie that no script can read.
 *
 * @throws {ApiProblem} with the code {@link NOT_KEPT} if the browser does not keep it.
 */
export async function signIn(credentials: Credentials, client: QueryClient): Promise<void> {
  const who = await ask(api.POST("/api/v1/session/cookie", { body: credentials }));
  try {
    await ask(api.GET("/api/v1/session"));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) {
      throw new ApiProblem(401, { code: NOT_KEPT }, "");
    }
    throw error;
  }
  const before = client.getQueryData<WhoAmI | null>(KEY) ?? null;
  // An answer that is under way may be of before.
  await client.cancelQueries({ queryKey: KEY });
  client.setQueryData(KEY, who);
  follow(before, who, client);
  tellTabs();
}

/** Signs out, and forgets all that was shown. */
export async function signOut(client: QueryClient): Promise<void> {
  try {
    await ask(api.DELETE("/api/v1/session"));
  } catch (error) {
    // A session that is over already has been left.
    if (!(error instanceof ApiProblem && error.status === 401)) {
      throw error;
    }
  }
  await client.cancelQueries({ queryKey: KEY });
  client.setQueryData(KEY, null);
  client.removeQueries(ALL_ELSE);
  client.getMutationCache().clear();
  sessionEnd.over(false);
  tellTabs();
}
