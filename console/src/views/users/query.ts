import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";

/** Who has a role in a project, of whichever project the user is. */
export type Holder = components["schemas"]["GrantHolder"];

/** How many of them are asked for at a time, and how many times at most. */
const HOLDERS_PAGE = 1_000;
const HOLDERS_PAGES_MAX = 5;

/** The users of a project. */
export function usersQuery(project: string) {
  return queryOptions({
    queryKey: ["users", project],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/projects/{project}/users", { params: { path: { project } } })))
        .users,
  });
}

/** Who has a role in a project, by name; the first {@link HOLDERS_PAGES_MAX} pages of them. */
export function holdersQuery(project: string) {
  return queryOptions({
    queryKey: ["users", project, "grants"],
    queryFn: async ({ signal }) => {
      const holders: Holder[] = [];
      let after: string | undefined;
      for (let page = 0; page < HOLDERS_PAGES_MAX; page += 1) {
        const query = { after, limit: HOLDERS_PAGE };
        const params = { path: { project }, query };
        const got = await ask(api.GET("/api/v1/projects/{project}/grants", { params, signal }));
        holders.push(...got.grants);
        after = got.next ?? undefined;
        if (after === undefined) {
          break;
        }
      }
      return { holders, hasMore: after !== undefined };
    },
  });
}

/** What a user may do, in the projects that the viewer administers. */
export function grantsQuery(name: string) {
  return queryOptions({
    queryKey: ["user", name, "grants"],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/users/{name}/grants", { params: { path: { name } } }))).grants,
  });
}

/** A user's tokens. */
export function tokensQuery(name: string) {
  return queryOptions({
    queryKey: ["user", name, "tokens"],
    queryFn: async () =>
      (await ask(api.GET("/api/v1/users/{name}/tokens", { params: { path: { name } } }))).tokens,
  });
}
